"""What assistants and adherents can ask for, as the entries that would put it on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from services.consent.domain.entry import Draft, Fact, How, Role, Scope
from services.consent.domain.lifecycle import Deadline, SessionState
from services.consent.domain.practice import Practice


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act as it is asked for, and the entry type of the table that it becomes."""

    type: str
    scope: Scope | None = None
    opens: bool = False
    """Whether it opens a new round of its scope; else it belongs to the one that is open."""
    oral: bool = False
    """Whether it attests what the adherent said; a second assistant may do it, as a witness."""

    def entry_type(self, *, incident: bool) -> str:
        """Return the type of its entry: the declaration of an incident has its own."""
        return _INCIDENT if incident and self.type == "declared" else self.type


_INCIDENT: Final = "incident-declared"
WARNED: Final = "charter-warning-served"
ENTERING: Final = frozenset({"offered", "taken-up"})
"""The acts by which an assistant enters a session: no one does without their undertaking."""
NO_FACTS: Final[Mapping[str, Fact]] = MappingProxyType({})
VIEW: Final[Scope] = "view"
TAKE: Final = "take-screenshot"
"""The one act that hands something in: it is not done without its picture."""
ASSISTANT_ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "take-up": Act(type="taken-up"),
        "new-entry-code": Act(type="code-issued"),
        "start": Act(type="started", scope=VIEW),
        "request-intervention": Act(type="intervene-requested", scope="intervene", opens=True),
        "begin-intervention": Act(type="intervene-begun", scope="intervene"),
        "end-intervention": Act(type="intervene-ended", scope="intervene"),
        "request-screenshot": Act(type="screenshot-requested", scope="screenshot", opens=True),
        TAKE: Act(type="screenshot-taken", scope="screenshot"),
        "share-screenshot": Act(type="screenshot-shared", scope="screenshot"),
        "destroy-screenshot": Act(type="screenshot-destroyed", scope="screenshot"),
        "read-notice-aloud": Act(type="notice-read-aloud", oral=True),
        "attest-oral-grant": Act(type="oral-grant-attested", scope=VIEW, oral=True),
        "attest-oral-refusal": Act(type="oral-refusal-attested", scope=VIEW, oral=True),
        "attest-oral-withdrawal": Act(type="oral-withdrawal-attested", scope=VIEW, oral=True),
        "attest-oral-contest": Act(type="oral-contest-attested", oral=True),
        "attest-oral-intervention": Act(
            type="intervene-oral-grant-attested", scope="intervene", oral=True
        ),
        "attest-oral-screenshot": Act(
            type="screenshot-oral-grant-attested", scope="screenshot", oral=True
        ),
        "report-tool": Act(type=WARNED),
        "end": Act(type="ended"),
        "cancel": Act(type="cancelled"),
        "declare": Act(type="declared"),
    }
)
ADHERENT_ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "read-notice": Act(type="notice-served"),
        "grant": Act(type="granted", scope=VIEW),
        "refuse": Act(type="refused", scope=VIEW),
        "withdraw": Act(type="withdrawn", scope=VIEW),
        "stop": Act(type="stopped"),
        "contest": Act(type="contested"),
        "ask-identity": Act(type="identity-asked"),
        "confirm-identity": Act(type="identity-confirmed"),
        "deny-identity": Act(type="identity-denied"),
        "retract": Act(type="unasked-retracted"),
        "grant-intervention": Act(type="intervene-granted", scope="intervene"),
        "refuse-intervention": Act(type="intervene-refused", scope="intervene"),
        "revoke-intervention": Act(type="intervene-revoked", scope="intervene"),
        "grant-screenshot": Act(type="screenshot-granted", scope="screenshot"),
        "refuse-screenshot": Act(type="screenshot-refused", scope="screenshot"),
        "review-screenshot": Act(type="screenshot-reviewed", scope="screenshot"),
        "destroy-screenshot": Act(type="screenshot-destroyed", scope="screenshot"),
    }
)
SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "oral-refusal-attested": "refusal",
        "oral-withdrawal-attested": "withdrawal",
        "oral-contest-attested": "contest",
    }
)
"""What somebody attests that the adherent said to no text read aloud, as the mail names it."""
_TYPES: Final = frozenset(act.type for act in ASSISTANT_ACTS.values())
ATTEMPTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        name: act
        for word, act in ADHERENT_ACTS.items()
        for name in (word, act.type)
        if act.type not in _TYPES
    }
)
"""What an assistant's program may ask for and only an adherent does: refused, and on record."""
_GRANTS: Final = frozenset(
    f"{scope}{kind}"
    for scope in ("", "intervene-", "screenshot-")
    for kind in ("granted", "oral-grant-attested")
)


