"""The log in memory keeps the promises of the real one."""

from datetime import UTC, datetime

import pytest

from services.consent.domain.log import EvidenceLog
from tests.unit.consent.evidence_log_contract import EvidenceLogContract
from tests.unit.consent.fake_log import FakeEvidenceLog


class TestFakeEvidenceLog(EvidenceLogContract):
    @pytest.fixture
    def log(self) -> EvidenceLog:
        return FakeEvidenceLog(now=lambda: datetime.now(UTC))
