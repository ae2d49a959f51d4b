"""Short cut for EVTX records: the values rules ask for are taken out of the record as it was decoded.

Most events fire nothing, and flattening them (`normalise.seen`) costs more than matching them. Records of the
common form (System's standard elements, EventData of scalars) need it only when something fires. What is not
of that form goes the long way; both ways give the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sent.engines.radar.decoding.normalise import MAX_FIELDS, text_of
from sent.engines.radar.match.classes import ABSENT

SYSTEM = frozenset(
    {
        "Provider", "EventID", "Version", "Level", "Task", "Opcode", "Keywords", "TimeCreated",
        "EventRecordID", "Correlation", "Execution", "Channel", "Computer", "Security",
    }
)  # fmt: skip
"""Elements of System (Microsoft's event schema, SystemPropertiesType)."""

MAX_SHAPES = 20_000
LONGEST = 4_096
"""Characters of the names of a shape that is remembered."""

_NESTED = frozenset({dict, list})


def of_system(name: str) -> bool:
    """Say whether a field may come from System (`Provider_Name` is an attribute of Provider)."""
    return name in SYSTEM or name.split("_", 1)[0] in SYSTEM


def system_value(system: Mapping[str, Any], name: str) -> Any:
    """Return what System gives a field, ABSENT if nothing."""
    value = system.get(name, ABSENT)
    if value is ABSENT:
        element, _, attribute = name.partition("_")
        inner = system.get(element)
        attributes = inner.get("#attributes") if isinstance(inner, dict) else None
        return text_of(attributes[attribute]) if attributes and attribute in attributes else ABSENT
    if isinstance(value, dict):
        return text_of(value["#text"]) if "#text" in value else ABSENT
    return text_of(value)


Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names in System and in EventData."""


class Shapes(dict[Shape, bool]):
    """Says whether System is standard and the names in EventData are the fields' names as they stand."""

    def __missing__(self, shape: Shape) -> bool:
        if len(self) >= MAX_SHAPES:
            self.clear()
        system, data = shape
        odd = any(" " in name or name == "EventID" for name in data)
        plain = SYSTEM.issuperset(system) and not odd and len(data) < MAX_FIELDS // 2
        if sum(map(len, system)) + sum(map(len, data)) <= LONGEST:
            self[shape] = plain
        return plain


def plain_parts(record: Mapping[str, Any], shapes: Shapes) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return System and the data of a record of the common form, None for any other.

    The data are EventData, or the one element of UserData, without the attributes of the element.
    """
    system, data = record.get("System"), record.get("EventData")
    known = 2 + ("#attributes" in record)
    if data is None:
        user = record.get("UserData")
        if type(user) is not dict or len(user) != 1:
            return None
        ((name, data),) = user.items()
        if name == "#attributes" or type(data) is not dict or "#text" in data:
            return None
        known += "EventData" in record
    if type(system) is not dict or type(data) is not dict or len(record) != known:
        return None
    if "#attributes" in data:
        data = {name: value for name, value in data.items() if name != "#attributes"}
    if shapes[tuple(system), tuple(data)] and _NESTED.isdisjoint(map(type, data.values())):
        return system, data
    return None
