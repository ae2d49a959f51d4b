"""What somebody logged does not steer the terminal that shows it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import pytest

from sent.engines.radar.searching.explore import write_events
from sent.engines.radar.searching.found import FoundEvent
from sent.platform.terminal import harmless, harmless_json, json_line

STEERING = [chr(n) for n in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x202E, 0x2066)]


def raw(text: str) -> list[str]:
    return [char for char in text if char in STEERING]


def test_json_lines_hold_no_raw_control_and_mean_the_same() -> None:
    told = {"text": "".join(STEERING) + "Grüße 漢字 🙂"}
    line = json_line(told)
    assert raw(line) == []
    assert json.loads(line) == told
    assert "Grüße 漢字 🙂" in line, "only what steers is escaped"


def test_escapes_that_stand_there_already_stay() -> None:
    line = json.dumps({"a": "\\u009b \x9b"}, ensure_ascii=False)
    assert json.loads(harmless_json(line)) == {"a": "\\u009b \x9b"}


def test_texts_keep_tab_and_line_feed_alone() -> None:
    assert harmless("a\tb\nc\x1b[2J\x9b2J\x7f") == "a\tb\nc\\u001b[2J\\u009b2J\\u007f"


def an_event(text: str) -> FoundEvent:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    return FoundEvent(
        UUID(int=1), at, at, 6, "info", UUID(int=2), text, text, text, text, {text: text}
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_found_events_are_harmless_on_a_terminal(kind: Literal["jsonl", "csv"]) -> None:
    out = io.StringIO()
    write_events(out, [an_event("x\x1b[2J\x9b31m\x84")], kind, terminal=True)
    assert set(raw(out.getvalue())) <= {"\n", "\r"}


def test_a_csv_file_keeps_what_was_logged() -> None:
    out = io.StringIO()
    write_events(out, [an_event("x\x9b31m")], "csv")
    assert "x\x9b31m" in out.getvalue()
