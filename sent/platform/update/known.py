"""What the last look for updates found, for whoever shows it: the console's page, `sent update status`.

It decides nothing: an update asks again and believes what is signed. One note serves all consoles and
services of a machine, so that they look once and not each for himself.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sent.platform.errors import SentError
from sent.platform.update.durable import write
from sent.platform.update.layout import VERSION, Layout
from sent.platform.update.manifest import MAX_NOTES, PACK

MAX_BYTES = 4 * MAX_NOTES + 50_000
MAX_MESSAGE = 2_000


@dataclass(frozen=True, slots=True)
class Known:
    """The result of a look; `version` is "" when nothing newer was offered."""

    at: float
    """Second of the epoch."""
    version: str = ""
    notes: str = ""
    released: str = ""
    size_download: int = 0
    packs: tuple[str, ...] = ()
    asked: bool = False
    """A person asked: it may be a version that this machine would not take by itself yet."""
    bundle: str = ""
    """The file it was offered by, when it came in one."""
    addable: dict[str, int] = field(default_factory=dict)
    """Packs that can be added to the version that runs, with the bytes of their download."""
    code: str = ""
    """Why the look, or the update after it, failed: an error's code; "" when it did not."""
    message: str = ""

    @property
    def failed(self) -> bool:
        """Say whether it ended in an error."""
        return bool(self.code)


def read(layout: Layout) -> Known | None:
    """Return the note, None without one; one that makes no sense is none."""
    try:
        with layout.known.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        found = json.loads(data) if len(data) <= MAX_BYTES else None
        return _known(found) if isinstance(found, dict) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def keep(layout: Layout, found: Known) -> None:
    """Write the note; where nothing may be written there is none."""
    with suppress(OSError):
        write(layout.known, json.dumps(asdict(found)).encode())


def keep_error(layout: Layout, error: SentError, at: float) -> None:
    """Note that a look or an update failed; what was offered before stays offered."""
    before = read(layout) or Known(at)
    keep(layout, replace(before, at=at, code=error.code, message=error.message[:MAX_MESSAGE]))


def _known(found: dict[str, Any]) -> Known:
    version = str(found["version"])
    if version and VERSION.fullmatch(version) is None:
        raise ValueError(version)
    return Known(
        at=float(found["at"]),
        version=version,
        notes=str(found["notes"])[:MAX_NOTES],
        released=str(found["released"])[:40],
        size_download=int(found["size_download"]),
        packs=tuple(str(pack) for pack in found["packs"] if PACK.fullmatch(pack)),
        asked=bool(found["asked"]),
        bundle=str(found["bundle"])[:1_000],
        addable={str(p): int(n) for p, n in found["addable"].items() if PACK.fullmatch(p)},
        code=str(found["code"])[:80],
        message=str(found["message"])[:MAX_MESSAGE],
    )
