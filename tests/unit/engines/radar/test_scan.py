"""`sent radar scan` as a command: inputs of every kind, outputs of every kind, errors with place and cure."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sent.engines.radar.rulebook.library import shipped_folder

ROOT_LOGIN = {
    "host": "web1",
    "message": "Accepted password for root from 203.0.113.9 port 22",
    "program": "sshd",
}
CREATED = {
    "System": {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
        "EventID": 4688,
        "Channel": "Security",
        "Computer": "pc1",
        "TimeCreated": {"#attributes": {"SystemTime": "2026-01-02T03:04:05Z"}},
    },
    "EventData": {
        "NewProcessName": "C:\\Windows\\System32\\vssadmin.exe",
        "CommandLine": "vssadmin delete shadows /all",
    },
}


def scan(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sent", "radar", "scan", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ,
    )


def hits(done: subprocess.CompletedProcess[bytes]) -> list[tuple[int, str]]:
    assert done.returncode == 0, done.stderr
    return [(hit["n"], hit["title"]) for hit in map(json.loads, done.stdout.splitlines())]


def test_standard_input_bare_and_wrapped_with_bad_lines_between() -> None:
    lines = [
        json.dumps(ROOT_LOGIN).encode(),
        b"",
        b"no json",
        b"[1]",
        json.dumps({"n": 77, "src": "x", "event": CREATED}).encode(),
    ]
    done = scan("--rules", shipped_folder(), "--events", "-", "--map-4688", stdin=b"\n".join(lines))
    assert hits(done) == [
        (0, "Root logged on by SSH with a password"),
        (3, "Shadow copies or backup catalogue deleted"),
    ]
    said = done.stderr.decode()
    assert "standard input:3: is no JSON" in said
    assert "standard input:4: is no JSON object but list" in said
    assert "2 unreadable lines were skipped" in said


def test_4688_feeds_process_creation_with_the_flag_only(tmp_path: Path) -> None:
    events = tmp_path / "e.jsonl.gz"
    events.write_bytes(gzip.compress(json.dumps(CREATED).encode()))
    assert hits(scan("--rules", shipped_folder(), "--events", events)) == []
    assert len(hits(scan("--rules", shipped_folder(), "--events", events, "--map-4688"))) == 1


def test_csv_and_timeline(tmp_path: Path) -> None:
    events = tmp_path / "e.jsonl"
    late = json.dumps(CREATED)
    early = json.dumps(CREATED).replace("2026-01-02", "2025-01-02")
    events.write_text(f"{late}\n{early}\n")
    arguments = ("--rules", shipped_folder(), "--events", events, "--map-4688", "--format")
    rows = list(csv.reader(io.StringIO(scan(*arguments, "csv").stdout.decode())))
    assert rows[0] == ["n", "rule_id", "title", "level", "author"]
    assert [row[0] for row in rows[1:]] == ["0", "1"]
    lines = scan(*arguments, "timeline").stdout.decode().splitlines()
    assert [line[:10] for line in lines] == ["2025-01-02", "2026-01-02"]
    assert all("critical" in line and "pc1" in line and "rule by SENT" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.jsonl", None, "no such file of events"),
        ("text.log", b"plain text\nmore text\n", "give JSON lines"),
        ("cut.jsonl.gz", gzip.compress(b'{"a":1}\n' * 5000, mtime=0)[:40], "damaged"),
        ("broken.evtx", b"ElfFile\x00rubbish", "is no readable EVTX file"),
    ],
)
def test_input_that_is_none_fails_with_the_cure(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = scan("--rules", shipped_folder(), "--events", tmp_path / name)
    assert done.returncode == 1
    assert said in done.stderr.decode()
    assert name in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_usage_errors_exit_with_2(tmp_path: Path) -> None:
    assert scan("--events", "-").returncode == 2
    assert scan("--rules", tmp_path, "--events", "-", "--format", "xml").returncode == 2


def test_rules_that_look_at_every_channel_run_when_asked(tmp_path: Path) -> None:
    (tmp_path / "wide.yml").write_text(
        "title: Wide\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: windows}\n"
        "detection: {words: [vssadmin], condition: words}\nlevel: low\n"
    )
    plain = scan("--rules", tmp_path, "--events", "-", "--stats", stdin=json.dumps(CREATED).encode())
    assert hits(plain) == []
    assert b"wide.yml: looks at every Windows channel; --wide runs it" in plain.stderr
    assert json.loads(plain.stderr.splitlines()[-1])["rejected"] == 1
    assert hits(scan("--rules", tmp_path, "--events", "-", "--wide", stdin=json.dumps(CREATED).encode())) == [
        (0, "Wide")
    ]


SPECIFIED = """title: Failed logins, then one
id: 00000000-0000-4000-8000-0000000000a1
author: Ann
level: high
correlation:
    type: temporal_ordered
    rules: [many, 00000000-0000-4000-8000-0000000000a4]
    group-by: [User]
    timespan: 10m
