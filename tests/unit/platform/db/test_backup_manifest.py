"""A backup's manifest leads to files and into SQL: only plain names are taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sent.platform.db.backup import MANIFEST, verify
from sent.platform.errors import Invalid

SQL = "pg_class; drop table x; --"


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {"rows": {}},
        {"rows": {SQL: 1}, "files": {}},
        {"rows": {f'"a"."b" {SQL}': 1}, "files": {}},
        {"rows": {"a.b": "1"}, "files": {}},
        {"rows": {}, "files": {"../secret": "0"}},
        {"rows": {}, "files": {"/dev/zero": "0"}},
    ],
)
def test_a_manifest_that_sent_did_not_write_is_refused(tmp_path: Path, manifest: object) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Invalid, match="not one that SENT wrote"):
        verify(tmp_path)


def test_strange_files_and_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"rows": {'core."Odd"': 1}, "files": {"toc.dat": "0"}}))
    (tmp_path / "extra.dat").write_text("x")
    with pytest.raises(Invalid, match="not of this backup"):
        verify(tmp_path)
    (tmp_path / "extra.dat").rename(tmp_path / "elsewhere")
    (tmp_path / "toc.dat").symlink_to("/dev/zero")
    (tmp_path / "elsewhere").unlink()
    with pytest.raises(Invalid, match="a link"):
        verify(tmp_path)
