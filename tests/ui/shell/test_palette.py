"""Ranking of the palette."""

from __future__ import annotations

import time

from sent.ui.shell.palette import Entry, ranked
from sent.ui.shell.ranking import spread
from sent.ui.shell.strength import slug_of, strength


def titles(query: str, *names: str, recent: tuple[str, ...] = ()) -> list[str]:
    return [entry.title for entry in ranked(query, [Entry(name, name) for name in names], recent)]


def test_letters_in_order_find_and_others_do_not() -> None:
    assert spread("gtr", "go to radar") is not None
    assert spread("rtg", "go to radar") is None


def test_starts_of_words_beat_the_middle() -> None:
    assert titles("ra", "Degrade", "Radar") == ["Radar", "Degrade"]


def test_recent_ones_lead_when_nothing_is_typed() -> None:
    assert titles("", "A", "B", "C", recent=("C",)) == ["C", "A", "B"]


def test_five_thousand_entries_rank_quickly() -> None:
    entries = [Entry(str(n), f"Record {n} of the list") for n in range(5000)]
    began = time.perf_counter()
    ranked("rec 49", entries)
    assert time.perf_counter() - began < 0.5


def test_password_strength_and_slug() -> None:
    assert strength("short") == 0
    assert strength("password12345678") == 0
    assert strength("aaaaaaaaaaaaaaaa") == 0
    assert 1 <= strength("horse paper mint") <= 4
    assert strength("harbour-Lamp-9-violet-Storm") == 4
    assert slug_of("Müller & Söhne GmbH") == "muller-sohne-gmbh"
    assert slug_of("!!!") == "organisation"
