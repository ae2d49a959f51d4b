"""One rule being written: the text at the left with its problems, tests and the past at the right.

The text is checked while it is typed, in the background; answers to an older text are dropped. What is not
saved is kept as a draft on this machine all the time, and asked about when the editor is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QSplitter, QStackedWidget, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.code import CodeEdit, Mark
from sent.ui.kit.page import Page
from sent.ui.kit.widgets import Dot, Elided, button, card, column, label, line, row, tool
from sent.ui.pages.rules.backtestpane import BacktestPane
from sent.ui.pages.rules.completion import offers
from sent.ui.pages.rules.cures import cure
from sent.ui.pages.rules.problemlist import ProblemList
from sent.ui.pages.rules.sentences import message
from sent.ui.pages.rules.testpane import TestPane

if TYPE_CHECKING:
    from sent.engines.radar.api import Checked, RuleText, SavedRule, Vocabulary
    from sent.ui.bridge import Handle

SETTLE_MS = 300
TEMPLATE = """title: New rule
status: experimental
description: What it looks for, and why that matters
author: {author}
tags:
    - attack.execution
logsource:
    product: linux
detection:
    selection:
        message|contains: text
    condition: selection
level: medium
"""


@dataclass(slots=True)
class Opened:
    """What is being edited: `text` as it was read, `id` None for a new rule."""

    id: UUID | None
    title: str
    text: str
    version: str | None
    own: bool
    enabled: bool

    @property
    def draft(self) -> str:
        """The draft's key."""
        return f"radar.rule.{self.id or 'new'}"


