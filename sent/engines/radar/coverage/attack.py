"""Names and tactics of ATT&CK's techniques out of a STIX bundle that an organisation has; no data ships.

Read are `attack-pattern` (name, id, tactics), `x-mitre-matrix` with `x-mitre-tactic` (names of the tactics,
their order) and `x-mitre-collection` (edition): STIX 2.1 as mitre-attack/attack-stix-data publishes it. What
is revoked or deprecated is left out.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sent.platform.errors import Invalid, NotFound

MAX_BUNDLE = 200_000_000
"""Bytes of a bundle, unpacked; that of the enterprise matrix has 50 million."""

MAX_TECHNIQUES = 5000
MAX_TACTICS = 40
MAX_NAME = 200

_ID = re.compile(r"T\d{4}(\.\d{3})?")
_SHORT = re.compile(r"[a-z][a-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a bundle names: `techniques` id -> (name, tactics' short names), `tactics` short name -> name."""

    edition: str
    tactics: Mapping[str, str]
    techniques: Mapping[str, tuple[str, tuple[str, ...]]]


EMPTY = Catalogue("", {}, {})


def read_bundle(path: Path) -> Catalogue:
    """Read a bundle (.json, .json.gz); raises NotFound, or Invalid when it is none or too large."""
    import orjson

    if not path.is_file():
        raise NotFound("radar.attack.missing", f"{path}: no such file")
    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            content = stream.read(MAX_BUNDLE + 1)
        if len(content) > MAX_BUNDLE:
            raise Invalid("radar.attack.large", f"{path.name} is larger than {MAX_BUNDLE // 1_000_000} MB")
        body = orjson.loads(content)
    except (OSError, EOFError, ValueError) as error:
        raise Invalid("radar.attack.kind", f"{path.name} is no JSON: {str(error)[:200]}") from error
    return catalogue_of(body)


def catalogue_of(bundle: Any) -> Catalogue:
    """Return what a bundle names; raises Invalid when it holds no technique."""
    objects = bundle.get("objects") if isinstance(bundle, dict) else None
    if not isinstance(objects, list):
        raise Invalid("radar.attack.kind", "this is no STIX bundle")
    kinds: dict[str, list[dict[str, Any]]] = {}
    for item in objects:
        if isinstance(item, dict) and not item.get("revoked") and not item.get("x_mitre_deprecated"):
            kinds.setdefault(str(item.get("type")), []).append(item)
    techniques = dict(_techniques(kinds.get("attack-pattern", [])))
    if not techniques:
        raise Invalid("radar.attack.empty", "the bundle names no technique of ATT&CK")
    if len(techniques) > MAX_TECHNIQUES:
        raise Invalid("radar.attack.large", f"the bundle names more than {MAX_TECHNIQUES} techniques")
    return Catalogue(_edition(kinds), _tactics(kinds), dict(sorted(techniques.items())))


def _techniques(patterns: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    for pattern in patterns:
        name = str(pattern.get("name") or "")[:MAX_NAME]
        for id in _ids(pattern):
            if _ID.fullmatch(id) and name:
                yield id, (name, tuple(dict.fromkeys(_phases(pattern)))[:MAX_TACTICS])


def _ids(item: dict[str, Any]) -> Iterator[str]:
    references = item.get("external_references")
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, dict) and reference.get("source_name") == "mitre-attack":
            yield str(reference.get("external_id"))


def _phases(pattern: dict[str, Any]) -> Iterator[str]:
    phases = pattern.get("kill_chain_phases")
    for phase in phases if isinstance(phases, list) else []:
        if isinstance(phase, dict) and phase.get("kill_chain_name") == "mitre-attack":
            short = str(phase.get("phase_name"))
            if _SHORT.fullmatch(short):
                yield short


def _tactics(kinds: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return the tactics in the matrix's order; those it does not place stand behind."""
    named = {
        str(tactic.get("id")): (str(tactic.get("x_mitre_shortname")), str(tactic.get("name"))[:MAX_NAME])
        for tactic in kinds.get("x-mitre-tactic", [])
        if _SHORT.fullmatch(str(tactic.get("x_mitre_shortname")))
    }
    placed = [
        str(reference)
        for matrix in kinds.get("x-mitre-matrix", [])
        for reference in (matrix.get("tactic_refs") or [])
    ]
    order = [key for key in dict.fromkeys([*placed, *named]) if key in named]
    return dict(named[key] for key in order[:MAX_TACTICS])


def _edition(kinds: Mapping[str, list[dict[str, Any]]]) -> str:
    for collection in kinds.get("x-mitre-collection", []):
        name, version = collection.get("name") or "ATT&CK", collection.get("x_mitre_version") or ""
        return f"{name} {version}".strip()[:MAX_NAME]
    return "ATT&CK"


def as_json(found: Catalogue) -> dict[str, Any]:
    """Return a catalogue as JSON."""
    return {
        "tactics": [list(pair) for pair in found.tactics.items()],
        "techniques": {id: [name, list(tactics)] for id, (name, tactics) in found.techniques.items()},
    }


def from_json(edition: str, body: Mapping[str, Any]) -> Catalogue:
    """Return what `as_json` was given."""
    return Catalogue(
        edition,
        {str(short): str(name) for short, name in body["tactics"]},
        {
            str(id): (str(name), tuple(str(tactic) for tactic in tactics))
            for id, (name, tactics) in body["techniques"].items()
        },
    )
