"""`sent radar rules lint|test|coverage` and `sent radar explain`: work on rules without a database."""

from __future__ import annotations

import gzip
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sent.platform.errors import Invalid, NotFound, SentError
from sent.platform.terminal import harmless_json

if TYPE_CHECKING:
    from sent.engines.radar.model import Rule, RuleSet

Rules = Annotated[Path, typer.Argument(help="A rule file, a folder, a tar.gz or a zip.")]
Events = Annotated[Path, typer.Option(help="JSON lines (also .gz, or - for standard input) or .evtx.")]
Map4688 = Annotated[bool, typer.Option("--map-4688", help="Security 4688 is process_creation, too.")]


class Shape(StrEnum):
    """How coverage is written."""

    json = "json"
    navigator = "navigator"


class Form(StrEnum):
    """How an explanation is written."""

    text = "text"
    json = "json"


def lint(
    rules: Rules,
    quiet: Annotated[bool, typer.Option("--errors", help="Only what keeps rules from running.")] = False,
) -> None:
    """Say what is wrong with rules; one JSON line for each finding, exit code 1 if any cannot run."""
    from sent.engines.radar.rulebook.lint import linted
    from sent.engines.radar.sigma.reading import parsed
    from sent.engines.radar.sigma.rulefiles import rule_files

    with _told("rules lint"):
        files = list(rule_files(rules))
        found = parsed(files)
        counts: Counter[str] = Counter()
        for finding in linted(files, found):
            counts[finding.severity] += 1
            if not quiet or finding.severity == "error":
                _line({name: getattr(finding, name) for name in finding.__slots__})
    said = ", ".join(f"{counts[severity]} {severity}s" for severity in ("error", "warning"))
    _say(f"{len(found.rules)} rules run; {said}, {counts['advice']} pieces of advice")
    raise typer.Exit(1 if counts["error"] else 0)


def test(
    rules: Rules,
    events: Events,
    expected: Annotated[
        Path | None, typer.Option(help='JSON lines {"n", "rules": [ids]} of what has to fire; also .gz.')
    ] = None,
    map_4688: Map4688 = False,
    wide: Annotated[bool, typer.Option("--wide", help="Rules of every Windows channel, too.")] = False,
) -> None:
    """Run rules over events and compare with what should fire; exit code 1 on any difference.

    Without `--expected` every rule has to fire at least once.
    """
    with _told("rules test"):
        found = _rules(rules)
        fired = _fired(found, events, map_4688=map_4688, wide=wide)
        known = {rule.id for rule in found.rules} | {each.id for each in found.correlations}
        bad = 0
        if expected is None:
            hits = {rule_id for ids in fired.values() for rule_id in ids}
            for rule_id in sorted(known - hits):
                bad += 1
                _line({"rule_id": rule_id, "problem": "never fires"})
        else:
            wanted = {int(line["n"]): set(line["rules"]) & known for line in _json_lines(expected)}
            for n in sorted({*wanted, *fired}):
                here, due = fired.get(n, set()), wanted.get(n, set())
                bad += len(here ^ due)
                for problem, ids in (("does not fire", due - here), ("fires", here - due)):
                    for rule_id in sorted(ids):
                        _line({"n": n, "rule_id": rule_id, "problem": problem})
    total = sum(map(len, fired.values()))
    _say(f"{len(known)} rules, {total} hits, {bad} {'difference' if bad == 1 else 'differences'}")
    raise typer.Exit(1 if bad else 0)


def coverage(
    rules: Rules,
    format: Annotated[Shape, typer.Option(help="JSON lines, or a layer for the Navigator.")] = Shape.json,
    name: Annotated[str, typer.Option(help="Name of the layer.")] = "SENT radar",
) -> None:
    """Say which techniques of ATT&CK rules look for."""
    import orjson

    from sent.engines.radar.coverage.techniques import coverage as covered
    from sent.engines.radar.coverage.techniques import layer

    with _told("rules coverage"):
        techniques = covered(_rules(rules).rules)
    if format is Shape.navigator:
        print(orjson.dumps(layer(techniques, name), option=orjson.OPT_INDENT_2).decode())
        return
    for each in techniques:
        _line(
            {"technique": each.id, "rules": each.total, "levels": each.rules, "tactics": sorted(each.tactics)}
        )


