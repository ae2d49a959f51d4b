"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sent/**/README.md")])


def test_the_engines_index_is_what_the_manifests_say() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "sent", "docs"], capture_output=True, text=True, check=True, timeout=60
    )
    assert (ROOT / "docs" / "engines.md").read_text() == said.stdout, "run: sent docs > docs/engines.md"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(document: Path) -> None:
    for name in re.findall(
        r"`((?:sent|tests|docs|build|migrations)/[\w./-]+\.(?:py|md|txt|sh))`", document.read_text()
    ):
        assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_every_engine_has_a_readme() -> None:
    engines = [path.parent for path in ROOT.glob("sent/engines/*/manifest.py")]
    assert [engine.name for engine in engines if not (engine / "README.md").is_file()] == []


def test_no_file_carries_an_index_address_or_a_path_of_a_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    wrong = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix in {".lock", ".in", ".json", ".toml"} and path.is_file():
            text = path.read_text(errors="replace")
            if re.search(r"--(extra-)?index-url|\"resolved\": *\"http", text):
                wrong.append(name)
    assert wrong == []
