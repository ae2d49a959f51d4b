"""Real logs' traps: each one here was met in the shared events."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.decoding.normalise import MAX_FIELDS, event_from
from sent.engines.radar.model import LogSource


def record(event_id: object = 4624, **parts: object) -> dict[str, object]:
    system = {
        "Provider": {"#attributes": {"Name": "P", "Guid": "{1}"}},
        "EventID": event_id,
        "Channel": "Security",
        "Computer": "host1",
        "Level": 3,
        "TimeCreated": {"#attributes": {"SystemTime": "2021-04-22T08:50:53.614492Z"}},
        "Security": None,
    }
    return {"System": system, **parts}


@pytest.mark.parametrize("event_id", [104, "104", {"#text": 104, "#attributes": {"Qualifiers": 16384}}])
def test_the_event_id_comes_in_three_shapes(event_id: object) -> None:
    event = event_from(record(event_id))
    assert event.route.event_id == 104
    assert event.fields["EventID"] == "104"


def test_data_wins_a_look_up_but_the_system_decides_the_route() -> None:
    event = event_from(record(1102, UserData={"LogFileCleared": {"Channel": "Application", "Subject": "x"}}))
    assert event.fields["Channel"] == "Application"
    assert event.route.channel == "Security"
    assert event.route.services == {"security"}


def test_names_with_spaces_lists_and_single_texts() -> None:
    data = {"New Value": "x", "Data": ["one", "two"], "#attributes": {"Name": "n"}, "Flag": True, "Nil": None}
    fields = event_from(record(EventData=data)).fields
    assert fields["NewValue"] == "x"
    assert fields["Data"] == "one\ntwo"
    assert fields["Flag"] == "true"
    assert fields["Nil"] is None
    assert event_from(record(EventData={"Data": {"#text": ["a", "b"]}})).fields["Data"] == "a\nb"
    assert event_from(record(EventData="alone")).fields["Data"] == "alone"


def test_what_the_system_says_of_the_event() -> None:
    event = event_from({"Event": record()})
    assert event.at == datetime(2021, 4, 22, 8, 50, 53, 614492, tzinfo=UTC)
    assert event.fields["Provider_Name"] == "P"
    assert event.host == "host1"
    assert event.program == "P"
    assert event.severity == 4


def test_flat_events_of_windows_agents() -> None:
    event = event_from(
        {"Channel": "Security", "EventID": 4625, "Hostname": "h", "SourceName": "S", "Message": "m"}
    )
    assert event.route.services == {"security"}
    assert event.fields["Provider_Name"] == "S"
    assert event.fields["Computer"] == "h"
    assert (event.host, event.message) == ("h", "m")


def test_flat_events_take_the_log_source_of_their_source() -> None:
    event = event_from({"eventName": "ConsoleLogin"}, source=LogSource("aws", None, "cloudtrail"))
    assert event.route.product == "aws"
    assert event.route.services == {"cloudtrail"}


def test_depth_and_number_of_fields_are_bounded() -> None:
    deep: dict[str, object] = {"end": "x"}
    for _ in range(60):
        deep = {"d": deep}
    assert event_from(deep).fields == {}
    assert len(event_from({f"f{n}": n for n in range(MAX_FIELDS * 2)}).fields) == MAX_FIELDS
    wide = record(EventData={f"f{n}": n for n in range(MAX_FIELDS * 2)})
    assert len(event_from(wide).fields) <= MAX_FIELDS


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=15,
)


@given(
    st.dictionaries(
        st.sampled_from(["System", "EventData", "UserData", "Event", "x", "EventID", "Channel"]), _JSON
    )
)
def test_any_json_object_gives_flat_text(value: dict[str, object]) -> None:
    try:
        decoded = orjson.loads(orjson.dumps(value))
    except orjson.JSONEncodeError:
        return
    event = event_from(decoded)
    assert all(text is None or isinstance(text, str) for text in event.fields.values())
    assert event.at.tzinfo is not None
