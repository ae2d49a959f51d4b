"""When a machine looks for updates and installs them by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sent.platform.errors import Unavailable
from sent.platform.update import known, schedule, trial
from sent.platform.update.known import Known
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
RULE = Policy(mirrors=("/srv/mirror",))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an installation of 1.0."""
    made = Layout(tmp_path)
    made.update.mkdir()
    made.folder("1.0").mkdir(parents=True)
    made.current.symlink_to("versions/1.0")
    return made


def seen(layout: Layout, ago: timedelta, version: str = "", **more: object) -> None:
    """Note a look that long before noon."""
    known.keep(layout, Known((NOON - ago).timestamp(), version, **more))  # type: ignore[arg-type]


def test_b5_the_first_look_is_due_at_once_and_the_next_hours_later(layout: Layout) -> None:
    assert schedule.step(layout, RULE, NOON) == "check"
    seen(layout, timedelta())
    later = timedelta(seconds=schedule.EVERY_S + schedule.delay(layout))
    assert schedule.step(layout, RULE, NOON + later - timedelta(seconds=5)) is None
    assert schedule.step(layout, RULE, NOON + later) == "check"


def test_b5_after_a_failure_it_looks_again_sooner(layout: Layout) -> None:
    seen(layout, timedelta(), "1.1")
    known.keep_error(layout, Unavailable("update.unreachable", "the mirror is away"), NOON.timestamp())
    found = known.read(layout)
    assert found is not None
    assert (found.version, found.code) == ("1.1", "update.unreachable")
    assert schedule.step(layout, RULE, NOON) is None, "not at once, though a version is offered"
    soon = timedelta(seconds=schedule.AGAIN_S + schedule.SPREAD_S)
    assert schedule.step(layout, RULE, NOON + soon) == "check"


def test_b5_a_note_from_the_future_holds_nothing_up(layout: Layout) -> None:
    seen(layout, timedelta(days=-300))
    assert schedule.step(layout, RULE, NOON) == "check"


def test_b5_what_is_offered_is_installed_within_the_hours_only(layout: Layout) -> None:
    seen(layout, timedelta(minutes=5), "1.1")
    assert schedule.step(layout, RULE, NOON) == "apply"
    night = Policy(window="22:00-05:00", mirrors=RULE.mirrors)
    assert schedule.step(layout, night, NOON) is None
    assert schedule.step(layout, night, NOON + timedelta(hours=10, minutes=1)) == "apply"


def test_b5_without_automatic_or_a_mirror_and_during_a_trial_nothing_happens(layout: Layout) -> None:
    assert schedule.step(layout, Policy(automatic=False, mirrors=RULE.mirrors), NOON) is None
    assert schedule.step(layout, Policy(), NOON) is None, "there is nobody to ask"
    trial.begin(layout, "1.0", "0.9")
    assert schedule.step(layout, RULE, NOON) is None


@pytest.mark.parametrize(
    "more", [{"version": "1.1", "asked": True}, {"version": "1.1", "bundle": "/b"}, {"version": "0.9"}]
)
def test_b5_what_a_person_was_shown_is_not_taken_by_itself(layout: Layout, more: dict[str, object]) -> None:
    seen(layout, timedelta(minutes=5), **more)  # type: ignore[arg-type]
    assert schedule.step(layout, RULE, NOON) is None


def test_b5_a_version_that_failed_here_is_not_taken_again(layout: Layout) -> None:
    seen(layout, timedelta(minutes=5), "1.1")
    layout.failed.write_text("1.1 ended with code 1 at its first start\n")
    assert schedule.step(layout, RULE, NOON) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at": "x"}', '{"at": 1, "version": "../x"}', "{" * 9_999])
def test_a_note_that_makes_no_sense_is_none(layout: Layout, text: str) -> None:
    layout.known.write_text(text)
    assert known.read(layout) is None


def test_where_nothing_can_be_written_there_is_no_note(tmp_path: Path) -> None:
    missing = Layout(tmp_path / "missing")
    known.keep(missing, Known(1.0))
    assert known.read(missing) is None
