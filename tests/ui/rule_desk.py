"""The Rules page at a desk over fakes, for the tests of its list and of its editor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk
from ui.rule_service import a_rule

from sent.ui.pages.rules import RulesPage

KEY, SHIFT, CTRL = Qt.Key, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def no_drafts(desk: Desk) -> Iterator[None]:
    """Forget the drafts of a test with it."""
    yield
    desk.window.shell.drafts.forget_all()


def rules_page(desk: Desk) -> RulesPage:
    """Sign in and show the list with its rows."""
    desk.sign_in("rules")
    page = desk.window.pages["rules"]
    assert isinstance(page, RulesPage)
    desk.until(lambda: page.table.model_.known() > 0)
    page.table.setFocus()
    page.table.go(0)
    return page


def press(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press a key where the keyboard is."""
    QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)
    desk.settle()


def write(desk: Desk, text: str) -> None:
    """Type where the keyboard is."""
    QTest.keyClicks(QApplication.focusWidget(), text)


def said(desk: Desk, text: str) -> bool:
    """Say whether a message stands on the screen."""
    return any(text in toast.text for toast in desk.window.shell.toasts.toasts)


def titles(page: RulesPage) -> list[str]:
    return [row.title for row in page.table.model_.cached_rows()]


def an_editor(desk: Desk, number: int = 0, *, own: bool = True) -> RulesPage:
    """Open a rule in the editor."""
    rule = a_rule(number)
    desk.radar.rules[rule.id] = replace(rule, own=own)
    page = rules_page(desk)
    page.open_rule(rule.id)
    desk.settle()
    desk.until(lambda: page.writes() and page.editor.check is not None)
    return page


def find(page: RulesPage, text: str) -> None:
    """Select a text in the editor, to be typed over."""
    code = page.editor.code
    place = code.toPlainText().index(text)
    cursor = code.textCursor()
    cursor.setPosition(place)
    cursor.setPosition(place + len(text), QTextCursor.MoveMode.KeepAnchor)
    code.setTextCursor(cursor)
    code.setFocus()
