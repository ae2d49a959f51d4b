"""Rule sets: imported after a look at what an import changes, brought back once.

`preview_import` reads an archive and says what becomes of every rule; `apply_import` does exactly that, or
raises Conflict when the set is not any more what the preview saw. What a set held before is kept until the
next import, so that one undo brings it back. Reading is bounded (`rulefiles`); many new rules are parsed by
another process, and whoever cancels ends it.
"""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sent.engines.radar.model import RuleSet
from sent.engines.radar.rulebook.authoring import OWN_SETS
from sent.engines.radar.rulebook.library import SHIPPED_SET, digest
from sent.engines.radar.rulebook.placeholders import look_again
from sent.engines.radar.rulebook.rulechange import (
    RuleChange,
    RuleState,
    comes_on,
    coming,
    compared,
    document,
    pinned,
    referred,
)
from sent.engines.radar.sigma.elsewhere import parse_elsewhere
from sent.engines.radar.sigma.rulefiles import RuleFile, rule_files
from sent.engines.radar.store import catalogue
from sent.engines.radar.store import rulesets as store
from sent.engines.radar.store.placeholders import values as placeholder_values
from sent.engines.radar.store.rulesets import Elsewhere, SetRow
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound

MAX_NAME = 200
MAX_BEFORE = 3 * catalogue.MAX_RULE_TEXT
"""Bytes, unpacked, of what is kept of a set: as JSON a text may be longer than it is."""

TELL_EVERY = 50

Progress = Callable[[str, int, int | None], object]
"""Hears (`read`|`parse`|`compare`, how many are done, of how many or None), from any thread."""


@dataclass(frozen=True, slots=True)
class Referring:
    """What refers to rules that go: a filter or correlation (`kind`), or `muted` for a muted rule."""

    kind: str
    title: str
    rule_set: str
    rules: tuple[str, ...]
    """Titles of the rules that go."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import into the set `name` changes. `pin` names this change: 16 hexadecimal digits."""

    name: str
    origin: str
    digest: str
    pin: str
    existed: bool
    changes: tuple[RuleChange, ...]
    referring: tuple[Referring, ...]
    twins: tuple[Elsewhere, ...]
    """Rules of other sets with the same ids: the first one loaded counts."""
    held: str | None = field(repr=False, default=None)
    found: RuleSet = field(repr=False, default_factory=RuleSet)

    @property
    def counts(self) -> dict[str, int]:
        """How many rules are added, changed, removed, unchanged; `idle`: how many newly cannot run."""
        counted: Counter[str] = Counter(change.change for change in self.changes)
        counted["idle"] = sum(change.idle for change in self.changes)
        return {name: counted[name] for name in ("added", "changed", "removed", "unchanged", "idle")}


@dataclass(frozen=True, slots=True)
class NewRules:
    """Which new rules run: those of these statuses (none: of any) and at least this level (empty: none)."""

    statuses: frozenset[str] = frozenset()
    level: str = "informational"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `off` new rules came switched off."""

    name: str
    rules: int
    rejected: int
    counts: dict[str, int]
    off: int


async def rule_sets(ctx: Ctx) -> list[SetRow]:
    """Return the organisation's rule sets by name."""
    async with uow(ctx) as tx:
        return await store.listed(tx)


async def preview_import(ctx: Ctx, path: Path, name: str, told: Progress | None = None) -> Preview:
    """Read rules from a file, folder or archive and say what they would change in the set `name`.

    Raises NotFound and Invalid as `rule_files` does, Invalid for a set that SENT keeps itself.
    """
    name = _checked(name)
    async with uow(ctx) as tx:
        values = await placeholder_values(tx)
        held_as = await store.signature(tx, name)
        held = await store.held(tx, name)
        others = await store.referring(tx, name)
    found = await _read(path, values, told or _silent)
    fresh = coming(found)
    changes = await asyncio.to_thread(_compared, held, fresh, told or _silent)
    gone = {change.rule_id: change.title for change in changes if change.change == "removed"}
    async with uow(ctx) as tx:
        twins = await store.twins(tx, name, [state.rule_id for state in fresh if state.rule_id])
        muted = await store.muted(tx, list(gone))
    refers = await asyncio.to_thread(_referring, others, _named(gone, held))
    refers += [Referring("muted", each.title, "", (each.title,)) for each in muted]
    mark = digest(found)
    return Preview(
        name, path.name, mark, pinned(name, mark, held_as or ""), held_as is not None, tuple(changes),
        tuple(refers), tuple(twins), held_as, found,
    )  # fmt: skip


