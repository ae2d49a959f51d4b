"""About SENT: versions, and the licences of what it is made of."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit

from sent import __version__
from sent.platform.buildinfo import SOURCE, build_info
from sent.platform.i18n import tr
from sent.platform.licences import components
from sent.ui.kit.page import Page
from sent.ui.kit.widgets import IconLabel, button, card, column, label, row

ASSETS = Path(__file__).resolve().parent.parent / "assets"
LICENCES = {
    "Inter": "fonts/Inter-OFL.txt",
    "IBM Plex Mono": "fonts/IBMPlexMono-OFL.txt",
    "Lucide": "icons/LICENSE-lucide.txt",
}


class AboutPage(Page):
    """What runs here, ready to copy into a report."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        frame = card()
        head = row(
            IconLabel("sent", "accent", 40),
            column(
                label("SENT", type="xl"), label(tr("Version {version}", version=__version__), tone="2"), gap=0
            ),
            None,
            gap=14,
        )
        self.facts = facts()
        lines = column(gap=4)
        for name, value in self.facts.items():
            text = label(value)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            caption = label(name, tone="3")
            caption.setFixedWidth(120)
            lines.addLayout(row(caption, text, None))
        copy = button(tr("Copy"), self._copy, icon_name="copy", name=tr("Copy versions"))
        texts = QPlainTextEdit(licences())
        texts.setReadOnly(True)
        texts.setProperty("type", "mono")
        texts.setAccessibleName(tr("Licence texts"))
        texts.setTabChangesFocus(True)
        frame.setLayout(
            column(
                head,
                10,
                lines,
                row(copy, None),
                10,
                label(tr("Licences"), weight="medium"),
                texts,
                gap=8,
                margins=(24, 22, 24, 22),
            )
        )
        self.setLayout(column(frame, margins=(20, 16, 20, 16)))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(
            "\n".join(f"{name}: {value}" for name, value in self.facts.items())
        )
        self.shell.toast(tr("Versions copied"))


def facts() -> dict[str, str]:
    """Return what a report about this program needs."""
    build = build_info()
    return {
        "SENT": __version__,
        tr("Built from"): tr("a checkout")
        if build.commit == SOURCE
        else f"{build.commit[:12]}, {build.built}",
        "Qt": qVersion(),
        "PySide": metadata.version("PySide6-Essentials"),
        "Python": platform.python_version(),
        tr("System"): f"{platform.system()} {platform.release()} ({platform.machine()})",
    }


def licences() -> str:
    """Return the licence texts that travel with the program."""
    parts = [
        tr(
            "Qt and PySide6 are used under the LGPL, version 3; their libraries are separate files and can "
            "be replaced. Their sources are at https://code.qt.io."
        ),
    ]
    for name, path in LICENCES.items():
        file = ASSETS / path
        if file.is_file():
            parts.append(f"{name}\n{'-' * len(name)}\n{file.read_text('utf-8').strip()}")
    for part in components():
        title = f"{part.name} {part.version} ({part.licence})"
        parts.append("\n".join([title, "-" * len(title), *(part.texts or (part.address,))]))
    return "\n\n\n".join(parts)
