"""Words of the matrix: tactics in the user's language, what a technique's cell says."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from sent.platform.i18n import tr, trn

if TYPE_CHECKING:
    from sent.engines.radar.api import Cell, TacticColumn

TOLD = 8
"""Rules named in a tooltip."""


def tactic_name(column: TacticColumn) -> str:
    """Return a tactic's name: that of the catalogue, or ours."""
    names = {
        "reconnaissance": tr("Reconnaissance"),
        "resource-development": tr("Resource development"),
        "initial-access": tr("Initial access"),
        "execution": tr("Execution"),
        "persistence": tr("Persistence"),
        "privilege-escalation": tr("Privilege escalation"),
        "stealth": tr("Stealth"),
        "defense-impairment": tr("Defense impairment"),
        "defense-evasion": tr("Defense evasion"),
        "credential-access": tr("Credential access"),
        "discovery": tr("Discovery"),
        "lateral-movement": tr("Lateral movement"),
        "collection": tr("Collection"),
        "command-and-control": tr("Command and control"),
        "exfiltration": tr("Exfiltration"),
        "impact": tr("Impact"),
        "other": tr("No tactic"),
    }
    return names.get(column.id) or column.name or column.id


def cell_title(cell: Cell) -> str:
    """Return id and, where it is known, name."""
    return f"{cell.id} {cell.name}".strip()


def cell_text(cell: Cell, *, folded: bool, told: int = TOLD) -> str:
    """Return what stands behind a cell; `folded`: its sub-techniques count, too."""
    rules = cell.all_rules() if folded else list(cell.rules)
    alerts = cell.alerts_with_subs if folded else cell.alerts
    lines = [cell_title(cell)]
    raised = trn("{n} alert raised", "{n} alerts raised", n=alerts)
    lines.append(" · ".join((trn("{n} rule", "{n} rules", n=len(rules)), raised)))
    lines += [rule.title for rule in rules[:told]]
    if len(rules) > told:
        lines.append(tr("and {n} more", n=len(rules) - told))
    return "\n".join(lines)


def tooltip(text: str) -> str:
    """Return a plain text as a tooltip that nothing in it can make rich."""
    return f"<p style='white-space:pre'>{html.escape(text)}</p>"
