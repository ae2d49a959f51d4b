"""Takes pictures of pages, signed in to the demo organisation, without a screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sent.platform.errors import Invalid, NotFound, SentError, Unavailable

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from sent.ui.app import Console
    from sent.ui.shell.window import MainWindow

LIMIT_S = 60.0
SETTLED_S = 0.8
LIVE_S = 4.0
"""A page that asks all the time (the live tail) is taken after this."""


def take(
    pages: Sequence[tuple[str, Path]],
    *,
    theme_name: str,
    size: tuple[int, int],
    scale: float,
    record: str = "",
    keys: str = "",
) -> None:
    """Write each page as PNG to its file, all from one console that signs in once.

    `record` is opened on each page; `keys` are typed then, one by one. Raises Unavailable when no demo runs,
    NotFound for an unknown page; what goes wrong with one page is raised after the others were taken.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = str(scale)
    from sent.platform.config.paths import state_dir
    from sent.ui import boot
    from sent.ui.app import Console
    from sent.ui.prefs import Prefs

    # Never os.devnull: settings are saved by renaming, which as root would replace the device by a file.
    file = state_dir() / "shot.ini"
    file.unlink(missing_ok=True)
    prefs = Prefs(str(file))
    prefs.set_text("theme", theme_name)
    app, window, gate = boot.build([], prefs)
    window.resize(*size)
    window.show()
    gate.open()
    console = Console(window, gate, sign_in_demo=True)
    wrong: list[SentError] = []
    try:
        console.start()
        _wait(app, lambda: window.shell.person is not None or gate.problem() != "")
        if gate.problem():
            raise Unavailable("shot.sign_in", f"signing in to the demo failed: {gate.problem()}")
        for page, out in pages:
            try:
                window.show_page(page, record)
                if window.current != page:
                    raise NotFound("shot.page", f"there is no page {page!r}")
                _picture(app, window, console, keys, out)
            except SentError as error:
                wrong.append(error)
    finally:
        console.stop()
    if wrong:
        raise wrong[0]


def _picture(app: QApplication, window: MainWindow, console: Console, keys: str, out: Path) -> None:
    """Take the page that is shown once it has come to rest."""
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    _settle(app, console)
    for key in keys:
        QTest.keyClicks(QApplication.focusWidget() or window, key)
        _settle(app, console)
    if not window.grab().save(str(out)):
        raise Invalid("shot.file", f"cannot write {out}")


def _settle(app: QApplication, console: Console) -> None:
    """Wait until nothing has been asked of the database for a moment."""
    begun = quiet = time.monotonic()

    def still() -> bool:
        nonlocal quiet
        if console.bridge.pending:
            quiet = time.monotonic()
        return time.monotonic() - quiet > SETTLED_S or time.monotonic() - begun > LIVE_S

    _wait(app, still)


def _wait(app: QApplication, ready: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT_S
    while not ready():
        if time.monotonic() > give_up:
            raise Unavailable("shot.timeout", "the page did not come to rest")
        app.processEvents()
        time.sleep(0.01)
