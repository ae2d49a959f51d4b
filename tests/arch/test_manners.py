"""K7: the table of the manners names all thirty, and what it names as proof exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.*?) \| (.+?) \|$", re.M)
LATER = "*theme and text*"


def rows() -> dict[int, str]:
    """Return what proves each manner."""
    text = (ROOT / "docs" / "howto" / "manners.md").read_text("utf-8")
    return {int(number): proof for number, _, _, proof in ROW.findall(text)}


def names() -> set[str]:
    """Return the names of all tests."""
    sources = [*ROOT.glob("tests/**/test_*.py")]
    return {name for path in sources for name in re.findall(r"def (test_k7_\w+)", path.read_text("utf-8"))}


def test_k7_every_manner_has_its_row() -> None:
    assert sorted(rows()) == list(range(1, 31))


def test_k7_every_manner_has_tests_of_its_number_and_named_ones_exist() -> None:
    known = names()
    for number, proof in rows().items():
        if proof == LATER:
            continue
        assert any(re.match(rf"test_k7_(?:\d\d_)*{number:02}_", name) for name in known), number
        for name, open_end in re.findall(r"`(test_k7_\w+?)(\*?)`", proof):
            assert any(each.startswith(name) if open_end else each == name for each in known), name
        for path in re.findall(r"\btests/[\w/]+\.py", proof):
            assert (ROOT / path).is_file(), path
