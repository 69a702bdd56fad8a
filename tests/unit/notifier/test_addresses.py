"""Which addresses can be written to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.addresses import Undeliverable, to_wire


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("claire@mairie.example", "claire@mairie.example"),
        ("  Claire.Moutarde+aide@Mairie.EXAMPLE ", "Claire.Moutarde+aide@mairie.example"),
        ("o'brien@mairie.example", "o'brien@mairie.example"),
        ("claire@mairie-été.example", "claire@xn--mairie-t-h1ab.example"),
        ("claire@straße.example", "claire@xn--strae-oqa.example"),
    ],
)
def test_an_address_goes_on_the_wire_in_ascii(address: str, wire: str) -> None:
    assert to_wire(address) == wire


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("andré@mairie.example", "needs-smtputf8"),
        ("claire", "no-address"),
        ("@mairie.example", "no-address"),
        ("claire@", "no-address"),
        ("claire@localhost", "bad-domain"),
        ("claire@mairie..example", "bad-domain"),
        ("claire@[127.0.0.1]", "bad-domain"),
        ("claire@mairie.example, other@mairie.example", "bad-local-part"),
        ("claire@mairie.example\r\nRCPT TO:<x@y.example>", "bad-local-part"),
        ("<claire@mairie.example>", "bad-local-part"),
        ('"claire"@mairie.example', "bad-local-part"),
        ("claire..m@mairie.example", "bad-local-part"),
        ("claire@mairie\u3002example\u200b", "bad-domain"),
        (f"{'a' * 65}@mairie.example", "bad-local-part"),
        (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.example", "too-long"),
        (f"a@{'b' * 320}.example", "bad-domain"),
    ],
)
def test_what_cannot_be_written_to_is_refused_with_a_code(address: str, code: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        to_wire(address)
    assert refused.value.code == code


@given(st.text(max_size=300))
def test_what_comes_out_can_go_into_a_command(text: str) -> None:
    try:
        wire = to_wire(text)
    except Undeliverable:
        return
    assert wire.isascii()
    assert len(wire) <= 254
    assert not set(wire) & set(' <>",;()[]\r\n\t\\')
