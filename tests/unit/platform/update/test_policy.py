"""What administrators want of updates is kept and obeyed."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from sent.platform.errors import Conflict, Invalid
from sent.platform.update import api
from sent.platform.update.compatibility import compare
from sent.platform.update.layout import Layout
from sent.platform.update.manifest import Manifest
from sent.platform.update.policy import Policy, load, place, save


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "update").mkdir()
    return Layout(tmp_path)


def test_a_policy_survives_writing(layout: Layout) -> None:
    assert load(layout) == Policy()
    wanted = Policy("beta", "1.2", "22:00-05:00", False, ("https://mirror.example/sent", '/srv/"sent"'))
    save(layout, wanted)
    assert load(layout) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "channel = 3",
        'channel = "../x"',
        'pin = "latest"',
        'window = "25:00-26:00"',
        'window = "22:00-22:00"',
        'automatic = "yes"',
        "mirrors = [3]",
        "colour = 1",
        "channel = ",
        "x = '" + "a" * 20_000 + "'",
    ],
    ids=lambda text: text[:20],
)
def test_a_policy_that_is_not_understood_is_told(layout: Layout, text: str) -> None:
    layout.policy.write_text(text)
    with pytest.raises(Invalid, match=r"policy\.toml|docs/howto/updates\.md"):
        load(layout)


@pytest.mark.parametrize(
    ("window", "hour", "is_open"),
    [
        ("", 12, True),
        ("22:00-05:00", 23, True),
        ("22:00-05:00", 4, True),
        ("22:00-05:00", 5, False),
        ("22:00-05:00", 12, False),
        ("09:00-17:00", 9, True),
        ("09:00-17:00", 17, False),
    ],
)
def test_windows_also_over_midnight(window: str, hour: int, is_open: bool) -> None:
    assert Policy(window=window).open_at(datetime.time(hour)) is is_open


def test_a_share_of_the_machines_is_a_share(layout: Layout, tmp_path: Path) -> None:
    machine = tmp_path / "machine-id"
    places = []
    for number in range(2_000):
        machine.write_text(f"{number:032x}\n")
        places.append(place(layout, "1.1", machine))
    assert 400 < sum(one < 25 for one in places) < 600
    assert place(layout, "1.1", machine) == places[-1]
    assert len({place(layout, f"1.{n}", machine) for n in range(50)}) > 20


def test_a_machine_without_an_id_keeps_the_one_it_was_given(layout: Layout, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert place(layout, "1.1", missing) == place(layout, "1.1", missing)
    assert (layout.update / "machine").is_file()


def test_versions_are_in_order() -> None:
    versions = ["0.9", "1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.1", "1.2", "1.10"]
    versions.reverse()
    assert [*sorted(versions, key=api.order)][::-1] == versions
    assert api.order("1.0") == api.order("1.0.0")


@pytest.mark.parametrize(
    ("own", "database", "passes"),
    [
        ("0023", "0023", True),
        ("0023", None, True),
        ("0023", "0022", True),
        ("0021", "0021", False),
        ("0023", "0025", False),
    ],
)
def test_versions_and_schemas_that_go_together(own: str, database: str | None, passes: bool) -> None:
    made = Manifest("1.1", "linux-x86_64", "base", "", "", "", "0024", ("0022", "0023", "0024"), (), ())
    if passes:
        compare(made, own, database)
        return
    with pytest.raises(Conflict, match="nothing was changed"):
        compare(made, own, database)
