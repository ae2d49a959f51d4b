"""Puts rows on the clipboard as CSV, JSON, Markdown, an SQL list, or tab-separated, of any number of rows.

The text is made on the background thread in small pieces, with progress and cancel in the task centre; when
everything was marked and the list goes on beyond what is loaded, the rest is read from the server.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtGui import QGuiApplication

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.csvtext import safe
from sent.ui.kit.page import Page
from sent.ui.kit.table import Column, Source
from sent.ui.kit.tableview import PagedTable

if TYPE_CHECKING:
    from sent.ui.shell.tasks import Task

Form = Literal["tsv", "csv", "json", "markdown", "sql"]

SLICE, CHUNK = 50, 1000
MOST = 200_000
"""Rows; the clipboard is no place for more, the export is."""


def forms() -> list[tuple[Form, str]]:
    """Return the forms with their names."""
    return [
        ("tsv", tr("Tab-separated, for spreadsheets")),
        ("csv", "CSV"),
        ("json", "JSON"),
        ("markdown", tr("Markdown table")),
        ("sql", tr("SQL list of ids")),
    ]


def copy_as(page: Page, table: PagedTable, form: Form) -> Task:
    """Copy the chosen rows; all of the list when all that is loaded is marked."""
    shell, source = page.shell, table.model_.source
    rows = table.chosen()
    whole = source is not None and len(table.model_.marked) > 1 and not table.model_.complete()
    whole = whole and len(rows) == len(table.model_.cached_rows())
    columns = table.copied_columns()
    title = dict(forms())[form]
    task = shell.tasks.start(tr("Copy as {form}", form=title))
    bridge = page.bridge()

    def progress(done: int) -> None:
        bridge.post(lambda: task.progress(None, trn("{n} row", "{n} rows", n=done)))

    def done(found: tuple[str, int]) -> None:
        QGuiApplication.clipboard().setText(found[0])
        said = trn("Copied {n} row", "Copied {n} rows", n=found[1])
        task.finish(said)
        shell.toast(said, tone="info")

    def failed(error: SentError) -> None:
        task.fail(error.message)
        shell.report(error)

    batches = _all(source) if whole and source is not None else _these(rows)
    make = lambda: render(form, columns, batches, progress)  # noqa: E731
    handle = bridge.run(make, owner=shell, done=done, failed=failed, label="copy", limit=None)
    task.on_cancel(handle.cancel)
    return task


async def _these(rows: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
    yield rows


async def _all(source: Source) -> AsyncIterator[Sequence[Any]]:
    place, done = None, 0
    while source.load is not None and done < MOST:
        rows = await asyncio.wait_for(source.load(place, CHUNK), 60)
        if rows:
            yield rows
            place, done = source.cursor(rows[-1]), done + len(rows)
        if len(rows) < CHUNK:
            return


async def render(
    form: Form,
    columns: Sequence[Column],
    batches: AsyncIterator[Sequence[Any]],
    progress: Callable[[int], object] = lambda _done: None,
) -> tuple[str, int]:
    """Return the rows as text, and how many they are."""
    out, done = io.StringIO(newline=""), 0
    writer = csv.writer(out)
    out.write(_head(form, columns, writer))
    async for rows in batches:
        for start in range(0, len(rows), SLICE):
            for row in rows[start : start + SLICE]:
                _row(form, columns, row, writer, out, first=not done)
                done += 1
            await asyncio.sleep(0.001)
        progress(done)
    out.write({"json": "\n]", "sql": ")"}.get(form, ""))
    return out.getvalue(), done


def _head(form: Form, columns: Sequence[Column], writer: Any) -> str:
    titles = [column.title for column in columns]
    if form == "csv":
        writer.writerow(titles)
    if form == "markdown":
        return f"| {' | '.join(map(_cell, titles))} |\n|{' --- |' * len(titles)}\n"
    return {"json": "[", "sql": "("}.get(form, "")


def _row(
    form: Form, columns: Sequence[Column], row: Any, writer: Any, out: io.StringIO, *, first: bool
) -> None:
    if form == "sql":
        # An id comes from the database, but a text between quotes must end where it ends.
        out.write(("" if first else ", ") + "'" + str(getattr(row, "id", "")).replace("'", "''") + "'")
        return
    texts = [column.text(row) for column in columns]
    if form == "csv":
        writer.writerow([safe(text) for text in texts])
    elif form == "json":
        named = {column.key: text for column, text in zip(columns, texts, strict=True)}
        named = {"id": str(getattr(row, "id", ""))} | named
        out.write(("\n " if first else ",\n ") + json.dumps(named, ensure_ascii=False))
    elif form == "markdown":
        out.write(f"| {' | '.join(map(_cell, texts))} |\n")
    else:
        flat = [" ".join(text.split()) if "\t" in text or "\n" in text else text for text in texts]
        out.write(("" if first else "\n") + "\t".join(flat))


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