def explain(
    rules: Annotated[Path, typer.Option(help="A rule file, a folder, a tar.gz or a zip.")],
    events: Events,
    rule: Annotated[str, typer.Option(help="The rule's id, or words of its title.")],
    n: Annotated[int | None, typer.Option(help="Only the event at this position, from 0.", min=0)] = None,
    format: Annotated[Form, typer.Option(help="A tree to read, or JSON lines.")] = Form.text,
    map_4688: Map4688 = False,
) -> None:
    """Say why a rule fires on events, and why it does not."""
    from sent.engines.radar.decoding.normalise import event_from
    from sent.engines.radar.inputs import Unreadable, read_events
    from sent.engines.radar.sigma.explanation import as_json, explained, lines

    with _told("explain"):
        chosen = _chosen(_rules(rules), rule)
        seen = 0
        for position, item in enumerate(read_events(events)):
            if isinstance(item, Unreadable) or (n is not None and position != n):
                continue
            seen += 1
            found = explained(chosen, event_from(item), map_4688=map_4688)
            if format is Form.json:
                state = {"looks": found.looks, "fires": found.fires, "missing": found.missing}
                _line({"n": position, "rule_id": chosen.id, **state, "why": as_json(found.verdict)})
            else:
                print(_clean(f"#{position}"), *map(_clean, lines(found)), sep="\n")
        if not seen:
            raise NotFound("radar.events.missing", f"{events}: there is no event at position {n}")


@contextmanager
def _told(command: str) -> Iterator[None]:
    """Turn what goes wrong into one line on stderr and exit code 1."""
    try:
        yield
    except SentError as error:
        _say(f"sent radar {command}: {error.message}")
        raise typer.Exit(1) from error


def _rules(path: Path) -> RuleSet:
    from sent.engines.radar.sigma.reading import read_rules

    found = read_rules(path)
    for bad in found.rejected:
        _say(f"rule not run: {bad.source}: {bad.reason}")
    return found


def _fired(found: RuleSet, events: Path, *, map_4688: bool, wide: bool) -> dict[int, set[str]]:
    from sent.engines.radar.scan import Scan

    fired: dict[int, set[str]] = {}
    for hit in Scan(found, map_4688=map_4688, wide=wide, complain=_say).hits([events]):
        fired.setdefault(hit.n, set()).add(hit.rule.id)
    return fired


def _chosen(found: RuleSet, wanted: str) -> Rule:
    """Return the rule of an id, or the only one whose title holds the words."""
    words = wanted.lower()
    exact = [rule for rule in found.rules if rule.id.lower() == words]
    hits = exact or [rule for rule in found.rules if words in rule.title.lower()]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise NotFound("radar.rule.missing", f"no rule that runs has the id or the title {wanted!r}")
    some = ", ".join(f"{rule.title} ({rule.id})" for rule in hits[:5])
    raise Invalid(
        "radar.rule.many", f"{len(hits)} rules have {wanted!r} in their titles: {some}; give the id"
    )


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    import orjson

    if not path.is_file():
        raise NotFound("radar.expected.missing", f"{path}: no such file")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                found = orjson.loads(line)
                {"n": int(found["n"]), "rules": list(found["rules"])}
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise Invalid(
                    "radar.expected.kind", f'{path}:{number}: is no {{"n", "rules": [ids]}} ({error})'
                ) from error
            yield found


def _line(values: dict[str, Any]) -> None:
    import orjson

    print(harmless_json(orjson.dumps(values).decode()))


def _clean(text: str) -> str:
    """Return text that cannot steer the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _say(text: str) -> None:
    print(_clean(text), file=sys.stderr)
