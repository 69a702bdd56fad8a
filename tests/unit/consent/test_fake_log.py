"""The log in memory keeps the promises of the real one."""

import pytest

from services.consent.handlers import about_log
from tests.unit.consent.evidence_log_contract import Clock, EvidenceLogContract
from tests.unit.consent.fake_log import FakeEvidenceLog


class TestFakeEvidenceLog(EvidenceLogContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def log(self, clock: Clock) -> about_log.Log:
        return FakeEvidenceLog(now=clock)
