"""The real console, which also writes down what it shows: `python console_under_test.py STATE_FILE`.

The test looks at the file and acts with real keys and a real mouse only; nothing here touches a widget.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QWidget

from sent.ui import boot
from sent.ui.single import Single
from sent.ui.theme import theme


def main() -> int:
    """Run the console and write its state ten times a second."""
    target = Path(sys.argv[1])
    single = Single()
    assert single.begin()
    app, window, gate = boot.build([])
    window.painted.connect(lambda: boot._start(window, gate, [], None, single))
    window.show()
    gate.open()

    def write() -> None:
        fresh = target.with_suffix(".part")
        fresh.write_text(json.dumps(state(window, gate)))
        fresh.replace(target)

    timer = QTimer(interval=100)
    timer.timeout.connect(write)
    timer.start()
    return app.exec()


def state(window: Any, gate: Any) -> dict[str, Any]:
    """Return what is on the screen."""
    page = window.pages.get("radar")
    focus = QApplication.focusWidget()
    found: dict[str, Any] = {
        "active": window.isActiveWindow(),
        "gate": None if gate.isHidden() else gate.stack.currentIndex(),
        "ready": gate._ready,
        "problem": gate.problem(),
        "person": window.shell.person.name if window.shell.person else None,
        "page": window.current,
        "focus": focus.accessibleName() if focus else "",
        "typed": focus.text() if isinstance(focus, QLineEdit) else "",
        "said": said(window),
        "palette": [] if window.palette_.isHidden() else window.palette_.visible_titles()[:3],
        "toasts": [toast.text for toast in window.shell.toasts.toasts],
        "theme": theme.tokens().name,
        "banner": not window.banner.isHidden(),
        "database": window.status.texts()["database"],
        "places": places(window),
        "record": window.current_record(),
        "windows": [other.current for other in window.windows.others if other.isVisible()],
        "question": "" if window.question.isHidden() else window.question.text,
        "report": None
        if window._report is None or window._report.isHidden()
        else window._report.said.toPlainText(),
        "tray": window.shell.common.tray is not None and window.shell.common.tray.icon is not None,
    }
    if page is not None:
        row = page.queue.table.current_row()
        found |= {
            "rows": page.queue.table.model_.known(),
            "current": [row.title, row.state] if row is not None else None,
            "at": f"{row.title} {row.host}" if row is not None else "",
            "detail": page.queue.panel.alert.state if page.queue.split.is_open() else None,
            "filter": page.queue.filter.text(),
            "dimmed": page.queue.table.dimmed,
        }
    return found


def said(window: Any) -> list[str]:
    """Return the texts of the page in front, as a person reads them."""
    page = window.pages.get(window.current)
    if page is None:
        return []
    return [one.text() for one in page.findChildren(QLabel) if one.isVisible() and one.text()][:120]


def report(window: Any) -> str | None:
    """Return what is typed in the report of a problem, None while that is not open."""
    layer = window._report
    return None if layer is None or layer.isHidden() else str(layer.said.toPlainText())


def places(window: QWidget) -> dict[str, list[int]]:
    """Return the middle of every visible button on the screen, by its name."""
    found = {}
    for button in window.findChildren(QAbstractButton):
        if button.isVisible() and button.accessibleName():
            middle = button.mapToGlobal(QPoint(button.width() // 2, button.height() // 2))
            found[button.accessibleName()] = [middle.x(), middle.y()]
    return found


if __name__ == "__main__":
    raise SystemExit(main())
