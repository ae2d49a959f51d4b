"""B4: what thieves of one key, mirrors, other users of the machine and bundles by mail try."""

from __future__ import annotations

from pathlib import Path

import pytest
from releases import CLEAR, Releases, installed, mirror, one, releases, starts, update

from sent.platform.errors import SentError
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Web

__all__ = ["installed", "mirror", "releases"]


@pytest.mark.parametrize("role", ["targets", "snapshot"])
def test_b4_one_stolen_key_and_the_mirror_replace_nothing(
    releases: Releases, installed: Layout, mirror: Web, role: str
) -> None:
    """The same version number, another content, signed with the stolen key."""
    made = releases.made.latest(role)
    made.signed.unrecognized_fields["by"] = "a thief"
    made.sign(one(releases.keys, role))
    path = releases.repository / "metadata" / f"{made.signed.version}.{role}.json"
    path.write_bytes(made.to_bytes())
    with pytest.raises(SentError) as error:
        update(installed, [mirror], releases.root)
    assert error.value.code == "update.mismatch"
    assert starts(installed) == "1.0"


def test_b4_a_stolen_timestamp_key_holds_nobody_up_after_its_rotation(
    releases: Releases, installed: Layout, mirror: Web
) -> None:
    """The thief counts up to a version that nobody reaches by signing; a new key begins anew."""
    made = releases.made.latest("timestamp")
    path: Path = releases.repository / "metadata" / "timestamp.json"
    honest = path.read_bytes()
    made.signed.version = 2_000_000_000
    made.sign(one(releases.keys, "timestamp"))
    path.write_bytes(made.to_bytes())
    assert update(installed, [mirror], releases.root) == "1.1"
    path.write_bytes(honest)
    releases.add("1.2")
    with pytest.raises(SentError) as error:
        update(installed, [mirror], releases.root)
    assert error.value.code == "update.older"
    releases.run("rotate-root", "timestamp", "--clear", CLEAR)
    assert update(installed, [mirror], releases.root) == "1.2"
