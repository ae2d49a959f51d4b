"""Which techniques of ATT&CK the rules look for, and which of them raised alerts."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLineEdit, QStackedLayout, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.choice import Dropdown, Segments
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.states import Notice
from sent.ui.kit.widgets import Elided, button, card, column, row, tool
from sent.ui.pages.coverage.exporting import MatrixExport
from sent.ui.pages.coverage.legend import Shades
from sent.ui.pages.coverage.matrixview import MatrixView
from sent.ui.pages.coverage.names import AttackNames
from sent.ui.pages.coverage.panel import TechniquePanel
from sent.ui.pages.coverage.places import Place
from sent.ui.pages.coverage.wording import cell_text, tactic_name
from sent.ui.shell.actions import Action
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from datetime import datetime

    from sent.engines.radar.api import Alert, Cell, CoverageFacts, Matrix

LATEST = 20
SLOW_MS = 5000
"""Alerts come all the time; the matrix follows at this pace."""


class CoveragePage(Page):
    """See the module."""

    topics = ("radar.rules.changed", "radar.alert.raised")

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._facts: CoverageFacts | None = None
        self._asked = 0
        self._front = False
        self.running, self.days = "running", "30"
        self.matrix = MatrixView()
        self.panel = TechniquePanel()
        self.notice = Notice()
        self.sums = Elided(weight="medium")
        self.told = Elided(tone="2", type="s")
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("Technique"))
        self.words.setAccessibleName(tr("Find a technique"))
        self.words.setClearButtonEnabled(True)
        self.words.setMinimumWidth(150)
        self.words.setMaximumWidth(220)
        self.product = Dropdown(tr("Log source"), [("", tr("All log sources"))], "", lambda _id: self.show_())
        self.rule_set = Dropdown(tr("Rule set"), [("", tr("All rule sets"))], "", lambda _id: self.show_())
        self.names = AttackNames(self)
        self.exporting = MatrixExport(self)
        self.read_names = button(tr("Name the techniques"), self.names.choose_bundle, kind="link")
        self.read_names.setToolTip(tr("Techniques are shown by id until a STIX bundle of ATT&CK names them."))
        self.export_button = tool("download", tr("Export the matrix"), self.exporting.ask)
        self._pace = Pace(self, self.refresh, soon_ms=SLOW_MS, apart_ms=1000)
        self._typed = QTimer(self, singleShot=True, interval=150)
        self._typed.timeout.connect(lambda: self.matrix.search(self.words.text()))
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        which = Segments(
            tr("Which rules"),
            [("running", tr("Running")), ("all", tr("All"))],
            self.running,
            self._choose_running,
        )
        days = Segments(
            tr("Alerts of the last"),
            [(n, trn("{n} day", "{n} days", n=int(n))) for n in ("7", "30", "90")],
            self.days,
            self._choose_days,
        )
        bar = row(which, self.product, self.rule_set, None, self.words, self.export_button)
        sums = row(self.sums, self.read_names, days)
        sums.setStretch(0, 1)
        frame = card()
        place = QWidget()
        self._stack = QStackedLayout(place)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.matrix)
        self._stack.addWidget(self.notice)
        foot = row(self.told, Shades(self.matrix.shade), gap=16)
        foot.setStretch(0, 1)
        inside = column(place, foot, gap=6, margins=(12, 10, 12, 8))
        inside.setStretch(0, 1)
        frame.setLayout(inside)
        self.split = SplitDetail(frame, self.panel, prefs=self.shell.prefs, key="coverage")
        body = column(bar, sums, self.split, gap=10, margins=(20, 16, 20, 14))
        body.setStretch(2, 1)
        self.setLayout(body)

    def _connect(self) -> None:
        self.words.textEdited.connect(lambda _text: self._typed.start())
        self.words.textChanged.connect(lambda text: None if text else self.matrix.search(""))
        self.words.returnPressed.connect(self.matrix.setFocus)
        self.matrix.opened.connect(self.open_cell)
        self.matrix.moved.connect(self._moved)
        self.matrix.left.connect(self.back)
        self.panel.closed.connect(self.back)
        self.panel.rule_wanted.connect(lambda id: self.shell.open("rules", f"rule/{id}"))
        self.panel.fired_wanted.connect(lambda id: self.shell.open("radar", f"rule/{id}"))
        self.panel.alert_wanted.connect(lambda id: self.shell.open("radar", f"alert/{id}"))
        self.panel.all_wanted.connect(lambda id: self.shell.open("radar", f"filter:tag:attack.{id.lower()}"))

    def actions_(self) -> list[Action]:
        group = tr("Coverage")
        made = partial(Action, permission="radar:read", group=group)
        return [
            made("coverage.find", tr("Find a technique"), self.words.setFocus, "search", "Ctrl+F",
                 aliases=("/",)),
            made("coverage.open", tr("Open technique"), self.open_current, "panel-right", "O",
                 enabled=lambda: self.matrix.current() is not None),
            made("coverage.unfold", tr("Show all sub-techniques"), partial(self.matrix.fold_all, True),
                 "layers", "Shift+X"),
            made("coverage.fold", tr("Hide all sub-techniques"), partial(self.matrix.fold_all, False),
                 "layers", "X"),
            made("coverage.export", tr("Export the matrix"), self.exporting.ask, "download", "Ctrl+E"),
            Action("coverage.names", tr("Read ATT&CK names"), self.names.choose_bundle, "tag",
                   permission="radar:manage", group=group),
            Action("coverage.forget", tr("Forget ATT&CK names"), self.names.forget, "tag",
                   permission="radar:manage", group=group, enabled=self._named),
        ]  # fmt: skip

    def _named(self) -> bool:
        return self._facts is not None and bool(self._facts.names.edition)

    def activate(self) -> None:
        self._front = True
        self.refresh()
        self.matrix.setFocus()

    def deactivate(self) -> None:
        self._front = False

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._front:
            self._pace.hint(300 if topic == "radar.rules.changed" else SLOW_MS)

    def set_stale(self, since: datetime | None) -> None:
        self.matrix.dimmed = since is not None
        self.matrix.viewport().update()

    def _choose_running(self, id: str) -> None:
        self.running = id
        self.show_()

    def _choose_days(self, id: str) -> None:
        self.days = id
        self.refresh()

    def refresh(self) -> None:
        if self.shell.person is None:
            return
        days = int(self.days)
        if self._facts is None:
            self.sums.setText(tr("Loading"))

        async def load() -> CoverageFacts:
            found: CoverageFacts = await self.api("radar").coverage_facts(self.ctx, days)
            return found

        def show(found: CoverageFacts) -> None:
            if str(found.days) == self.days:
                self._facts = found
                self._offer(found)
                self.show_()

        self.run(load, done=show, failed=self._failed)

    def _failed(self, error: Any) -> None:
        if self._facts is not None:
            self.shell.report(error)
            return
        self.sums.setText("")
        self.notice.show_text(
            "cloud-alert", tr("The matrix could not be loaded"), error_text(error),
            (tr("Try again"), self.refresh), tone="bad",
        )  # fmt: skip
        self._stack.setCurrentIndex(1)

    def _offer(self, found: CoverageFacts) -> None:
        """Offer the products and sets there are, and keep what is chosen."""
        for box, first, values in (
            (self.product, tr("All log sources"), [v for v in found.products if v]),
            (self.rule_set, tr("All rule sets"), found.sets),
        ):
            was = box.choice()
            box.clear()
            box.addItem(first, "")
            for value in values:
                box.addItem(tr("Any product") if value == "*" else value, value)
            box.show_choice(was)
        self.read_names.setVisible(not found.names.edition and self.shell.can("radar:manage"))

    def show_(self) -> None:
        """Show the matrix of what is chosen; it is made in the background."""
        facts = self._facts
        if facts is None:
            return
        self._asked += 1
        asked, running = self._asked, self.running == "running"
        product, rule_set = self.product.choice(), self.rule_set.choice()

        async def make() -> Matrix:
            radar = self.api("radar")
            choice = radar.Choice(running, product, rule_set)
            found: Matrix = await asyncio.to_thread(
                radar.matrix, facts.rules, facts.alerts, choice, facts.names
            )
            return found

        def show(made: Matrix) -> None:
            if asked == self._asked:
                self._show(made)

        self.run(make, done=show)

    def _show(self, made: Matrix) -> None:
        self.matrix.show_matrix(made)
        if made.edition:
            covered = formats().figure(made.covered)
            techniques = tr("{covered} of {all} techniques", covered=covered, all=made.techniques)
        else:
            techniques = trn("{n} technique", "{n} techniques", n=made.covered)
        rules = trn("looked for by {n} rule", "looked for by {n} rules", n=made.rules)
        edition = f"  ·  {made.edition}" if made.edition else ""
        self.sums.setText(f"{techniques}  ·  {rules}{edition}")
        self._stack.setCurrentIndex(0 if made.columns else 1)
        if not made.columns:
            chosen = self.product.choice() or self.rule_set.choice() or self.running == "running"
            rules_there = bool(self._facts and self._facts.rules)
            if chosen and rules_there:
                text = tr("No rule of this choice names a technique of ATT&CK.")
                actions = [(tr("Show all rules"), self.show_all)]
            else:
                text = tr("Rules with ATT&CK tags fill it: import SigmaHQ's archive on the Radar page.")
                actions = [(tr("Open the radar"), lambda: self.shell.open("radar"))]
            self.notice.show_text("layers", tr("The matrix is empty"), text, *actions)
        place, open_ = self.matrix.current(), self.panel.cell
        if place is not None and open_ is not None and self.split.is_open():
            same = place.cell.id == open_.id
            if same and place.cell != open_:
                self.open_cell(place.cell)

    def show_all(self) -> None:
        """Take every choice away."""
        self.product.show_choice("")
        self.rule_set.show_choice("")
        self.running = "all"
        for segments in self.findChildren(Segments):
            segments.show_choice("all" if "all" in segments._buttons else self.days)
        self.show_()

    def _moved(self, place: Place) -> None:
        text = cell_text(place.cell, folded=self.matrix.folded(place), told=4)
        self.told.setText("  ·  ".join(text.split("\n")))
        if self.split.is_open() and self.panel.cell is not None and self.panel.cell.id != place.cell.id:
            self.open_cell(place.cell)

    def open_current(self) -> None:
        """Open the current technique beside the matrix."""
        place = self.matrix.current()
        if place is not None:
            self.open_cell(place.cell)

    def open_cell(self, cell: Cell) -> None:
        """Open a technique beside the matrix, with its latest alerts."""
        made = self.matrix.matrix
        columns = [c for c in made.columns if any(_has(each, cell.id) for each in c.cells)] if made else []
        self.split.open()
        self.panel.show_cell(cell, [tactic_name(each) for each in columns])
        days = int(self.days)

        async def load() -> tuple[list[Alert], int]:
            from datetime import UTC, datetime, timedelta

            radar = self.api("radar")
            since = datetime.now(UTC) - timedelta(days=days)
            wanted = radar.AlertFilter(query=f"tag:attack.{cell.id.lower()}", since=since)
            latest: list[Alert] = await radar.alerts(self.ctx, wanted, limit=LATEST)
            return latest, int(await radar.alert_count(self.ctx, wanted))

        self.run(
            load,
            done=lambda found: self.panel.show_alerts(cell.id, *found, days),
            failed=lambda error: self.panel.show_problem(cell.id, error_text(error)),
        )

    def open_record(self, record: str) -> None:
        id = record.rpartition("/")[2].upper()
        self.matrix.search(id)
        self.words.setText(id)

    def current_record(self) -> str:
        place = self.matrix.current()
        return f"technique/{place.cell.id}" if place is not None and self.split.is_open() else ""

    def back(self) -> bool:
        if self.split.close_detail():
            self.matrix.setFocus()
            return True
        if self.words.text():
            self.words.clear()
            self.matrix.setFocus()
            return True
        return False

    def takes_files(self, paths: Any) -> bool:
        one = len(paths) == 1 and paths[0].name.endswith((".json", ".json.gz"))
        return one and self.shell.can("radar:manage")

    def drop_files(self, paths: Any) -> None:
        self.names.read_bundle(paths[0])


def _has(cell: Cell, id: str) -> bool:
    return cell.id == id or any(sub.id == id for sub in cell.subs)
