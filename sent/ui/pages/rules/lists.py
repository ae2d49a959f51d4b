"""The list's columns and its filter, and the words for a rule's parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.kit.filterbar import Field, FilterBar
from sent.ui.kit.query import Term
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, count, relative
from sent.ui.pages.radar.detail import tag_text
from sent.ui.theme.tokens import LEVELS

if TYPE_CHECKING:
    from sent.engines.radar.api import ListedRule

STATES = ("enabled", "off", "broken")
KINDS = ("rule", "correlation", "filter")


def state_name(state: str) -> str:
    """Return a rule's state in the user's language."""
    return {"enabled": tr("On"), "off": tr("Off"), "broken": tr("Cannot run")}.get(state, state)


def kind_name(kind: str) -> str:
    """Return what a rule is in the user's language."""
    return {"rule": tr("Rule"), "correlation": tr("Correlation"), "filter": tr("Filter")}.get(kind, kind)


def quick_filters() -> list[tuple[str, str]]:
    """Return (filter line, title) of the filters that are one click away."""
    return [
        ("", tr("All")),
        ("fired:yes", tr("Fired")),
        ("own:yes", tr("Own")),
        ("state:broken", tr("Cannot run")),
        ("state:off", tr("Off")),
    ]


def columns() -> list[Column]:
    """Return the list's columns."""
    return [
        Column("state", tr("State"), lambda r: state_name(r.state), 116, "state", field="state",
               widest="\n".join(map(state_name, STATES)), tip=lambda r: r.reason or state_name(r.state)),
        Column("level", tr("Level"), lambda r: r.level, 86, "level", field="level",
               sort=lambda r: LEVELS.index(r.level) if r.level in LEVELS else len(LEVELS)),
        Column("title", tr("Rule"), lambda r: r.title, 300, "strong", stretch=True, tip=lambda r: r.title),
        Column("why", tr("Log source, or why not"), why, 230, "quiet", tip=lambda r: r.reason or r.logsource,
               drop=2, sort=why),
        Column("hits_7", tr("7 days"), lambda r: count(r.hits_7) if r.hits_7 else "–", 76, "number",
               tip=lambda r: tr("Events it fired on in the last 7 days")),
        Column("hits_30", tr("30 days"), lambda r: count(r.hits_30) if r.hits_30 else "–", 80, "number",
               tip=lambda r: tr("Events it fired on in the last 30 days"), drop=5),
        Column("tags", tr("ATT&CK"), techniques, 110, "quiet", tip=lambda r: "\n".join(map(tag_text, r.tags)),
               drop=4, sort=techniques),
        Column("rule_set", tr("Set"), lambda r: r.rule_set, 110, "quiet", field="set", drop=3),
        Column("author", tr("Rule author"), lambda r: r.author or "–", 120, "quiet", field="author",
               tip=lambda r: r.author, drop=6, always=True),
        Column("changed_at", tr("Changed"), lambda r: relative(r.changed_at), 110, "time",
               tip=lambda r: absolute(r.changed_at), drop=7),
    ]  # fmt: skip


def why(rule: ListedRule) -> str:
    """Return why a rule cannot run, else its log source."""
    if rule.reason:
        return rule.reason
    parts = [part for part in rule.logsource.split("/") if part not in ("", "*")]
    return " · ".join(parts) or kind_name(rule.kind)


def techniques(rule: ListedRule) -> str:
    """Return the techniques of ATT&CK a rule looks for."""
    named = [tag_text(tag) for tag in rule.tags if tag.startswith("attack.t") and tag[8:9].isdigit()]
    return ", ".join(named) or "–"


def fields() -> list[Field]:
    """Return what the list can be filtered by."""
    return [
        Field("level", tr("Level"), tuple(LEVELS)),
        Field("state", tr("State"), STATES),
        Field("set", tr("Set")),
        Field("product", tr("Product")),
        Field("author", tr("Author")),
        Field("tag", tr("ATT&CK tag")),
        Field("kind", tr("Kind"), KINDS),
        Field("own", tr("Own"), ("yes", "no")),
        Field("fired", tr("Fired"), ("yes", "no")),
    ]


def offer_values(bar: FilterBar, rules: Sequence[ListedRule]) -> None:
    """Offer what the rules hold, the most frequent first."""
    for field, name in (("set", "rule_set"), ("product", "product"), ("author", "author")):
        counted = Counter(value for rule in rules if (value := getattr(rule, name)))
        bar.set_values(field, [value for value, _ in counted.most_common(40)])
    tags = Counter(tag for rule in rules for tag in rule.tags)
    bar.set_values("tag", [tag for tag, _ in tags.most_common(60)])


_VALUES: dict[str, Callable[[ListedRule], Iterable[str]]] = {
    "level": lambda r: (r.level,),
    "state": lambda r: (r.state,),
    "set": lambda r: (r.rule_set,),
    "product": lambda r: (r.product,),
    "author": lambda r: (r.author,),
    "tag": lambda r: (*r.tags, *(tag.removeprefix("attack.") for tag in r.tags)),
    "kind": lambda r: (r.kind,),
    "own": lambda r: ("yes" if r.own else "no",),
    "fired": lambda r: ("yes" if r.hits_30 else "no",),
    "id": lambda r: (r.rule_id,),
}
_EXACT = ("level", "state", "kind", "own", "fired", "id")


def passing(rules: Sequence[ListedRule], terms: Sequence[Term]) -> list[ListedRule]:
    """Return the rules that pass a filter: of equal fields either may fit, the others must."""
    kept: dict[str, list[Term]] = {}
    for term in terms:
        key = term.field.lower()
        known = key if key in _VALUES else ""
        kept.setdefault(f"-{known}{term.value}" if term.out or not known else known, []).append(term)
    return [rule for rule in rules if all(_fits(rule, group) for group in kept.values())]


def _fits(rule: ListedRule, group: Sequence[Term]) -> bool:
    return any(_has(rule, term) for term in group) != group[0].out


def _has(rule: ListedRule, term: Term) -> bool:
    field, wanted = term.field.lower(), term.value.lower()
    get = _VALUES.get(field)
    if get is None:
        text = f"{rule.title}\n{rule.rule_id}\n{rule.reason or ''}\n{rule.logsource}\n{rule.author}".lower()
        return wanted.strip("*") in text
    values = [value.lower() for value in get(rule)]
    if field in _EXACT and "*" not in wanted:
        return wanted in values
    return any(_like(value, wanted) for value in values)


def _like(value: str, wanted: str) -> bool:
    """Say whether a value holds the text, or fits it where it has wildcards; in linear time."""
    first, *rest = wanted.split("*")
    if not rest:
        return wanted in value
    if not value.startswith(first):
        return False
    *middle, last = rest
    place = len(first)
    for part in middle:
        found = value.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return len(value) - len(last) >= place and value.endswith(last)