async def apply_import(ctx: Ctx, preview: Preview, new: NewRules | None = None) -> Imported:
    """Do what was previewed; what somebody switched off stays off, `new` says which new rules run.

    Raises Conflict when the set changed since, Denied without `radar:manage`.
    """
    wanted = new or NewRules()
    off = {
        change.rule_id
        for change in preview.changes
        if change.change == "added" and not comes_on(change, wanted.statuses, wanted.level)
    }
    async with uow(ctx) as tx:
        before = await _before(tx, preview.name, existed=preview.existed)
    async with uow(ctx) as tx:
        if await store.locked(tx, preview.name) != preview.held:
            raise Conflict(
                "radar.rule_set.changed", f"the rule set {preview.name} changed meanwhile; look again"
            )
        await store.keep(tx, before)
        await catalogue.replace_rule_set(
            tx, preview.name, preview.digest, preview.found, shipped=False, off=off
        )
        await store.note_import(tx, preview.name, preview.origin, None, ctx.actor)
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)
    found = preview.found
    runs = len(found.rules) + len(found.correlations) + len(found.filters)
    return Imported(preview.name, runs, len(found.rejected), preview.counts, len(off))


async def undo_import(ctx: Ctx, name: str) -> bool:
    """Bring back what a set held before its last import or removal; False: there was none, so it is gone.

    Rules that were switched off since stay off. Raises NotFound when nothing is kept, Conflict when somebody
    else imports into the set now.
    """
    async with uow(ctx) as tx:
        before = await store.before(tx, name)
        values = await placeholder_values(tx)
    if before is None:
        raise NotFound("radar.rule_set.before", f"nothing is kept of what {name} held before")
    files, off = await asyncio.to_thread(_unpacked, before.content)
    found = await asyncio.to_thread(_parsed, files, values, threading.Event(), _silent)
    async with uow(ctx) as tx:
        await store.locked(tx, name)
        if await store.before(tx, name) != before:
            raise Conflict("radar.rule_set.changed", f"the rule set {name} changed meanwhile; look again")
        if not before.existed:
            await store.remove(tx, name)
        else:
            await catalogue.replace_rule_set(tx, name, before.digest, found, shipped=False, off=off)
            await store.note_import(tx, name, before.origin, before.imported_at, before.imported_by)
        await store.forget(tx, name)
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)
    return before.existed


async def remove_rule_set(ctx: Ctx, name: str) -> None:
    """Delete a set with its rules; their alerts stay, and `undo_import` brings it back.

    Raises NotFound, Invalid for a set that SENT keeps itself, Denied without `radar:manage`.
    """
    _checked(name)
    async with uow(ctx) as tx:
        if await store.locked(tx, name) is None:
            raise NotFound("radar.rule_set.missing", f"there is no rule set {name!r}")
        await store.keep(tx, await _before(tx, name, existed=True))
        if not await store.remove(tx, name):
            raise NotFound("radar.rule_set.missing", "the rule set is not there, or not yours to change")
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)


