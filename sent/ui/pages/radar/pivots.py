"""Ways on from an alert or an event: what happened around it, its source, a rule explained on it.

Each has a key and a button, works on whatever tab is in front, and is dead only where nothing is current.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.ui.pages.radar.page import RadarPage

QUEUE, TAIL, SEARCH = 0, 1, 2


class Pivots:
    """Leads from the current row of `page` to where more is known of it."""

    def __init__(self, page: RadarPage) -> None:
        self._page = page

    def actions(self) -> list[Action]:
        """Return the page's actions."""
        group = tr("Radar")
        return [
            Action("radar.around", tr("Search what happened around it on the host"), self.around, "search",
                   "V", "radar:read", group, enabled=lambda: bool(getattr(self.current(), "host", ""))),
            Action("radar.explain", tr("Explain a rule on the event"), self.explain, "scroll-text", "Shift+W",
                   "radar:read", group, enabled=lambda: self._tab() == SEARCH and bool(self.current())),
            Action("radar.source", tr("Show the source"), self.source, "inbox", "Shift+S", "radar:read",
                   group, enabled=lambda: bool(getattr(self.current(), "source_name", ""))),
        ]  # fmt: skip

    def current(self) -> Any:
        """Return the alert or event that stands out on the tab in front, or None."""
        page, tab = self._page, self._tab()
        if tab == TAIL:
            return page.tail.table.current_row()
        if tab == SEARCH:
            event = page.search.panel.event_ if page.search.split.is_open() else None
            return event or page.search.table.current_row()
        if not page.shows_alerts():
            return None
        alert = page.queue.panel.alert if page.queue.split.is_open() else None
        return alert or page.queue.table.current_row()

    def around(self) -> None:
        """Search the host's events within five minutes of the current row."""
        row = self.current()
        if row is not None and row.host:
            self._page.show_tab(SEARCH)
            self._page.search.around(row.host, row.at)

    def explain(self) -> None:
        """Have a rule chosen that is explained on the current event."""
        event = self.current()
        if event is not None and self._tab() == SEARCH:
            self._page.search.explain(event)

    def source(self) -> None:
        """Show the current row's source on its page."""
        row = self.current()
        if row is not None and row.source_name:
            self._page.shell.open("sources", f"name:{row.source_name}")

    def _tab(self) -> int:
        return self._page.stack.currentIndex()