class RuleEditor(QWidget):
    """The editor; the page saves."""

    save_wanted = Signal()
    leave_wanted = Signal()
    checked = Signal()

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self.opened: Opened | None = None
        self.check: Checked | None = None
        self.tags: tuple[str, ...] = ()
        self._words: Vocabulary | None = None
        self._asked = 0
        self._sent = self._seen = ""
        self._handle: Handle | None = None
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self.check_now)
        self.code = CodeEdit(tr("Rule text"))
        self.code.offers = self._offers
        self.code.textChanged.connect(self._changed)
        self.problems = ProblemList()
        self.problems.chosen.connect(self.code.go_to_line)
        self.test = TestPane(page, self.text)
        self.backtest = BacktestPane(page, self.text)
        self.backtest.sample_chosen.connect(self._test_sample)
        self._make_head()
        self._arrange()

    def _make_head(self) -> None:
        self.back = tool("arrow-left", tr("Back to the list (Esc)"), self.leave_wanted.emit)
        self.title = Elided(weight="bold", type="l")
        self.kept = label("", tone="warn", type="s")
        self.dot = Dot("text3")
        self.state = Elided(tone="2")
        self.on = QCheckBox(tr("Switched on"))
        self.on.setAccessibleName(tr("Switched on"))
        self.on.setToolTip(tr("Whether the rule runs once it is saved"))
        self.discard = button(tr("Discard changes"), self.revert, kind="quiet")
        self.save = button(tr("Save"), self.save_wanted.emit, kind="primary", name=tr("Save the rule"))
        self.save.setToolTip(tr("Save (Ctrl+S)"))

    def _arrange(self) -> None:
        head = row(self.back, self.title, self.kept, self.discard, self.on, self.save, gap=10)
        head.setStretch(1, 1)
        left = card()
        self.counted = label("", tone="2", type="s")
        verdict = row(self.dot, self.state, self.counted, gap=8, margins=(14, 6, 14, 6))
        verdict.setStretch(1, 1)
        self.below = below = QWidget()
        below.setLayout(column(verdict, self.problems, gap=0, margins=(0, 0, 0, 4)))
        self.parts = parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.code)
        parts.addWidget(below)
        parts.setChildrenCollapsible(False)
        parts.setStretchFactor(0, 1)
        parts.setSizes([480, 190])
        left.setLayout(column(parts, margins=(1, 1, 1, 1)))
        right = card()
        self.tabs = [
            button(tr("Test"), lambda: self.show_pane(0), kind="tab"),
            button(tr("Backtest"), lambda: self.show_pane(1), kind="tab"),
        ]
        self.panes = QStackedWidget()
        for tab, pane in zip(self.tabs, (self.test, self.backtest), strict=True):
            tab.setCheckable(True)
            self.panes.addWidget(pane)
        tabs = row(*self.tabs, None, gap=18, margins=(14, 4, 14, 0))
        right.setLayout(column(tabs, line(), self.panes, gap=0, margins=(1, 1, 1, 1)))
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(left)
        self.split.addWidget(right)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.setSizes([640, 560])
        whole = column(head, self.split, gap=10)
        whole.setStretch(1, 1)
        self.setLayout(whole)
        self.tabs[0].setChecked(True)

    # What is shown.

    def open_new(self, author: str) -> None:
        """Begin a new rule, or go on with the draft of one."""
        self._open(Opened(None, "", TEMPLATE.format(author=author), None, own=True, enabled=True))

    def open_text(self, rule: RuleText) -> None:
        """Show a stored rule, or the draft somebody left of it."""
        self._open(Opened(rule.id, rule.title, rule.text, rule.version, own=rule.own, enabled=rule.enabled))

    def _open(self, opened: Opened) -> None:
        self._timer.stop()
        self.opened, self.check = opened, None
        draft = self._page.shell.drafts.get(opened.draft) if self._may_write() else {}
        text = draft.get("text", "")
        if text and opened.version and draft.get("version"):
            opened.version = draft["version"]  # what was changed meanwhile is a conflict when it is saved
        self.test.clear_result()
        self.backtest.clear_result()
        self._put(opened.text)
        opened.text = self.text()  # lines end here as the editor ends them
        if text:
            self._put(text)
        self.code.setReadOnly(not self._may_write())
        self.code.show_marks(())
        self.problems.clear()
        self.on.setChecked(opened.enabled)
        self.kept.setText(tr("Unsaved changes from earlier are here again") if text else "")
        self._show_head()
        self._load_words()
        self.check_now()
        self.code.go_to_line(1)

    def _put(self, text: str) -> None:
        """Show a text that nobody typed."""
        self._seen = text.replace("\r\n", "\n")
        self.code.setPlainText(text)

    def _show_head(self) -> None:
        opened = self.opened
        if opened is None:
            return
        writes = self._may_write()
        self.title.setText(opened.title or tr("New rule"))
        self.save.setText(tr("Save") if opened.own else tr("Save as a copy"))
        for widget in (self.save, self.on):
            widget.setVisible(writes)
        self.discard.setVisible(writes and self.dirty())
        self.kept.setVisible(bool(self.kept.text()) and self.dirty())

    def _may_write(self) -> bool:
        return self._page.shell.can("radar:manage")

    def text(self) -> str:
        """Return the text as it stands."""
        return self.code.toPlainText()

    def dirty(self) -> bool:
        """Say whether the text is not what was read."""
        return self.opened is not None and self._may_write() and self.text() != self.opened.text

    def revert(self) -> None:
        """Go back to what was read; the draft goes."""
        if self.opened is not None:
            self.forget_draft()
            self.code.selectAll()
            self.code.insertPlainText(self.opened.text)
            self.code.go_to_line(1)

    def forget_draft(self) -> None:
        """Drop the draft: it was saved, or is not wanted."""
        if self.opened is not None:
            self._page.shell.drafts.forget(self.opened.draft)

    def show_saved(self, saved: SavedRule, *, enabled: bool) -> None:
        """Go on with what was saved; what was typed since then stays."""
        self.forget_draft()
        same = self.text() == self._sent
        self.opened = Opened(saved.id, saved.title, saved.text, saved.version, own=True, enabled=enabled)
        if same and self.text() != saved.text:
            place = self.code.textCursor().blockNumber()
            self._put(saved.text)
            self.code.go_to_line(place + 1)
        self.kept.setText("")
        self._show_head()
        self.check_now()

    def sending(self) -> str:
        """Return the text to save, and remember that it is this one."""
        self._sent = self.text()
        return self._sent

    def show_pane(self, number: int) -> None:
        """Show the test (0) or the backtest (1)."""
        for n, tab in enumerate(self.tabs):
            tab.setChecked(n == number)
        self.panes.setCurrentIndex(number)

    def _test_sample(self, event_id: UUID, at: Any, title: str) -> None:
        self.show_pane(0)
        self.test.take_event(event_id, at, title)

    # While it is typed.

    def _changed(self) -> None:
        opened, text = self.opened, self.text()
        if opened is None or text == self._seen:  # colours change a document, too
            return
        self._seen = text
        if self.dirty():
            texts = {"text": self.text(), "version": opened.version or ""}
            self._page.shell.drafts.put(opened.draft, texts)
        else:
            self.forget_draft()
        self._show_head()
        self.backtest.text_changed()
        self._timer.start()

    def check_now(self) -> None:
        """Have the text checked; the answer to an older text is dropped."""
        if self._handle is not None:
            self._handle.cancel()
        self._timer.stop()
        self._asked += 1
        asked, text = self._asked, self.text()

        async def work() -> Checked:
            found: Checked = await self._page.api("radar").check_rule(self._page.ctx, text)
            return found

        self._handle = self._page.run(
            work,
            done=lambda found: self._show_check(found) if asked == self._asked else None,
            failed=lambda error: self._check_failed(error) if asked == self._asked else None,
        )

    def _show_check(self, found: Checked) -> None:
        self.check = found
        self.code.show_marks(
            [
                Mark(each.line, each.severity, f"{message(each)}\n{cure(each.code, each.cure)}".strip())
                for each in found.problems
            ]
        )
        self.problems.show_problems(found.problems)
        self.problems.setVisible(bool(found.problems))
        self._make_room(len(found.problems))
        tone = "ok" if found.runs else "warn" if found.waits else "bad"
        self.dot.set_tone(tone)
        if found.runs:
            self.state.setText(tr("It would run"))
        else:
            text = tr("It waits: {reason}") if found.waits else tr("It would not run: {reason}")
            self.state.setText(text.replace("{reason}", found.reason))
        amount = len(found.problems)
        self.counted.setText(trn("{n} problem", "{n} problems", n=amount) if amount else tr("No problems"))
        self.save.setEnabled(found.runs or found.waits)
        if found.runs:
            self.test.text_changed()
        self.checked.emit()

    def _make_room(self, problems: int) -> None:
        """Give the text the whole height when there are no problems, and these some when there are."""
        line = self.state.sizeHint().height() + 20
        now = 16_777_215 if problems else line
        if self.below.maximumHeight() != now:
            self.below.setMaximumHeight(now)
            high = self.parts.height()
            below = min(line + 170, high // 2) if problems else line
            self.parts.setSizes([high - below, below])

    def _check_failed(self, error: Any) -> None:
        self.dot.set_tone("text3")
        self.state.setText(tr("Not checked: {text}", text=error.message))

    def _offers(self, text: str, number: int, place: int) -> tuple[str, list[str]]:
        return ("", []) if self._words is None else offers(text, number, place, self._words, self.tags)

    def _load_words(self) -> None:
        async def load() -> Vocabulary:
            found: Vocabulary = await self._page.api("radar").vocabulary(self._page.ctx)
            return found

        def keep(found: Vocabulary) -> None:
            self._words = found

        self._page.run(load, done=keep, failed=lambda _error: None)
