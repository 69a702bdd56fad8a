"""What was measured, as a plain table with the goals beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.consent.appending import BULK, BULKS, SESSIONS
from benchmarks.figures import Report

MOST: int = max(SESSIONS)


def table(report: Report) -> str:
    """Return all of it as text."""
    return "\n".join([*_appends(report), "", *_latency(report), "", *_goals(report), ""])


def _appends(report: Report) -> Iterator[str]:
    yield f"{'Appends, durable':<22}{'at once':>9}{'per second':>12}{'min – max':>20}"
    for row in report["appends"]:
        spread = f"{row['per_s_min']:,} – {row['per_s_max']:,}"
        yield f"{row['name']:<22}{row['at_once']:>9}{row['per_s']:>12,}{spread:>20}"


def _latency(report: Report) -> Iterator[str]:
    yield "In ms"
    for name, figures in report["latency_ms"].items():
        shown = "".join(f"{which:>6}{ms:>9}" for which, ms in figures.items())
        yield f"{name:<34}{shown}"


def _goals(report: Report) -> Iterator[str]:
    per_s = {(row["name"], row["at_once"]): row["per_s"] for row in report["appends"]}
    ours = per_s["store", MOST]
    latency, checked = report["latency_ms"], report["verification"]
    rows: list[tuple[str, float, str]] = [
        ("store / transaction each", ours / per_s["transaction each", MOST], "8 or more"),
        *(
            (f"store / ordered bulk insert of {size}", ours / per_s[BULK, size], "0.4 or more")
            for size in BULKS
        ),
        ("store / plain insert", ours / per_s["plain insert", MOST], "none"),
        ("p99 of an append at 200/s, ms", latency["store, 200/s"]["p99"], "under 75"),
        ("p99 decision to screen, ms", latency["decision to screen"]["p99"], "under 150"),
        ("entries verified in 10 s", checked["entries_in_10_s"], "100,000 or more"),
        ("the same, of processor time", checked["entries_in_10_s_of_cpu"], "the same"),
        (_proof(report["proof"]), report["proof"]["inclusion_bytes"], "none"),
    ]
    yield "Beside the goals"
    for said, figure, goal in rows:
        shown = f"{figure:,.2f}" if isinstance(figure, float) else f"{figure:,}"
        yield f"{said:<48}{shown:>10}   goal {goal}"


def _proof(proof: Mapping[str, Any]) -> str:
    return f"bytes of a proof among {proof['leaves']:,} entries"
