"""All rules in a list; one of them in the editor in place of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.export import export_csv
from sent.ui.kit.filterbar import FilterBar
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import ListStates
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, card, column, label, row, tool
from sent.ui.pages.rules.changes import Changes
from sent.ui.pages.rules.editor import RuleEditor
from sent.ui.pages.rules.lists import columns, fields, offer_values, passing, quick_filters
from sent.ui.pages.rules.panel import RulePanel
from sent.ui.pages.rules.ruleactions import MENU, rule_actions, show_alerts

if TYPE_CHECKING:
    from sent.engines.radar.api import ListedRule, RuleText

MANAGE = "radar:manage"
_LINKABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,150}", re.ASCII)
EPOCH = datetime.fromtimestamp(0, UTC)


class RuleTable(PagedTable):
    """The list; Space switches what is chosen on or off."""

    toggled = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.modifiers():
            self.toggled.emit()
            event.accept()
        else:
            super().keyPressEvent(event)


class RulesPage(Page):
    """See the module."""

    topics = ("radar.rules.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._front = False
        self.rules: list[ListedRule] = []
        self._subject: tuple[UUID, datetime] | None = None
        self.filter = FilterBar(
            fields(), hint=tr("Filter: level:high state:broken tag:t1059"), name=tr("Filter rules")
        )
        self.table = RuleTable(columns(), run=self.run, name=tr("Rules"))
        self.states = ListStates(
            self.table,
            empty=("scroll-text", tr("No rules yet"), tr("Write one, or import some on the Radar page.")),
            action=(tr("New rule"), self.new_rule),
            filtered=lambda: bool(self.filter.terms()),
            clear_filter=self.filter.clear,
            retry=self.load,
        )
        self.changes = Changes(self)
        self.panel = RulePanel(
            self.open_current, self.changes.toggle, self.changes.remove, partial(show_alerts, self)
        )
        self.editor = RuleEditor(self)
        self.quick = Segments(tr("Quick filters"), quick_filters(), "", self.filter.set_text)
        self.fresh = button(tr("New rule"), self.new_rule, kind="primary", icon_name="plus")
        self.about = label("", tone="2", wrap=True)
        self.counted = label("", tone="3", type="s")
        self._arrange()
        self._connect()
        self._pace = Pace(self, self.load, soon_ms=400, apart_ms=2000)
        self.table.model_.show_skeleton()

    def _arrange(self) -> None:
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="rules")
        leave = tool("x", tr("Leave the event"), self.forget_subject)
        self.banner = card()
        told = row(self.about, leave, gap=8, margins=(14, 4, 6, 4))
        told.setStretch(0, 1)
        self.banner.setLayout(told)
        self.banner.hide()
        head = row(self.filter, self.fresh, gap=8)
        head.setStretch(0, 1)
        second = row(self.quick, None, self.counted, gap=8)
        overview = QWidget()
        body = column(head, second, self.banner, self.split, gap=10)
        body.setStretch(3, 1)
        overview.setLayout(body)
        self.stack = QStackedWidget()
        self.stack.addWidget(overview)
        self.stack.addWidget(self.editor)
        self.setLayout(column(self.stack, margins=(20, 16, 20, 14)))

    def _connect(self) -> None:
        self.table.remember_columns(self.shell.prefs, "rules.list")
        self.table.previewed.connect(self._previewed)
        self.table.opened.connect(self.open_detail)
        self.table.toggled.connect(self.changes.toggle)
        self.table.left.connect(self.back)
        self.table.value_clicked.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.table.menu_wanted.connect(self._menu)
        self.filter.changed.connect(lambda _terms: self.show_rules())
        self.filter.left.connect(self.table.setFocus)
        self.panel.closed.connect(self.back)
        self.panel.filter_wanted.connect(lambda field, value, out: self.filter.add(field, value, out=out))
        self.editor.save_wanted.connect(self.changes.save)
        self.editor.leave_wanted.connect(self.changes.leave)

    def actions_(self) -> list[Any]:
        return rule_actions(self)

    def activate(self) -> None:
        self._front = True
        self.fresh.setVisible(self.shell.can(MANAGE))
        self.load()
        if self.writes():
            self.editor.code.setFocus()
        else:
            self.table.setFocus()

    def deactivate(self) -> None:
        self._front = False
        self._tell_draft()

    def _tell_draft(self) -> None:
        if self.writes() and self.editor.dirty():
            self.shell.toast(tr("Your changes to the rule are kept as a draft"), tone="info")

    def refresh(self) -> None:
        self.load()

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint()

    def set_stale(self, since: datetime | None) -> None:
        self.table.set_dimmed(since is not None)

    def load(self) -> None:
        """Load all rules; those on screen stay until then."""
        if self.shell.person is None or not self._front:
            return

        async def work() -> list[ListedRule]:
            found: list[ListedRule] = await self.api("radar").rule_list(self.ctx)
            return found

        self.run(work, done=self._loaded, failed=self.table.model_.failed.emit)

    def _loaded(self, found: list[ListedRule]) -> None:
        self.rules = found
        offer_values(self.filter, found)
        tags = dict.fromkeys(tag for rule in found for tag in rule.tags)
        self.editor.tags = tuple(sorted(tags))
        self.show_rules()
        shown = self.panel.rule
        rule = next((each for each in found if shown is not None and each.id == shown.id), None)
        if rule is not None and self.split.is_open():
            self.show_rule(rule)

    def show_rules(self) -> None:
        """Show the rules that pass the filter."""
        self.quick.show_choice(self.filter.text())
        if self.table.model_.skeleton and not self.rules and self.shell.person is None:
            return
        shown = passing(self.rules, self.filter.terms())
        self.table.show_rows(shown, lambda rule: rule.id)
        total = trn("{n} rule", "{n} rules", n=len(self.rules))
        some = tr("{n} of {all}", n=len(shown), all=total)
        self.counted.setText(total if len(shown) == len(self.rules) else some)

    def chosen(self) -> list[ListedRule]:
        """Return the rules an action is for: marked, current, or the one in the detail."""
        chosen: list[ListedRule] = self.table.chosen()
        if not chosen and self.split.is_open() and self.panel.rule is not None:
            return [self.panel.rule]
        return chosen

    def writes(self) -> bool:
        """Say whether the editor is in front."""
        return self.stack.currentIndex() == 1

    def lists_rules(self) -> bool:
        """Say whether the list is in front."""
        return not self.writes()

    # One rule.

    def open_detail(self, rule: ListedRule) -> None:
        """Show a rule beside the list; with an event to explain, in the editor."""
        if self._subject is not None:
            self.open_rule(rule.id)
            return
        self.split.open()
        self.show_rule(rule)

    def _previewed(self, rule: ListedRule) -> None:
        if self.split.is_open():
            self.show_rule(rule)

    def show_rule(self, rule: ListedRule) -> None:
        """Show a rule in the detail: the row's facts at once, its text when it has come."""
        self.panel.show_rule(rule, may_manage=self.shell.can(MANAGE))

        async def load() -> RuleText:
            found: RuleText = await self.api("radar").rule_text(self.ctx, rule.id)
            return found

        self.run(load, done=self.panel.show_text)

    def open_current(self) -> None:
        """Open the current rule in the editor."""
        rule = self.table.current_row() if self.table.hasFocus() else None
        rule = rule or (self.panel.rule if self.split.is_open() else self.table.current_row())
        if rule is not None:
            self.open_rule(rule.id)

    def open_rule(self, rule: UUID | str, *, alert: UUID | None = None) -> None:
        """Open a rule in the editor, by its row or its own id, and test it on the event at hand."""
        subject, self._subject = self._subject, None
        self.banner.hide()

        async def load() -> RuleText:
            found: RuleText = await self.api("radar").rule_text(self.ctx, rule)
            return found

        def show(found: RuleText) -> None:
            self._tell_draft()
            self.editor.open_text(found)
            self.show_editor()
            if alert is not None:
                self.editor.test.take_alert(alert)
            elif subject is not None:
                self.editor.test.take_event(*subject)

        self.run(load, done=show)

    def new_rule(self) -> None:
        """Begin a new rule."""
        person = self.shell.person
        if person is not None and self.shell.can(MANAGE):
            self.editor.open_new(person.name)
            self.show_editor()

    def show_editor(self) -> None:
        """Bring the editor to the front."""
        self.stack.setCurrentIndex(1)
        self.editor.code.setFocus()

    def show_list(self) -> None:
        """Bring the list to the front."""
        self.editor.backtest.stop()
        self.stack.setCurrentIndex(0)
        self.table.setFocus()
        self.load()

    # An event to explain.

    def explain_event(self, event_id: UUID, at: datetime) -> None:
        """Let the user choose the rule that is explained on a stored event."""
        self._subject = (event_id, at)
        self.about.setText(tr("Choose a rule and press Enter: it is explained on the event you came from."))
        if self.writes():
            self.show_list()
        self.banner.show()

    def forget_subject(self) -> None:
        """Forget the event that was to be explained."""
        self._subject = None
        self.banner.hide()

    def open_record(self, record: str) -> None:
        parts = record.split("/")
        if record.startswith("filter:"):
            self.filter.set_text(record.removeprefix("filter:"))
        elif len(parts) == 3 and parts[0] == "event" and _uuid(parts[1]) and parts[2].isdigit():
            at = EPOCH + timedelta(microseconds=int(parts[2][:17]))
            self.explain_event(UUID(parts[1]), at)
        elif record == "new":
            self.new_rule()
        elif len(parts) == 2 and parts[0] == "row" and (row := _uuid(parts[1])):
            self.open_rule(row)
        elif parts[0] == "rule" and len(parts) in (2, 4):
            self.open_rule(parts[1], alert=_uuid(parts[3]) if len(parts) == 4 else None)
        else:
            self.shell.toast(tr("There is no rule {name}", name=record), tone="warn")

    def current_record(self) -> str:
        rule = self.panel.rule if self.split.is_open() else None
        rule = rule or (self.table.current_row() if self.table.hasFocus() else None)
        if self.writes():
            opened = self.editor.opened
            rule = next((r for r in self.rules if opened is not None and r.id == opened.id), None)
        return self.record_of(rule) if rule is not None else ""

    def record_of(self, row: Any) -> str:
        # Ids of correlations and filters are any text, and a link takes only some.
        return f"rule/{row.rule_id}" if _LINKABLE.fullmatch(row.rule_id) else f"row/{row.id}"

    def list_view(self) -> ListView | None:
        return ListView("rules.list", self.filter, self.table) if not self.writes() else None

    def lists(self) -> list[ListView]:
        return [ListView("rules.list", self.filter, self.table)]

    def back(self) -> bool:
        if self.writes():
            if self.editor.code.hasFocus():
                self.changes.leave()
            else:
                self.editor.code.setFocus()
            return True
        if self._subject is not None:
            self.forget_subject()
            return True
        closed = self.split.close_detail()
        self.table.setFocus()
        return closed

    def _menu(self, _rule: ListedRule, place: QPoint) -> None:
        menu = QMenu(self)
        for id in MENU:
            action = self.shell.actions.find(id)
            if action is not None and action.enabled():
                entry = menu.addAction(f"{action.title}\t{action.shortcut}")
                entry.triggered.connect(lambda _=False, i=id: self.shell.actions.trigger(i))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.exec(place)

    def export(self) -> None:
        """Write the rules that pass the filter to a file."""
        shown = passing(self.rules, self.filter.terms())

        async def load(start: Any, limit: int) -> Sequence[ListedRule]:
            first = 0 if start is None else places[start] + 1
            return shown[first : first + limit]

        places = {rule.id: number for number, rule in enumerate(shown)}
        export_csv(self, tr("Rules"), self.table.model_.columns, load, lambda rule: rule.id, len(shown))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
