"""Ways to an entity's timeline: from an alert, a group, a found event, or any value that names somebody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr
from sent.ui.kit.timerange import between
from sent.ui.pages.radar.entitylists import entity_icon, entity_name
from sent.ui.pages.radar.entityview import EntityLayer
from sent.ui.shell.actions import Action
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, AlertDetail, FoundEvent
    from sent.ui.pages.radar.page import RadarPage

AROUND_S = 300
OFFERED = 8

Named = tuple[str, str]
"""Kind and value of an entity."""


class Entities:
    """Opens the layer of the timeline; it is made when it is first asked for."""

    def __init__(self, page: RadarPage) -> None:
        self._page = page
        self.layer: EntityLayer | None = None

    def actions(self) -> list[Action]:
        """Return the page's action."""
        return [
            Action(
                "radar.timeline",
                tr("Timeline of host, user or address"),
                self.show_current,
                "clock",
                "H",
                "radar:read",
                tr("Radar"),
                enabled=self._has,
            )
        ]

    def show(self, kind: str, value: str) -> None:
        """Show an entity's timeline."""
        if self.layer is None:
            self.layer = EntityLayer(self._page, self._open_record, self._search)
            self._page.shell.layers.append(self.layer)
        self.layer.open_entity(kind, value)

    def menu(self, field: str, value: str) -> list[tuple[str, Callable[[], object]]]:
        """Return what a value's menu offers: the timeline of whom it names."""
        kind = _kind_of(field)
        if kind is None or not value.strip() or len(value) > 255:
            return []
        return [(tr("Timeline of {name}", name=value[:60]), partial(self.show, kind, value))]

    def show_current(self) -> None:
        """Show the timeline of whom the current alert, group or event is about; ask if there are several."""
        page, number = self._page, self._page.stack.currentIndex()
        if number == 2:
            event = page.search.table.current_row()
            if event is not None:
                self._offer(_of_event(event))
        elif number == 1:
            row = page.tail.table.current_row()
            if row is not None:
                self._offer([("host", row.host)])
        elif number == 0 and page.queue.grouped():
            group = page.queue.groups.table.current_row()
            if group is not None and group.by in ("host", "user"):
                self.show(group.by, group.title or group.key)
        elif number == 0:
            alert = self._alert()
            if alert is not None:
                self._load(alert)

    def _alert(self) -> Alert | None:
        queue = self._page.queue
        found: Alert | None = queue.panel.alert if queue.split.is_open() else queue.table.current_row()
        return found

    def _has(self) -> bool:
        page, number = self._page, self._page.stack.currentIndex()
        if number == 2:
            return page.search.table.current_row() is not None
        if number == 1:
            return page.tail.table.current_row() is not None
        if page.queue.grouped():
            group = page.queue.groups.table.current_row()
            return group is not None and group.by in ("host", "user")
        return self._alert() is not None

    def _load(self, alert: Alert) -> None:
        async def load() -> AlertDetail:
            found: AlertDetail = await self._page.api("radar").alert(self._page.ctx, alert.id)
            return found

        def show(detail: AlertDetail) -> None:
            self._offer([("host", detail.alert.host), *_named(detail.event)])

        self._page.run(load, done=show)

    def _offer(self, named: Sequence[Named]) -> None:
        """Show the only one, or ask which."""
        unique = {(kind, value.lower()): (kind, value) for kind, value in reversed(named) if value.strip()}
        found = list(reversed(unique.values()))[:OFFERED]
        if not found:
            self._page.shell.toast(tr("Nobody is named here"), tone="info")
        elif len(found) == 1:
            self.show(*found[0])
        else:
            entries = [
                Entry(
                    f"{kind}.{value}",
                    value,
                    icon=entity_icon(kind),
                    detail=entity_name(kind),
                    run=partial(self.show, kind, value),
                )
                for kind, value in found
            ]
            self._page.shell.choose(tr("Timeline of"), entries)

    def _open_record(self, record: str) -> None:
        page, _, name = record.partition("/")
        self._page.shell.open(page, name)

    def _search(self, kind: str, value: str, at: datetime) -> None:
        """Show the entity's events around a moment in the search."""
        from sent.engines.radar.searching.timeline import Entity, search_line

        moment = at.timestamp()
        self._page.show_tab(2)
        self._page.search.line.set_text(search_line(Entity(kind, value)))  # type: ignore[arg-type]
        self._page.shell.ranges.choose(between(moment - AROUND_S, moment + AROUND_S))
        self._page.search.restart()


def _kind_of(field: str) -> str | None:
    from sent.engines.radar.searching.timeline import kind_of

    return kind_of(field)


def _named(fields: dict[str, Any]) -> list[Named]:
    """Return the entities that an event's fields name, users first."""
    found = [(kind, str(value)) for name, value in fields.items() if value and (kind := _kind_of(name))]
    return sorted(found, key=lambda named: ("user", "address", "host").index(named[0]))


def _of_event(event: FoundEvent) -> list[Named]:
    return [("host", event.host), *_named(event.fields)]
