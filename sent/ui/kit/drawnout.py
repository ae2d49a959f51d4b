"""Rows as something that can be drawn out of the console with the mouse.

The file that the file manager gets is this user's only and goes with the program.
"""

from __future__ import annotations

import atexit
import csv
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QUrl

from sent.ui.kit.csvtext import safe
from sent.ui.kit.table import Column

DRAWN = 10_000
"""Rows that are drawn out as a file."""


def drawn_out(rows: Sequence[Any], columns: Sequence[Column], name: str) -> QMimeData:
    """Return the rows as a CSV file and as tab-separated text."""
    rows = rows[:DRAWN]
    target = Path(_drawn_folder()) / f"{name or 'rows'}.csv".replace("/", "-")
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.title for column in columns])
        writer.writerows([safe(column.text(row)) for column in columns] for row in rows)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(target))])
    data.setText("\n".join("\t".join(column.text(row) for column in columns) for row in rows))
    return data


@cache
def _drawn_folder() -> str:
    """Make the folder for files that are drawn out (0700); it is removed at the end."""
    folder = tempfile.mkdtemp(prefix="sent-rows-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
