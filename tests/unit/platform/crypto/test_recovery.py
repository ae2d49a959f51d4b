"""The recovery key: paper and vault together bring the root back, neither alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.platform.crypto import recovery
from sent.platform.crypto.root import FixedRoots
from sent.platform.crypto.vault import Vault
from sent.platform.errors import Conflict, Invalid, NotFound
from sent.platform.ids import uuid7
from sent.platform.telemetry.log import Secret

ROOT, NEXT = bytes(range(32)), bytes(range(1, 33))


@given(st.binary(min_size=32, max_size=32))
def test_words_are_read_as_they_were_written(seed: bytes) -> None:
    text = recovery.words(seed)
    assert len(text.split("-")) == recovery.GROUPS
    assert not set(text) & set("ILOU")
    assert recovery.parse(text) == recovery.parse(text.lower().replace("-", " ")) == seed
    assert recovery.parse(text.replace("0", "O").replace("1", "l")) == seed


@given(st.binary(min_size=32, max_size=32), st.integers(0, 64), st.sampled_from(recovery.ALPHABET))
def test_a_mistyped_letter_names_its_group(seed: bytes, at: int, letter: str) -> None:
    text = recovery.words(seed).replace("-", "")
    if text[at] == letter:
        return
    with pytest.raises(Invalid) as refused:
        recovery.parse(text[:at] + letter + text[at + 1 :])
    assert refused.value.data.get("group") == at // 5 + 1


@pytest.mark.parametrize("text", ["", "x", "A" * 65, "A" * 2000, "é" * 65])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        recovery.parse(text)


def test_groups_in_another_order_are_noticed() -> None:
    groups = recovery.words(ROOT).split("-")
    groups[2], groups[3] = groups[3], groups[2]
    with pytest.raises(Invalid):
        recovery.parse("-".join(groups))


def test_the_paper_brings_back_each_root_of_its_time(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", tmp_path / "copy")
    paper = recovery.make(FixedRoots(ROOT), vault)
    assert recovery.recover(paper, vault) == [ROOT]
    recovery.follow([NEXT], vault)
    assert recovery.recover(paper, Vault(tmp_path / "copy")) == [NEXT]
    text = (tmp_path / "vault" / "recovery.json").read_text()
    assert NEXT.hex() not in text and paper.reveal() not in text


def test_a_second_paper_must_be_wanted_and_ends_the_first(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    first = recovery.make(FixedRoots(ROOT), vault)
    with pytest.raises(Conflict):
        recovery.make(FixedRoots(ROOT), vault)
    second = recovery.make(FixedRoots(ROOT), vault, replace=True)
    assert recovery.recover(second, vault) == [ROOT]
    with pytest.raises(Invalid, match="another recovery key"):
        recovery.recover(first, vault)


def test_paper_without_a_vault_and_a_changed_copy_open_nothing(tmp_path: Path) -> None:
    paper = recovery.make(FixedRoots(ROOT), Vault(tmp_path / "a"))
    with pytest.raises(NotFound):
        recovery.recover(paper, Vault(tmp_path / "b"))
    path = tmp_path / "a" / "recovery.json"
    found = json.loads(path.read_text())
    box = bytearray.fromhex(found["sealed"][0]["box"])
    box[50] ^= 1
    found["sealed"][0]["box"] = box.hex()
    path.write_text(json.dumps(found))
    with pytest.raises(Invalid):
        recovery.recover(paper, Vault(tmp_path / "a"))
    with pytest.raises(Invalid):
        recovery.recover(Secret(recovery.words(bytes(32))), Vault(tmp_path / "a"))


def test_a_destroyed_secret_is_gone_from_vault_and_copy_and_never_made_again(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", tmp_path / "copy")
    owner = uuid7()
    kept = vault.secret(owner)
    assert vault.find(owner) == Vault(tmp_path / "copy").find(owner) == kept
    vault.destroy(owner)
    for place in (vault, Vault(tmp_path / "copy")):
        with pytest.raises(NotFound):
            place.secret(owner)
        with pytest.raises(NotFound):
            place.find(owner)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept.hex().encode() not in held
    assert vault.all_destroyed() == [owner]
    vault.destroy(owner)
