"""Texts that were typed and not sent, kept on this machine through a crash.

One file per person below the state folder, readable by this user only (0600), written whole and renamed.
Never put secrets in: `Form` leaves secret fields out. What was sent, or discarded, is forgotten at once; what
nobody came back to is forgotten after `DAYS`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from sent.platform.config.paths import state_dir

SETTLE_MS = 400
DAYS = 30
TEXT_LIMIT = 100_000
KEPT = 100

Texts = dict[str, str]


class Drafts(QObject):
    """The drafts of one person at a time; without a person nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._path: Path | None = None
        self._kept: dict[str, dict[str, object]] = {}
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self.write)

    def use_person(self, person: str) -> None:
        """Keep what follows for this person of one organisation; read what is kept already."""
        self.write()
        if not person:
            self._path, self._kept = None, {}
            return
        folder = self._folder or state_dir() / "drafts"
        name = hashlib.sha256(person.encode()).hexdigest()[:24]
        self._path = folder / f"{name}.json"
        self._kept = _read(self._path)

    def put(self, key: str, texts: Texts) -> None:
        """Keep texts under a key, soon; empty ones are forgotten."""
        found = {name: text[:TEXT_LIMIT] for name, text in texts.items() if text.strip()}
        if found:
            self._kept[key] = {"at": time.time(), "texts": found}
            oldest = sorted(self._kept, key=lambda k: float(str(self._kept[k]["at"])))
            for gone in oldest[: max(0, len(oldest) - KEPT)]:
                del self._kept[gone]
            self._timer.start()
        else:
            self.forget(key)

    def get(self, key: str) -> Texts:
        """Return what is kept under a key."""
        texts = self._kept.get(key, {}).get("texts")
        return {str(n): str(t) for n, t in texts.items()} if isinstance(texts, dict) else {}

    def keys(self) -> list[str]:
        """Return what has a draft."""
        return list(self._kept)

    def forget(self, key: str) -> None:
        """Drop a draft: it was sent or discarded."""
        if self._kept.pop(key, None) is not None:
            self.write()

    def forget_all(self) -> None:
        """Drop all drafts of the person."""
        self._kept = {}
        self.write()

    def write(self) -> None:
        """Write now what is kept."""
        self._timer.stop()
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            if not self._kept:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._path.with_suffix(".part")
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._kept, file)
                file.flush()
                os.fsync(descriptor)
            part.replace(self._path)


def _read(path: Path) -> dict[str, dict[str, object]]:
    try:
        found = json.loads(path.read_text("utf-8"))
        oldest = time.time() - DAYS * 86400
        return {
            str(key): draft
            for key, draft in found.items()
            if isinstance(draft, dict) and float(draft.get("at", 0)) > oldest
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
