"""What is wrong with a rule, in the user's language; what only the parser knows stays as it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sent.platform.i18n import tr

if TYPE_CHECKING:
    from sent.engines.radar.api import Problem


def message(problem: Problem) -> str:
    """Return what is wrong."""
    said = problem.said
    if said is None:
        return problem.message
    text = {
        "id": tr("Id is no UUID: alerts, filters and correlations cannot refer to it for good"),
        "title": tr("Title has {n} characters; Sigma allows {most}"),
        "level": tr("Level is one of {known}; without it alerts are medium"),
        "status": tr("Status is one of {known}"),
        "missing": tr("{name} is missing"),
        "date": tr("{name} is written YYYY-MM-DD"),
        "tag-twice": tr("Tag {name} stands there {n} times"),
        "tag-attack": tr("Tag {name} is no tactic, technique, group or software of ATT&CK"),
        "tag-space": tr("Tag {name} has a namespace Sigma does not know"),
        "unused": tr("Selection {name} is in no condition"),
        "unknown": tr("The condition names {name}, which is no selection"),
        "all": tr("{name}: `all` of a single value"),
        "twice": tr("{name}: {value} stands there {n} times (case does not count)"),
        "any": tr("{name}: `*` is true of every value that is there; say `exists: true`"),
        "wildcard": tr("{name}: `contains` needs no wildcard at the ends of {value}"),
        "pattern": tr("{name}: `.*` at the beginning of {value} says nothing"),
    }.get(said.key)
    return problem.message if text is None else text.format(**said.values)
