"""The Updates page: every state says what it is and what can be done, and nothing more is offered."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from ui.conftest import Desk
from ui.update_desk import NOTES, NOTHING, OFFERED, POLICY, FakeUpdates, install, page, settle

from sent.platform.buildinfo import BuildInfo
from sent.platform.errors import SentError, Unavailable
from sent.platform.update import known, trial
from sent.platform.update.known import Known
from sent.ui.pages.updates import UpdatesPage
from sent.ui.pages.updates.notes import MOST, Notes
from sent.ui.updates import Updates
from sent.ui.updatewords import error_words, progress_words, reason_words


def line(**told: Any) -> str:
    """Return a shell command that prints what a process of an update tells."""
    return f"echo '{json.dumps(told)}'"


def seen(widget: QWidget) -> list[str]:
    """Return the names of the buttons that can be pressed."""
    return [b.accessibleName() for b in widget.findChildren(QPushButton) if b.isVisible() and b.isEnabled()]


def test_where_somebody_else_updates_sent_the_page_says_who(desk: Desk, monkeypatch: Any) -> None:
    desk.backend.permissions |= {"database:read"}
    desk.sign_in("updates")
    shown = desk.window.pages["updates"]
    assert isinstance(shown, UpdatesPage)
    assert "git or pip" in " ".join(text.text() for text in shown.notice.findChildren(QLabel))
    assert seen(shown) == []
    monkeypatch.setattr("sys.frozen", True, raising=False)
    for updates, said in (("packages", "package manager"), ("nobody", "sent update install")):
        build = BuildInfo("1.0", updates=updates)
        monkeypatch.setattr("sent.ui.pages.updates.page.build_info", lambda build=build: build)
        shown.refresh()
        words = " ".join(text.text() for text in shown.notice.findChildren(QLabel))
        assert said in words


def test_an_offer_shows_size_date_notes_packs_and_the_way_back(desk: Desk, tmp_path: Path) -> None:
    settle(desk, tmp_path, FakeUpdates(failed={"1.4.5": "did not prove itself within 60 s"}))
    shown = page(desk)
    assert shown.hero.title.text() == "SENT 1.5.0 is available"
    assert "12.4 MB" in shown.hero.offered.text() and "2026-11-27" in shown.hero.offered.text()
    assert "Search answers in half the time" in shown.notes.toPlainText()
    assert {"Install", "Look for updates", "Add Vision", "Go back to 1.3.2", "Edit the policy"} <= {
        *seen(shown)
    }
    words = " ".join(text.text() for text in shown.versions.findChildren(QLabel))
    assert "no window and no service within 60 s" in words
    assert "1.4.0" in shown.hero.facts.text() and "channel stable" in shown.hero.facts.text()


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (None, "Nobody has looked for updates yet"),
        (NOTHING, "SENT is up to date"),
        (replace(OFFERED, code="update.unreachable", message="m"), "The mirror does not answer"),
        (replace(OFFERED, code="update.signature", message="m"), "The offer is signed by somebody else"),
        (
            replace(OFFERED, code="update.room", message="needs 300 MB"),
            "There is too little room on the disk",
        ),
    ],
)
def test_every_state_has_its_sentence(desk: Desk, tmp_path: Path, found: Known | None, title: str) -> None:
    settle(desk, tmp_path, FakeUpdates(found))
    shown = page(desk)
    assert shown.hero.title.text() == title
    failed = found is not None and found.failed
    assert ("Copy details" in seen(shown)) == failed
    assert "Look for updates" in seen(shown)
    if failed:
        shown.copy_details()
        assert QGuiApplication.clipboard().text() == found.message  # type: ignore[union-attr]


def test_who_does_not_operate_or_may_not_write_can_only_look(desk: Desk, tmp_path: Path) -> None:
    fake = FakeUpdates()
    fake.may = False
    updates = settle(desk, tmp_path, fake)
    shown = page(desk)
    assert seen(shown) == []
    assert "operates" in shown.hero.note.text()
    shown.install()
    shown.go_back()
    shown.edit_policy()
    shown.drop_files([tmp_path / "x.bundle"])
    assert not updates.busy and not shown.takes_files([tmp_path / "x.bundle"])
    fake.may = True
    fake.now = replace(fake.now, status=replace(fake.now.status, writable=False))
    shown.refresh()
    desk.until(lambda: "sent" in shown.hero.note.text() and "/opt/sent" in shown.hero.note.text())
    assert seen(shown) == []


def test_progress_is_shown_goes_on_on_other_pages_and_ends_in_a_restart(desk: Desk, tmp_path: Path) -> None:
    fake = FakeUpdates()
    half = line(progress={"step": "download", "done": 6_200_000, "total": 12_400_000})
    switch = f"mkdir -p {tmp_path}/sent/versions/1.5.0; ln -sfn versions/1.5.0 {tmp_path}/sent/current"
    wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    end = line(done={"version": "1.5.0"})
    updates = settle(desk, tmp_path, fake, f"{half}\n{wait}\n{switch}\n{end}")
    shown = page(desk)
    shown.hero.install.click()
    desk.until(lambda: bool(updates.progress))
    assert shown.hero.title.text() == "Installing SENT 1.5.0"
    assert "6.2 MB of 12.4 MB" in shown.hero.how_far.text()
    assert shown.hero.bar.value() == 500
    assert "Cancel" in seen(shown) and "Install" not in seen(shown)
    desk.window.show_page("overview")
    (task,) = desk.window.shell.tasks.running()
    assert task.share == pytest.approx(0.5)
    (tmp_path / "go").touch()
    desk.until(lambda: not updates.busy)
    assert task.state == "done"
    assert updates.waiting == "1.5.0"
    assert "1.5.0 is installed" in desk.window.update_bar.text
    desk.window.show_page("updates")
    assert shown.hero.title.text() == "SENT 1.5.0 is installed"
    assert "Restart now" in seen(shown)


def test_an_update_is_cancelled_from_the_page_or_the_task_centre(desk: Desk, tmp_path: Path) -> None:
    step = line(progress={"step": "download", "done": 1, "total": 9})
    script = tmp_path / "told"
    script.write_text(json.dumps({"error": {"code": "update.cancelled", "message": "cancelled"}}) + "\n")
    program = f'trap "cat {script}; exit 1" TERM\n{step}\nwhile :; do sleep 0.05; done'
    updates = settle(desk, tmp_path, FakeUpdates(), program)
    shown = page(desk)
    for cancel in (lambda: shown.hero.cancel.click(), lambda: desk.window.shell.tasks.running()[0].cancel()):
        shown.install()
        desk.until(lambda: bool(updates.progress))
        cancel()
        desk.until(lambda: not updates.busy)
        assert desk.window.shell.tasks.tasks[-1].state == "cancelled"
        desk.until(lambda: "Cancelled" in shown.hero.title.text())


def test_a_process_that_dies_or_does_not_start_is_told(desk: Desk, tmp_path: Path) -> None:
    updates = settle(desk, tmp_path, FakeUpdates(), "kill -9 $$")
    shown = page(desk)
    heard: list[SentError] = []
    for program in (None, "/nowhere/at/all"):
        if program:
            updates._program = [program]
        assert updates.carry_out("check", failed=heard.append)
        desk.until(lambda: not updates.busy)
        assert heard[-1].code == "update.ended"
        assert shown.hero.title.text() == "The update ended in between"


def test_going_back_asks_first_and_says_what_happens(desk: Desk, tmp_path: Path) -> None:
    updates = settle(desk, tmp_path, FakeUpdates(), f"echo $* >{tmp_path}/asked\n{line(done={})}")
    shown = page(desk)
    shown.go_back()
    layer = shown._back_layer
    assert layer is not None and layer.isVisible()
    words = " ".join(text.text() for text in layer.findChildren(QLabel))
    assert "1.3.2 becomes the current version" in words and "database stays" in words
    assert desk.window.back(), "Esc stays"
    assert not updates.busy
    shown.go_back()
    layer.confirm.click()
    desk.until(lambda: not updates.busy)
    assert (tmp_path / "asked").read_text().split() == ["update", "told", "rollback"]


def test_the_policy_is_edited_checked_tried_and_undone(desk: Desk, tmp_path: Path) -> None:
    fake = FakeUpdates()
    settle(desk, tmp_path, fake, line(done={"version": "1.5.0", "seconds": 0.2}))
    shown = page(desk)
    shown.edit_policy()
    layer = shown._policy_layer
    assert layer is not None and layer.isVisible()
    layer.window_.set_text("25:00")
    layer.form.submit()
    assert layer.isVisible() and fake.saved == []
    layer.window_.set_text("01:00-04:00")
    layer.mirrors.setPlainText("https://one.example\n\n  /srv/two  ")
    layer.try_mirrors()
    desk.until(lambda: layer.said.text().count("✓") == 2)
    assert "https://one.example: offers 1.5.0 (0.2 s)" in layer.said.text()
    layer.form.submit()
    desk.until(lambda: len(fake.saved) == 1)
    wanted = replace(POLICY, window="01:00-04:00", mirrors=("https://one.example", "/srv/two"))
    assert fake.saved == [wanted]
    desk.until(lambda: shown.now is not None and shown.now.policy == wanted)
    assert desk.window.shell.toasts.undo_last()
    desk.until(lambda: fake.saved[1:] == [POLICY])


def test_a_bundle_is_dropped_looked_into_and_installed_from(desk: Desk, tmp_path: Path) -> None:
    bundle = tmp_path / "sent 1.5.0.bundle"
    bundle.write_bytes(b"x")
    fake = FakeUpdates(NOTHING)
    updates = settle(
        desk, tmp_path, fake, f'for a in "$@"; do echo "$a"; done >{tmp_path}/asked\n{line(done={})}'
    )
    shown = page(desk)
    assert not shown.takes_files([tmp_path / "x.zip"])
    assert shown.takes_files([bundle])
    fake.now = replace(fake.now, known=replace(OFFERED, at=time.time(), bundle=str(bundle)))
    shown.drop_files([bundle])
    desk.until(lambda: not updates.busy and "from sent 1.5.0.bundle" in shown.hero.offered.text())
    told = ["update", "told", "--bundle", str(bundle)]
    assert (tmp_path / "asked").read_text().splitlines() == [*told, "check"]
    shown.install()
    desk.until(lambda: not updates.busy)
    assert (tmp_path / "asked").read_text().splitlines() == [*told, "apply"]


def test_b5_the_console_looks_by_itself_when_it_is_due_and_says_so(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    updates = settle(desk, tmp_path, FakeUpdates(None), f"echo $* >>{asked}\n{line(done={'step': 'check'})}")
    assert updates.layout is not None
    updates.layout.policy.write_text('mirrors = ["/srv/mirror"]\n')
    page(desk)
    updates.look_if_due()
    desk.until(lambda: not updates.busy and asked.exists())
    assert asked.read_text() == "update told auto\n"
    assert desk.window.shell.tasks.tasks == [], "a look is nobody's task"
    known.keep(updates.layout, Known(time.time()))
    updates.look_if_due()
    assert not updates.busy, "somebody looked a moment ago"
    updates.layout.policy.write_text('automatic = false\nmirrors = ["/srv/mirror"]\n')
    updates.layout.known.unlink()
    updates.look_if_due()
    assert not updates.busy
    updates.stop()


def test_b5_nothing_is_looked_for_before_the_console_is_at_work(desk: Desk, tmp_path: Path) -> None:
    updates = settle(desk, tmp_path, FakeUpdates(None))
    updates.start()
    try:
        assert updates._due.isActive() and updates._due.interval() >= 20_000
        assert not updates.busy
    finally:
        updates.stop()


@pytest.mark.parametrize(
    ("refuse", "proof"),
    [
        (None, 1),
        (Unavailable("database.unreachable", "the server is away"), 1),
        (RuntimeError("a module of this version is broken"), 0),
    ],
    ids=["sign-in", "no database", "defect"],
)
def test_b5_what_is_shown_proves_a_version_and_a_defect_does_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, refuse: Exception | None, proof: int
) -> None:
    proved: list[int] = []
    monkeypatch.setattr(trial, "proved", lambda: proved.append(1))
    desk.backend.refuse = refuse
    desk.console.start()
    desk.until(lambda: desk.gate._ready or bool(desk.gate.problem()))
    assert len(proved) == proof


def test_another_windows_update_is_noticed(desk: Desk, tmp_path: Path) -> None:
    updates = settle(desk, tmp_path, FakeUpdates())
    desk.sign_in()
    install(updates, "1.6.0")
    assert updates.waiting == "1.6.0"
    assert "1.6.0 is installed" in desk.window.update_bar.text


def test_notes_show_no_html_no_pictures_and_where_links_lead(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    notes = Notes()
    qtbot.addWidget(notes)
    notes.show_notes(NOTES)
    shown = notes.toPlainText()
    assert "all changes (https://example.com/sent/changes)" in shown
    assert "<img" not in notes.toHtml()
    notes.show_notes(
        "<script>alert(1)</script> <b>bold</b> <img src='https://a.example/x.png'>\n\n"
        "[safe](https://bank.example) [go](javascript:alert(1)) [open](file:///etc/passwd) "
        "[https://bank.example](https://evil.example/x) ![logo](https://a.example/logo.png)"
    )
    shown = notes.toPlainText()
    assert "<b>bold</b>" in shown and "<script>" in shown
    assert "https://bank.example (https://evil.example/x)" in shown
    assert "[picture: logo]" in shown
    assert "javascript" not in shown and "/etc/passwd" not in shown
    html = notes.toHtml()
    assert "<img" not in html and "javascript:" not in html and "file:" not in html
    notes.anchorClicked.emit(QUrl("https://bank.example"))
    notes.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert opened == ["https://bank.example"]
    assert notes.loadResource(2, QUrl("https://a.example/x.png")) is None
    notes.show_notes("word " * MOST)
    assert len(notes.toPlainText()) <= MOST + 10


def test_words_of_updates() -> None:
    progress = {"step": "download", "done": 1_500_000, "total": 3_000_000}
    assert progress_words(progress, 2_000_000) == "Downloading · 1.5 MB of 3.0 MB · 2.0 MB/s"
    assert progress_words({"step": "check", "done": 1, "total": 1}, 0) == "Checking every file"
    assert "4 times" not in reason_words("was started 3 times without proving itself")
    assert reason_words("something else") == "something else"
    assert error_words("update.tampered", "m").startswith("A file is not what was signed. Nothing")
    assert error_words("update.unknown", "what it said") == "What it said"


def test_the_rate_is_that_of_the_last_moments(desk: Desk, tmp_path: Path) -> None:
    updates: Updates = settle(desk, tmp_path, FakeUpdates())
    updates._rates = [(10.0, 1_000), (12.0, 5_000)]
    assert updates.rate() == 2_000
    updates._rates = [(10.0, 1_000)]
    assert updates.rate() == 0


@pytest.mark.parametrize(
    "text",
    [
        "|a|b|\n|-|-|\n|1|2|\n\n" * 3000,
        "|a" * 20_000 + "\n" + "|-" * 20_000,
        "[a](https://b.test) " * 4000,
        "x\n\n" * 20_000,
    ],
    ids=["tables", "columns", "links", "paragraphs"],
)
def test_notes_that_would_keep_the_window_waiting_are_shown_as_they_are_written(
    qtbot: QtBot, text: str
) -> None:
    notes = Notes()
    qtbot.addWidget(notes)
    notes.show_notes(text)
    assert notes.document().blockCount() <= 501
    assert notes.document().rootFrame().childFrames() == []
    assert notes.toPlainText().startswith(text[:10].split("\n")[0])
