"""Whoever is listed for a later day may not act before it; the attempt is on record and told."""

import shutil
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from deploy.local.services import DESK
from services.consent.domain.lifecycle import tells_dpo
from tests.integration.consent.deciding import says
from tests.integration.consent.stage import BASTIEN, Stage, staged

FIRST_DAY = date(2035, 3, 2)


@pytest.fixture
async def early(tmp_path: Path, mongo_uri: str, mongo_database: str) -> AsyncIterator[Stage]:
    """Run the service of a desk that lists Bastien for a later day."""
    desk = Path(shutil.copytree(DESK, tmp_path / "desk"))
    listed = (desk / "assistants.yaml").read_text("utf-8")
    later = listed.replace("valid_from: 2026-03-02", f"valid_from: {FIRST_DAY}")
    assert later != listed
    (desk / "assistants.yaml").write_text(later, "utf-8")
    async with staged(tmp_path, mongo_uri, mongo_database, desk=desk) as stage:
        yield stage


async def test_before_the_first_day_an_assistant_is_refused_recorded_and_the_dpo_told(
    early: Stage,
) -> None:
    bastien, consent = await early.assistant(BASTIEN), early.consent
    assert (await bastien.http.get("/v1/sessions")).status_code == 403
    assert await early.size() == 0
    refused = await bastien.offer()
    assert (refused.status_code, refused.json()["type"][-17:]) == (403, "expired-assistant")
    says(await (await early.browser()).sign_in(early.login_link(BASTIEN)), 403)
    (entry,) = await consent.connections.log.read(0, 10)
    assert (entry.draft.type, entry.draft.reason) == ("refused-act", "expired-assistant")
    assert BASTIEN not in entry.content.decode()
    assert tells_dpo(entry.draft)
    assert "checkpoint" in [one.data.template for one in await consent.notices_for(entry)]
    told = (await (await early.at_dpo()).ask("overview")).text
    assert "a pris fin, ou n’a pas encore commencé" in told
    today = consent._desk.calendar.local(early.clock()).date()
    for days, status in (((FIRST_DAY - today).days - 1, 403), (1, 201)):
        early.clock.advance(days=days)
        assert (await bastien.offer()).status_code == status
