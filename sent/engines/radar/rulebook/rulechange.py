"""What an import changes in a rule set: which rules come, change, go, and which no longer run. Pure.

Rules are told apart by their ids; what has none (a file that is no rule) by its file. Texts decide whether a
rule changed, parsed documents in which parts: a comment or another document of the file is part `text`.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from sent.engines.radar.model import LEVELS, Rejected, Rule, RuleKind, RuleSet
from sent.engines.radar.sigma.yamltext import documents

ChangeKind = Literal["added", "changed", "removed", "unchanged"]
CHANGES: tuple[ChangeKind, ...] = ("added", "changed", "removed", "unchanged")

PARTS = (
    "detection", "logsource", "correlation", "filter", "level", "status", "title", "tags", "falsepositives",
    "fields", "description", "references", "author", "date", "modified", "related", "license", "name",
)  # fmt: skip
"""Parts of a rule in the order they are told in; others stand behind them by name."""

MAX_DIFF_LINES = 2000
"""Lines of either text above which they are not compared line by line: that takes quadratic time."""

CONTEXT = 3


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule as a set holds it or as an archive brings it; `reason` says why it does not run."""

    rule_id: str
    title: str
    level: str
    status: str
    kind: RuleKind
    path: str
    text: str
    reason: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule before and after. `idle`: it will not run (`reason`), and ran before or is new."""

    change: ChangeKind
    rule_id: str
    title: str
    level: str
    status: str
    kind: RuleKind
    path: str
    before: str | None
    after: str | None
    parts: tuple[str, ...] = ()
    reason: str | None = None
    idle: bool = False
    off: bool = False
    """Somebody switched it off; it stays so."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of two texts side by side; None: the other side has no counterpart."""

    left: str | None
    right: str | None

    @property
    def same(self) -> bool:
        """Say whether both sides have it."""
        return self.left == self.right


def coming(found: RuleSet) -> list[RuleState]:
    """Return what was read, in the order it is stored in."""
    states = [_state(rule, "rule") for rule in found.rules]
    states += [_state(made.rule, "correlation") for made in found.correlations]
    states += [
        RuleState(made.id, made.title, "informational", "", "filter", made.source, made.text)
        for made in found.filters
    ]
    states += [
        RuleState(bad.rule_id, bad.title, "medium", "", bad.kind, bad.source, bad.text, _lasting(bad))
        for bad in found.rejected
    ]
    return states


def _lasting(bad: Rejected) -> str | None:
    """Return why it does not run; of what other sets may complete, nobody knows yet."""
    return None if bad.depends and bad.kind != "rule" else bad.reason


def _state(rule: Rule, kind: RuleKind) -> RuleState:
    return RuleState(rule.id, rule.title, rule.level, rule.status, kind, rule.source, rule.text)


def compared(held: Iterable[RuleState], found: Iterable[RuleState]) -> Iterator[RuleChange]:
    """Yield what becomes of every rule: those of `found` in their order, then those that go."""
    before = dict(_keyed(held))
    for key, after in _keyed(found):
        yield _change(before.pop(key, None), after)
    for gone in before.values():
        yield RuleChange(
            "removed", gone.rule_id, gone.title, gone.level, gone.status, gone.kind, gone.path, gone.text,
            None, off=not gone.enabled,
        )  # fmt: skip


def _keyed(states: Iterable[RuleState]) -> Iterator[tuple[tuple[str, int], RuleState]]:
    """Yield each with what it is known by; the second of a name is another one."""
    seen: Counter[str] = Counter()
    for state in states:
        name = state.rule_id or f"file:{state.path}"
        # Rules without an id of their own are called by a digest of their text: their file tells which.
        name = f"file:{state.path}" if name.startswith("sha256-") else name
        yield (name, seen[name]), state
        seen[name] += 1


def _change(before: RuleState | None, after: RuleState) -> RuleChange:
    kind: ChangeKind = "added"
    parts: tuple[str, ...] = ()
    if before is not None:
        moved = ("path",) if before.path != after.path else ()
        parts = (*changed_parts(before, after), *moved)
        kind = "changed" if parts else "unchanged"
    ran = before is None or before.reason is None
    return RuleChange(
        kind, after.rule_id, after.title, after.level, after.status, after.kind, after.path,
        None if before is None else before.text, after.text, parts, after.reason,
        idle=after.reason is not None and ran, off=before is not None and not before.enabled,
    )  # fmt: skip


def changed_parts(before: RuleState, after: RuleState) -> tuple[str, ...]:
    """Return the parts of a rule that differ, `PARTS` first; `text` when only the writing does."""
    if before.text == after.text:
        return ()
    old, new = document(before.text, before.rule_id), document(after.text, after.rule_id)
    if old is None or new is None:
        return ("text",)
    names = [*PARTS, *sorted({str(name) for name in (*old, *new)} - set(PARTS))]
    return tuple(name for name in names if old.get(name) != new.get(name)) or ("text",)


def document(text: str, rule_id: str) -> Mapping[str, Any] | None:
    """Return the document of an id out of a file's text, or its only one; None when it does not read."""
    try:
        found = [part for part in documents(text) if isinstance(part, dict)]
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    named = next((part for part in found if str(part.get("id", "")).lower() == rule_id.lower()), None)
    return named if named is not None else (found[0] if len(found) == 1 else None)


def referred(text: str, rule_id: str) -> set[str]:
    """Return the ids and names of the rules that a filter or a correlation refers to."""
    part = document(text, rule_id) or {}
    named: set[str] = set()
    for section in ("filter", "correlation"):
        body = part.get(section)
        rules = body.get("rules") if isinstance(body, dict) else None
        named |= (
            {str(rule) for rule in rules} if isinstance(rules, list) else {str(rules)} if rules else set()
        )
    return named - {"any"}


def comes_on(change: RuleChange, statuses: frozenset[str], least: str) -> bool:
    """Say whether a new rule is to run: its status is among those (none: any), its level at least that.

    Without a level none does; filters always do.
    """
    if change.kind == "filter":
        return True
    levels = LEVELS[LEVELS.index(least) :] if least in LEVELS else ()
    return (not statuses or change.status in statuses) and change.level in levels


def unified(before: str | None, after: str | None) -> list[str]:
    """Return a unified difference without file names, each line with its sign (`@`, space, `-`, `+`)."""
    old, new = (before or "").splitlines(), (after or "").splitlines()
    if max(len(old), len(new)) > MAX_DIFF_LINES:
        return [f"-{line}" for line in old] + [f"+{line}" for line in new]
    return list(difflib.unified_diff(old, new, n=CONTEXT, lineterm=""))[2:]


def beside(before: str | None, after: str | None) -> list[DiffLine]:
    """Return both texts side by side, changed lines opposite each other."""
    old, new = (before or "").splitlines(), (after or "").splitlines()
    if max(len(old), len(new)) > MAX_DIFF_LINES:
        return _opposite(old, new)
    lines: list[DiffLine] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if kind == "equal":
            lines += [DiffLine(line, line) for line in old[a:b]]
        else:
            lines += _opposite(old[a:b], new[c:d])
    return lines


def _opposite(old: list[str], new: list[str]) -> list[DiffLine]:
    longest = max(len(old), len(new))
    return [
        DiffLine(old[n] if n < len(old) else None, new[n] if n < len(new) else None) for n in range(longest)
    ]


def pinned(*parts: str) -> str:
    """Return a short name of a state: 16 hexadecimal digits."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]
