"""What the cache gives is what parsing gives; whatever happens to the file, rules are read."""

from __future__ import annotations

import gc
import re
import weakref
from pathlib import Path

import pytest

from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.model import RuleSet
from sent.engines.radar.sigma import compiled, elsewhere
from sent.engines.radar.sigma.compiled import CompiledRules
from sent.engines.radar.sigma.logsource import SYSMON, windows_route
from sent.engines.radar.sigma.rulefiles import rule_files
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.platform.collector import for_long

RULE = """
title: {title}
id: 00000000-0000-4000-8000-00000000000{number}
name: rule_{number}
logsource: {{product: windows, category: process_creation}}
detection:
  a:
    CommandLine|re|i: 'x+y'
    Image|endswith: ['\\cmd.exe', 'a*b?c']
    User|cidr: '10.0.0.0/8'
    Count|gte: 3
    Other|fieldref: Image
  condition: a and not 1 of b*
  b1:
    Gone: null
    There|exists: true
"""
BROKEN = (
    "title: broken\nid: 00000000-0000-4000-8000-0000000000ff\nlogsource: {product: windows}\ndetection: 7\n"
)
FILES = [
    ("one.yml", RULE.format(title="one", number=1), ""),
    ("two.yml", RULE.format(title="two", number=2), ""),
    ("broken.yml", BROKEN, ""),
]


def read(path: Path, files: list[tuple[str, str, str]] = FILES) -> RuleSet:
    kept = CompiledRules(path)
    try:
        return parse_rules(files, kept=kept)
    finally:
        kept.close()


def shown(found: RuleSet) -> str:
    """Return everything of a rule set but where compiled patterns lie in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(found))


@pytest.fixture
def parsed_only_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the documents that are parsed, by title."""
    titles: list[str] = []
    real = compiled.ruleset._rule

    def counted(document: compiled.ruleset._Document, *rest: object) -> object:
        titles.append(document.title)
        return real(document, *rest)

    monkeypatch.setattr(compiled.ruleset, "_rule", counted)
    return titles


def test_what_is_kept_is_what_was_parsed(tmp_path: Path, parsed_only_once: list[str]) -> None:
    first = read(tmp_path / "rules")
    assert parsed_only_once == ["one", "two", "broken"]
    assert len(first.rules) == 2 and len(first.rejected) == 1
    assert shown(read(tmp_path / "rules")) == shown(first) == shown(parse_rules(FILES[:]))
    assert parsed_only_once == ["one", "two", "broken"] * 2, "the second reading parsed nothing"
    assert (tmp_path / "rules").stat().st_mode & 0o777 == 0o600


def test_only_what_changed_is_parsed(tmp_path: Path, parsed_only_once: list[str]) -> None:
    read(tmp_path / "rules")
    parsed_only_once.clear()
    files = [FILES[0], ("two.yml", RULE.format(title="changed", number=2), "")]
    assert [rule.title for rule in read(tmp_path / "rules", files).rules] == ["one", "changed"]
    assert parsed_only_once == ["changed"]


def test_the_file_a_rule_comes_from_is_the_asked_one(tmp_path: Path) -> None:
    read(tmp_path / "rules")
    (rule,) = read(tmp_path / "rules", [("elsewhere.yml", FILES[0][1], "")]).rules
    assert rule.source == "elsewhere.yml" and rule.text == FILES[0][1]


def test_another_version_of_the_program_parses_anew(
    tmp_path: Path, parsed_only_once: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read(tmp_path / "rules")
    monkeypatch.setattr(compiled, "_version", lambda: b"another")
    read(tmp_path / "rules")
    assert len(parsed_only_once) == 6


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rules").write_bytes(content)
    assert len(read(tmp_path / "rules").rules) == 2
    assert len(read(tmp_path / "rules").rules) == 2


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    assert len(read(tmp_path / "missing" / "rules").rules) == 2


def test_damaged_entries_are_parsed(tmp_path: Path, parsed_only_once: list[str]) -> None:
    read(tmp_path / "rules")
    kept = CompiledRules(tmp_path / "rules")
    assert kept._database is not None
    kept._database.execute("update rule set rule = '{\"id\": 7'")
    kept._database.commit()
    kept.close()
    assert len(read(tmp_path / "rules").rules) == 2
    assert len(parsed_only_once) == 6


def test_what_nobody_asks_for_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(tmp_path / "rules")
    day = compiled.time()
    monkeypatch.setattr(compiled, "time", lambda: day + (compiled.KEPT_DAYS + 1) * 86_400)
    kept = CompiledRules(tmp_path / "rules")
    assert kept.get("one.yml", FILES[0][1]) is not None
    kept.close()
    kept = CompiledRules(tmp_path / "rules")
    assert kept.unknown([text for _, text, _ in FILES]) == 2
    kept.close()


def test_r1_all_shared_rules_come_out_of_the_cache_as_they_went_in(test_data: Path, tmp_path: Path) -> None:
    files = list(rule_files(test_data / "sigma" / "rules.tar.gz"))[::6]
    kept = CompiledRules(tmp_path / "rules")
    first = parse_rules(files, kept=kept)
    kept.close()
    kept = CompiledRules(tmp_path / "rules")
    assert kept.unknown([text for _, text, _ in files if text]) <= len(first.rejected)
    assert shown(parse_rules(files, kept=kept)) == shown(first)
    kept.close()


async def test_r1_many_new_rules_are_parsed_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path))
    texts = [(f"{n}.yml", RULE.format(title=f"rule {n}", number=1)) for n in range(elsewhere.MANY + 1)]
    assert await elsewhere.parse_elsewhere(texts)
    assert not await elsewhere.parse_elsewhere(texts), "now they are known"
    kept = CompiledRules(tmp_path / "rules.cache")
    assert kept.unknown([text for _, text in texts]) == 0
    kept.close()


def test_r1_a_matcher_made_for_long_goes_when_nobody_has_it(test_data: Path) -> None:
    """What is set aside from the collector must not need it: a reload would leak the old matcher."""
    found = parse_rules(list(rule_files(test_data / "sigma" / "rules.tar.gz"))[::40])
    with for_long():
        matcher = ValueMatcher(found.rules)
        matcher.prepare([windows_route(SYSMON, number) for number in range(1, 5)])
        matcher.fired({"Image": "x"}, windows_route(SYSMON, 1))
        parts = [weakref.ref(part) for part in (matcher, *matcher._families.values())]
        del matcher
        assert not any(part() for part in parts)


def test_a_verdict_on_one_organisations_values_is_not_kept_for_others(tmp_path: Path) -> None:
    text = "title: t\nlogsource: {product: linux}\ndetection: {a: {F|expand: '%a%%a%'}, condition: a}\n"

    def reading(values: tuple[str, ...]) -> RuleSet:
        kept = CompiledRules(tmp_path / "rules.cache")
        try:
            return parse_rules([("a.yml", text, "")], {"a": values}, kept=kept)
        finally:
            kept.close()

    (bad,) = reading(tuple(map(str, range(200)))).rejected
    assert bad.depends
    assert len(reading(("x",)).rules) == 1


def test_parsing_again_and_again_leaves_nothing_set_aside_for_ever() -> None:
    files = [
        (f"{number}.yml", RULE.format(title="t", number=1).replace("id: 0", f"id: {number:x}", 1), "")
        for number in range(1, 10)
    ]

    def set_aside() -> int:
        with for_long():
            parse_rules(files)
        return gc.get_freeze_count()

    set_aside()
    before = set_aside()
    for _ in range(5):
        set_aside()
    assert set_aside() - before < 500  # it was a hundred for each file
