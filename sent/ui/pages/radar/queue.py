"""The alert queue: filter, list, detail, triage by keyboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
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
from sent.ui.pages.radar.groups import GroupList, groupings
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
            hint=tr("Filter: level:high -state:closed"),
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
        self.panel = AlertPanel(self.set_state, self.close_alerts, self.assign, page.shell.drafts)
        self.panel.commented.connect(self._commented)
        self.frame = card()
        self.frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.groups = GroupList(page, self._filter_value, self._open_group)
        self.groups.hide()
        self.segments = Segments(tr("Group alerts"), groupings(), "", self.show_grouping)
        self.split = SplitDetail(self.frame, self.panel, prefs=page.shell.prefs, key="radar")
        self.span = button("", self._leave_span, kind="quiet", icon_name="clock", name=tr("Leave this span"))
        self.span.hide()
        head = row(self.filter, self.span, self.segments, gap=8)
        head.setStretch(0, 1)
        body = column(head, self.split, self.groups, gap=10)
        body.setStretch(1, 1)
        body.setStretch(2, 1)
        self.setLayout(body)
        self._connect()
        self.table.model_.show_skeleton()
        self.table.remember_columns(page.shell.prefs, "radar.alerts")
        self.filter.set_text(START)

    def _connect(self) -> None:
        self.filter.changed.connect(lambda _terms: self.load())
        self.table.model_.loaded.connect(self._offer_values)
        self.filter.left.connect(self.focus)
        self.table.previewed.connect(self._preview)
        self.table.opened.connect(self.open_alert)
        self.table.left.connect(self.back)
        self.groups.table.left.connect(lambda: self.show_grouping(""))
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.table.menu_wanted.connect(self._menu)
        self.panel.closed.connect(self.back)
        self.panel.filter_wanted.connect(self._filter_event)
        self.panel.pivot_wanted.connect(self._page.shell.actions.trigger)

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

    def _filter_value(self, radar: Any) -> Any:
        """Return what passes, as the api's value; `radar` is the api."""
        fields, query = self.wanted()
        chosen = self._page.shell.ranges.value
        if not chosen.relative:
            fields["since"], fields["until"] = chosen.moments()
        return radar.AlertFilter(query=query, **fields)

    def grouped(self) -> bool:
        """Say whether groups are shown in place of alerts."""
        return not self.groups.isHidden()

    def show_grouping(self, by: str) -> None:
        """Show the alerts (empty) or their groups by rule, host or user."""
        self.segments.show_choice(by)
        self.groups.setVisible(bool(by))
        self.split.setVisible(not by)
        if by:
            self.groups.show_by(by)
        self.focus()

    def next_grouping(self) -> None:
        """Go on to the next way of grouping."""
        order = [by for by, _ in groupings()]
        now = self.groups.by if self.grouped() else ""
        self.show_grouping(order[(order.index(now) + 1) % len(order)])

    def focus(self) -> None:
        """Give the list in front the keyboard."""
        (self.groups.table if self.grouped() else self.table).setFocus()

    def _open_group(self, term: Term) -> None:
        self.show_grouping("")
        self.filter.add(term.field, term.value, out=False)

    def source(self) -> Source:
        """Return the rows that pass the filter."""

        async def load(before: Any, limit: int) -> Sequence[Alert]:
            radar = self._page.api("radar")
            wanted = self._filter_value(radar)
            found: list[Alert] = await radar.alerts(self._page.ctx, wanted, before=before, limit=limit)
            return found

        return Source(load=load, cursor=lambda a: (a.at, a.id), key=lambda a: a.id)

    def load(self) -> None:
        """Load from the start (another filter)."""
        if self._page.shell.person is not None:
            self.table.set_source(self.source())
            if self.grouped():
                self.groups.load()

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
            if self.grouped():
                self.groups.load()

    def chosen(self) -> list[Alert]:
        """Return the alerts an action is for: marked, current, or the one in the detail."""
        chosen: list[Alert] = self.table.chosen()
        if not chosen and self.split.is_open() and self.panel.alert is not None:
            return [self.panel.alert]
        return chosen

    def set_state(self, state: str, reason: str | None = None) -> None:
        """Acknowledge, close or reopen the chosen alerts, and go on to the next one that waits."""
        chosen = self.chosen()
        if state != "new":
            self._go_on(chosen, closing=state == "closed")
        self.triage.set_state(chosen, state, reason)
        self.table.clear_marks()

    def close_alerts(self) -> None:
        """Close the chosen alerts, after asking why."""
        self.triage.choose_reason(self.chosen(), lambda reason: self.set_state("closed", reason))

    def _go_on(self, decided: Sequence[Alert], *, closing: bool) -> None:
        """Make the next new alert the current one, from the top again; without any, leave what is closed."""
        model = self.table.model_
        ids = {alert.id for alert in decided}
        places = [place for id in ids if (place := model.find(id)) is not None]
        start = max(places, default=-1) + 1
        for number in (*range(start, model.known()), *range(start)):
            waiting = model.row(number)
            if waiting is not None and waiting.state == "new" and waiting.id not in ids:
                self.table.go(number)
                return
        if closing and len(decided) == 1:
            self.table.go(self.table.current_number() + 1)

    def write_comment(self) -> None:
        """Open the detail and let the user type a comment."""
        chosen = self.chosen()
        if not chosen:
            return
        if not self.split.is_open():
            self.open_alert(chosen[0])
        self.panel.comment.fields[0].edit.setFocus()

    def _commented(self, text: str) -> None:
        shown = self.panel.alert
        about = self.table.chosen() if self.table.model_.marked or shown is None else [shown]
        self.triage.comment(about, text, lambda: self._load_detail(about[0].id))
        self.table.setFocus()

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
        """Leave the comment being typed (its text stays), then close the detail."""
        if self.panel.comment.fields[0].edit.hasFocus():
            self.table.setFocus()
            return True
        if self.grouped():
            self.show_grouping("")
            return True
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
            "radar.rule",
            "radar.acknowledge",
            "radar.close",
            "radar.reopen",
            "radar.assign",
            "radar.mine",
            "radar.comment",
            "radar.incident",
            "radar.mute",
            "radar.tune",
            "radar.timeline",
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
