"""Says what a reconciliation came to: lines and numbers of the report, never what stands there."""

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from services.consent.domain.reconciliation import Stretch
from services.consent.handlers.reconciling import Finding, Outcome
from services.consent.handlers.taking_in import Refused

_MOST: Final = 50
_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"


def refusal(refused: Refused, where: str) -> str:
    """Return each row that cannot be read with its place and reason, and that nothing was taken."""
    lines = [f"{where}:{row.place}: {row.reason}" for row in refused.unreadable]
    more = refused.count - len(lines)
    if more:
        lines.append(f"… and {more} more")
    lines.append(f"{refused.count} unreadable: nothing was taken, nothing is on record")
    return "\n".join(lines)


def outcome(found: Outcome, where: str) -> Iterator[str]:
    """Yield a line for each new finding, each authorization never used, and the counts."""
    tally = found.tally
    for index, finding in found.recorded:
        yield f"{where}:{finding.connection.place}: {_said(finding)}, entry {index}"
    for one in found.unused[:_MOST]:
        what = "not in the report" if one.started else "never started"
        yield f"session {one.session}: authorized {one.opens.strftime(_FORM)}, {what}"
    if len(found.unused) > _MOST:
        yield f"… and {len(found.unused) - _MOST} more"
    yield (
        f"{tally.connections} connections: {tally.authorized} authorized, "
        f"{tally.unauthorized} without authorization, {tally.too_long} too long, "
        f"{tally.by_strangers} by strangers; {tally.new} new on record"
    )
    yield (
        f"Authorizations never used: {tally.never_started} never started, "
        f"{tally.not_reported} started and not in the report"
    )
    yield _looked_at(found.stretch)
    yield (
        f"Rows: {tally.duplicates} repeated, {tally.left_out} left out, "
        f"{tally.open_ended} without an end"
    )


def _looked_at(stretch: Stretch | None) -> str:
    if stretch is None:
        return (
            "No authorization was looked for: the report is empty, and no --from and --to say when"
        )
    since, until = (one.astimezone(UTC).strftime(_FORM) for one in (stretch.since, stretch.until))
    how = "as given" if stretch.given else "first to last connection only: no --from and --to"
    return f"Looked for from {since} to {until}, {how}"


def _said(finding: Finding) -> str:
    beyond = finding.verdict.beyond
    if beyond:
        return f"{finding.kind}, {int(beyond.total_seconds())} s beyond its authorization"
    return f"{finding.kind} ({finding.verdict.reason})"
