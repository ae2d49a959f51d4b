"""The matrix as a layer of the ATT&CK Navigator, a table or a picture."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from sent.platform.errors import Invalid
from sent.platform.i18n import tr
from sent.ui.kit.csvtext import safe
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.ui.pages.coverage.page import CoveragePage


class MatrixExport:
    """Writes what the page shows."""

    def __init__(self, page: CoveragePage) -> None:
        self._page = page

    def ask(self) -> None:
        """Ask for the form, and then for a file."""
        if self._page.matrix.matrix is None:
            return
        entries = [
            Entry("layer", tr("Layer for the ATT&CK Navigator (JSON)"), icon="layers",
                  run=partial(self._ask_file, "attack-coverage.json", "JSON (*.json)")),
            Entry("csv", tr("Table (CSV)"), icon="table",
                  run=partial(self._ask_file, "attack-coverage.csv", "CSV (*.csv)")),
            Entry("png", tr("Picture (PNG)"), icon="download",
                  run=partial(self._ask_file, "attack-coverage.png", "PNG (*.png)")),
        ]  # fmt: skip
        self._page.shell.choose(tr("Export the matrix as"), entries)

    def _ask_file(self, suggested: str, kinds: str) -> None:
        name, _ = QFileDialog.getSaveFileName(self._page, tr("Export"), suggested, kinds)
        if name:
            self.write(Path(name))

    def write(self, path: Path) -> None:
        """Write the matrix that is shown: a picture, a table or, for .json, a layer of the Navigator."""
        made = self._page.matrix.matrix
        if made is None:
            return
        image = self._page.matrix.picture() if path.suffix == ".png" else None

        person = self._page.shell.person
        organisation = person.organisation if person is not None else ""

        async def save() -> None:
            radar = self._page.api("radar")
            if image is not None:
                saved = await asyncio.to_thread(image.save, str(path))
                if not saved:
                    raise Invalid("coverage.file", f"{path.name} cannot be written")
            elif path.suffix == ".csv":
                await asyncio.to_thread(_write, path, _csv(radar.table(made)))
            else:
                layer = radar.navigator_layer(made, f"SENT {organisation}")
                await asyncio.to_thread(_write, path, json.dumps(layer, indent=2))

        def done(_: None) -> None:
            self._page.shell.toast(tr("Exported to {path}", path=str(path)))

        self._page.run(save, done=done)


def _csv(rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([[safe(cell) for cell in cells] for cells in rows])
    return out.getvalue()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