def asked_by_assistant(word: str) -> Act:
    """Return what an assistant asks for by this word; KeyError where it names no act."""
    return ASSISTANT_ACTS.get(word) or ATTEMPTS[word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who acts: the role, and the keyed commitment to the person behind it."""

    role: Role
    commitment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """Writes the drafts of one session."""

    practice: Practice
    session: UUID

    def offer(self, author: Author, facts: Mapping[str, Fact]) -> Draft:
        """Return the offer that an assistant makes."""
        return self._draft("offered", author, scope=VIEW, facts=facts)

    def wish(self, author: Author, facts: Mapping[str, Fact]) -> Draft:
        """Return the request that an adherent made at the portal."""
        return self._draft("requested", author, scope=VIEW, facts=facts)

    def by_assistant(
        self,
        act: Act,
        author: Author,
        state: SessionState,
        *,
        authorization: str,
        reason: str | None = None,
        notice: str | None = None,
        facts: Mapping[str, Fact] = NO_FACTS,
        incident: bool = False,
    ) -> Draft:
        """Return an assistant's act; ``authorization`` is the id of the round that it may open."""
        kind = act.entry_type(incident=incident)
        if kind == "started":
            facts = {**facts, **self._presence(state)}
        return self._draft(
            kind,
            author,
            scope=act.scope,
            reason=reason,
            notice=notice,
            how="oral" if act.oral else None,
            authorization=authorization if act.opens else _round(act, state),
            facts=facts,
        )

    def by_adherent(
        self,
        act: Act,
        author: Author,
        *,
        notice: str | None,
        authorization: str | None,
        facts: Mapping[str, Fact] = NO_FACTS,
    ) -> Draft:
        """Return an adherent's act on the page that the mailed link leads to."""
        return self._draft(
            act.type,
            author,
            scope=act.scope,
            how="link",
            notice=notice,
            authorization=authorization if act.scope in ("intervene", "screenshot") else None,
            facts=facts,
        )

    def fact(self, kind: str, author: Author, facts: Mapping[str, Fact] = NO_FACTS) -> Draft:
        """Return an entry that carries nothing but its type, its author and facts."""
        return self._draft(kind, author, facts=facts)

    def finding(self, kind: str, reason: str | None, facts: Mapping[str, Fact]) -> Draft:
        """Return the record that a connection of the remote tool does not fit the log."""
        return self._draft(kind, Author(role="service"), reason=reason, facts=facts)

    def code_confirmed(self, author: Author, number: int, browser: str) -> Draft:
        """Return the entry that binds the browser of this mark."""
        facts: dict[str, Fact] = {"code": number, "browser": browser}
        return self._draft("code-confirmed", author, how="link", facts=facts)

    def refusal(self, role: Role, reason: str, facts: Mapping[str, Fact] = NO_FACTS) -> Draft:
        """Return the record of an act that was refused."""
        return self._draft("refused-act", Author(role=role), reason=reason, facts=facts)

    def refused(self, draft: Draft, reason: str) -> Draft:
        """Return the record that ``draft`` was refused."""
        author = Author(role=draft.actor, commitment=draft.commitment)
        return self._draft("refused-act", author, reason=reason, facts={"act": draft.type})

    def timer(self, deadline: Deadline, state: SessionState) -> Draft:
        """Return what the service does when a deadline has come."""
        scopes: tuple[Scope, ...] = ("intervene", "screenshot")
        scope = next((one for one in scopes if deadline.act.startswith(one)), None)
        return self._draft(
            deadline.act,
            Author(role="service"),
            scope=scope,
            authorization=state.rounds.get(scope) if scope else None,
            facts={"timer": deadline.timer},
        )

    def _presence(self, state: SessionState) -> dict[str, Fact]:
        if state.regions["presence"] == "shown":
            return {"presence": "shown", "limit_s": self.practice.session_s}
        return {"presence": "unmeasured"}

    def _draft(
        self,
        kind: str,
        author: Author,
        *,
        scope: Scope | None = None,
        reason: str | None = None,
        notice: str | None = None,
        how: How | None = None,
        authorization: str | None = None,
        facts: Mapping[str, Fact] = NO_FACTS,
    ) -> Draft:
        limit_s = self.practice.limits_s.get(kind)
        ours: dict[str, Fact] = {} if limit_s is None else {"limit_s": limit_s}
        if kind in ENTERING:
            ours["undertaking"] = self.practice.undertaking
        return Draft(
            session=self.session,
            type=kind,
            actor=author.role,
            commitment=author.commitment,
            legal_basis=self.practice.legal_basis,
            scope=scope,
            reason=reason,
            notice=notice,
            how=how,
            authorization=authorization,
            terms=self.practice.terms if kind in _GRANTS else None,
            facts={**ours, **facts},
        )


def _round(act: Act, state: SessionState) -> str | None:
    return state.rounds.get(act.scope) if act.scope in ("intervene", "screenshot") else None
