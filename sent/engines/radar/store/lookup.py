"""Sources and rules by a piece of their name."""

from __future__ import annotations

from dataclasses import dataclass

from sent.platform.db.uow import Tx, fetch


@dataclass(frozen=True, slots=True)
class Named:
    """A source or a rule; `name` is the rule's own id where that can stand in a link, else empty."""

    id: str
    title: str
    detail: str
    name: str


async def sources(tx: Tx, text: str, limit: int) -> list[Named]:
    """Return the sources whose name or address holds `text`."""
    return await fetch(
        tx,
        Named,
        "select s.id::text, s.name as title, s.kind || ' ' || s.address as detail, '' as name"
        " from radar.source s where s.organization_id = (select sec.org())"
        " and (strpos(lower(s.name), lower(%s)) > 0 or strpos(lower(s.address), lower(%s)) > 0)"
        " order by s.name, s.id limit %s",
        [text, text, limit],
    )


async def rules(tx: Tx, text: str, limit: int) -> list[Named]:
    """Return the rules whose title or id holds `text`."""
    return await fetch(
        tx,
        Named,
        "select r.id::text, r.title, r.level as detail,"
        " case when r.sigma_id ~ '^[A-Za-z0-9][A-Za-z0-9._~-]{0,150}$' then r.sigma_id else '' end as name"
        " from radar.rule r where r.organization_id = (select sec.org())"
        " and (strpos(lower(r.title), lower(%s)) > 0 or strpos(lower(r.sigma_id), lower(%s)) > 0)"
        " order by length(r.title), r.title, r.id limit %s",
        [text, text, limit],
    )
