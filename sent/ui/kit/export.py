"""Writes a list of any length to a CSV file in the background, in small pieces, with progress and cancel.

Texts that a spreadsheet would run as a formula get a leading apostrophe (OWASP, CSV injection): what stands
in a log came from anybody. The file appears under its name only when it is whole.
"""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog

from sent.platform.i18n import tr, trn
from sent.ui.kit.csvtext import safe
from sent.ui.kit.page import Page
from sent.ui.kit.table import Column

if TYPE_CHECKING:
    from sent.ui.shell.tasks import Task

CHUNK = 1000
SLICE = 50
"""Rows made into text between two breaths: the window gets the interpreter after about a millisecond."""

Load = Callable[[Any, int], Awaitable[Sequence[Any]]]


def export_csv(
    page: Page,
    title: str,
    columns: Sequence[Column],
    load: Load,
    cursor: Callable[[Any], Any],
    total: int | None,
) -> None:
    """Ask for a file name and export everything that `load(cursor, limit)` gives."""
    suggested = f"{title.lower().replace(' ', '-')}.csv"
    name, _ = QFileDialog.getSaveFileName(page, tr("Export"), suggested, "CSV (*.csv)")
    if name:
        start_export(page, title, columns, load, cursor, total, Path(name))


def start_export(
    page: Page,
    title: str,
    columns: Sequence[Column],
    load: Load,
    cursor: Callable[[Any], Any],
    total: int | None,
    path: Path,
) -> Task:
    """Export to `path` as a task of the task centre."""
    shell = page.shell
    bridge = page.bridge()
    task = shell.tasks.start(tr("Export {title}", title=title))

    def progress(done: int) -> None:
        share = min(1.0, done / total) if total else None
        bridge.post(lambda: task.progress(share, trn("{n} row", "{n} rows", n=done)))

    def finished(count: int) -> None:
        text = trn("{n} row in {path}", "{n} rows in {path}", n=count, path=str(path))
        task.finish(text)
        shell.toast(tr("Exported {title}: {text}", title=title, text=text))

    def failed(error: Any) -> None:
        task.fail(error.message)
        shell.report(error)

    handle = bridge.run(
        lambda: write_csv(path, columns, load, cursor, progress),
        owner=shell,
        done=finished,
        failed=failed,
        label="export",
        limit=None,
    )
    task.on_cancel(handle.cancel)
    return task


async def write_csv(
    path: Path,
    columns: Sequence[Column],
    load: Load,
    cursor: Callable[[Any], Any],
    progress: Callable[[int], None],
) -> int:
    """Write all pages to `path`; returns how many rows."""
    part = path.with_name(path.name + ".part")
    done, place, told = 0, None, 0.0
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([column.title for column in columns])
            while rows := await asyncio.wait_for(load(place, CHUNK), 60):
                for start in range(0, len(rows), SLICE):
                    for row in rows[start : start + SLICE]:
                        writer.writerow([safe(column.text(row)) for column in columns])
                    await asyncio.sleep(0.001)
                done += len(rows)
                place = cursor(rows[-1])
                if time.monotonic() - told > 0.2:
                    told = time.monotonic()
                    progress(done)
                if len(rows) < CHUNK:
                    break
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return done
