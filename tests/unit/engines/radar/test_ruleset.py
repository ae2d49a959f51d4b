"""Rules out of files and archives: what is bad is listed with its reason, what is hostile is bounded."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from sent.engines.radar.model import LEVELS
from sent.engines.radar.rulebook.library import shipped_folder, shipped_rules
from sent.engines.radar.sigma import rulefiles, ruleset
from sent.engines.radar.sigma.reading import read_rules
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.sigma.yamltext import MAX_NESTING
from sent.platform.errors import Invalid, NotFound

GOOD = """title: Good
id: {id}
status: test
author: Ann
logsource: {{product: linux, service: sshd}}
detection:
    a: {{F: x}}
    condition: a
level: high
tags: [attack.t1110]
"""


def good(number: int = 1) -> str:
    return GOOD.format(id=f"00000000-0000-4000-8000-{number:012d}")


def reason_of(text: str) -> str:
    found = parse_rules([("bad.yml", text, "")])
    assert not found.rules
    assert len(found.rejected) == 1
    assert found.rejected[0].source == "bad.yml"
    return found.rejected[0].reason


def test_a_rule_carries_what_alerts_show() -> None:
    (rule,) = parse_rules([("good.yml", good(), "")]).rules
    assert (rule.title, rule.level, rule.author) == ("Good", "high", "Ann")
    assert rule.tags == ("attack.t1110",)
    assert str(rule.logsource) == "linux/*/sshd"
    assert rule.text == good()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [unclosed", "is no YAML"),
        ("- just\n- a list\n", "is no Sigma rule"),
        (good().replace("condition: a", "condition: nobody"), "'nobody' not defined"),
        (good().replace("condition: a", "condition: a and"), "is no valid Sigma rule"),
        (good().replace("F: x", "F|nonsense: x"), "Unknown modifier"),
        (good().replace("F: x", "F|expand: '%who%'"), "needs values for %who%"),
        (good().replace("F: x", "F|re: '(?=a).'"), "RE2 cannot run it"),
        (good().replace("F: x", "F|cidr: '10.0.0.0/99'"), "CIDR"),
        ("title: C\ncorrelation: {type: event_count}\n", "is no valid Sigma correlation"),
        ("title: F\nfilter: {rules: []}\n", "Sigma filter must have a log source"),
        (
            good().replace("product: linux, service: sshd", "product: windows, category: file_access"),
            "file_access",
        ),
        ("- " * 5000 + "x", f"deeper than {MAX_NESTING}"),
        ("[" * 100_000, f"deeper than {MAX_NESTING}"),
        (good().replace("detection:", "detections:"), "is no valid Sigma rule"),
    ],
)
def test_a_rule_that_cannot_run_says_why(text: str, reason: str) -> None:
    assert reason in reason_of(text)


def test_the_first_rule_of_an_id_counts() -> None:
    found = parse_rules([("one.yml", good(), ""), ("two.yml", good(), "")])
    assert [rule.source for rule in found.rules] == ["one.yml"]
    assert found.rejected[0].reason == "has the same id as one.yml"


def test_one_bad_document_spares_its_neighbours() -> None:
    found = parse_rules([("many.yml", good(1) + "---\ntitle: x\n---\n" + good(2), "")])
    assert len(found.rules) == 2
    assert len(found.rejected) == 1


def archive(path: Path, members: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in members.items():
                made.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as made:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                made.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["rules.zip", "rules.tar.gz"])
def test_archives_are_read_and_their_bad_members_listed(tmp_path: Path, name: str) -> None:
    path = archive(
        tmp_path / name,
        {
            "a/one.yml": good(1).encode(),
            "../../two.yaml": good(2).encode(),
            "README.md": b"no rule",
            "big.yml": b"#" * (rulefiles.MAX_FILE + 1),
            "latin.yml": b"title: caf\xe9",
        },
    )
    found = read_rules(path)
    assert len(found.rules) == 2
    assert {bad.source: bad.reason.split(" (")[0] for bad in found.rejected} == {
        "big.yml": "is larger than 1000 KB or cannot be read",
        "latin.yml": "is not UTF-8",
    }
    assert sorted(tmp_path.parent.rglob("two.yaml")) == []


def test_folders_and_single_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.yml").write_text(good(1))
    (tmp_path / "two.yml").write_text(good(2))
    assert [rule.source for rule in read_rules(tmp_path).rules] == ["deep/one.yml", "two.yml"]
    assert [rule.source for rule in read_rules(tmp_path / "two.yml").rules] == ["two.yml"]


def test_what_is_no_rule_source_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file or folder"):
        read_rules(tmp_path / "nowhere")
    (tmp_path / "text.txt").write_text("x")
    with pytest.raises(Invalid, match=r"neither a \.yml file nor"):
        read_rules(tmp_path / "text.txt")
    whole = archive(tmp_path / "cut.tar.gz", {"a.yml": good().encode() * 50}).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Invalid, match="damaged"):
        read_rules(tmp_path / "cut.tar.gz")


def test_the_number_of_rules_and_their_size_together_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "many.zip", {f"{n}.yml": good(n).encode() for n in range(20)})
    monkeypatch.setattr(rulefiles, "MAX_FILES", 10)
    with pytest.raises(Invalid, match="more than 10 rule files"):
        read_rules(path)
    monkeypatch.setattr(rulefiles, "MAX_FILES", 1000)
    monkeypatch.setattr(rulefiles, "MAX_TOTAL", 1000)
    with pytest.raises(Invalid, match="split it"):
        read_rules(path)


def test_the_shipped_rules_are_complete() -> None:
    found = shipped_rules()
    assert found.rejected == ()
    assert len(found.rules) >= 12
    assert {rule.logsource.product for rule in found.rules} == {"windows", "linux", None}
    for rule in found.rules:
        assert rule.author == "SENT"
        assert rule.level in LEVELS
        assert rule.description
        assert rule.falsepositives
        assert rule.references
        assert any(re.fullmatch(r"attack\.t\d{4}(\.\d{3})?", tag) for tag in rule.tags), rule.title


def test_the_shipped_rules_use_current_attack_tags(test_data: Path) -> None:
    """Tags of the shared rules are taken as the current ones; techniques may lack a sub-technique there."""
    used = {tag for rule in shipped_rules().rules for tag in rule.tags}
    with tarfile.open(test_data / "sigma" / "rules.tar.gz") as tar:
        texts = [stream.read().decode() for member in tar if (stream := tar.extractfile(member))]
    current = set(re.findall(r"attack\.[a-z0-9.-]+", "\n".join(texts)))
    assert used - current == set()
    assert shipped_folder().is_dir()


def test_a_condition_of_millions_of_tests_is_refused_before_it_is_written_out() -> None:
    names = "".join(f"    s{number}: {{F: {number}}}\n" for number in range(1000))
    text = good().replace("    a: {F: x}\n", names)
    assert "more than 20000 tests" in reason_of(
        text.replace("condition: a", f"condition: {' and '.join(['1 of s*'] * 21)}")
    )
    assert parse_rules([("a.yml", text.replace("condition: a", "condition: 1 of s*"), "")]).rules
    many = good().replace("F: x", f"F: {list(range(1000))}")
    assert "more than 20000 tests" in reason_of(
        many.replace("condition: a", f"condition: {' or '.join(['a'] * 21)}")
    )


def test_placeholders_of_a_rule_and_of_all_rules_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"a": tuple(map(str, range(100)))}
    texts = [good(number).replace("F: x", "F|expand: ['%a%%a%', 'x%a%%a%', 'y%a%']") for number in range(3)]
    (bad,) = parse_rules([("a.yml", texts[0], "")], values).rejected
    assert (bad.reason, bad.depends) == ("its placeholders make more than 20000 values together", True)
    texts = [text.replace("'x%a%%a%', ", "") for text in texts]
    monkeypatch.setattr(ruleset, "MAX_ALL_VALUES", 21_000)
    found = parse_rules([(f"{number}.yml", text, "") for number, text in enumerate(texts)], values)
    assert len(found.rules) == 2
    assert [bad.reason for bad in found.rejected] == [
        "the placeholders of all rules make more than 21000 values"
    ]
