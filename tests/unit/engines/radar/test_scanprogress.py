"""`sent radar scan` tells how far it is, finds files in folders, and sums up."""

from __future__ import annotations

import io
import json
from pathlib import Path

from typer.testing import CliRunner

from sent.engines.radar.cli import app
from sent.engines.radar.scanprogress import ScanProgress, within

RULES = """
title: Root came
id: 2b6f3c90-8b51-4e0a-9f0c-111111111111
author: Anna Berg
logsource: {product: windows, service: security}
detection:
  s: {TargetUserName: root}
  condition: s
level: high
---
title: Somebody came
id: 2b6f3c90-8b51-4e0a-9f0c-222222222222
logsource: {product: windows, service: security}
detection:
  s: {EventID: 4624}
  condition: s
level: low
"""


def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yml").write_text(RULES)
    events = tmp_path / "events" / "deep"
    events.mkdir(parents=True)
    for name, user in (("b.jsonl", "root"), ("a.json", "anna"), ("note.txt", "root")):
        row = {"Channel": "Security", "EventID": 4624, "Computer": f"pc-{name[0]}", "TargetUserName": user}
        (events / name).write_text(f"{json.dumps(row)}\n" * 3)
    return tmp_path / "events"


def test_the_line_tells_events_speed_hits_and_the_share_of_bytes(tmp_path: Path) -> None:
    files = within([folder(tmp_path)])
    assert [path.name for path in files] == ["a.json", "b.jsonl"]
    out, now = io.StringIO(), [0.0]
    shown = ScanProgress(files, out, clock=lambda: now[0])
    shown.tell(500, 0)
    assert not out.getvalue(), "not at once"
    now[0] = 2.0
    shown.hits = 7
    shown.tell(5000, 1)
    assert "5,000 events  2,500/s  7 hits  file 2 of 2, 50%  b.jsonl" in out.getvalue()
    shown.say("rule not run")
    assert out.getvalue().endswith("\r\x1b[Krule not run\n")
    before = out.getvalue()
    shown.clear()
    assert out.getvalue() == before, "nothing is left to take away"


def test_a_name_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2J.jsonl"
    odd.write_text("{}\n")
    out, now = io.StringIO(), [0.0]
    shown = ScanProgress([odd], out, clock=lambda: now[0])
    now[0] = 1.0
    shown.tell(1, 0)
    assert "\x1b[2J" not in out.getvalue()


def test_a_folder_is_scanned_and_summed_up(tmp_path: Path) -> None:
    events = folder(tmp_path)
    words = ["scan", "--rules", str(tmp_path / "rules.yml"), "--events", str(events), "--format", "summary"]
    done = CliRunner().invoke(app, [*words, "--stats"])
    assert done.exit_code == 0
    assert json.loads(done.stderr.splitlines()[-1])["events"] == 6
    assert done.stdout.splitlines() == [
        "high                  3  Root came (rule by Anna Berg)  on pc-b (3)",
        "low                   6  Somebody came  on pc-a (3), pc-b (3)",
    ]
    grave = CliRunner().invoke(app, [*words, "--level", "medium"])
    assert grave.stdout.splitlines() == done.stdout.splitlines()[:1]
