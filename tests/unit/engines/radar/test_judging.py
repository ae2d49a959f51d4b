"""Verdicts on events: selections by name, pastes of every shape, bounds against large rules and pastes."""

from __future__ import annotations

import time

import orjson
import pytest

from sent.engines.radar.rulebook.judging import MAX_TESTS, judged, pasted
from sent.engines.radar.rulebook.trying import MAX_EVENTS
from sent.engines.radar.sigma.explanation import ALL_PARTS
from sent.engines.radar.sigma.selections import selections
from sent.platform.errors import Invalid

RULE = """title: Shell
logsource: {product: windows, category: process_creation}
detection:
    image:
        - Image|endswith: '\\cmd.exe'
        - OriginalFileName: cmd.exe
    words: [whoami, '*secret*']
    home_only:
        CommandLine|expand: '%home%'
    not_us:
        User: SYSTEM
    condition: (image or words) and not not_us
"""
PROCESS = {"EventID": 4688, "Channel": "Security", "NewProcessName": "C:\\cmd.exe", "SubjectUserName": "ann"}


def test_each_selection_has_its_own_verdict_and_4688_is_seen_as_a_process() -> None:
    found = judged(RULE, {"home": ("x",)}, [], orjson.dumps(PROCESS).decode(), [])
    (event,) = found.events
    assert event.fires and event.looks and "process_creation" in event.route
    assert {part.name: part.verdict.holds for part in event.selections} == {
        "image": True, "words": False, "home_only": False, "not_us": False,
    }  # fmt: skip
    words = next(part for part in event.selections if part.name == "words")
    assert all(test.keyword for test in words.verdict.parts)
    assert dict(event.fields)["Image"] == "C:\\cmd.exe"


def test_a_selection_that_waits_for_values_is_left_out_and_the_others_stay() -> None:
    assert [part.name for part in selections(RULE, {})] == ["image", "words", "not_us"]


def test_an_event_of_another_log_source_is_not_looked_at() -> None:
    other = {"EventID": 1, "Channel": "Application", "Image": "C:\\cmd.exe"}
    (event,) = judged(RULE, {}, [], orjson.dumps(other).decode(), []).events
    assert (event.looks, event.fires) == (False, False)
    assert event.route == "event 1 of Application"


def test_filters_that_narrow_the_rule_are_named() -> None:
    text = RULE.replace("title: Shell", "title: Shell\nid: 11111111-1111-4111-8111-111111111111")
    filters = [
        (
            f"{name}.yml",
            f"title: Not {name}\nid: 22222222-2222-4222-8222-22222222222{name == 'bob'}\n"
            "logsource: {product: windows}\nfilter:\n  rules: [11111111-1111-4111-8111-111111111111]\n"
            f"  who: {{User: {name}}}\n  condition: not who\n",
        )
        for name in ("ann", "bob")
    ]
    (event,) = judged(text, {}, filters, orjson.dumps(PROCESS).decode(), []).events
    assert (event.fires, event.quieted) == (False, ("Not ann",))


def test_a_rule_of_thousands_of_tests_is_explained_on_few_events_in_bounded_time() -> None:
    values = "".join(f"            - v{n}\n" for n in range(4000))
    text = (
        "title: x\nlogsource: {category: any}\ndetection:\n    a:\n        A|contains|all:\n"
        f"{values}    condition: a\n"
    )
    event = orjson.dumps({"A": " ".join(f"v{n}" for n in range(0, 4000, 2))}).decode()
    began = time.monotonic()
    found = judged(text, {}, [], "\n".join([event] * 80), [])
    assert len(found.events) == MAX_TESTS // 4000 and found.left_out == 80 - len(found.events)
    whole = found.events[0].whole
    assert len(whole.parts) == ALL_PARTS and whole.left_out == 4000 - ALL_PARTS
    assert not any(part.holds for part in whole.parts), "what does not hold stands first"
    assert time.monotonic() - began < 20


def test_a_paste_of_many_events_is_cut_and_told() -> None:
    unreadable: list[str] = []
    found, left_out = pasted("[" + ",".join(['{"a":1}'] * 20_000) + "]", unreadable)
    assert (len(found), left_out, unreadable) == (MAX_EVENTS, 20_000 - MAX_EVENTS, [])
    found, left_out = pasted("{broken\n" * 20_000, unreadable)
    assert (found, left_out) == ([], 0) and len(unreadable) == MAX_EVENTS


@pytest.mark.parametrize("text", ["[" * 5000, '{"a":' * 2000, "\x00", "[1, 2]", '"text"', "null"])
def test_pastes_that_are_no_events_are_told_or_taken_for_lines(text: str) -> None:
    unreadable: list[str] = []
    found, _ = pasted(text, unreadable)
    assert found or unreadable


def test_what_does_not_run_is_refused_with_the_reason() -> None:
    with pytest.raises(Invalid, match="Unknown modifier"):
        judged(RULE.replace("endswith", "endwith"), {"home": ("x",)}, [], "{}", [])
