"""What was measured, as JSON and as a plain table with the goals beside it."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.figures import Report
from benchmarks.router.clients import Client
from benchmarks.router.throughput import Run


def throughput_row(client: Client, runs: Sequence[Run]) -> dict[str, Any]:
    """Return the medians of a client's rounds, and their extremes."""
    rates = [run.speed.messages_per_s for run in runs]
    costs = [run.speed.cpu_us_per_message for run in runs]
    return {
        "name": client.name,
        "messages_per_s": round(statistics.median(rates)),
        "cpu_us_per_message": round(statistics.median(costs), 1),
        "messages_per_s_min": round(min(rates)),
        "messages_per_s_max": round(max(rates)),
        "cpu_us_per_message_min": round(min(costs), 1),
        "cpu_us_per_message_max": round(max(costs), 1),
        "measured_messages": min(run.speed.messages for run in runs),
        "exactly_once": client.once,
        "flaws": {k: sum(run.flaws[k] for run in runs) for k in runs[0].flaws},
    }


def one(run: Run) -> str:
    """Return one run in a few words."""
    speed = run.speed
    return f"{speed.messages_per_s:,.0f} messages/s, {speed.cpu_us_per_message:.1f} µs of CPU each"


def broken(report: Report) -> list[Mapping[str, Any]]:
    """Return the rows that promise each ticket once and did not keep it."""
    rows = [*report.get("throughput", ()), *filter(None, [report.get("scaling")])]
    return [row for row in rows if row["exactly_once"] and any(row["flaws"].values())]


def table(report: Report) -> str:
    """Return all that was measured, as text."""
    report = {"throughput": [], "latency_ms": {}, **report}
    parts = [_throughput(report["throughput"]), _latency(report["latency_ms"])]
    if scaling := report.get("scaling"):
        parts.append(
            f"{scaling['instances']} instances of the router: {scaling['messages_per_s']:,} "
            f"messages/s ({scaling['messages_per_s_min']:,}–{scaling['messages_per_s_max']:,})\n"
        )
    if memory := report.get("memory"):
        parts.append(_memory(memory))
    parts.append(_goals(report))
    return "\n".join(part for part in parts if part)


def _throughput(rows: Iterable[Mapping[str, Any]]) -> str:
    lines = [
        f"{row['name']:<18}{row['messages_per_s']:>9,} "
        f"{row['messages_per_s_min']:>10,} – {row['messages_per_s_max']:<9,}"
        f"{row['cpu_us_per_message']:>8} {row['cpu_us_per_message_min']:>9} – "
        f"{row['cpu_us_per_message_max']:<8}{_flaws(row)}"
        for row in rows
    ]
    head = f"{'':<18}{'messages/s':>9}{'min – max':>20}{'µs CPU/message':>20}{'min – max':>14}"
    return "\n".join([head, *lines, ""]) if lines else ""


def _flaws(row: Mapping[str, Any]) -> str:
    found = ", ".join(f"{count} {kind}" for kind, count in row["flaws"].items() if count)
    return f"  {found or 'each once'}" + ("" if row["exactly_once"] else " (not promised)")


def _latency(latency: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        f"{name:<18}" + "".join(f"{which:>6}{ms:>8} ms" for which, ms in figures.items())
        for name, figures in latency.items()
    ]
    return "\n".join(["Request to committed ticket", *lines, ""]) if lines else ""


def _memory(rows: Iterable[Mapping[str, float]]) -> str:
    lines = [
        f"{row['remembered']:>10,} remembered, {row['repeats']:>9,} repeats {row['rss_mib']:>9} MiB"
        for row in rows
    ]
    return "\n".join(["Resident memory of the router", *lines, ""])


def prices(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the price of each stage, as text."""
    names = [name for name in rows[0] if name != "stage"]
    lines = [
        f"{row['stage']:<26}" + "".join(f"{row[name] or '':>16}" for name in names) for row in rows
    ]
    head = f"{'µs CPU/request':<26}" + "".join(f"{name:>16}" for name in names)
    return "\n".join([head, *lines, ""])


def _goals(report: Report) -> str:
    rate = {row["name"]: row["messages_per_s"] for row in report["throughput"]}
    cost = {row["name"]: row["cpu_us_per_message"] for row in report["throughput"]}
    wanted = [
        ("aiguillage-20 / faststream-plain, messages/s", rate, "20 or more"),
        ("aiguillage-20 / quix, messages/s", rate, "more than 1"),
        ("aiguillage-20 / franz-go, messages/s", rate, "0.8 or more"),
        ("aiguillage-20 / kafka-streams, CPU", cost, "1 or less"),
        ("aiguillage / franz-go, messages/s", rate, "0.4 or more"),
    ]
    lines = []
    for said, figures, goal in wanted:
        ours, _, peer = said.partition(",")[0].partition(" / ")
        if ours in figures and peer in figures:
            lines.append(f"{said:<48}{figures[ours] / figures[peer]:>8.2f}   goal {goal}")
    if ours_ms := report["latency_ms"].get("aiguillage"):
        lines.append(f"{'aiguillage, p99 in ms':<48}{ours_ms['p99']:>8.1f}   goal 50 or less")
    return "\n".join(["Beside the goals", *lines, ""]) if lines else ""
