"""The checkpoint and its tiles over HTTP: to anyone, for ever, and nothing that is not signed."""

import httpx

from tests.integration.consent.stage import Stage

FOR_EVER = "public, max-age=31536000, immutable"


async def get(stage: Stage, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=stage.url, trust_env=False) as stranger:
        return await stranger.get(path)


async def test_tiles_end_where_the_newest_checkpoint_does(stage: Stage) -> None:
    connections = stage.consent.connections
    await stage.started()
    assert (await get(stage, "/checkpoint")).status_code == 404
    assert (await get(stage, "/tile/0/000.p/1")).status_code == 404

    await connections.checkpoints.write()
    size = await stage.size()
    note = await get(stage, "/checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "no-store"
    assert note.text.split("\n")[1] == str(size)

    await stage.started()  # on record, and not signed yet
    leaves = await connections.log.leaf_hashes(0, size)
    for width in range(1, size + 1):
        tile = await get(stage, f"/tile/0/000.p/{width}")
        assert tile.content == b"".join(leaves[:width])
    assert tile.headers["content-type"] == "application/octet-stream"
    assert tile.headers["cache-control"] == FOR_EVER
    for beyond in (f"0/000.p/{size + 1}", "0/000", "0/001", "1/000.p/1", "nonsense", "0/000/x"):
        refused = await get(stage, f"/tile/{beyond}")
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.status_code, refused.headers["cache-control"]) == (404, "no-store")


async def test_entries_are_not_given_to_strangers(stage: Stage) -> None:
    await stage.started()
    await stage.consent.connections.checkpoints.write()
    before = await stage.size()
    refused = await get(stage, "/tile/entries/000.p/1")
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:aiguillage:problem:entries-not-public"
    assert await stage.size() == before
