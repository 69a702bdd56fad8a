"""A dead letter's record on a terminal: readable, and never in control of it."""

from cli.dead.showing import reveal
from runtime.dead_letters import Original


def test_controls_are_escaped_and_no_break_spaces_are_not() -> None:
    value = "Délai\u00a0: 8\u00a0h\u202f;\n\x1b[31m\u202e".encode()
    shown = reveal(Original(key=None, value=value, headers=()))
    assert shown == "key: (null)\n\nDélai\u00a0: 8\u00a0h\u202f;\n\\x1b[31m\\x202e"
