"""Manifests are parsed with distrust, though they are signed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.platform.errors import Invalid
from sent.platform.update.manifest import MAX_FILES, MAX_TOTAL, Link, parse, safe

DIGEST = "a" * 64


def entry(path: str, **changed: Any) -> dict[str, Any]:
    """Return a file's entry."""
    xz = {"size": 10, "sha256": DIGEST}
    return {"path": path, "sha256": DIGEST, "size": 20, "mode": 420, "xz": xz, "deltas": []} | changed


def manifest(*files: dict[str, Any], **changed: Any) -> bytes:
    """Return a manifest of `files`."""
    read: dict[str, Any] = {
        "format": 1,
        "version": "1.1",
        "platform": "linux-x86_64",
        "pack": "base",
        "built": "2026-11-28T00:00:00Z",
        "commit": "abc",
        "schema": {"head": "0023", "runs_on": ["0023"]},
        "notes": "# What is new",
        "files": list(files),
    }
    return json.dumps(read | changed).encode()


def test_an_honest_manifest_is_read() -> None:
    made = parse(manifest(entry("sent", mode=493), {"path": "_internal/a.so", "link": "b/c.so"}))
    assert (made.files[0].path, made.files[0].mode, made.size) == ("sent", 0o755, 20)
    assert made.links == (Link("_internal/a.so", "b/c.so"),)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/a", "..", "../a", "a/..", "a/../b", "./a", "a//b", "a/", "a\\b", "C:a", "a\0b", "a\nb", "a."],
)
def test_paths_that_lead_out_or_are_none(path: str) -> None:
    with pytest.raises(Invalid, match="the path"):
        parse(manifest(entry(path)))


@pytest.mark.parametrize(
    "target", ["", "/etc", "..", "../..", "../../x", "a/../../../x", "a/../b", "./a", "a\\b"]
)
def test_links_that_lead_out_or_on_winding_ways(target: str) -> None:
    with pytest.raises(Invalid, match="the link"):
        parse(manifest({"path": "dir/link", "link": target}))


@pytest.mark.parametrize(
    "files",
    [
        (entry("a"), entry("a")),
        (entry("Lib/a"), entry("lib/b")),
        (entry("a"), entry("a/b")),
        (entry("a"), entry("A")),
        (entry("manifest.json"),),
        (entry("Manifest.media.json"),),
    ],
    ids=["twice", "folder's case", "file and folder", "case", "own manifest", "a pack's manifest"],
)
def test_names_that_collide(files: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(Invalid):
        parse(manifest(*files))


@pytest.mark.parametrize(
    "changed",
    [
        {"size": -1},
        {"size": MAX_TOTAL + 1},
        {"size": True},
        {"size": 1.5},
        {"mode": 0o4755},
        {"sha256": "A" * 64},
        {"sha256": "../" + "a" * 61},
        {"xz": None},
        {"xz": {"size": 10, "sha256": "x"}},
        {"deltas": [{"from": "../x", "size": 1, "sha256": DIGEST}]},
        {"deltas": [{}] * 9},
    ],
    ids=str,
)
def test_entries_that_cannot_be(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse(manifest(entry("a", **changed)))


def test_all_of_it_is_bounded() -> None:
    with pytest.raises(Invalid, match="more than"):
        parse(manifest(*[entry(f"f{n}", size=MAX_TOTAL // 4) for n in range(5)]))
    with pytest.raises(Invalid, match="lists no files"):
        parse(manifest(files=[{}] * (MAX_FILES + 1)))
    with pytest.raises(Invalid, match="more than"):
        parse(b" " * (8 * 1024 * 1024 + 1))
    with pytest.raises(Invalid, match="no JSON"):
        parse(b"[" * 100_000)


@pytest.mark.parametrize(
    "changed", [{"format": 2}, {"version": "../1"}, {"pack": "a/b"}, {"schema": None}], ids=str
)
def test_a_head_that_is_not_understood(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse(manifest(**changed))


@given(st.text(st.sampled_from("ab./\\:\0 ~\n"), max_size=12))
def test_whatever_passes_stays_inside(path: str) -> None:
    try:
        taken = safe(path)
    except Invalid:
        return
    base = Path("/base/version")
    resolved = Path(os.path.normpath(base / taken))
    assert resolved != base and resolved.is_relative_to(base)
    assert str(resolved) == f"{base}/{path}"


@given(st.text(st.sampled_from("ab./"), max_size=10), st.sampled_from(["l", "d/l", "d/e/l"]))
def test_whatever_link_passes_stays_inside(target: str, path: str) -> None:
    try:
        made = parse(manifest({"path": path, "link": target}))
    except Invalid:
        return
    base = Path("/base/version")
    resolved = Path(os.path.normpath((base / path).parent / made.links[0].target))
    assert resolved.is_relative_to(base)
