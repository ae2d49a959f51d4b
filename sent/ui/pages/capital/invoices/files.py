"""Files that documents are written to, and the numbers that parties are given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from sent.platform.errors import SentError
from sent.platform.i18n import tr


def next_code(codes: Sequence[str], letter: str) -> str:
    """Return a number after the highest one in use: `C101` after `C100`."""
    numbers = [int(code[1:]) for code in codes if code[:1] == letter and code[1:].isdecimal()]
    return f"{letter}{max(numbers, default=99) + 1}"


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable by this user only."""
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        part.replace(path)
    except OSError as error:
        raise SentError(
            "console.file", tr("Cannot write {path}: {why}", path=str(path), why=str(error))
        ) from error
    finally:
        part.unlink(missing_ok=True)


def open_file(path: Path) -> None:
    """Open a file with the program that the desktop has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
