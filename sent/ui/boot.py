"""Starts the console: the window first, everything heavy after its first paint.

Before the first paint only the standard library, QtCore, QtGui, QtWidgets and QtSvg are loaded, no database
driver and no engine's code. `--demo` signs in to the demo organisation. `--report-first-paint` prints one
JSON line (seconds since the process started, resident memory, modules) and goes on; the benches read it.

One console runs per user: another start hands its link (`sent sent://org/...`) to the first and ends, unless
`--new` (or a measurement) asks for a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from sent.platform.errors import SentError
from sent.platform.i18n import right_to_left, set_language
from sent.platform.links import Link, is_link, parse
from sent.ui.prefs import Prefs
from sent.ui.shell.gate import Gate
from sent.ui.shell.window import MainWindow
from sent.ui.single import Single
from sent.ui.theme import theme

ARGUMENTS = ("--demo", "--new", "--report-first-paint", "--quit-after-paint")
ALONE = {"--new", "--report-first-paint", "--quit-after-paint"}


def main(argv: Sequence[str]) -> int:
    """Run the console until its window is closed; returns the exit code (2: an argument is not known).

    65: the link is none; 69: there is no screen, or another console has the lock but does not answer.
    """
    _find_libraries()
    words = [word for word in argv if not is_link(word)]
    texts = [word for word in argv if is_link(word)]
    if unknown := [word for word in words if word not in ARGUMENTS] + texts[1:]:
        known = ", ".join(ARGUMENTS)
        print(
            f"sent: the console does not know {' '.join(unknown)}; it knows {known} and one link",
            file=sys.stderr,
        )
        return 2
    if not _has_screen():
        print("sent: there is no screen here (DISPLAY, WAYLAND_DISPLAY); see `sent --help`", file=sys.stderr)
        return 69
    single = None
    try:
        link = parse(texts[0]) if texts else None
        if not ALONE.intersection(words):
            single = Single()
            if not single.begin(texts[0] if texts else ""):
                return 0
    except SentError as error:
        print(f"sent: {error.message}", file=sys.stderr)
        return error.exit_code
    app, window, gate = build(words)
    if "--report-first-paint" in argv:
        window.painted.connect(lambda: print(json.dumps(first_paint(window)), flush=True))
    if "--quit-after-paint" in argv:
        window.painted.connect(lambda: QTimer.singleShot(0, app.quit))
    else:
        window.painted.connect(lambda: _start(window, gate, words, link, single))
    window.show()
    gate.open()
    code = app.exec()
    if app.property("start_again"):
        _start_again(words)
    return code


def _start_again(words: Sequence[str]) -> None:
    """Go over to the version that was installed meanwhile; see `restarting`."""
    from sent.platform.update.layout import installation
    from sent.platform.update.renew import start_again

    layout = installation()
    if layout is not None:
        start_again(layout, words)


def _find_libraries() -> None:
    """Let QtNetwork find OpenSSL in the packaged program on Windows.

    The one useful duty of PyInstaller's start-up hook for PySide6, which loads Qt in workers too and is
    therefore left out of the build (ADR 0023).
    """
    if sys.platform == "win32" and (folder := getattr(sys, "_MEIPASS", "")):
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"


def build(argv: list[str], prefs: Prefs | None = None) -> tuple[QApplication, MainWindow, Gate]:
    """Return application, window and gate, not shown yet."""
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(["sent", *argv])
    QCoreApplication.setApplicationName("SENT")
    prefs = prefs or Prefs()
    set_language(None if "SENT_LOCALE" in os.environ else prefs.text("language") or None)
    app.setLayoutDirection(
        Qt.LayoutDirection.RightToLeft if right_to_left() else Qt.LayoutDirection.LeftToRight
    )
    theme.setup(app, **prefs.looks())
    window = MainWindow(prefs)
    return app, window, Gate(window, prefs)


def _start(
    window: MainWindow,
    gate: Gate,
    argv: list[str],
    link: Link | None = None,
    single: Single | None = None,
) -> None:
    """Import and start what talks to the database, and to other processes of the user."""
    from sent.platform.telemetry import log
    from sent.ui.app import Console

    log.configure("console", level="warning")
    console = Console(window, gate, sign_in_demo="--demo" in argv)
    window.setProperty("console", console)
    app = QApplication.instance()
    if app is not None:
        app.aboutToQuit.connect(console.stop)
    if single is not None:
        try:
            single.listen(console.follower.follow)
        except SentError as error:
            log.get_logger("console").warning("console.no_links", error=error.message)
        if app is not None:
            app.aboutToQuit.connect(single.stop)
    if link is not None:
        console.follower.follow(link)
    console.start()


def first_paint(window: MainWindow) -> dict[str, object]:
    """Return what the process cost until its first paint."""
    started = _process_start()
    resident = 0
    status = Path("/proc/self/status")
    if status.is_file():
        resident = next(
            int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS")
        )
    return {
        "seconds": round(window.painted_at - started, 4),
        "rss_mb": round(resident / 1024, 1),
        "modules": sorted(
            {name.split(".")[0] for name in sys.modules}
            | {n for n in sys.modules if n.startswith("sqlalchemy.")}
        ),
    }


def _process_start() -> float:
    """Return when this process started, as epoch seconds (Linux; elsewhere: when this module was loaded)."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        boot = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("btime")
        )
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, StopIteration):
        return _LOADED
    import time

    since_boot = ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - uptime + since_boot if boot else _LOADED


def _now() -> float:
    import time

    return time.time()


_LOADED = _now()


def _has_screen() -> bool:
    """Say whether Qt finds a screen to ask for: without one it aborts, as a broken version would."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in names)
