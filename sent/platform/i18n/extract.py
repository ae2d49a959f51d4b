"""Finds every text that people see, for the catalogues: `python -m sent.platform.i18n.extract de`.

Texts are the constants in calls of `tr` and `trn`, what the manifests say of themselves, and what searches
call their hits. A text that is put together at run time cannot be translated: `unknown` names those places.
"""

from __future__ import annotations

import ast
import json
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sent.platform import registry
from sent.platform.i18n.catalog import FOLDER, Catalog
from sent.platform.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
_MANIFEST_TEXTS = (".title", ".help", ".kind")


@dataclass(slots=True)
class Texts:
    """`singles` and `plurals` (singular -> plural) with the first place each was seen at."""

    singles: dict[str, str] = field(default_factory=dict)
    plurals: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def texts(root: Path = ROOT) -> Texts:
    """Return all texts of the program below `root`."""
    found = Texts()
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _call(node, f"{path.relative_to(root)}:{node.lineno}", found)
    for manifest in registry.manifests():
        for text in _declared(manifest):
            found.singles.setdefault(text, f"manifest {manifest.id}")
    return found


def problems(catalog: Catalog, found: Texts) -> list[str]:
    """Return what a catalogue lacks, has for nothing, or fills in differently from the English text."""
    made = [
        f"not translated: {text!r} ({place})" for text, place in found.singles.items() if text not in catalog
    ]
    made += [f"not translated: {one!r} (plural)" for one in found.plurals if one not in catalog]
    for key, value in catalog.items():
        if key not in found.singles and key not in found.plurals:
            made.append(f"dead: {key!r}")
            continue
        if (key in found.plurals) != isinstance(value, list):
            made.append(f"forms: {key!r} is {'counted' if key in found.plurals else 'not counted'}")
        wanted = names(key) | names(found.plurals.get(key, key))
        for form in value if isinstance(value, list) else [value]:
            if names(form) - wanted or (not isinstance(value, list) and names(form) != wanted):
                made.append(f"placeholders: {key!r} -> {form!r}")
    return made


def names(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _call(node: ast.Call, place: str, found: Texts) -> None:
    called = node.func.id if isinstance(node.func, ast.Name) else ""
    if called == "Hit" and node.args and isinstance(node.args[0], ast.Constant):
        found.singles.setdefault(str(node.args[0].value), place)
    elif called == "Page" and place.startswith("ui/") and len(node.args) > 1:
        found.singles.setdefault(str(ast.literal_eval(node.args[1])), place)
    elif called in ("tr", "trn"):
        given = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if called == "tr" and len(given) == 1:
            found.singles.setdefault(given[0], place)
        elif called == "trn" and len(given) == 2:
            found.plurals.setdefault(given[0], given[1])
        elif not ast.unparse(node.args[0]).endswith(_MANIFEST_TEXTS):
            found.unknown.append(f"{place}: {ast.unparse(node)}")


def _declared(manifest: Manifest) -> Iterator[str]:
    yield manifest.title
    yield from (page.title for page in manifest.pages)
    yield from (task.title for task in manifest.tasks)
    for setting in manifest.settings:
        yield setting.title
        if setting.help:
            yield setting.help
    yield from (event.title for event in manifest.events if event.title)


def main(argv: list[str]) -> int:
    """Print what is wrong with the catalogues of these languages; 1 if anything is."""
    found, wrong = texts(), 0
    for language in argv:
        for problem in problems(json.loads((FOLDER / f"{language}.json").read_text("utf-8")), found):
            print(f"{language}: {problem}")
            wrong += 1
    for place in found.unknown:
        print(f"cannot be translated: {place}")
    return 1 if wrong or found.unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
