"""The Audit page's proof: what is sealed, a verification with cancel, the bad entry, personal values."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QWidget
from ui.conftest import Desk
from ui.fakes import FakeAudit

from sent.engines.audit.api import Finding
from sent.ui.pages.audit.page import AuditPage


def opened(desk: Desk) -> tuple[AuditPage, FakeAudit]:
    """Return the page in front and its api."""
    desk.sign_in("audit")
    desk.settle()
    page = desk.window.pages["audit"]
    assert isinstance(page, AuditPage)
    fake: Any = desk.console.bridge.apis["audit"]
    return page, fake


def test_the_page_says_how_far_the_trail_is_proved(desk: Desk) -> None:
    page, _ = opened(desk)
    text = page.proof.accessibleDescription()
    assert "Sealed up to" in text and "2 entries wait" in text and "Anchored" in text
    assert "Never verified" in text and not page.proof.show_button.isVisible()


def test_a_verification_runs_and_can_be_cancelled(desk: Desk) -> None:
    page, fake = opened(desk)
    fake.hold = asyncio.Event()
    page.proof.verify_button.click()
    desk.until(lambda: "right so far" in page.proof.accessibleDescription())
    assert page.proof.verify_button.text() == "Cancel"
    page.proof.verify_button.click()
    desk.until(lambda: desk.window.shell.tasks.running() == [])
    assert page.proof.verify_button.text() == "Verify now"
    fake.hold = None
    page.proof.verify_button.click()
    desk.until(lambda: "Verified here" in page.proof.accessibleDescription())
    assert desk.window.shell.tasks.tasks[-1].state == "done"


def test_the_first_bad_entry_stands_out_and_is_reached(desk: Desk) -> None:
    page, fake = opened(desk)
    bad = Finding("edited", "o", 77, None, None, 3, "entry 77 was changed after it was sealed")
    fake.report = replace(fake.report, finding=bad)
    page.proof.verify_button.click()
    desk.until(lambda: page.proof.show_button.isVisible())
    assert "entry 77 was changed" in page.proof.accessibleDescription()
    page.proof.show_button.click()
    desk.until(lambda: page.split.is_open())
    assert page._shown is not None and page._shown.table == "found.77"


def test_personal_values_are_shown_and_erased_ones_named(desk: Desk) -> None:
    page, _ = opened(desk)
    entry = page.table.model_.cached_rows()[0]
    page.open_entry(replace(entry, before={"name": "personal:aa"}, after={"name": "personal:bb"}))

    def words() -> str:
        return " ".join(widget.accessibleName() for widget in page.panel.findChildren(QWidget))

    desk.until(lambda: "Anna Berg" in words() and "(erased)" in words())
