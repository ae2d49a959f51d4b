"""What can be done on the page, each with its key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from sent.platform.i18n import tr
from sent.ui.pages.radar.keys import list_keys, nothing
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.ui.pages.rules.page import RulesPage

READ, MANAGE = "radar:read", "radar:manage"

MENU = (
    "rules.open",
    "rules.toggle",
    "rules.delete",
    "rules.alerts",
    "rules.copy",
    "list.copy_as",
    "link.copy",
)
"""A row's context menu."""


def rule_actions(page: RulesPage) -> list[Action]:
    """Return the page's actions; those that change something can be undone by their message."""
    group, move = tr("Rules"), tr("In a list")
    editor = page.editor

    def has() -> bool:
        return page.lists_rules() and bool(page.chosen())

    listed = partial(Action, group=group, enabled=has)
    writing = partial(Action, group=group, enabled=page.writes)
    return [
        Action("rules.new", tr("New rule"), page.new_rule, "plus", "N", MANAGE, group,
               enabled=page.lists_rules),
        listed("rules.open", tr("Open rule in the editor"), page.open_current, "square-pen", "O", READ),
        listed("rules.toggle", tr("Switch on or off"), page.changes.toggle, "circle-check", "E", MANAGE,
               undo=True),
        listed("rules.delete", tr("Delete rule"), page.changes.remove, "delete", "Del", MANAGE, undo=True),
        listed("rules.alerts", tr("Show the rule's alerts"), partial(show_alerts, page), "siren", "A", READ),
        listed("rules.copy", tr("Copy rule id"), partial(copy_ids, page), "copy", "Y", READ),
        Action("rules.filter", tr("Filter"), page.filter.edit.setFocus, "list-filter", "Ctrl+F", READ, group,
               enabled=page.lists_rules, aliases=("/",)),
        Action("rules.columns", tr("Choose columns"), page.table.layout_.choose, "table", "Shift+C", READ,
               group, enabled=page.lists_rules),
        Action("rules.export", tr("Export this list"), page.export, "download", "Ctrl+E", READ, group,
               enabled=page.lists_rules),
        writing("rules.save", tr("Save the rule"), page.changes.save, "check", "Ctrl+S", MANAGE,
                undo=True),
        writing("rules.test", tr("Test the rule"), partial(run_test, page), "list-checks", "Ctrl+Return",
                READ, aliases=("Ctrl+Enter",)),
        writing("rules.backtest", tr("Run the backtest"), partial(run_backtest, page), "clock",
                "Ctrl+Shift+Return", READ, aliases=("Ctrl+Shift+Enter",)),
        writing("rules.text", tr("Go to the text"), editor.code.setFocus, "text", "Ctrl+1", READ),
        writing("rules.problems", tr("Go to the problems"), editor.problems.setFocus, "list", "Ctrl+2", READ),
        writing("rules.pane.test", tr("Go to the test"), partial(to_pane, page, 0), "list-checks", "Ctrl+3",
                READ),
        writing("rules.pane.backtest", tr("Go to the backtest"), partial(to_pane, page, 1), "clock", "Ctrl+4",
                READ),
        *[
            Action(f"list.{key}", text, nothing, shortcut=key, group=move, hidden=True)
            for key, text in list_keys()
            if key != "Space"
        ],
        Action("list.Space", tr("Switch on or off"), nothing, shortcut="Space", group=move, hidden=True),
        Action("code.complete", tr("Complete the word"), nothing, shortcut="Ctrl+Space", group=group,
               hidden=True),
        Action("code.comment", tr("Make a comment, or text again"), nothing, shortcut="Ctrl+/", group=group,
               hidden=True),
    ]  # fmt: skip


def run_test(page: RulesPage) -> None:
    """Test the rule on the events chosen."""
    page.editor.show_pane(0)
    page.editor.test.run()


def run_backtest(page: RulesPage) -> None:
    """Run the rule over the stored events."""
    page.editor.show_pane(1)
    page.editor.backtest.run()


def to_pane(page: RulesPage, number: int) -> None:
    """Go to the test (0) or the backtest (1) with the keyboard."""
    editor = page.editor
    editor.show_pane(number)
    (editor.test.go if number == 0 else editor.backtest.go).setFocus()


def show_alerts(page: RulesPage) -> None:
    """Show the alerts of the current rule on the Radar page."""
    for rule in page.chosen()[:1]:
        page.shell.open("radar", f'filter:rule:"{rule.rule_id}"')


def copy_ids(page: RulesPage) -> None:
    """Copy the ids of the chosen rules."""
    QGuiApplication.clipboard().setText("\n".join(rule.rule_id for rule in page.chosen()))
    page.shell.toast(tr("Copied"), tone="info")
