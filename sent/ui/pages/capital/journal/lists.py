"""The journal's columns and filter, and the words for kinds of entries."""

from __future__ import annotations

from datetime import date
from typing import Any

from sent.platform.i18n import tr
from sent.ui.kit.filterbar import Field
from sent.ui.kit.table import Column
from sent.ui.kit.text import absolute, count
from sent.ui.pages.capital.money import day_shown, day_typed, shown

KINDS = ("entry", "opening", "pending", "post", "void", "reversal", "closing", "revaluation")


def kind_name(kind: str) -> str:
    """Return what kind of entry this is."""
    names = {
        "entry": tr("Entry"),
        "opening": tr("Opening"),
        "pending": tr("Reserved"),
        "post": tr("Reserved, booked"),
        "void": tr("Released"),
        "reversal": tr("Reversal"),
        "closing": tr("Year end"),
        "revaluation": tr("Revaluation"),
    }
    return names.get(kind, kind)


def columns() -> list[Column]:
    """Return the list's columns."""
    return [
        Column("day", tr("Day"), lambda e: day_shown(e.day), 100, "time", newest_first=True),
        Column("journal", tr("Journal"), lambda e: e.journal, 80, "mono", field="journal"),
        Column(
            "memo", tr("Text"), lambda e: e.memo or kind_name(e.kind), 320, "strong", stretch=True,
            tip=lambda e: "\n".join(text for text in (e.memo, e.reference) if text),
        ),
        Column("reference", tr("Reference"), lambda e: e.reference, 130, "mono", drop=2),
        Column(
            "kind", tr("Kind"), lambda e: tr("Reversed") if e.reversed else kind_name(e.kind), 130, "quiet",
            field="kind", drop=1, widest="\n".join([*map(kind_name, KINDS), tr("Reversed")]),
        ),
        Column("amount", tr("Amount"), lambda e: shown(e.amount, e.commodity), 130, "number"),
        Column("commodity", "", lambda e: e.commodity, 52, "quiet"),
        Column("lines", tr("Lines"), lambda e: count(e.lines), 64, "number", drop=3),
        Column("booked_at", tr("Booked"), lambda e: absolute(e.booked_at), 186, "time", drop=4),
    ]  # fmt: skip


def fields() -> list[Field]:
    """Return what the filter knows."""
    return [
        Field("journal", tr("Journal")),
        Field("kind", tr("Kind"), KINDS),
        Field("from", tr("From day")),
        Field("to", tr("To day")),
    ]


def wanted(terms: Any, today: date) -> dict[str, Any]:
    """Return the api's filter of what stands in the bar; a day that is none is left out."""
    found: dict[str, Any] = {}
    words = []
    for term in terms:
        if term.out:
            continue
        if term.field in ("from", "to"):
            try:
                found["starts" if term.field == "from" else "ends"] = day_typed(term.value, today)
            except ValueError:
                continue
        elif term.field in ("journal", "kind"):
            found[term.field] = term.value.upper() if term.field == "journal" else term.value.lower()
        else:
            words.append(term.value)
    return found | ({"text": " ".join(words)} if words else {})
