import os, signal, time, uuid, re, asyncio
import pytest
from tests.unit.notifier import events
pytestmark = pytest.mark.timeout(120)
async def test_profile(make_notifier):
    n = await make_notifier()
    prof = {"PYTHONPATH":"/tmp/profsite","PROF_OUT":"/tmp/notifier.prof"} if os.environ.get("WITH_PROF") else {}
    await n.start(**prof); await n.ready()
    N=150
    base = events.marketplace_ticket(email=f"claire@{n.domain}").to_json().decode()
    rid = events.marketplace_ticket(email="a@b.fr").data.request_id
    evid = events.marketplace_ticket(email="a@b.fr").id
    recs=[]
    for i in range(N):
        recs.append(base.replace(str(rid), str(uuid.uuid4())).replace(f'"id":"{evid}"', f'"id":"{uuid.uuid4()}"').replace("claire@", f"c{i}@").encode())
    def cpu():
        f=open(f"/proc/{n.process.pid}/stat").read().split(); return (int(f[13])+int(f[14]))/100
    await asyncio.sleep(1)
    c=cpu(); 
    if prof: os.kill(n.process.pid, signal.SIGUSR1)
    w=time.monotonic()
    await n.publish("tickets_marketplace", *recs)
    w2=time.monotonic()
    await n.settled({"sent": 3*N}, within_s=60)
    m=await n.metrics()
    print("PROF publish", round(w2-w,2), "drain", round(time.monotonic()-w,2), "cpu", round(cpu()-c,2), "ms/mail", round((cpu()-c)*1000/(3*N),2))
    print([l for l in m.splitlines() if "message_seconds_sum" in l or "delivery_seconds_sum" in l])
    await n.stop()
