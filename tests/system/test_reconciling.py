"""From the remote tool's report to the DPO's mailbox, through the running system."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.folders import PROJECT
from tests.system.evidence import take_evidence
from tests.system.mailbox import Mail
from tests.system.running import System, dice, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAIL_WITHIN_S = 45.0


async def test_the_dpo_is_told_of_a_connection_that_nothing_authorized_and_only_once(
    system: System,
) -> None:
    device, began = dice().getrandbits(30), datetime.now(UTC) - timedelta(days=2)
    report = system.folder / f"report-{device}.csv"
    report.write_text(
        "Utilisateur;ID;Début;Fin;Remarques\n"
        f"Lucie Garnerot;{device};{began.isoformat()};{began.isoformat()};\n",
        encoding="utf-8-sig",
    )
    told = len(_alerts(system))
    assert "1 without authorization, 0 too long, 0 by strangers; 1 new on" in await _reconcile(
        system, report
    )

    async def alerts() -> list[Mail]:
        return _alerts(system)[told:]

    (alert,) = await until(alerts, within_s=MAIL_WITHIN_S, what="the DPO's mail")
    assert "aucune autorisation" in alert.text
    assert str(device) not in alert.text
    assert "; 0 new on record" in await _reconcile(system, report)
    evidence = await take_evidence(system.stack, system.folder)
    assert evidence.status == 0, evidence.finding
    kinds = [entry["type"] for entry in evidence.entries]
    of_ours = [kind for kind in kinds if kind.startswith(("evidence-", "connection-"))]
    assert of_ours[-6:] == [
        *("evidence-read", "connection-unauthorized", "evidence-read"),
        *("evidence-read", "evidence-read", "evidence-exported"),
    ]
    assert len(await alerts()) == 1


def _alerts(system: System) -> list[Mail]:
    mails = system.mailbox.to(system.desk.contacts.dpo.address)
    return [mail for mail in mails if "connexion sans autorisation" in mail.subject]


async def _reconcile(system: System, report: Path) -> str:
    aiguillage = Path(sys.executable).with_name("aiguillage")
    keys = ("--keys", str(system.stack.keys_dir), "--mongo-uri", system.stack.mongo)
    database = ("--database", f"{system.stack.database}_consent")
    process = await asyncio.create_subprocess_exec(
        *(str(aiguillage), "evidence", "reconcile", str(report), *keys, *database),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()
