"""The words a rule is written with: log sources, modifiers, and the fields that events here have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sent.engines.radar.model import LEVELS
from sent.engines.radar.rulebook.lint import STATUSES
from sent.engines.radar.store import events
from sent.platform.context import Ctx
from sent.platform.db.uow import uow

MAX_FIELDS = 1000

WINDOWS_FIELDS = (
    "CallTrace", "Channel", "CommandLine", "Company", "Computer", "CurrentDirectory", "Description",
    "DestinationHostname", "DestinationIp", "DestinationPort", "EventID", "GrantedAccess", "Hashes", "Image",
    "ImageLoaded", "Initiated", "IntegrityLevel", "LogonType", "OriginalFileName", "ParentCommandLine",
    "ParentImage", "ParentUser", "PipeName", "Product", "Provider_Name", "QueryName", "QueryResults",
    "ScriptBlockText", "ServiceFileName", "ServiceName", "Signed", "SourceImage", "SourceIp", "SourcePort",
    "StartAddress", "SubjectUserName", "TargetFilename", "TargetImage", "TargetObject", "TargetUserName",
    "TicketEncryptionType", "User", "WorkstationName",
)  # fmt: skip
"""The fields of Sigma's taxonomy that rules for Windows name most."""

CORRELATIONS = (
    "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg",
    "value_percentile",
)  # fmt: skip

TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence",
    "privilege-escalation", "defense-evasion", "credential-access", "discovery", "lateral-movement",
    "collection", "command-and-control", "exfiltration", "impact",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by where they stand; fields are those of recent events, then well-known ones."""

    products: tuple[str, ...]
    categories: tuple[str, ...]
    services: tuple[str, ...]
    fields: tuple[str, ...]
    modifiers: tuple[str, ...]
    levels: tuple[str, ...]
    statuses: tuple[str, ...]
    tactics: tuple[str, ...]
    correlations: tuple[str, ...]


async def vocabulary(ctx: Ctx) -> Vocabulary:
    """Return the words for rules of this organisation."""
    async with uow(ctx) as tx:
        recent = await events.recent_fields(tx)
    seen = dict.fromkeys(name for fields in recent for name in fields)
    return await asyncio.to_thread(_words, list(seen)[:MAX_FIELDS])


def _words(seen: list[str]) -> Vocabulary:
    from sent.engines.radar.sigma import logsource
    from sent.engines.radar.sigma.dialect import every_modifier

    categories, services = logsource.known_sources()
    return Vocabulary(
        products=("aws", "azure", "linux", "macos", "okta", "windows", "zeek"),
        categories=categories,
        services=services,
        fields=tuple(dict.fromkeys([*sorted(seen, key=str.lower), *WINDOWS_FIELDS])),
        modifiers=tuple(every_modifier()),
        levels=LEVELS,
        statuses=STATUSES,
        tactics=TACTICS,
        correlations=CORRELATIONS,
    )
