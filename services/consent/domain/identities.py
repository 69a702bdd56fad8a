"""Whom a mail address stands for among the records of people, and which records are theirs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from desk.facts import Assistant, Officer
from desk.values import as_tool_user
from services.consent.domain.persons import PersonRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """
    An adherent by their address; an assistant or officer by the ids that the desk declares for it.

    ``names`` are the address itself, the ids and what the identity provider calls them, all as
    compared; ``accounts`` those of the remote tool.
    """

    address: str
    names: frozenset[str]
    accounts: frozenset[str]

    @classmethod
    def of(cls, address: str, assistants: Iterable[Assistant], officers: Iterable[Officer]) -> Self:
        """Return whom the address, or an id in its place, stands for."""
        asked = _compared(address)
        names, accounts = {asked}, {as_tool_user(address)}
        for assistant in assistants:
            users = {as_tool_user(user) for user in assistant.tool_users}
            known = {*_names(assistant), _compared(assistant.address)}
            if asked in known or as_tool_user(address) in users:
                names |= _names(assistant)
                accounts |= users
        for officer in officers:
            if asked in _names(officer):
                names |= _names(officer)
        return cls(address=asked, names=frozenset(names), accounts=frozenset(accounts))

    def has(self, record: PersonRecord) -> bool:
        """Return whether a record is about this person."""
        value = record.value
        match record.group:
            case "adherent":
                return _compared(value.get("email", "")) == self.address
            case "assistant" | "dpo" | "stranger":
                return _compared(value.get("id", "")) in self.names
            case "connection":
                return bool(self.accounts & _accounts(value))
            case _:
                return False


def _names(person: Assistant | Officer) -> set[str]:
    return {_compared(name) for name in (person.id, person.subject or person.id)}


def _accounts(value: Mapping[str, str]) -> set[str]:
    return {as_tool_user(value[name]) for name in ("user", "user_id") if name in value}


def _compared(name: str) -> str:
    return name.strip().casefold()
