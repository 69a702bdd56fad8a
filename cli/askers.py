"""Who runs a command that reads evidence: the operator, or an officer of the DPO's by their id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Self

import typer

from desk.facts import Officer
from services.consent.domain.entry import THE_LOG, Role
from services.consent.domain.persons import Persons

_DPO: Final = "dpo"
OPERATOR: Final = "operator"
As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="operator|dpo:ID",
        help="Who asks: that is put on record; ID as in officers.yaml.",
    ),
]


class NotAnOfficer(Exception):
    """Nobody reads as the DPO without being an officer who may today; says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The role that goes on record, and for the DPO's whose it is."""

    role: Role
    officer: str = ""

    @classmethod
    def of(cls, given: str) -> Self:
        """Return who ``--as`` says it is; raises ``NotAnOfficer``."""
        role, _, officer = given.partition(":")
        if given == OPERATOR:
            return cls(role="operator")
        if role == _DPO and officer:
            return cls(role="dpo", officer=officer)
        raise NotAnOfficer("--as: operator, or dpo:ID with an officer's id of officers.yaml")

    async def commit(
        self, officers: Mapping[str, Officer], persons: Persons, *, today: date
    ) -> str | None:
        """
        Keep who the officer is beside the log, as the DPO's page does; return the commitment.

        Raises ``NotAnOfficer`` and ``Unavailable``.
        """
        if self.role != _DPO:
            return None
        officer = officers.get(self.officer)
        if officer is None or not officer.is_valid(today):
            raise NotAnOfficer("--as: no officer of officers.yaml with this id may read today")
        known = {"id": officer.id, "name": officer.name}
        return (await persons.keep(THE_LOG, f"dpo:{officer.id}", known)).commitment
