"""Heads of the chain written where the database's owner does not reach: files, and a command.

One JSON line for each organisation and interval: organization, number, from_seq, to_seq, entries, prev,
head, at, key, signature. With it anybody can tell that a seal existed, so verification notices a chain
that was cut off behind an anchor or replaced. What was recorded after the last anchor can be cut off
unnoticed: the interval is that window.

    SENT_AUDIT_ANCHOR           files, separated like PATH (default: audit-anchors.jsonl in the state folder)
    SENT_AUDIT_ANCHOR_COMMAND   gets the lines on its standard input: a mail, a second server
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from sent.platform.audit.canonical import Seal, microseconds
from sent.platform.config.paths import state_dir
from sent.platform.config.secrets import option
from sent.platform.errors import Invalid, NotFound
from sent.platform.telemetry.log import get_logger

COMMAND_TIMEOUT_S = 20.0
LINE_LIMIT = 4096

_log = get_logger("audit")


def files() -> list[Path]:
    """Return the files anchors are written to."""
    chosen = option("audit_anchor")
    if chosen is None:
        return [state_dir() / "audit-anchors.jsonl"]
    return [Path(name).expanduser() for name in chosen.split(os.pathsep) if name]


def line(seal: Seal) -> str:
    """Return a seal as an anchor."""
    return json.dumps(
        {
            "organization": str(seal.organization),
            "number": seal.number,
            "from_seq": seal.from_seq,
            "to_seq": seal.to_seq,
            "entries": seal.entries,
            "prev": seal.prev.hex(),
            "head": seal.head.hex(),
            "at": microseconds(seal.at),
            "key": seal.key_id,
            "signature": seal.signature.hex(),
        }
    )


def write(seals: Iterable[Seal]) -> bool:
    """Append the seals to every file and give them to the command; say whether all of it worked."""
    text = "".join(line(seal) + "\n" for seal in seals)
    whole = True
    for path in files():
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            whole = False
            _log.error("audit.anchor_failed", file=str(path), reason=error.strerror)
    if command := option("audit_anchor_command"):
        whole = _run(command, text) and whole
    return whole


def read(path: Path) -> dict[UUID, dict[int, bytes]]:
    """Return the heads by organisation and number; raises NotFound, Invalid naming the line."""
    found: dict[UUID, dict[int, bytes]] = {}
    try:
        file = path.open(encoding="ascii", errors="replace")
    except OSError as error:
        raise NotFound("audit.anchors", f"{path} cannot be read ({error.strerror})") from error
    with file:
        number = 0
        while text := file.readline(LINE_LIMIT):
            number += 1
            try:
                anchor: dict[str, Any] = json.loads(text)
                organization, head = UUID(anchor["organization"]), bytes.fromhex(anchor["head"])
                found.setdefault(organization, {})[int(anchor["number"])] = head
            except (ValueError, KeyError, TypeError) as error:
                if not text.endswith("\n") and number > 1:
                    break  # the last line was cut when the power went
                raise Invalid("audit.anchor", f"{path}, line {number}: this is no anchor") from error
    return found


def _run(command: str, text: str) -> bool:
    try:
        finished = subprocess.run(
            shlex.split(command),
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        _log.error("audit.anchor_failed", command=command.split()[0], reason=type(error).__name__)
        return False
    if finished.returncode != 0:
        _log.error("audit.anchor_failed", command=command.split()[0], exit=finished.returncode)
    return finished.returncode == 0
