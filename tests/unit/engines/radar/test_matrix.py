"""The matrix of ATT&CK, and names out of STIX bundles."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sent.engines.radar.coverage import attack
from sent.engines.radar.coverage.attack import EMPTY, Catalogue, as_json, catalogue_of, from_json, read_bundle
from sent.engines.radar.coverage.matrix import (
    OTHER,
    Choice,
    CoveringRule,
    Matrix,
    RuleAlerts,
    matrix,
    navigator_layer,
    table,
    tactics_in,
    techniques_in,
)
from sent.engines.radar.coverage.techniques import TACTICS
from sent.platform.errors import Invalid, NotFound

NAMES = Catalogue(
    "Made up 1.0",
    {"execution": "Execution", "impact": "Impact", "own-tactic": "A tactic of one's own"},
    {
        "T1059": ("Commands", ("execution",)),
        "T1059.001": ("A shell", ("execution",)),
        "T1490": ("Nothing left to restore", ("impact", "own-tactic")),
        "T9999": ("Nobody looks for it", ("impact",)),
    },
)


def a_rule(id: str, tags: str, **changes: Any) -> CoveringRule:
    named = [f"attack.{tag}" for tag in tags.split()]
    found = (techniques_in(named), tactics_in(named))
    made = CoveringRule(id, f"Rule {id}", "high", "Ann", "SigmaHQ", "windows", True, True, *found)
    return replace(made, **changes)


def cells(made: Matrix) -> dict[str, list[str]]:
    return {column.id: [cell.id for cell in column.cells] for column in made.columns}


def test_tags_name_techniques_and_tactics_however_they_are_written() -> None:
    tags = ["attack.T1059.001", "attack.t1059.001", "attack.defense_evasion", "attack.stealth", "cve.2021-1"]
    assert techniques_in(tags) == ("T1059.001",)
    assert tactics_in(tags) == ("defense-evasion", "stealth")
    assert techniques_in(["attack.t12", "t1059"]) == () and tactics_in(["attack.g0016"]) == ()


def test_sub_techniques_stand_below_theirs_and_count_with_them_once() -> None:
    rules = [a_rule("1", "t1059 execution"), a_rule("2", "t1059.001 t1059.003 execution")]
    made = matrix(rules, [RuleAlerts("2", ("attack.t1059.001",), 4)])
    (column,) = made.columns
    (cell,) = column.cells
    assert (column.id, cell.id) == ("execution", "T1059")
    assert [sub.id for sub in cell.subs] == ["T1059.001", "T1059.003"]
    assert (len(cell.rules), cell.with_subs, cell.alerts, cell.alerts_with_subs) == (1, 2, 0, 4)
    assert (made.techniques, made.covered, made.rules, made.most_rules, made.most_alerts) == (1, 1, 2, 2, 4)


def test_rules_that_are_off_or_cannot_run_count_only_when_all_do() -> None:
    rules = [a_rule("1", "t1059 execution", enabled=False), a_rule("2", "t1490 impact", runs=False)]
    assert matrix(rules, []).columns == ()
    assert cells(matrix(rules, [], Choice(running=False))) == {"execution": ["T1059"], "impact": ["T1490"]}


def test_a_choice_takes_rules_and_their_alerts_of_one_product_and_set() -> None:
    rules = [
        a_rule("1", "t1059 execution"),
        a_rule("2", "t1490 impact", product="linux"),
        a_rule("3", "t1003 credential-access", rule_set="Own"),
    ]
    alerts = [
        RuleAlerts(id, (f"attack.{t}",), 1) for id, t in (("1", "t1059"), ("2", "t1490"), ("9", "t1003"))
    ]
    assert cells(matrix(rules, alerts, Choice(product="linux"))) == {"impact": ["T1490"]}
    assert cells(matrix(rules, alerts, Choice(rule_set="Own"))) == {"credential-access": ["T1003"]}
    assert matrix(rules, alerts, Choice(rule_set="Own")).most_alerts == 0, "rule 9 is of no set"
    assert matrix(rules, alerts).most_alerts == 1


def test_where_a_technique_stands_is_voted_by_all_rules_that_name_it() -> None:
    sure = [a_rule(str(n), "t1059 execution") for n in range(3)]
    vague = a_rule("9", "t1059 t1490 execution impact")
    assert cells(matrix([*sure, vague], [])) == {"execution": ["T1059", "T1490"], "impact": ["T1490"]}
    assert cells(matrix([a_rule("1", "t1059")], [])) == {OTHER: ["T1059"]}


def test_the_catalogue_names_places_and_shows_what_nobody_looks_for() -> None:
    made = matrix([a_rule("1", "t1059.001 impact")], [], Choice(), NAMES)
    assert cells(made) == {"execution": ["T1059"], "impact": ["T1490", "T9999"], "own-tactic": ["T1490"]}
    assert made.edition == "Made up 1.0" and (made.techniques, made.covered) == (3, 1)
    assert made.columns[2].name == "A tactic of one's own"
    assert made.columns[0].cells[0].subs[0].name == "A shell"


def test_the_layer_and_the_table_tell_rules_alerts_and_authors() -> None:
    made = matrix([a_rule("1", "t1059.001 execution")], [RuleAlerts("1", ("attack.t1059.001",), 2)])
    layer: Any = navigator_layer(made, "Ours")
    assert layer["domain"] == "enterprise-attack" and layer["versions"] == {"layer": "4.5"}
    (entry,) = layer["techniques"]
    assert entry["techniqueID"] == "T1059.001" and entry["tactic"] == "execution" and entry["score"] == 1
    assert entry["comment"] == "1 rules, 2 alerts"
    head, parent, sub = table(made)
    assert head[:2] == ("tactic", "technique") and parent[3:5] == ("0", "0")
    assert sub == ("execution", "T1059.001", "", "1", "2", "Rule 1", "Ann")


def a_bundle(**more: Any) -> dict[str, Any]:
    def known(id: str) -> list[dict[str, str]]:
        return [{"source_name": "mitre-attack", "external_id": id}, {"source_name": "x", "external_id": "T1"}]

    phases = [{"kill_chain_name": "mitre-attack", "phase_name": "impact"}, {"kill_chain_name": "other"}]
    pattern = {"type": "attack-pattern", "name": "One", "kill_chain_phases": phases}
    objects: list[Any] = [
        {"type": "x-mitre-collection", "name": "Ours", "x_mitre_version": "3"},
        {"type": "x-mitre-matrix", "tactic_refs": ["b", "a"]},
        {"type": "x-mitre-tactic", "id": "a", "x_mitre_shortname": "execution", "name": "Execution"},
        {"type": "x-mitre-tactic", "id": "b", "x_mitre_shortname": "impact", "name": "Impact"},
        pattern | {"external_references": known("T1000")},
        pattern | {"external_references": known("T1001"), "revoked": True},
        pattern | {"external_references": known("T1002"), "x_mitre_deprecated": True},
        pattern | {"external_references": known("no id")},
        pattern | {"external_references": "broken", "kill_chain_phases": "broken"},
        "no object",
    ]
    return {"type": "bundle", "objects": objects, **more}


def test_a_bundle_gives_names_tactics_and_their_order() -> None:
    found = catalogue_of(a_bundle())
    assert found.edition == "Ours 3"
    assert list(found.tactics.items()) == [("impact", "Impact"), ("execution", "Execution")]
    assert found.techniques == {"T1000": ("One", ("impact",))}
    assert from_json(found.edition, json.loads(json.dumps(as_json(found)))) == found


def test_bundles_are_read_also_packed_and_what_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(a_bundle())
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(text.encode()))
    assert read_bundle(tmp_path / "a.json") == read_bundle(tmp_path / "b.json.gz")
    for name, content in (
        ("c.json", "{"),
        ("d.json", "[]"),
        ("e.json", '{"objects": []}'),
        ("f.json.gz", "x"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(Invalid):
            read_bundle(tmp_path / name)
    with pytest.raises(NotFound):
        read_bundle(tmp_path / "none.json")
    monkeypatch.setattr(attack, "MAX_BUNDLE", 100)
    with pytest.raises(Invalid, match="larger than"):
        read_bundle(tmp_path / "b.json.gz")


def test_every_tactic_has_its_place_and_nothing_is_named_by_itself() -> None:
    assert len(set(TACTICS)) == 16 and EMPTY.techniques == {}
