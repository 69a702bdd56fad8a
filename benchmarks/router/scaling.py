"""What a second instance of the router adds."""

from benchmarks.router.clients import ROUTER_GROUP, Client, router
from benchmarks.router.stage import Stage
from benchmarks.router.throughput import Run, judged, output_at, running, watch, work
from schemas import topics

INSTANCES = 2


async def scaled(stage: Stage, client: Client) -> Run:
    """
    Run two instances over the same requests.

    The requests become visible when both have their partitions: else the first to come would
    have answered many before the second joins.
    """
    cluster = stage.cluster
    place = client.place(cluster.bootstrap, "scaling")
    todo = work(len(stage.requests))
    names = [f"router-{number}" for number in range(1, INSTANCES + 1)]
    specs = [router(place, stage.parts, name=name) for name in names]
    await cluster.renew([topics.REQUESTS])
    async with (
        cluster.hidden(topics.REQUESTS, stage.requests) as show,
        output_at(stage, client, place) as output,
    ):
        async with running(stage, specs) as children:
            for child in children:
                await child.wait_ready()
            await cluster.joined(ROUTER_GROUP, members=INSTANCES)
            await show()
            samples = await watch(stage, place, output, children, todo)
        return await judged(output, samples, todo)