---
title: Many failed logins
id: 00000000-0000-4000-8000-0000000000a2
name: many
correlation:
    type: event_count
    rules: [failed]
    group-by: [User]
    timespan: 10m
    condition: {gte: 3}
---
title: Failed login
id: 00000000-0000-4000-8000-0000000000a3
name: failed
logsource: {product: windows, service: security}
detection: {sel: {EventID: [529, 4625]}, condition: sel}
---
title: Login
id: 00000000-0000-4000-8000-0000000000a4
logsource: {product: windows, service: security}
detection: {sel: {EventID: [528, 4624]}, condition: sel}
---
title: Lonely failure
id: 00000000-0000-4000-8000-0000000000a5
author: Bob
correlation:
    type: event_count
    rules: [failed]
    group-by: [User]
    timespan: 10m
    condition: {eq: 1}
---
title: Not of the scanner
logsource: {product: windows}
filter: {rules: [failed], sel: {WorkstationName: scanner}, condition: not sel}
"""


def test_correlations_and_filters_run_over_files(tmp_path: Path) -> None:
    """The specification's example, over the turn of an hour; n is the event that completed it."""
    (tmp_path / "rules.yml").write_text(SPECIFIED)

    def login(stamp: str, event_id: int, user: str, **data: str) -> str:
        system = {"EventID": event_id, "Channel": "Security", "Computer": "dc1"}
        system["TimeCreated"] = {"#attributes": {"SystemTime": f"2026-01-02T{stamp}Z"}}
        return json.dumps({"Event": {"System": system, "EventData": {"User": user, **data}}})

    lines = [
        login("09:58:59", 4625, "eve"),
        login("09:59:59", 4625, "eve"),
        login("10:00:00", 4625, "bob"),
        login("10:00:00", 4625, "eve", WorkstationName="scanner"),
        login("10:00:00", 4624, "eve"),
        login("10:00:01", 4625, "EVE"),
        login("10:00:02", 4624, "bob"),
        login("10:05:00", 4624, "eve"),
    ]
    done = scan("--rules", tmp_path, "--events", "-", "--stats", stdin="\n".join(lines).encode())
    assert hits(done) == [(7, "Failed logins, then one"), (2, "Lonely failure")]
    assert json.loads(done.stdout.splitlines()[0])["author"] == "Ann"
    assert json.loads(done.stderr.splitlines()[-1])["rules"] == 5
    timeline = scan(
        "--rules", tmp_path, "--events", "-", "--format", "timeline", stdin="\n".join(lines).encode()
    ).stdout.decode()
    assert [line[:23] for line in timeline.splitlines()] == [
        "2026-01-02 10:00:00.000",
        "2026-01-02 10:05:00.000",
    ]
    assert timeline.count("dc1") == 2


def test_placeholders_are_given_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(
        "title: Expanded\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: linux}\n"
        "detection: {a: {user|expand: '%admins%', host|expand: '%hosts%'}, condition: a}\n"
    )
    events = "\n".join(
        json.dumps({"user": user, "host": "web1"}) for user in ("Root", "adm_x", "bob")
    ).encode()
    waiting = scan("--rules", tmp_path, "--events", "-", stdin=events)
    assert hits(waiting) == []
    assert b"rule.yml: needs values for %admins%, %hosts%" in waiting.stderr
    given = ("--placeholder", "admins=root", "--placeholder", "%admins%=adm_*", "--placeholder", "hosts=web?")
    assert hits(scan("--rules", tmp_path, "--events", "-", *given, stdin=events)) == [
        (0, "Expanded"),
        (1, "Expanded"),
    ]
    wrong = scan("--rules", tmp_path, "--events", "-", "--placeholder", "admins", stdin=events)
    assert wrong.returncode == 1
    assert b"give a placeholder as name=value" in wrong.stderr


def test_the_database_is_not_loaded() -> None:
    code = (
        "import sys\nfrom sent.cli.main import main\n"
        f"main(['radar', 'scan', '--rules', {str(shipped_folder())!r}, '--events', '-'])\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'psycopg', 'sqlalchemy', 'alembic', 'procrastinate', 'PySide6'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=b"", capture_output=True, check=True, timeout=60, env=os.environ
    )
    assert done.stdout.splitlines()[-1] == b"[]"
