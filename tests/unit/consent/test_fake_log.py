"""The log in memory keeps the promises of the real one."""

from datetime import UTC, datetime

import pytest

from services.consent.handlers import about_log
from tests.unit.consent.evidence_log_contract import EvidenceLogContract
from tests.unit.consent.fake_log import FakeEvidenceLog


class TestFakeEvidenceLog(EvidenceLogContract):
    @pytest.fixture
    def log(self) -> about_log.Log:
        return FakeEvidenceLog(now=lambda: datetime.now(UTC))
