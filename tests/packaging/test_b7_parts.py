"""B7: licences are as house.md 8 allows, and the bill of materials names every part and no other."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest
from license_expression import get_spdx_licensing

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause-UC", "ISC", "LGPL-2.1-only",
    "LGPL-2.1-or-later", "LGPL-3.0-only", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0",
    "OLDAP-2.8", "PSF-2.0", "PostgreSQL",
    "Unicode-3.0", "Zlib", "blessing", "bzip2-1.0.6",
    # Of the delta codec; not copyleft for programs that contain it (its section 3).
    "BSD-Protection",
    # The start-up code that PyInstaller puts into programs of any licence.
    "GPL-2.0-or-later WITH Bootloader-exception",
}  # fmt: skip

pytestmark = pytest.mark.timeout(500)


def allowed(expression: str) -> bool:
    """Say whether one may choose allowed licences only."""
    tree = get_spdx_licensing().parse(expression, validate=False)

    def holds(node: object) -> bool:
        parts = [holds(part) for part in getattr(node, "args", ()) if hasattr(part, "render")]
        if type(node).__name__ == "OR":
            return any(parts)
        if type(node).__name__ == "AND":
            return all(parts)
        return str(node) in ALLOWED

    return holds(tree)


def test_b7_every_licence_is_allowed(app: Path) -> None:
    rows = json.loads((app / "_internal/sent/_build/licences.json").read_text())
    refused = {row["name"]: row["licence"] for row in rows if not allowed(row["licence"])}
    assert len(rows) > 50
    assert not refused


@pytest.mark.parametrize(
    "expression", ["GPL-3.0-only", "MIT AND GPL-2.0-or-later", "unknown", "AGPL-3.0-only"]
)
def test_b7_what_house_rules_forbid_is_refused(expression: str) -> None:
    assert not allowed(expression)


def test_b7_nothing_links_readline(app: Path) -> None:
    assert not [path.name for path in app.rglob("*") if "readline" in path.name or path.name == "psql"]


def test_b7_bill_of_materials_is_complete_and_exact(app: Path) -> None:
    bill = json.loads((app.parent / "sent.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {part["name"] for part in bill["components"] if part["purl"].startswith("pkg:pypi/")}
    owner = {
        str(one.locate_file(file)): one.metadata["Name"]
        for one in metadata.distributions()
        for file in one.files or ()
    }
    listing = json.loads((ROOT / "out/work/collected.json").read_text())
    sources = [source for _, source in listing["modules"]] + [source for _, source, _ in listing["files"]]
    assert named == {owner[source] for source in sources if source in owner and owner[source] != "sent"}
    natives = {part["name"] for part in bill["components"]} - named
    assert {"Qt", "PostgreSQL server", "CPython", "libssl3"} <= natives
