"""The alert queue: filter, list, detail, triage by keyboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.export import export_csv
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.page import Page
from sent.ui.kit.query import Term, unparse
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.timerange import TimeRange
from sent.ui.kit.widgets import button, card, column, row
from sent.ui.pages.radar.columns import alert_columns, alert_fields
from sent.ui.pages.radar.detail import AlertPanel
from sent.ui.pages.radar.triage import Triage

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, AlertDetail

START = "-state:closed"
OFFERED_FROM = 400


class AlertQueue(QWidget):
    """What waits for an analyst."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self.filter = FilterBar(
            alert_fields(),
            hint=tr("Filter alerts: level:high host:fs* -state:closed"),
            name=tr("Filter alerts"),
        )
        self.table = PagedTable(alert_columns(), run=page.run, name=tr("Alert queue"))
        self.states = ListStates(
            self.table,
            empty=("shield-check", tr("No alerts yet"), tr("Alerts appear here as soon as a rule fires.")),
            filtered=lambda: bool(self.filter.terms()),
            clear_filter=self.filter.clear,
        )
        self.triage = Triage(page, self.show_changed, self.reload)
        self.panel = AlertPanel(self.set_state, self.assign)
        self.frame = card()
        self.frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(self.frame, self.panel, prefs=page.shell.prefs, key="radar")
        self.span = button("", self._leave_span, kind="quiet", icon_name="clock", name=tr("Leave this span"))
        self.span.hide()
        head = row(self.filter, self.span, gap=8)
        head.setStretch(0, 1)
        body = column(head, self.split, gap=10)
        body.setStretch(1, 1)
        self.setLayout(body)
        self._connect()
        self.table.model_.show_skeleton()
        self.table.remember_columns(page.shell.prefs, "radar.alerts")
        self.filter.set_text(START)

    def _connect(self) -> None:
        self.filter.changed.connect(lambda _terms: self.load())
        self.table.model_.loaded.connect(self._offer_values)
        self.filter.left.connect(self.table.setFocus)
        self.table.previewed.connect(self._preview)
        self.table.opened.connect(self.open_alert)
        self.table.left.connect(self.back)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.table.menu_wanted.connect(self._menu)
        self.panel.closed.connect(self.back)
        self.panel.filter_wanted.connect(self._filter_event)

    def _leave_span(self) -> None:
        self._page.shell.ranges.choose(TimeRange())

    def _offer_values(self) -> None:
        """Offer what the loaded alerts hold, the most frequent first."""
        rows = self.table.model_.cached_rows()[:OFFERED_FROM]
        names = {
            "host": "host",
            "assignee_name": "assignee",
            "client_name": "client",
            "source_name": "source",
        }
        for attribute, field in (names | {"author": "author", "title": "title"}).items():
            counted = Counter(value for row in rows if (value := getattr(row, attribute)))
            self.filter.set_values(field, [value for value, _ in counted.most_common(12)])
        tags = Counter(tag for row in rows for tag in row.tags)
        self.filter.set_values("tag", [tag for tag, _ in tags.most_common(20)])

    def wanted(self) -> tuple[dict[str, Any], str]:
        """Return (AlertFilter's fields, query): of equal fields either may fit, so they become lists."""
        lists: dict[str, list[str]] = {"level": [], "state": []}
        rest: list[Term] = []
        for term in self.filter.terms():
            name = term.field.lower()
            if name in lists and not term.out and "*" not in term.value:
                lists[name].append(term.value.lower())
            else:
                rest.append(term)
        return {"levels": tuple(lists["level"]), "states": tuple(lists["state"])}, unparse(rest)

    def source(self) -> Source:
        """Return the rows that pass the filter."""
        fields, query = self.wanted()
        chosen = self._page.shell.ranges.value
        if not chosen.relative:
            fields["since"], fields["until"] = chosen.moments()

        async def load(before: Any, limit: int) -> Sequence[Alert]:
            radar = self._page.api("radar")
            wanted = radar.AlertFilter(query=query, **fields)
            found: list[Alert] = await radar.alerts(self._page.ctx, wanted, before=before, limit=limit)
            return found

        return Source(load=load, cursor=lambda a: (a.at, a.id), key=lambda a: a.id)

    def load(self) -> None:
        """Load from the start (another filter)."""
        if self._page.shell.person is not None:
            self.table.set_source(self.source())

    def range_changed(self) -> None:
        """Keep to a span that was chosen; a range that only reaches back hides no open alert."""
        chosen = self._page.shell.ranges.value
        self.span.setText("" if chosen.relative else tr("{span}  ×", span=chosen.title()))
        self.span.setVisible(not chosen.relative)
        self.load()

    def reload(self) -> None:
        """Load again, keeping place, selection and marks."""
        if self._page.shell.person is not None:
            self.table.set_source(self.source(), keep=True)

    def chosen(self) -> list[Alert]:
        """Return the alerts an action is for: marked, current, or the one in the detail."""
        chosen: list[Alert] = self.table.chosen()
        if not chosen and self.split.is_open() and self.panel.alert is not None:
            return [self.panel.alert]
        return chosen

    def set_state(self, state: str) -> None:
        """Acknowledge, close or reopen the chosen alerts."""
        chosen = self.chosen()
        if state == "closed" and len(chosen) == 1:
            self.table.go(self.table.current_number() + 1)
        self.triage.set_state(chosen, state)
        self.table.clear_marks()

    def assign(self) -> None:
        """Give the chosen alerts to somebody."""
        self.triage.choose_person(self.chosen())

    def assign_to_me(self) -> None:
        """Give the chosen alerts to the person at the console."""
        person = self._page.shell.person
        if person is not None:
            self.triage.assign(self.chosen(), UUID(person.id), person.name)

    def show_changed(self, alerts: Sequence[Alert]) -> None:
        """Put changed alerts into the list and the detail."""
        self.table.model_.replace(alerts)
        shown = self.panel.alert
        for alert in alerts:
            if shown is not None and alert.id == shown.id:
                self.panel.show_alert(alert, may_triage=self._page.shell.can("radar:triage"))
                if alert.version != shown.version:
                    self._load_detail(alert.id)

    def _preview(self, alert: Alert) -> None:
        if self.split.is_open():
            self.show_alert(alert)

    def open_alert(self, alert: Alert) -> None:
        """Open the detail beside the list."""
        self.split.open()
        self.show_alert(alert)

    def show_alert(self, alert: Alert) -> None:
        """Show an alert in the detail: the row's facts at once, the rest when it has come."""
        self.panel.show_alert(alert, may_triage=self._page.shell.can("radar:triage"))
        self._load_detail(alert.id)

    def open_id(self, alert_id: UUID) -> None:
        """Open an alert by its id (a link from another page)."""

        async def load() -> AlertDetail:
            found: AlertDetail = await self._page.api("radar").alert(self._page.ctx, alert_id)
            return found

        def show(detail: AlertDetail) -> None:
            self.split.open()
            self.panel.show_alert(detail.alert, may_triage=self._page.shell.can("radar:triage"))
            self.panel.show_detail(detail)
            number = self.table.model_.find(alert_id)
            if number is not None:
                self.table.go(number)

        self._page.run(load, done=show)

    def _load_detail(self, alert_id: UUID) -> None:
        async def load() -> AlertDetail:
            found: AlertDetail = await self._page.api("radar").alert(self._page.ctx, alert_id)
            return found

        self._page.run(load, done=self.panel.show_detail)

    def back(self) -> bool:
        """Close the detail."""
        closed = self.split.close_detail()
        self.table.setFocus()
        return closed

    def _filter_event(self, field: str, value: str, out: bool) -> None:
        known = {"Computer": "host", "host": "host", "hostname": "host"}
        self.filter.add(known.get(field, ""), value, out=out)

    def _menu(self, alert: Alert, place: QPoint) -> None:
        menu = QMenu(self)
        for id in (
            "radar.open",
            "radar.acknowledge",
            "radar.close",
            "radar.reopen",
            "radar.assign",
            "radar.mine",
            "radar.copy",
            "list.copy_time",
            "list.copy_as",
            "link.copy",
        ):
            action = self._page.shell.actions.find(id)
            if action is not None:
                entry = menu.addAction(f"{action.title}\t{action.shortcut}")
                entry.triggered.connect(lambda _=False, i=id: self._page.shell.actions.trigger(i))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.exec(place)

    def export(self) -> None:
        """Write all alerts that pass the filter to a file."""
        source = self.source()
        if source.load is not None:
            export_csv(self._page, tr("Alerts"), self.table.model_.columns, source.load, source.cursor, None)
