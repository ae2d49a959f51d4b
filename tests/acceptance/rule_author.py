"""Writes a rule in the real console with keys: `python rule_author.py EMAIL PASSWORD`; a JSON line a step.

The console runs offscreen against the installation of `SENT_STATE_DIR`. Between two lines it waits for a line
on standard input, so that the test can look at the installation meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sent.platform.config.paths import state_dir
from sent.ui import boot
from sent.ui.app import Console
from sent.ui.prefs import Prefs

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Key = Qt.Key
LIMIT_S = 60


class Author:
    """A person at the keyboard."""

    def __init__(self) -> None:
        self.app, self.window, self.gate = boot.build([], Prefs(str(state_dir() / "author.ini")))
        self.window.resize(1360, 860)
        self.window.show()
        self.gate.open()
        self.console = Console(self.window, self.gate)

    def until(self, ready: Callable[[], object], what: str) -> None:
        """Wait until it is so."""
        end = time.monotonic() + LIMIT_S
        while not ready():
            if time.monotonic() > end:
                raise SystemExit(f"it did not happen: {what}; {[t.text for t in self.toasts()]}")
            self.app.processEvents()
            time.sleep(0.01)

    def settle(self) -> None:
        """Wait until every answer has come."""
        self.app.processEvents()
        self.until(lambda: self.console.bridge.pending == 0, "rest")

    def press(self, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the keyboard is."""
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifier)
        self.settle()

    def type(self, text: str) -> None:
        """Type where the keyboard is."""
        QTest.keyClicks(QApplication.focusWidget() or self.window, text)

    def toasts(self) -> list[Any]:
        return list(self.window.shell.toasts.toasts)

    def sign_in(self, email: str, password: str) -> None:
        self.console.start()
        self.until(lambda: self.gate._ready, "the gate")
        self.gate.email.set_text(email)
        self.gate.password.edit.setFocus()
        self.type(password)
        self.press(Key.Key_Return)
        self.until(lambda: self.window.shell.person is not None, f"signed in ({self.gate.problem()})")
        self.settle()
        self.window.back()  # the recovery key, the first time

    def write_over(self, old: str, new: str) -> None:
        """Select a text in the editor, as Shift and the arrows would, and type another."""
        code = self.page.editor.code
        place = code.toPlainText().index(old)
        cursor = code.textCursor()
        cursor.setPosition(place)
        cursor.setPosition(place + len(old), QTextCursor.MoveMode.KeepAnchor)
        code.setTextCursor(cursor)
        code.setFocus()
        self.type(new)

    @property
    def page(self) -> Any:
        return self.window.pages["rules"]

    def told(self, **facts: Any) -> None:
        """Tell the test and wait for it."""
        print(json.dumps(facts), flush=True)
        sys.stdin.readline()

    def work(self, email: str, password: str) -> None:
        """Write the rule."""
        self.sign_in(email, password)
        for key in (Key.Key_G, Key.Key_L):
            self.press(key)
        self.until(lambda: self.window.current == "rules", "the page")
        self.until(lambda: self.page.table.model_.known() > 0, "the rules")
        self.press(Key.Key_N)
        editor = self.page.editor
        self.write_over("New rule", "Vault opened")
        self.write_over("message|contains: text", "message|contain: opened the vault")
        self.until(lambda: editor.check is not None and not editor.check.runs, "the linter complains")
        marks = [(mark.line, mark.severity) for mark in editor.code.marks if mark.severity == "error"]
        self.press(Key.Key_S, CTRL)
        self.told(step="complained", reason=editor.check.reason, marks=marks, text=editor.text())

        self.write_over("contain: opened", "contains: opened")
        self.until(lambda: editor.check is not None and editor.check.runs, "it runs")
        editor.test.paste.setFocus()
        self.type('{"program": "vaultd", "message": "anna opened the vault"}')
        self.press(Key.Key_Return, CTRL)
        self.until(lambda: editor.test.outcome is not None, "the test")
        self.told(step="tested", said=editor.test.summary.text(), tree=editor.test.tree.lines())

        editor.backtest.hours = "1"
        self.press(Key.Key_Return, CTRL | SHIFT)
        self.until(lambda: editor.backtest.found is not None, "the backtest")
        self.told(step="backtested", said=editor.backtest.facts.text())

        self.press(Key.Key_S, CTRL)
        self.until(lambda: any("is saved" in t.text for t in self.toasts()), "saved")
        self.told(step="saved", id=editor.opened.id and str(editor.opened.id), text=editor.text())

        self.press(Key.Key_Escape)
        self.page.filter.edit.setFocus()
        self.type("own:yes ")
        self.page.refresh()
        self.settle()
        rows = self.page.table.model_.cached_rows()
        self.told(step="listed", rows=[(r.title, r.state, r.author, r.hits_7) for r in rows])


def main() -> int:
    """Run."""
    author = Author()
    try:
        author.work(sys.argv[1], sys.argv[2])
    finally:
        author.console.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
