"""How consoles and services ask for an order (`orders`), and what they are told, one JSON object a line:

    {"progress": {"step", "done", "total"}}   at most ten a second
    {"done": {...}}                           at the end: what came of it
    {"error": {"code", "message"}}            or why it failed

Light: who only asks loads nothing that updates are made with.
"""

from __future__ import annotations

import json
from typing import Any

from sent.platform.errors import SentError

ORDERS = ("check", "apply", "add", "rollback", "test", "auto")
LINE = 64 * 1024
"""Bytes of a line at most."""


def command(order: str, *arguments: str, bundle: str = "") -> list[str]:
    """Return the arguments by which the program carries out an order in a process of its own."""
    return ["update", "told", *(["--bundle", bundle] if bundle else []), order, *arguments]


def read(line: bytes) -> dict[str, dict[str, Any]]:
    """Return what a line tells; what makes no sense tells nothing."""
    try:
        found = json.loads(line[:LINE])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {kind: body for kind, body in found.items() if isinstance(body, dict)}


def outcome(last: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what came of an order by its last line; raises SentError when it failed."""
    if "done" in last:
        return last["done"]
    error = last.get("error", {})
    code = str(error.get("code", "update.ended"))
    raise SentError(code, str(error.get("message", "the update's process ended in between; try again")))
