"""Look-up, plural forms and the pseudo-language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sent.platform.i18n import catalog, language, set_language, tr, trn


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    set_language("en")


@pytest.fixture
def polish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"Close": "Zamknij", "{n} alert": ["{n} alarm", "{n} alarmy", "{n} alarmów"]}
    (tmp_path / "pl.json").write_text(json.dumps(texts), "utf-8")
    monkeypatch.setattr(catalog, "FOLDER", tmp_path)


def test_values_are_put_in_by_name() -> None:
    assert tr("{b} of {a}", a=1, b=2) == "2 of 1"
    assert tr("{kept as it is}") == "{kept as it is}"


def test_a_region_falls_back_to_its_language_and_the_unknown_to_english(polish: None) -> None:
    assert set_language("pl_PL.UTF-8") == "pl"
    assert (tr("Close"), tr("Open")) == ("Zamknij", "Open")
    assert set_language("xx_YY") == "en"
    assert set_language("../../etc/passwd") == "en"
    assert language() == "en"


@pytest.mark.parametrize(
    ("n", "text"), [(1, "1 alarm"), (3, "3 alarmy"), (12, "12 alarmów"), (22, "22 alarmy")]
)
def test_plural_forms(polish: None, n: int, text: str) -> None:
    set_language("pl")
    assert trn("{n} alert", "{n} alerts", n=n) == text


def test_english_plurals_and_large_numbers() -> None:
    assert trn("{n} row", "{n} rows", n=1) == "1 row"
    assert trn("{n} row", "{n} rows", n=12345) == "12,345 rows"


def test_pseudo_language_stretches_and_keeps_names() -> None:
    set_language("pseudo")
    text = tr("Signed in as {name}", name="Anna")
    assert "Anna" in text and len(text) > len("Signed in as Anna") * 1.3
