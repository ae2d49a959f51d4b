"""`sent radar rules` and `sent radar source` as the installation's administrator uses them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sent.engines.radar import api
from sent.engines.radar.store import letters
from sent.platform.db.engine import Server
from sent.platform.db.uow import uow

RULE = (
    "title: Mine\nid: 00000000-0000-4000-8000-000000000001\nauthor: Ann\nlevel: low\n"
    "logsource: {product: linux}\ndetection: {a: {F: x}, condition: a}\n"
)


@pytest.fixture
def radar(server: Server, org_a):
    """Return a function that runs `sent radar ...` on this test's database."""
    url = f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sent", "radar", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "SENT_DATABASE_URL": url},
        )

    return run


def said(done: subprocess.CompletedProcess[str]) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_rules_are_imported_and_listed(radar, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(RULE)
    (tmp_path / "bad.yml").write_text("title: Bad\n")
    done = radar("rules", "import", tmp_path, "--name", "Own", "--org", "alpha")
    counts = {"added": 2, "changed": 0, "removed": 0, "unchanged": 0, "off": 0}
    assert said(done) == [{"set": "Own", "rules": 1, "rejected": 1} | counts]
    assert "rule not run: bad.yml: is no valid Sigma rule" in done.stderr
    bad, mine = said(radar("rules", "list"))
    assert (mine["title"], mine["author"], mine["set"], mine["reason"]) == ("Mine", "Ann", "Own", None)
    assert bad["reason"]


def test_sources_are_added_switched_and_listed(radar) -> None:
    (made,) = said(radar("source", "add", "Front", "syslog_udp", ":5514", "--zone", "Europe/Berlin"))
    assert made["address"] == "127.0.0.1:5514"
    assert said(radar("source", "disable", "Front")) == [{"name": "Front", "enabled": False}]
    (listed,) = said(radar("source", "list"))
    assert (listed["name"], listed["kind"], listed["enabled"]) == ("Front", "syslog_udp", False)
    assert said(radar("source", "enable", "Front")) == [{"name": "Front", "enabled": True}]


def test_sources_over_tls_and_http(radar) -> None:
    (made,) = said(radar("source", "add", "Web", "http", ":8088"))
    assert len(made["token"]) >= 43
    allowed = ("--tls-allow", "cn:agent", "--tls-allow", "dns:x")
    said(radar("source", "add", "T", "syslog_tls", ":6514", "--tls-identity", "front", *allowed))
    assert {row["kind"] for row in said(radar("source", "list"))} == {"http", "syslog_tls"}


async def test_dead_letters_are_listed_shown_replayed_and_discarded(radar, org_a) -> None:
    made = await api.add_source(org_a.ctx, "S", "syslog_udp", ":15998")
    now = datetime.now(UTC)
    kept = [letters.Unread(made.id, made.kind, now, "not understood", b"\x00<13>") for _ in range(2)]
    async with uow(org_a.ctx) as tx:
        await letters.keep(tx, kept)
    rows = said(await asyncio.to_thread(radar, "letters", "list"))
    assert [(row["source"], row["state"], row["length"]) for row in rows] == [("S", "dead", 5)] * 2
    (shown,) = said(await asyncio.to_thread(radar, "letters", "show", rows[0]["id"]))
    assert (shown["text"], shown["payload"]) == ("\x00<13>", "ADwxMz4=")
    said(await asyncio.to_thread(radar, "letters", "replay", rows[0]["id"]))
    said(await asyncio.to_thread(radar, "letters", "discard", rows[1]["id"]))
    rows = said(await asyncio.to_thread(radar, "letters", "list", "--all"))
    assert [row["state"] for row in rows] == ["replay", "discarded"]
    again = await asyncio.to_thread(radar, "letters", "discard", rows[1]["id"])
    assert again.returncode == 1
    assert "no dead letter of this id" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("source", "add", "X", "file", "relative"), "absolute path"),
        (("source", "add", "X", "syslog_tls", ":1"), "needs an identity"),
        (("source", "add", "X", "syslog_tls", ":1", "--tls-identity", "a/b"), "name an identity"),
        (("letters", "show", "00000000-0000-4000-8000-000000000001"), "dead letter is not there"),
        (("source", "enable", "Nobody"), "no source 'Nobody'; there are: none yet"),
        (("rules", "import", "/nowhere"), "no such file or folder of rules"),
        (("rules", "list", "--org", "unknown"), "there are: alpha"),
    ],
)
def test_mistakes_name_the_cure(radar, arguments: tuple[str, ...], text: str) -> None:
    done = radar(*arguments)
    assert done.returncode not in (0, 2)
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_placeholders_are_set_listed_and_unset(radar, tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(RULE.replace("F: x", "F|expand: '%who%'"))
    (done,) = said(radar("rules", "import", tmp_path))
    assert (done["set"], done["rules"], done["rejected"]) == (tmp_path.name, 0, 1)
    assert said(radar("placeholders", "list")) == [{"name": "who", "values": []}]
    assert said(radar("placeholders", "set", "who", "ann", "b*")) == [
        {"name": "who", "values": ["ann", "b*"]}
    ]
    assert said(radar("placeholders", "list")) == [{"name": "who", "values": ["ann", "b*"]}]
    (rule,) = said(radar("rules", "list"))
    assert (rule["reason"], rule["author"], rule["level"], rule["kind"]) == (None, "Ann", "low", "rule")
    assert said(radar("placeholders", "unset", "who")) == [{"name": "who", "values": []}]
    (rule,) = said(radar("rules", "list"))
    assert rule["reason"] == "needs values for %who%"
    for arguments in (("unset", "who"), ("set", "a%b", "x"), ("set", "who", "")):
        done = radar("placeholders", *arguments)
        assert done.returncode not in (0, 2)
        assert "Traceback" not in done.stderr


async def test_stored_events_are_searched_and_their_values_counted(radar, org_a) -> None:
    from datetime import UTC, datetime, timedelta

    from sent.engines.radar import api

    source = await api.add_source(org_a.ctx, "Front", "syslog_udp", "127.0.0.1:0")
    now = datetime.now(UTC)
    lines = []
    for n in range(6):
        at = now - timedelta(minutes=10 - n)
        who = "root" if n % 2 else "anna"
        text = f"<38>1 {at.isoformat()} web{n} sshd 7 - - Accepted password for {who}"
        text += f" from 10.0.0.9 port 2{n} ssh2"
        lines.append(api.PastMessage(source.id, at, text.encode()))
    await api.backfill(org_a.ctx, lines)
    found = said(radar("search", "user:root accepted"))
    assert [row["host"] for row in found] == ["web5", "web3", "web1"]
    assert found[0]["fields"]["src_ip"] == "10.0.0.9"
    assert len(said(radar("search", "--limit", 2))) == 2
    table = radar("search", "user:anna", "--format", "csv").stdout.splitlines()
    assert len(table) == 4
    assert table[0].startswith("at,")
    assert said(radar("values", "user")) == [
        {"value": "anna", "events": 3},
        {"value": "root", "events": 3},
    ]
    wrong = radar("search", "user:(")
    assert wrong.returncode != 0
    assert "Traceback" not in wrong.stderr


def test_sources_are_edited_kept_mapped_and_removed(radar, tmp_path: Path) -> None:
    said(radar("sources", "add", "Web", "http", ":8088"))
    said(radar("sources", "edit", "Web", "--rename", "Front", "--product", "windows", "--address", ":8089"))
    said(radar("sources", "keep", "Front", "30"))
    (fresh,) = said(radar("sources", "token", "Front"))
    assert len(fresh["token"]) >= 32
    (tmp_path / "map.yml").write_text("preset: ecs-windows\n")
    assert said(radar("sources", "map", "Front", "--file", tmp_path / "map.yml")) == [
        {"name": "Front", "steps": 5}
    ]
    (listed,) = said(radar("sources", "list"))
    assert (listed["name"], listed["address"], listed["keep_days"]) == ("Front", "127.0.0.1:8089", 30)
    assert (listed["state"], listed["mapping_steps"]) == ("unknown", 5)
    (shown,) = said(radar("sources", "map", "Front", "--show"))
    (tmp_path / "again.json").write_text(json.dumps({"steps": shown["steps"]}))
    assert said(radar("sources", "map", "Front", "--file", tmp_path / "again.json"))[0]["steps"] == 5
    assert said(radar("sources", "map", "Front", "--clear")) == [{"name": "Front", "steps": 0}]
    assert radar("sources", "map", "Front").returncode == 2
    (tmp_path / "map.yml").write_text("- {step: extract, field: a, pattern: '('}\n")
    wrong = radar("sources", "map", "Front", "--file", tmp_path / "map.yml")
    assert (wrong.returncode, "step 1" in wrong.stderr) == (65, True)
    said(radar("sources", "remove", "Front"))
    assert said(radar("sources", "list")) == []
    assert "no source 'Front'" in radar("sources", "edit", "Front").stderr


def test_scan_takes_a_mapping(radar, tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE.replace("F: x", "CommandLine: whoami"))
    (tmp_path / "events.jsonl").write_text('{"process": {"command_line": "whoami"}}\n')
    (tmp_path / "map.yml").write_text(
        "transformations:\n- {type: field_name_mapping, mapping: {CommandLine: process.command_line}}\n"
        "- {id: nested, type: nest}\n"
    )
    scan = ("scan", "--rules", tmp_path / "rule.yml", "--events", tmp_path / "events.jsonl")
    assert said(radar(*scan)) == []
    done = radar(*scan, "--mapping", tmp_path / "map.yml")
    assert [hit["title"] for hit in said(done)] == ["Mine"]
    assert "left out: transformation 2 (nested): nest changes rules" in done.stderr
