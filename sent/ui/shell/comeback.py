"""A restart that nobody should feel: every window with its page, view, filters, record and place comes back.

The note is written when the console restarts itself for another version, read at the next sign-in of the same
person and forgotten then. Texts that were typed come back by their drafts.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QRect

from sent.platform.errors import Invalid
from sent.ui.kit.timerange import parse
from sent.ui.shell.geometry import placed, screens

if TYPE_CHECKING:
    from sent.ui.prefs import Prefs
    from sent.ui.shell.window import MainWindow
    from sent.ui.shell.windows import Windows

KEY = "comeback"
HOURS = 12
"""An older note is of no use: whoever comes back in the morning starts anew."""
LIMIT = 100_000


def remember(windows: Windows) -> None:
    """Write down what stands in every window, for the person who is signed in."""
    shell = windows.main.shell
    for key in windows.geometry_keys():
        shell.prefs.set_place(key, windows.main.saveGeometry())
    if shell.person is not None:
        kept = {
            "at": time.time(),
            "range": str(shell.ranges.value),
            "windows": [_noted(window) for window in windows.all],
        }
        text = json.dumps(kept)
        shell.prefs.set_own(KEY, text if len(text) <= LIMIT else "")
        windows.save()
    shell.drafts.write()
    shell.prefs.sync()


def restore(windows: Windows) -> bool:
    """Bring back what was remembered, once; False when there is nothing of the kind."""
    kept = _read(windows.main.shell.prefs)
    windows.main.shell.prefs.set_own(KEY, "")
    if kept is None:
        return False
    with suppress(ValueError, TypeError, KeyError, Invalid):
        windows.main.shell.ranges.choose(parse(str(kept["range"])))
    for number, noted in enumerate(kept["windows"]):
        with suppress(ValueError, TypeError, KeyError, Invalid):
            _bring(windows, noted, main=number == 0)
    windows.main.activateWindow()
    return True


def _noted(window: MainWindow) -> dict[str, Any]:
    page = window.pages.get(window.current)
    return {
        "page": window.current,
        "record": window.current_record(),
        "arrangement": page.arrangement() if page is not None else {},
        "box": window.geometry().getRect(),
        "state": bytes(window.saveGeometry().toHex().data()).decode("ascii"),
    }


def _bring(windows: Windows, noted: dict[str, Any], *, main: bool) -> None:
    id, record = str(noted["page"]), str(noted["record"])
    if not windows.main.may_show(id):
        return
    if main:
        window: MainWindow | None = windows.main
        windows.main.show_page(id)
    else:
        x, y, width, height = (int(number) for number in noted["box"])
        window = windows.open_apart(id, place=QRect(x, y, width, height))
    if window is None:
        return
    if not main and window.restoreGeometry(QByteArray.fromHex(str(noted["state"]).encode("ascii"))):
        window.setGeometry(placed(window.geometry(), screens()))
    page = window.pages[id]
    page.arrange({str(key): str(value) for key, value in dict(noted["arrangement"]).items()})
    if record:
        (page.open_record if main else page.show_alone)(record)


def _read(prefs: Prefs) -> dict[str, Any] | None:
    text = prefs.own(KEY)
    if not text or len(text) > LIMIT:
        return None
    try:
        kept = json.loads(text)
        fresh = 0 <= time.time() - float(kept["at"]) < HOURS * 3600
        return kept if fresh and isinstance(kept["windows"], list) else None
    except (ValueError, TypeError, KeyError):
        return None
