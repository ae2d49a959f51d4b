"""Report a problem: what is packed is shown, can be changed, and is saved only where the user says."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QFrame, QPlainTextEdit

from sent import __version__
from sent.platform.i18n import tr
from sent.platform.telemetry import log
from sent.platform.telemetry.report import packed, redacted
from sent.ui.kit.widgets import button, column, label, line, row, tool
from sent.ui.shell.geometry import monitor_set
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.ui.shell.window import MainWindow

DRAFT = "problem"
PACKAGES = ("PySide6-Essentials", "psycopg", "SQLAlchemy", "procrastinate", "msgspec")


class ReportLayer(Overlay):
    """The description, and every text that goes along."""

    def __init__(self, window: MainWindow) -> None:
        card = QFrame()
        card.setFixedSize(720, 560)
        super().__init__(window, card)
        self._main = window
        self.parts: dict[str, str] = {}
        self.said = _edit(tr("What happened, and what did you expect?"))
        self.said.setFixedHeight(96)
        self.said.textChanged.connect(self._keep)
        self.addresses = QCheckBox(tr("Leave out IP addresses too"))
        self.addresses.setAccessibleName(self.addresses.text())
        self.addresses.toggled.connect(lambda _on: self._collect())
        self.choice = QComboBox()
        self.choice.setAccessibleName(tr("What is packed"))
        self.choice.currentTextChanged.connect(self._show)
        self.text = _edit(tr("The text that is packed; you can change it"))
        self.text.setProperty("type", "mono")
        self.text.textChanged.connect(self._edited)
        head = row(label(tr("Report a problem"), type="l"), None, tool("x", tr("Close"), self.close_layer))
        hint = label(
            tr("Secrets and e-mail addresses are taken out. Look through it: nothing is sent anywhere."),
            tone="2",
            wrap=True,
        )
        foot = row(
            self.addresses, None, button(tr("Save"), self.save, kind="primary", name=tr("Save report"))
        )
        body = column(head, line(), self.said, hint, self.choice, self.text, foot, gap=10)
        body.setContentsMargins(22, 16, 18, 18)
        body.setStretch(5, 1)
        card.setLayout(body)

    def open_report(self) -> None:
        """Collect what helps and show it."""
        self.said.setPlainText(self._main.shell.drafts.get(DRAFT).get("text", ""))
        self._collect()
        self.open()
        self.said.setFocus()

    def _keep(self) -> None:
        if not self.isHidden():
            self._main.shell.drafts.put(DRAFT, {"text": self.said.toPlainText()})

    def _collect(self) -> None:
        lines = "\n".join(json.dumps(kept, default=str) for kept in list(log.RECENT))
        found = {
            "versions.json": json.dumps(versions(), indent=1),
            "state.json": json.dumps(self._state(), indent=1),
            "log.jsonl": lines or tr("No warnings since the console was started."),
        }
        hide = self.addresses.isChecked()
        self.parts = {name: redacted(text, addresses=hide) for name, text in found.items()}
        chosen = self.choice.currentText()
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems(list(self.parts))
        self.choice.setCurrentText(chosen or "state.json")
        self.choice.blockSignals(False)
        self._show(self.choice.currentText())

    def _state(self) -> dict[str, object]:
        window, shell = self._main, self._main.shell
        person = shell.person
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "page": window.current,
            "record": window.current_record(),
            "windows": [each.current for each in window.windows.all],
            "connection": window.connection,
            "role": person.role if person else None,
            "permissions": sorted(person.permissions) if person else [],
            "status": window.status.texts(),
            "waiting": shell.bridge.pending if shell.bridge is not None else 0,
            "tasks": [{"title": t.title, "state": t.state, "text": t.text} for t in shell.tasks.tasks],
            "theme": theme.tokens().name,
            "scale": theme.state().scale,
            "monitors": monitor_set(),
            "messages": [toast.text for toast in shell.toasts.toasts],
        }

    def _show(self, name: str) -> None:
        self.text.blockSignals(True)
        self.text.setPlainText(self.parts.get(name, ""))
        self.text.blockSignals(False)

    def _edited(self) -> None:
        self.parts[self.choice.currentText()] = self.text.toPlainText()

    def save(self) -> None:
        """Ask for a file and save what stands here."""
        suggested = f"sent-problem-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
        name, _ = QFileDialog.getSaveFileName(self, tr("Save report"), suggested, "ZIP (*.zip)")
        if name:
            self.save_to(Path(name))

    def save_to(self, path: Path) -> None:
        """Write the zip, readable by this user only."""
        hide = self.addresses.isChecked()
        said = redacted(self.said.toPlainText(), addresses=hide)
        data = packed({"problem.txt": said} | self.parts)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except OSError as error:
            self._main.shell.toast(
                tr("Cannot write {path}: {why}", path=str(path), why=str(error)), tone="bad"
            )
            return
        self._main.shell.drafts.forget(DRAFT)
        self.close_layer()
        self._main.shell.toast(tr("Report saved: {path}", path=str(path)))


def versions() -> dict[str, str]:
    """Return the versions of the program and of what it stands on."""
    found = {"SENT": __version__, "Python": sys.version.split()[0], "Qt": str(qVersion())}
    found |= {"system": platform.platform(), "session": os.environ.get("XDG_SESSION_TYPE", "")}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "bundled"
    return found


def _edit(name: str) -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setPlaceholderText(name)
    made.setAccessibleName(name)
    made.setTabChangesFocus(True)
    return made
