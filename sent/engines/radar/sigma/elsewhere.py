"""Parsing many new rules in a process of its own, so that this one goes on matching meanwhile.

The interpreter runs one thread at a time, and parsing three thousand rules takes it for seconds. The other
process leaves them in the cache (`compiled`), from where reading them costs a few pauses of milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import orjson

from sent.engines.radar.sigma.compiled import CompiledRules
from sent.engines.radar.sigma.reading import CACHE
from sent.platform.config.paths import state_dir
from sent.platform.db.embedded.endpoint import program
from sent.platform.errors import SentError
from sent.platform.telemetry.log import get_logger

MANY = 100
"""Rules to parse above which another process does it."""

TIMEOUT_S = 300.0

_log = get_logger("radar")


async def parse_elsewhere(texts: Sequence[tuple[str, str]]) -> bool:
    """Have the rules `(name, text)` parsed into the cache if many are new; say whether that was done."""
    if await asyncio.to_thread(_unknown, [text for _, text in texts]) <= MANY:
        return False
    lines = b"\n".join(orjson.dumps({"name": name, "text": text}) for name, text in texts)
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *program(), "radar", "rules", "compile", stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await process.communicate(lines)
    except TimeoutError:
        _log.warning("radar.compile_slow", rules=len(texts), after_s=TIMEOUT_S)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        _log.warning("radar.compile_failed", rules=len(texts), code=process.returncode)
    return process.returncode == 0


def _unknown(texts: list[str]) -> int:
    """Return how many texts the cache lacks; none where there can be no cache."""
    try:
        kept = CompiledRules(state_dir() / CACHE)
    except (SentError, OSError):
        return 0
    try:
        return kept.unknown(texts)
    finally:
        kept.close()
