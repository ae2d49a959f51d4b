"""What can be done with the chosen alerts, each with its key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.ui.pages.radar.page import RadarPage

TRIAGE = "radar:triage"


def desk_actions(page: RadarPage) -> list[Action]:
    """Return the actions on alerts; those that change something can be undone by their message."""
    queue, group = page.queue, tr("Radar")

    def has() -> bool:
        return page.shows_alerts() and bool(queue.chosen())

    def made(
        id: str,
        title: str,
        run: Callable[[], object],
        icon: str,
        key: str,
        permission: str = TRIAGE,
        *,
        undo: bool = True,
        aliases: tuple[str, ...] = (),
    ) -> Action:
        return Action(
            f"radar.{id}", title, run, icon, key, permission, group, undo=undo, enabled=has, aliases=aliases
        )

    return [
        made("acknowledge", tr("Acknowledge"), partial(queue.set_state, "acknowledged"), "check", "A"),
        made("close", tr("Close alert"), queue.close_alerts, "circle-check", "C"),
        made("reopen", tr("Reopen"), partial(queue.set_state, "new"), "rotate-ccw", "Shift+O"),
        made("assign", tr("Assign to"), queue.assign, "user-plus", "S", aliases=("Shift+A",)),
        made("mine", tr("Assign to me"), queue.assign_to_me, "user-check", "M"),
        made("comment", tr("Comment on alert"), queue.write_comment, "square-pen", "N"),
        made(
            "incident",
            tr("Open an incident from the alerts"),
            page.escalation.open_incident,
            "siren",
            "I",
            "incidents:respond",
            undo=False,
        ),
        made(
            "link",
            tr("Add the alerts to an incident"),
            page.escalation.choose_incident,
            "link",
            "Shift+I",
            "incidents:respond",
            undo=False,
        ),
        made("mute", tr("Mute this rule for a while"), page.tuning.mute, "bell-off", "Shift+M"),
        made("tune", tr("Filter out like this"), page.tuning.filter_out, "filter", "Shift+F", "radar:manage"),
        made("open", tr("Open alert"), page.open_current, "panel-right", "O", "radar:read", undo=False),
        made("rule", tr("Open rule"), page.open_rule, "scroll-text", "W", "radar:read", undo=False),
        made("copy", tr("Copy alert id"), page.copy_id, "copy", "Y", "radar:read", undo=False),
    ]
