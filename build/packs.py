"""Says which component pack a file of the packaged program belongs to; `packs.toml` is the table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TABLE = Path(__file__).resolve().parent / "packs.toml"
BASE = "base"


@dataclass(frozen=True)
class Pack:
    """A part of the program that is installed as a whole."""

    name: str
    title: str
    engines: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def claims(self, path: PurePosixPath) -> bool:
        """Say whether `path`, below the bundle's `_internal`, is this pack's."""
        top = path.parts[0]
        if path.parts[:2] == ("sent", "engines"):
            return len(path.parts) > 2 and path.parts[2] in self.engines
        return top.removesuffix(".libs").split(".")[0] in self.modules


def load(table: Path = TABLE) -> tuple[Pack, ...]:
    """Return the packs; raises ValueError for a table without the base or with a double claim."""
    found = tuple(
        Pack(name, part["title"], tuple(part.get("engines", ())), tuple(part.get("modules", ())))
        for name, part in tomllib.loads(table.read_text("utf-8")).items()
    )
    if BASE not in {pack.name for pack in found}:
        raise ValueError(f"{table.name} has no pack {BASE!r}")
    claims = [claim for pack in found for claim in (*pack.engines, *pack.modules)]
    if double := sorted({claim for claim in claims if claims.count(claim) > 1}):
        raise ValueError(f"{table.name}: claimed twice: {', '.join(double)}")
    return found


def pack_of(path: str, packs: tuple[Pack, ...]) -> str:
    """Return the name of the pack of a file, given by its path below the version's folder."""
    inside = PurePosixPath(path.removeprefix("_internal/"))
    return next((pack.name for pack in packs if pack.name != BASE and pack.claims(inside)), BASE)
