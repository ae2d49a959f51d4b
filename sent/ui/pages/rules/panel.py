"""One rule beside the list: what it says of itself, how often it fired, its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from sent.platform.i18n import tr, trn
from sent.ui.kit.cells import level_name
from sent.ui.kit.chips import Chip, Chips
from sent.ui.kit.code import CodeEdit
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.text import absolute, count
from sent.ui.kit.widgets import Dot, button, clear, label, row
from sent.ui.pages.radar.detail import tag_text
from sent.ui.pages.rules.lists import kind_name, state_name

if TYPE_CHECKING:
    from sent.engines.radar.api import ListedRule, RuleText

TONES = {"enabled": "ok", "off": "text3", "broken": "bad"}
LINKS = 12


class RulePanel(DetailPanel):
    """The detail panel; `edit`, `toggle` and `remove` work on the rule shown."""

    def __init__(
        self,
        edit: Callable[[], object],
        toggle: Callable[[], object],
        remove: Callable[[], object],
        alerts: Callable[[], object],
    ) -> None:
        self.edit = button(tr("Open"), edit, kind="primary", icon_name="square-pen", name=tr("Open rule"))
        self.toggle = button(tr("Switch off"), toggle)
        self.alerts = button(tr("Alerts"), alerts, name=tr("Show the rule's alerts"))
        self.alerts.setToolTip(tr("Show the rule's alerts") + " (A)")
        self.remove = button(tr("Delete"), remove, kind="quiet", name=tr("Delete rule"))
        self.edit.setToolTip(tr("Edit, test and try it on the past (O)"))
        self.toggle.setToolTip(tr("Switch on or off (Space)"))
        super().__init__(
            tr("Rule"), below_head=row(self.edit, self.alerts, self.toggle, self.remove, None, gap=8)
        )
        self.rule: ListedRule | None = None
        self.text: RuleText | None = None

    def show_rule(self, rule: ListedRule, *, may_manage: bool) -> None:
        """Show what the list knows at once."""
        changed = self.rule is None or self.rule.id != rule.id
        self.rule = rule
        clear(self.head)
        state = row(
            Chip(level_name(rule.level), rule.level),
            6,
            Dot(TONES[rule.state]),
            label(state_name(rule.state), tone="2"),
            None,
            *self.tools(rule.rule_id, tr("Copy rule id")),
            gap=6,
        )
        self.head.addLayout(state)
        title = label(rule.title, type="l", wrap=True)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(title)
        by = tr("By {author}", author=rule.author or tr("unknown"))
        self.head.addWidget(
            label(f"{kind_name(rule.kind)}  ·  {rule.rule_set}  ·  {by}", tone="3", wrap=True)
        )
        self.toggle.setText(tr("Switch off") if rule.enabled else tr("Switch on"))
        self.toggle.setVisible(may_manage)
        self.remove.setVisible(may_manage and rule.own)
        if changed:
            self.text = None
            clear(self.body)
            self.body.addWidget(label(tr("Loading"), tone="3"))
            self.scroll_up()

    def show_text(self, text: RuleText) -> None:
        """Show everything."""
        rule = self.rule
        if rule is None or text.id != rule.id:
            return
        self.text = text
        clear(self.body)
        if rule.reason:
            self.section(tr("Why it cannot run"))
            self.body.addWidget(label(rule.reason, tone="bad", wrap=True))
        if text.description:
            self.section(tr("Description"))
            self.body.addWidget(label(text.description, tone="2", wrap=True))
        self._figures(rule)
        if rule.tags:
            titles = [tag_text(tag) for tag in rule.tags]
            self.section(tr("ATT&CK"))
            self.body.addWidget(Chips(titles, name=tr("ATT&CK: {tags}", tags=", ".join(titles))))
        if text.falsepositives:
            self.section(tr("Known harmless causes"))
            for cause in text.falsepositives:
                self.body.addWidget(label(cause, tone="2", wrap=True))
        self._links(text)
        self.section(tr("Rule text"))
        code = CodeEdit(tr("Rule text"), read_only=True)
        code.setPlainText(text.text)
        lines = text.text.count("\n") + 2
        code.setFixedHeight(min(520, round(code.fontMetrics().lineSpacing() * 1.15 * lines) + 24))
        self.body.addWidget(code)

    def _figures(self, rule: ListedRule) -> None:
        self.section(tr("Fired"))
        week = trn("{n} event in 7 days", "{n} events in 7 days", n=rule.hits_7)
        self.body.addWidget(
            label(f"{week}, {tr('{n} in 30 days', n=count(rule.hits_30))}", tone="2", wrap=True)
        )
        source = " · ".join(part for part in rule.logsource.split("/") if part not in ("", "*"))
        if source:
            self.pair(tr("Log source"), source, field="product" if rule.product else "")
        self.body.addWidget(
            label(tr("Changed {time}", time=absolute(rule.changed_at)), tone="3", type="s", wrap=True)
        )

    def _links(self, text: RuleText) -> None:
        if text.derived_from:
            self.section(tr("Derived from"))
            for rule_id in text.derived_from[:LINKS]:
                self.pair(tr("Rule"), rule_id, field="id")
        if text.references:
            self.section(tr("References"))
            for link in text.references[:LINKS]:
                shown = label(link, tone="2", type="s", wrap=True)
                shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self.body.addWidget(shown)
