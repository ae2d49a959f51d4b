"""The Notifications page and what the console shows on the desktop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from ui.conftest import Desk

from sent.engines.notifications import api
from sent.platform.ids import uuid7
from sent.ui.pages.notifications import NotificationsPage

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TEXTS = {"en": {"title": "Critical alert: LSASS", "body": "Host: <b>web1</b>"}}
NOTICE = api.Notice(uuid7(), "radar.alert.raised", "critical", TEXTS, "radar", 3, NOW, NOW, None)
CHANNEL = api.ChannelRow(
    uuid7(), "smtp", "Mail", True, {"host": "mail.test", "port": 587, "security": "starttls",
    "username": "sent", "sender": "sent@alpha.test", "allow_private": False}, "*", "info", 60, True, None,
    "the mail server answered 550", NOW, 1,
)  # fmt: skip
DELIVERY = api.Delivery(
    uuid7(), NOTICE.id, NOTICE.topic, "critical", TEXTS, "mail", "Mail", "Anna Berg", "dead", 8, NOW,
    "the mail server answered 550", NOW, None,
)  # fmt: skip


def page(desk: Desk) -> NotificationsPage:
    """Return the page."""
    found = desk.window.pages["notifications"]
    assert isinstance(found, NotificationsPage)
    return found


@pytest.fixture
def fake(desk: Desk) -> Any:
    """Return the api of a console that shows the page to somebody who manages notifications."""
    found = desk.notifications
    found.found = {
        "inbox": [NOTICE, replace(NOTICE, id=uuid7(), read_at=NOW)],
        "channels": [CHANNEL],
        "log": [DELIVERY, replace(DELIVERY, id=uuid7(), state="sent", sent_at=NOW)],
        "rules": [api.Rule(uuid7(), "mail", "radar.*", "warning")],
    }
    desk.backend.permissions |= {"notifications:manage"}
    desk.sign_in("notifications")
    desk.until(lambda: "notifications" in desk.window.pages and known(desk, "inbox") == 2)
    desk.settle()
    return found


def known(desk: Desk, view: str) -> int:
    """Return how many rows a list has."""
    model = page(desk).tables[view].model_
    return 0 if model.skeleton else model.known()


def show(desk: Desk, view: str, rows: int) -> None:
    """Show a list with its first row chosen."""
    page(desk).show_view(view)
    desk.until(lambda: known(desk, view) == rows)
    desk.settle()
    page(desk).tables[view].go(0)


def test_a_notice_that_is_opened_is_read_and_leads_to_its_page(desk: Desk, fake: Any) -> None:
    page(desk).tables["inbox"].go(0)
    page(desk).open_row(NOTICE)
    desk.until(lambda: ("mark", ([NOTICE.id], True)) in fake.asked)
    words = [label.text() for label in page(desk).panel.findChildren(QLabel)]
    assert "Critical alert: LSASS" in words
    assert "Host: <b>web1</b>" in words
    go = next(b for b in page(desk).panel.findChildren(QPushButton) if b.text().strip() == "Open")
    go.click()
    assert desk.window.current == "radar"


def test_marking_can_be_taken_back(desk: Desk, fake: Any) -> None:
    page(desk).tables["inbox"].go(0)
    page(desk).mark_read()
    desk.until(lambda: ("mark", ([NOTICE.id], True)) in fake.asked)
    page(desk).mark_all()
    desk.until(lambda: ("mark", (None, True)) in fake.asked)


def test_the_filter_asks_for_unread_ones_and_words(desk: Desk, fake: Any) -> None:
    page(desk).filters["inbox"].set_text("read:no lsass")
    desk.until(lambda: ("inbox", (True, "lsass")) in fake.asked)
    page(desk).show_view("log")
    page(desk).filters["log"].set_text("state:dead")
    desk.until(lambda: ("log", ["dead"]) in fake.asked)


def test_only_dead_deliveries_are_sent_again(desk: Desk, fake: Any) -> None:
    show(desk, "log", 2)
    assert page(desk).again.isEnabled()
    page(desk).tables["log"].go(1)
    assert not page(desk).again.isEnabled()
    page(desk).tables["log"].go(0)
    page(desk).retry()
    desk.until(lambda: ("retry", [DELIVERY.id]) in fake.asked)


def test_a_channel_is_changed_without_showing_its_secret(desk: Desk, fake: Any) -> None:
    show(desk, "channels", 1)
    page(desk).open_row(CHANNEL)
    form = page(desk).panel.form
    assert form is not None
    assert [field.text() for field in form.fields if field.secret] == [""]
    form.fields[0].set_text("Post")
    form.submit()
    desk.until(lambda: any(what == "save" for what, _ in fake.asked))
    draft = next(draft for what, draft in fake.asked if what == "save")
    assert (draft.id, draft.name, draft.secret, draft.config) == (CHANNEL.id, "Post", None, CHANNEL.config)
    desk.until(lambda: page(desk).panel.form is None)


def test_a_new_webhook_needs_its_fields_and_sends_the_secret_hidden(desk: Desk, fake: Any) -> None:
    show(desk, "channels", 1)
    page(desk).add_webhook()
    form = page(desk).panel.form
    assert form is not None
    form.submit()
    for field, text in zip(
        form.fields, ("Site", "https://example.com/x", "radar.*", "30", "geheim"), strict=True
    ):
        field.set_text(text)
    form.submit()
    desk.until(lambda: any(what == "save" for what, _ in fake.asked))
    (draft,) = [draft for what, draft in fake.asked if what == "save"]
    assert draft.secret.reveal() == "geheim"
    assert "geheim" not in repr(draft)
    assert (draft.pattern, draft.rate_per_minute, draft.config["allow_private"]) == ("radar.*", 30, False)


def test_preferences_are_kept_as_they_are_chosen(desk: Desk, fake: Any) -> None:
    desk.window.shell.open("notifications", "preferences")
    assert page(desk).view == "preferences"
    view = page(desk).preferences
    desk.until(lambda: view.quiet.own is not None)
    desk.settle()
    view.quiet._choose("quiet", "yes")
    view.quiet.zone.set_text("Europe/Vienna")
    view.quiet.zone.edit.editingFinished.emit()
    wanted = api.Preferences(quiet=True, zone="Europe/Vienna")
    desk.until(lambda: ("preferences", wanted) in fake.asked)
    view.rules.pattern.set_text("jobs.*")
    view.rules.add()
    desk.until(lambda: ("rule", ("mail", "jobs.*", "warning", False)) in fake.asked)
    page(desk).test_me()
    desk.until(lambda: ("test_me", None) in fake.asked)


def test_who_does_not_manage_sees_neither_channels_nor_log(desk: Desk) -> None:
    desk.sign_in("notifications")
    desk.until(lambda: "notifications" in desk.window.pages)
    page(desk).show_view("log")
    assert page(desk).view == "inbox"


def test_what_is_told_stands_on_the_desktop_once_and_is_acknowledged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = api.Unshown(uuid7(), NOTICE.id, NOTICE.topic, "critical", TEXTS, "radar", 1)
    shown: list[tuple[Any, ...]] = []
    desk.sign_in("overview")
    desk.settle()
    desktop = desk.window.shell.common.desktop
    assert desktop is not None
    monkeypatch.setattr(desktop, "show", lambda *args: shown.append(args))
    desk.notifications.found["unshown"] = [told]
    desk.console.bridge.hint.emit([("notify.notice.raised", {"notice": "x"})])
    desk.until(lambda: ("shown", [told.delivery]) in desk.notifications.asked)
    assert shown == [
        ("Critical alert: LSASS", "Host: <b>web1</b>", "radar", "radar.alert.raised", "critical")
    ]
    desk.notifications.found["unshown"] = [told]
    desk.console.bridge.hint.emit([("notify.notice.raised", {"notice": "x"})])
    desk.until(lambda: sum(what == "shown" for what, _ in desk.notifications.asked) == 2)
    assert len(shown) == 1
