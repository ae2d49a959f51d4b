"""The console is one window: no piece of it is ever shown as a window of its own before it has its place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from ui.conftest import Desk
from ui.walk import gate_places, places, rest


class Shown(QObject):
    """Collects what is shown as a window besides the console's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        own = isinstance(watched, QWidget) and watched.isWindow() and not isinstance(watched, QMenu)
        if own and event.type() == QEvent.Type.Show:
            text = getattr(watched, "text", str)
            self.found.append(f"{type(watched).__name__} {text() if callable(text) else text}")
        return False


def test_no_piece_flashes_as_a_window(desk: Desk) -> None:
    desk.window.show()
    shown = Shown()
    app = QApplication.instance()
    assert app is not None
    app.installEventFilter(shown)
    try:
        for _ in gate_places(desk):
            pass
        desk.gate.show_sign_in()
        for _ in places(desk):
            pass
        desk.window.pages["radar"].queue.filter.set_text("host:nowhere")  # type: ignore[attr-defined]
        desk.window.show_page("radar")
        rest(desk)
    finally:
        app.removeEventFilter(shown)
    assert shown.found == []
    assert QApplication.activeWindow() is desk.window
