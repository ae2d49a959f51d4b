"""Orders of an administrator or the schedule, done in a process of their own.

The owner starts `sent db work KIND ARGUMENTS` in a process group of its own and reads JSON lines from it:
`{"fraction", "step"}` while it works, at the end `{"result"}` or `{"error"}`. The process ends itself when
its owner is gone, and cleans up when it is told to stop.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sent.platform.db import care, pitr
from sent.platform.db.basebackup import Progress
from sent.platform.errors import Invalid, SentError

Work = Callable[[dict[str, Any], Progress], dict[str, Any]]


def do(kind: str, arguments: dict[str, Any]) -> None:
    """Do one order and print its progress and its end; exits with 1 when it failed."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    threading.Thread(target=_end_with_owner, args=(os.getppid(),), daemon=True).start()
    try:
        if kind not in KINDS:
            known = ", ".join(sorted(KINDS))
            raise Invalid("operation.kind", f"nobody here can do {kind!r}; there are: {known}")
        result = KINDS[kind](arguments, _progress)
    except SentError as error:
        _print({"error": error.message, "code": error.code})
        sys.exit(1)
    _print({"result": result})


def _backup(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    wanted = arguments.get("kind")
    if wanted not in (None, "logical", "base"):
        raise Invalid("operation.arguments", "kind is logical or base, or left out for both")
    made = []
    kinds: tuple[care.Kind, ...] = ("logical", "base")
    for kind in kinds:
        if wanted in (None, kind):
            made.append(care.make(kind, progress, pitr.present().archive).line())
    progress(1.0, "removing what is old")
    return {"made": made, "removed": care.prune()}


def _verify(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    name = arguments.get("name")
    if not isinstance(name, str):
        raise Invalid("operation.arguments", "name the backup to verify")
    return care.verify(care.find(name), progress)


KINDS: dict[str, Work] = {"backup": _backup, "verify": _verify}


def _progress(share: float | None, step: str) -> None:
    _print({"fraction": share, "step": step})


def _print(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _end_with_owner(owner: int) -> None:
    while os.getppid() == owner:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
