"""Figures of any benchmark: on which machine, how spread, and where they are written."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def machine() -> dict[str, Any]:
    """Return what the figures depend on: they hold for one machine, the ratios travel better."""
    return {"cores": os.cpu_count(), "load_1min": round(os.getloadavg()[0], 1)}


def percentiles_ms(took_s: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the longest, in ms."""
    ordered = sorted(took_s)

    def nearest_rank(share: float) -> float:
        return round(ordered[math.ceil(share * len(ordered)) - 1] * 1000, 1)

    return {
        "p50": nearest_rank(0.50),
        "p95": nearest_rank(0.95),
        "p99": nearest_rank(0.99),
        "max": nearest_rank(1.0),
    }


def read(file: Path) -> Report:
    """Return the last report, or an empty one."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def write(report: Report, file: Path) -> None:
    """Write the report as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=2) + "\n")
