"""K7 30: a problem is reported without secrets, the user sees what goes along; ids and times are copied."""

from __future__ import annotations

import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from ui.conftest import Desk

from sent.platform.telemetry import log
from sent.platform.telemetry.report import LIMIT, redacted
from sent.ui.shell.report import ReportLayer

SECRETS = [
    ("password=hunter2-blue", "hunter2-blue"),
    ('{"password": "hunter2-blue", "host": "fs1"}', "hunter2-blue"),
    ("Authorization: Bearer abc.def-123456", "abc.def-123456"),
    ("postgresql://sent_app:pa55w0rd@db.example/sent", "pa55w0rd"),
    ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-nature", "eyJzdWIiOiIxIn0"),
    ("SENT_DATABASE_URL='postgres://u:p4ss@h/d'", "p4ss"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----", "MIIEvQIBADANBg"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBg", "MIIEvQIBADANBg"),
    ("SCRAM-SHA-256$4096:c2FsdA==$aGFzaA==:c2ln", "aGFzaA"),
    ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$hash", "c29tZXNhbHQ"),
    ("wrote to anna.berg@example.co.uk", "anna.berg@"),
    ("key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "9f86d081884c"),
    ("api_key: sk-live-1234567890", "sk-live-1234567890"),
    ("totp_secret=JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXP"),
    ("Cookie: sid=abcdef; other=1", "abcdef"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_k7_30_secrets_are_taken_out(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert secret not in redacted(f"before {text} after")


def test_k7_30_what_helps_stays_and_addresses_go_where_asked() -> None:
    text = "alert 0190f3a2-1111-7000-8000-0123456789ab on fs1 from 198.51.100.23 and 2001:db8::1 at 12:00:01"
    assert redacted(text) == text
    hidden = redacted(text, addresses=True)
    assert "198.51.100.23" not in hidden and "2001:db8::1" not in hidden
    assert "0190f3a2-1111-7000-8000-0123456789ab" in hidden and "12:00:01" in hidden
    assert len(redacted("x" * (LIMIT + 10))) == LIMIT


def test_k7_30_the_user_sees_and_changes_what_is_saved(desk: Desk, tmp_path: Path) -> None:
    desk.sign_in("overview")
    desk.settle()
    log.configure("console", level="warning")
    log.get_logger("console").warning("login.failed", password="hunter2-blue", host="fs1")
    desk.window.shell.actions.trigger("problem.report")
    layer = desk.window._report
    assert isinstance(layer, ReportLayer) and not layer.isHidden()
    layer.said.setPlainText("It hangs. My password=hunter2-blue")
    layer.choice.setCurrentText("log.jsonl")
    assert "login.failed" in layer.text.toPlainText() and "hunter2-blue" not in layer.text.toPlainText()
    layer.choice.setCurrentText("state.json")
    layer.text.setPlainText("I took this out")
    target = tmp_path / "report.zip"
    layer.save_to(target)
    assert layer.isHidden()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with zipfile.ZipFile(target) as file:
        found = {name: file.read(name).decode() for name in file.namelist()}
    assert set(found) == {"problem.txt", "versions.json", "state.json", "log.jsonl"}
    assert found["problem.txt"].startswith("It hangs.") and "hunter2" not in "".join(found.values())
    assert found["state.json"] == "I took this out"
    assert "PySide6" in found["versions.json"]


def test_k7_30_what_was_typed_of_a_problem_is_there_again(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.window.shell.actions.trigger("problem.report")
    layer = desk.window._report
    assert layer is not None
    layer.said.setPlainText("It hangs when")
    layer.close_layer()
    desk.window.shell.actions.trigger("problem.report")
    assert layer.said.toPlainText() == "It hangs when"
    desk.window.shell.drafts.forget_all()
    desk.settle()


def test_k7_30_ids_and_iso_times_are_copied(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.settle()
    queue = desk.window.pages["radar"].queue  # type: ignore[attr-defined]
    queue.table.setFocus()
    queue.table.go(0)
    row = queue.table.current_row()
    desk.window.shell.actions.trigger("radar.copy")
    assert QApplication.clipboard().text() == str(row.id)
    desk.window.shell.actions.trigger("list.copy_time")
    copied = datetime.fromisoformat(QApplication.clipboard().text())
    assert copied == row.at.astimezone(UTC) and copied.tzinfo is not None
