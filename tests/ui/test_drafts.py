"""K7 25: what is typed survives a crash; secrets are never kept."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from ui.conftest import Desk

from sent.ui.kit import drafts as module
from sent.ui.kit.drafts import Drafts
from sent.ui.kit.form import Form, TextField

TYPING = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from sent.ui.kit.drafts import Drafts
from sent.ui.kit.form import Form, TextField
app = QApplication([])
drafts = Drafts(Path(sys.argv[1]))
drafts.use_person("anna")
text, secret = TextField("Note"), TextField("Password", secret=True)
form = Form(text, secret, drafts=drafts, key="note")
text.edit.insert("half a sen"); text.edit.textEdited.emit(text.edit.text())
secret.edit.insert("hunter2"); secret.edit.textEdited.emit(secret.edit.text())
app.exec()
"""


def test_k7_25_after_kill_9_the_text_is_there_again_and_no_secret_ever_was(
    qtbot: QtBot, tmp_path: Path
) -> None:
    process = subprocess.Popen([sys.executable, "-c", TYPING, str(tmp_path)])
    try:
        give_up = time.monotonic() + 60
        while not list(tmp_path.glob("*.json")):
            assert time.monotonic() < give_up and process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    file = next(tmp_path.glob("*.json"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hunter2" not in file.read_text()
    drafts = Drafts(tmp_path)
    drafts.use_person("anna")
    text, secret = TextField("Note"), TextField("Password", secret=True)
    form = Form(text, secret, drafts=drafts, key="note")
    qtbot.addWidget(form)
    assert (text.text(), secret.text()) == ("half a sen", "")
    assert form.dirty()
    form.settle()
    assert not form.dirty() and drafts.keys() == [] and not file.exists()


def test_k7_25_drafts_are_one_persons_bounded_and_forgotten_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    drafts = Drafts(tmp_path)
    drafts.put("a", {"x": "nobody is signed in"})
    drafts.write()
    assert list(tmp_path.iterdir()) == []
    drafts.use_person("anna")
    drafts.put("a", {"x": "t" * 200_000, "empty": " "})
    assert len(drafts.get("a")["x"]) == module.TEXT_LIMIT and "empty" not in drafts.get("a")
    for number in range(150):
        drafts.put(f"k{number}", {"x": "1"})
    assert len(drafts.keys()) == module.KEPT
    drafts.use_person("boris")
    assert drafts.keys() == []
    drafts.use_person("anna")
    assert len(drafts.keys()) == module.KEPT
    monkeypatch.setattr(module, "DAYS", -1)
    drafts.use_person("anna")
    assert drafts.keys() == []
    file = tmp_path / f"{hashlib.sha256(b'anna').hexdigest()[:24]}.json"
    for rubbish in (b"{", b"[]", b'{"a": 1, "b": {"at": "x"}}', b"\xff"):
        drafts.use_person("")
        file.write_bytes(rubbish)
        drafts.use_person("anna")
        assert drafts.keys() == []


def test_k7_25_a_full_disk_or_a_folder_that_is_gone_stops_nobody(tmp_path: Path, qtbot: QtBot) -> None:
    place = tmp_path / "file"
    place.write_text("")
    drafts = Drafts(place)
    drafts.use_person("anna")
    drafts.put("a", {"x": "text"})
    drafts.write()
    assert drafts.get("a") == {"x": "text"}
    assert os.path.isfile(place)


def test_k7_25_closing_with_unsaved_text_asks_first(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.settle()
    desk.window.prompt.ask("Name it", "Name", lambda _text: None, text="old")
    field = desk.window.prompt.field
    assert field is not None
    field.edit.setText("half a na")
    assert not desk.window.close()
    assert desk.window.isVisible() and "unsaved" in desk.window.question.text.lower()
    desk.window.prompt.close_layer()
    assert desk.window.close()
