"""Settings that would do harm are refused."""

import pytest
from pydantic import ValidationError

from services.notifier.settings import SmtpSettings


@pytest.mark.parametrize("tls", ["none", "if-offered"])
def test_no_password_goes_in_the_clear(tls: str) -> None:
    with pytest.raises(ValidationError, match="a username needs tls"):
        SmtpSettings.model_validate({"host": "relay", "port": 25, "tls": tls, "username": "us"})


def test_a_username_is_taken_with_tls() -> None:
    said = {"host": "relay", "port": 587, "tls": "starttls", "username": "us"}
    assert SmtpSettings.model_validate(said).username == "us"
