"""`sent radar rules import|update|diff|sets|undo|remove`: an organisation's rule sets.

`diff` says what an import would change and ends with a `pin`; `import --pin` does exactly that or nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sent.platform.auth.commandline import administer
from sent.platform.errors import Conflict, NotFound, SentError
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from sent.engines.radar.rulebook.rulesets import NewRules, Preview
    from sent.platform.context import Ctx

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Source = Annotated[Path, typer.Argument(help="A rule file, a folder, a tar.gz or a zip.")]
SetName = Annotated[str, typer.Option("--name", help="Name of the rule set; else that of the file.")]
Pin = Annotated[str, typer.Option(help="Only if the change is the one that `diff` ended with.")]
Status = Annotated[
    list[str] | None, typer.Option(help="New rules of other statuses come switched off; several times.")
]


class Least(StrEnum):
    """The level below which new rules come switched off."""

    informational = "informational"
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


MinLevel = Annotated[Least, typer.Option("--min-level", help="New rules below come switched off.")]


def diff(
    path: Source,
    name: SetName = "",
    text: Annotated[bool, typer.Option("--text", help="With the texts' differences.")] = False,
    org: Organisation = None,
) -> None:
    """Say what an import would change: one JSON line for each rule, then one with counts and the pin."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.rulebook.rulechange import unified

        preview = await _previewed(ctx, path, name or path.name)
        for change in preview.changes:
            if change.change == "unchanged" and not change.idle:
                continue
            said = {
                "change": change.change,
                "rule_id": change.rule_id,
                "title": change.title,
                "level": change.level,
                "path": change.path,
                "parts": list(change.parts),
                "reason": change.reason,
                "off": change.off,
            }
            _line(said | ({"diff": unified(change.before, change.after)} if text else {}))
        _warn(preview)
        _line({"set": preview.name, **preview.counts, "pin": preview.pin})

    _run("rules diff", org, work)


def import_(
    path: Source,
    name: SetName = "",
    pin: Pin = "",
    status: Status = None,
    min_level: MinLevel = Least.informational,
    org: Organisation = None,
) -> None:
    """Bring rules into the organisation; a set of that name is replaced, workers follow within seconds."""

    async def work(ctx: Ctx) -> None:
        await _import(ctx, path, name or path.name, pin, _new(status, min_level))

    _run("rules import", org, work)


def update(
    name: Annotated[str, typer.Argument(help="A rule set that is there.")],
    path: Source,
    pin: Pin = "",
    status: Status = None,
    min_level: MinLevel = Least.informational,
    org: Organisation = None,
) -> None:
    """Bring a rule set up to date; what was switched off stays off."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.rulebook.rulesets import rule_sets

        known = [each.name for each in await rule_sets(ctx)]
        if name not in known:
            there = ", ".join(known) or "none yet"
            raise NotFound("radar.rule_set.missing", f"no rule set {name!r}; there are: {there}")
        await _import(ctx, path, name, pin, _new(status, min_level))

    _run("rules update", org, work)


def sets(org: Organisation = None) -> None:
    """Print one JSON line per rule set."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.rulebook.rulesets import rule_sets

        for each in await rule_sets(ctx):
            _line(
                {
                    "set": each.name,
                    "shipped": each.shipped,
                    "rules": each.rules,
                    "rejected": each.idle,
                    "filters": each.filters,
                    "off": each.off,
                    "imported_at": each.imported_at.isoformat(),
                    "imported_by": each.imported_by,
                    "origin": each.origin,
                    "digest": each.digest,
                    "undo": each.undo,
                }
            )

    _run("rules sets", org, work)


def undo(name: str, org: Organisation = None) -> None:
    """Bring back what a rule set held before its last import or removal."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.rulebook.rulesets import undo_import

        _line({"set": name, "there": await undo_import(ctx, name)})

    _run("rules undo", org, work)


def remove(name: str, org: Organisation = None) -> None:
    """Delete a rule set; its alerts stay, and `undo` brings it back."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.rulebook.rulesets import remove_rule_set

        await remove_rule_set(ctx, name)
        _line({"set": name, "there": False})

    _run("rules remove", org, work)


COMMANDS: dict[str, Callable[..., None]] = {
    "diff": diff,
    "import": import_,
    "update": update,
    "sets": sets,
    "undo": undo,
    "remove": remove,
}


def _new(status: list[str] | None, least: Least) -> NewRules:
    from sent.engines.radar.rulebook.rulesets import NewRules

    return NewRules(frozenset(status or ()), least.value)


async def _import(ctx: Ctx, path: Path, name: str, pin: str, new: NewRules) -> None:
    from sent.engines.radar.rulebook.rulesets import apply_import

    preview = await _previewed(ctx, path, name)
    if pin and pin != preview.pin:
        raise Conflict("radar.rule_set.pin", f"the change is {preview.pin}, not {pin}; look at it again")
    _warn(preview)
    done = await apply_import(ctx, preview, new)
    for bad in preview.found.rejected:
        _say(f"rule not run: {bad.source}: {bad.reason}")
    counts = {name: done.counts[name] for name in ("added", "changed", "removed", "unchanged")}
    rules = len(preview.found.rules)
    _line({"set": done.name, "rules": rules, "rejected": done.rejected, **counts, "off": done.off})


async def _previewed(ctx: Ctx, path: Path, name: str) -> Preview:
    from sent.engines.radar.rulebook.rulesets import preview_import

    stages: set[str] = set()

    def told(stage: str, _done: int, _all: int | None) -> None:
        if stage not in stages:
            stages.add(stage)
            _say({"read": "reading", "parse": "parsing", "compare": "comparing"}[stage])

    return await preview_import(ctx, path, name, told)


def _warn(preview: Preview) -> None:
    for each in preview.referring:
        place = f" of {each.rule_set}" if each.rule_set else ""
        _say(f"{each.kind} {each.title}{place} refers to what goes: {', '.join(each.rules)}")
    for twin in preview.twins:
        _say(f"{twin.title} ({twin.rule_id}) is in the set {twin.rule_set}, too")


def _run(command: str, org: str | None, work: Callable[[Ctx], Awaitable[None]]) -> None:
    try:
        administer(org, work)
    except SentError as error:
        _say(f"sent radar {command}: {error.message}")
        raise typer.Exit(1) from error


def _line(values: dict[str, Any]) -> None:
    print(json_line(values))


def _say(text: str) -> None:
    """Write to stderr; names out of archives cannot steer the terminal or add lines."""
    print("".join(char if char.isprintable() else "\ufffd" for char in text), file=sys.stderr)
