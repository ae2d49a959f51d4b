"""How benches measure and report: medians of five, against a baseline of the same run.

One JSON line each on stdout: {"name","value","unit","baseline","ratio","target","ok","load"}.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

ROUNDS = 5


def report(
    name: str,
    value: float,
    unit: str,
    baseline: float | None = None,
    *,
    target_ratio: float | None = None,
    target_value: float | None = None,
    higher_is_better: bool = False,
) -> bool:
    """Print the line and return whether the target holds.

    Without `higher_is_better` it holds when value <= target_value or value / baseline <= target_ratio;
    with it, when >=. A target that is not given is not looked at.
    """
    ratio = None if not baseline else value / baseline
    met = []
    if target_value is not None:
        met.append(value >= target_value if higher_is_better else value <= target_value)
    if target_ratio is not None and ratio is not None:
        met.append(ratio >= target_ratio if higher_is_better else ratio <= target_ratio)
    sign = ">=" if higher_is_better else "<="
    targets = [f"{sign} {target_value:g} {unit}"] if target_value is not None else []
    targets += [f"{sign} {target_ratio:g}x"] if target_ratio is not None else []
    ok = any(met)
    line = {
        "name": name,
        "value": round(value, 6),
        "unit": unit,
        "baseline": None if baseline is None else round(baseline, 6),
        "ratio": None if ratio is None else round(ratio, 3),
        "target": " or ".join(targets),
        "ok": ok,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    text = json.dumps(line)
    print(f"\n{text}", flush=True)
    out = Path(os.environ.get("SENT_BENCH_OUT", "out/bench.jsonl"))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    return ok


def interleaved(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return each work's median seconds; they take turns, so a disturbance meets all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for index, work in enumerate(works):
            began = time.perf_counter()
            work()
            times[index].append(time.perf_counter() - began)
    return [statistics.median(each) for each in times]


async def interleaved_async(*works: Callable[[], Awaitable[object]], rounds: int = ROUNDS) -> list[float]:
    """Return each coroutine function's median seconds, taking turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for index, work in enumerate(works):
            began = time.perf_counter()
            await work()
            times[index].append(time.perf_counter() - began)
    return [statistics.median(each) for each in times]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0..1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