def _checked(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise Invalid("radar.rule_set.name", f"a rule set has a name of 1 to {MAX_NAME} characters")
    if name in (SHIPPED_SET, *OWN_SETS):
        raise Invalid("radar.rule_set.kept", f"SENT keeps the rule set {name} itself; choose another name")
    return name


async def _read(path: Path, values: Any, told: Progress) -> RuleSet:
    stop = threading.Event()
    try:
        files = await asyncio.to_thread(_files, path, stop, told)
        told("parse", 0, len(files))
        await parse_elsewhere([(name, text) for name, text, _ in files if text is not None])
        return await asyncio.to_thread(_parsed, files, values, stop, told)
    finally:
        stop.set()


class _Stopped(Exception):
    """Nobody waits for this any more."""


def _files(path: Path, stop: threading.Event, told: Progress) -> list[RuleFile]:
    files: list[RuleFile] = []
    length = 0
    for file in rule_files(path):
        if stop.is_set():
            raise _Stopped
        files.append(file)
        length += len(file[1] or "")
        if length > catalogue.MAX_RULE_TEXT:
            raise Invalid(
                "radar.rules.large",
                f"{path.name}: more than {catalogue.MAX_RULE_TEXT // 1_000_000} MB of rules; split it",
            )
        if len(files) % TELL_EVERY == 0:
            told("read", len(files), None)
    return files


def _parsed(files: Sequence[RuleFile], values: Any, stop: threading.Event, told: Progress) -> RuleSet:
    from sent.engines.radar.sigma.reading import parsed

    def fed() -> Iterator[RuleFile]:
        for number, file in enumerate(files):
            if stop.is_set():
                raise _Stopped
            if number % TELL_EVERY == 0:
                told("parse", number, len(files))
            yield file

    return parsed(fed(), values)


def _compared(held: Sequence[RuleState], fresh: Sequence[RuleState], told: Progress) -> list[RuleChange]:
    changes: list[RuleChange] = []
    for change in compared(held, fresh):
        if len(changes) % TELL_EVERY == 0:
            told("compare", len(changes), len(fresh))
        changes.append(change)
    return changes


def _named(gone: dict[str, str], held: Iterable[RuleState]) -> dict[str, str]:
    """Return the titles of the rules that go by all they are called: id and name."""
    names = dict(gone)
    for state in held:
        if state.rule_id in gone and "\nname:" in f"\n{state.text}":
            part = document(state.text, state.rule_id) or {}
            if part.get("name"):
                names[str(part["name"])] = state.title
    return names


def _referring(others: Iterable[Elsewhere], names: dict[str, str]) -> list[Referring]:
    if not names:
        return []
    found = []
    for other in others:
        needs = referred(other.text, other.rule_id) & names.keys()
        if needs:
            titles = tuple(sorted({names[name] for name in needs}))
            found.append(Referring(other.kind, other.title, other.rule_set, titles))
    return found


async def _before(tx: Tx, name: str, *, existed: bool) -> store.Before:
    """Return what the set holds, as it is kept for undoing."""
    known = await store.origin_of(tx, name) if existed else None
    held = await store.held(tx, name) if known is not None else []
    content = await asyncio.to_thread(_packed, held)
    mark, origin, at, by = known or ("", None, None, None)
    return store.Before(name, known is not None, mark, origin, at, by, content)


def _packed(held: Iterable[RuleState]) -> bytes:
    import orjson

    texts = dict.fromkeys((state.path, state.text) for state in held)
    off = sorted({state.rule_id for state in held if not state.enabled})
    return zlib.compress(orjson.dumps({"files": list(texts), "off": off}))


def _unpacked(content: bytes) -> tuple[list[RuleFile], set[str]]:
    """Return files and switched off rules out of what a member may have written past this program."""
    import orjson

    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(content, MAX_BEFORE)
        if unpacking.unconsumed_tail:
            raise ValueError(f"more than {MAX_BEFORE // 1_000_000} MB")
        body = orjson.loads(unpacked)
        files: list[RuleFile] = [(str(path), str(text), "") for path, text in body["files"]]
        off = {str(id) for id in body["off"]}
    except (zlib.error, ValueError, LookupError, TypeError) as error:
        raise Invalid("radar.rule_set.before", f"what is kept of the set cannot be read: {error}") from error
    if sum(len(text or "") for _, text, _ in files) > catalogue.MAX_RULE_TEXT:
        raise Invalid(
            "radar.rules.large", f"more than {catalogue.MAX_RULE_TEXT // 1_000_000} MB of rules are kept"
        )
    return files, off


def _silent(_stage: str, _done: int, _all: int | None) -> None:
    """Tell nobody."""
