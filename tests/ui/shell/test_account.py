"""Settings, account: password and second factor against a login service that keeps state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton
from ui.conftest import Desk
from ui.fakes import RECOVERY, SECRET, FakeBackend

from sent.ui.kit.form import TextField
from sent.ui.shell.account import AccountCard
from sent.ui.shell.settings import SettingsPage

NEW = "harbour-lamp-9-violet"


@pytest.fixture
def card(desk: Desk) -> Iterator[AccountCard]:
    """The account's card of somebody signed in."""
    desk.sign_in("settings")
    desk.settle()
    page = desk.window.pages["settings"]
    assert isinstance(page, SettingsPage)
    yield page.account


def fields(card: AccountCard) -> list[TextField]:
    return [field for field in card.findChildren(TextField) if field.isVisible()]


def press(card: AccountCard, text: str) -> None:
    next(b for b in card.findChildren(QPushButton) if b.isVisible() and b.text().strip() == text).click()


def words(card: AccountCard) -> str:
    return "\n".join(label.text() for label in card.findChildren(QLabel) if label.isVisible())


def fill(card: AccountCard, *texts: str) -> None:
    for field, text in zip(fields(card), texts, strict=True):
        field.set_text(text)


def error(field: TextField) -> str:
    return field.edit.accessibleDescription() if field.edit.property("invalid") else ""


def test_the_password_is_changed(desk: Desk, card: AccountCard, backend: FakeBackend) -> None:
    card.change_password()
    fill(card, backend.password, NEW, NEW)
    submit(card, "Change password")
    desk.until(lambda: backend.password == NEW)
    desk.until(lambda: not fields(card))
    assert any("Password changed" in toast.text for toast in desk.window.shell.toasts.toasts)


def submit(card: AccountCard, text: str) -> None:
    """Press the form's own button, the last one with this text."""
    [b for b in card.findChildren(QPushButton) if b.isVisible() and b.text().strip() == text][-1].click()


def test_a_wrong_present_password_is_told_below_its_field(
    desk: Desk, card: AccountCard, backend: FakeBackend
) -> None:
    given = backend.password
    card.change_password()
    fill(card, "not the password", NEW, NEW)
    submit(card, "Change password")
    old, new, _ = fields(card)
    desk.until(lambda: error(old) != "")
    assert "not right" in error(old)
    assert (error(new), backend.password) == ("", given)
    assert new.text() == NEW, "what was typed stays"


def test_a_refused_new_password_is_told_below_the_new_one(
    desk: Desk, card: AccountCard, backend: FakeBackend
) -> None:
    card.change_password()
    fill(card, backend.password, "a weakness nobody lists", "a weakness nobody lists")
    submit(card, "Change password")
    old, new, _ = fields(card)
    desk.until(lambda: error(new) != "")
    assert "anybody would try" in error(new)
    assert error(old) == ""


def test_weak_and_unlike_passwords_are_not_sent(card: AccountCard, backend: FakeBackend) -> None:
    given = backend.password
    card.change_password()
    fill(card, given, "short", "other")
    submit(card, "Change password")
    _, new, again = fields(card)
    assert "At least 12" in error(new)
    assert error(again) == "The two passwords differ"
    assert backend.password == given


def begin(desk: Desk, card: AccountCard, password: str, present: str = "") -> None:
    """Start setting up a second factor with password and, where one is on, its present code."""
    card.begin_factor()
    fill(card, password, present)
    submit(card, "Continue")
    desk.until(lambda: SECRET[:4] in words(card))


def test_a_second_factor_is_set_up_and_its_recovery_codes_are_shown_once(
    desk: Desk, card: AccountCard, backend: FakeBackend
) -> None:
    begin(desk, card, backend.password)
    fill(card, "000 000")
    submit(card, "Switch on")
    desk.until(lambda: "not right" in error(fields(card)[0]))
    assert not backend.second_factor
    fill(card, "123 456")
    submit(card, "Switch on")
    desk.until(lambda: all(code in words(card) for code in RECOVERY))
    assert backend.second_factor
    press(card, "Copy codes")
    assert QGuiApplication.clipboard().text().split() == list(RECOVERY)
    press(card, "I have kept them")
    assert not any(code in words(card) for code in RECOVERY)
    desk.window.show_page("overview")
    desk.window.show_page("settings")
    assert not any(code in words(card) for code in RECOVERY)


def test_recovery_codes_do_not_stay_on_a_page_that_was_left(
    desk: Desk, card: AccountCard, backend: FakeBackend
) -> None:
    begin(desk, card, backend.password)
    fill(card, "123456")
    submit(card, "Switch on")
    desk.until(lambda: RECOVERY[0] in words(card))
    desk.window.show_page("overview")
    desk.window.show_page("settings")
    assert RECOVERY[0] in words(card), "leaving the page for a moment loses nothing"
    desk.window.shell.sign_out_wanted.emit()
    desk.until(lambda: backend.broker.logged_out == 1)
    assert desk.window.pages.get("settings") is not card._page


def test_the_second_factor_is_removed_with_the_password_only(
    desk: Desk, card: AccountCard, backend: FakeBackend
) -> None:
    backend.second_factor = True
    card.remove_factor()
    fill(card, "wrong")
    submit(card, "Switch off")
    desk.until(lambda: "not right" in error(fields(card)[0]))
    assert backend.second_factor
    fill(card, backend.password)
    submit(card, "Switch off")
    desk.until(lambda: not backend.second_factor)
    desk.until(lambda: not fields(card))


def test_a_second_factor_wants_the_password_and_the_present_code(
    desk: Desk, card: AccountCard, backend: FakeBackend
) -> None:
    backend.second_factor = True
    card.begin_factor()
    fill(card, "wrong", "")
    submit(card, "Continue")
    desk.until(lambda: "not right" in error(fields(card)[0]))
    fill(card, backend.password, "")
    submit(card, "Continue")
    desk.until(lambda: "present code is needed" in error(fields(card)[1]))
    assert SECRET[:4] not in words(card)
    begin(desk, card, backend.password, "123 456")
