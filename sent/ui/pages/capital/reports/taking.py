"""A report as a file or on paper: PDF, XLSX, CSV; printing opens the PDF in the system's viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from sent.platform.errors import Invalid
from sent.platform.i18n import tr
from sent.ui.kit.page import Page
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import Report


class Taking:
    """Writes the report that `shown()` returns; nothing happens while there is none."""

    def __init__(self, page: Page, shown: Callable[[], Report | None]) -> None:
        self._page, self._shown = page, shown

    def ask(self) -> None:
        """Ask for the form, and then for a file."""
        if self._shown() is None:
            return
        entries = [
            Entry("pdf", tr("Paper (PDF)"), icon="file", run=partial(self._ask_file, "pdf")),
            Entry("xlsx", tr("Workbook (XLSX)"), icon="table", run=partial(self._ask_file, "xlsx")),
            Entry("csv", tr("Table (CSV)"), icon="list", run=partial(self._ask_file, "csv")),
        ]
        self._page.shell.choose(tr("Export the report as"), entries)

    def _ask_file(self, form: str) -> None:
        report = self._shown()
        if report is not None:
            suggested = f"{report.title.lower().replace(' ', '-')}.{form}"
            kinds = f"{form.upper()} (*.{form})"
            name, _ = QFileDialog.getSaveFileName(self._page, tr("Export"), suggested, kinds)
            if name:
                self.write(Path(name))

    def write(self, path: Path, done: Callable[[Path], object] | None = None) -> None:
        """Write the report in the form that the file's name says."""
        report = self._shown()
        if report is None:
            return
        person = self._page.shell.person
        company = person.organisation if person is not None else ""

        def make() -> None:
            api = self._page.api("capital.reports")
            if path.suffix == ".pdf":
                content = api.pdf_bytes(report, company)
            else:
                content = (api.xlsx_bytes if path.suffix == ".xlsx" else api.csv_bytes)(report)
            try:
                path.write_bytes(content)
            except OSError as error:
                raise Invalid(
                    "capital.report.file", f"{path.name} cannot be written: {error.strerror}"
                ) from None

        def written(_: None) -> None:
            if done is None:
                self._page.shell.toast(tr("Exported to {path}", path=str(path)))
            else:
                done(path)

        self._page.run(lambda: asyncio.to_thread(make), done=written)

    def print(self) -> None:
        """Open the report as PDF in the system's viewer, which prints it."""
        if self._shown() is not None:
            folder = Path(mkdtemp(prefix="sent-report-"))
            self.write(folder / "report.pdf", done=self._opened)

    def _opened(self, path: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._page.shell.toast(tr("No viewer opens PDF here: export the report instead"), tone="warn")
