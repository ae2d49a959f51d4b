"""What the window itself can do: the palette, the theme, the pages, the session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sent.platform.i18n import tr
from sent.platform.manifest import Page
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.ui.shell.window import MainWindow

FOOT = (
    Page("settings", "Settings", "settings", "sent.ui.shell.settings:SettingsPage", jump="s"),
    Page("about", "About SENT", "info", "sent.ui.shell.about:AboutPage"),
)
"""The shell's own pages, at the foot of the rail."""


def commands(window: MainWindow) -> list[Action]:
    """Return the actions that are always there."""
    go, view, session, windows = tr("Go to"), tr("View"), tr("Session"), tr("Windows")
    made = [
        Action(
            "palette.open",
            tr("Search or run a command"),
            window.open_palette,
            "search",
            "Ctrl+K",
            group=tr("General"),
        ),
        Action(
            "search.open",
            tr("Search everything"),
            window.open_search,
            "search",
            "Ctrl+Shift+F",
            group=tr("General"),
        ),
        Action(
            "shortcuts.show",
            tr("Keyboard shortcuts"),
            window.sheet.open_sheet,
            "keyboard",
            "?",
            group=tr("General"),
        ),
        Action("back", tr("Back out one level"), window.back, "corner-up-left", "Esc", group=tr("General")),
        Action(
            "undo",
            tr("Undo what the last message offers"),
            partial(_undo, window),
            "undo-2",
            "Ctrl+Z",
            group=tr("General"),
            aliases=("U",),
            enabled=lambda: any(t.undo for t in window.shell.toasts.toasts) or _page_undoes(window),
        ),
        Action(
            "range.open",
            tr("Choose the time range"),
            window.open_range,
            "clock",
            "T",
            group=view,
            enabled=window.follows_range,
        ),
        Action(
            "range.out",
            tr("Zoom out"),
            window.shell.ranges.zoom_out,
            "zoom-out",
            "Shift+T",
            group=view,
            enabled=lambda: window.follows_range() and window.shell.ranges.zoomed,
        ),
        Action("page.refresh", tr("Load again"), window.refresh, "refresh-cw", "F5", group=tr("General")),
        Action(
            "tasks.toggle",
            tr("Task centre"),
            window.task_panel.toggle,
            "list-checks",
            "Ctrl+Shift+T",
            group=tr("General"),
        ),
        Action(
            "theme.toggle",
            tr("Switch between dark and light"),
            window.toggle_theme,
            "sun-moon",
            "Ctrl+Shift+L",
            group=view,
        ),
        Action("theme.choose", tr("Choose theme"), window.choose_theme, "palette", group=view),
        Action(
            "density.cycle",
            tr("Next row density"),
            window.cycle_density,
            "rows-3",
            "Ctrl+Shift+D",
            group=view,
        ),
        Action(
            "text.larger",
            tr("Larger text"),
            partial(window.change_scale, 1),
            "zoom-in",
            "Ctrl++",
            group=view,
            aliases=("Ctrl+=",),
        ),
        Action(
            "text.smaller",
            tr("Smaller text"),
            partial(window.change_scale, -1),
            "zoom-out",
            "Ctrl+-",
            group=view,
        ),
        Action("text.normal", tr("Normal text size"), window.change_scale, "type", "Ctrl+0", group=view),
        Action("rail.focus", tr("Move to the page list"), window.focus_rail, "panel-left", "F6", group=view),
        Action(
            "window.new",
            tr("Open in new window"),
            window.open_here_apart,
            "app-window",
            "Ctrl+Shift+N",
            group=windows,
        ),
        Action(
            "window.back",
            tr("Bring back into the main window"),
            window.bring_back,
            "corner-up-left",
            "Ctrl+Shift+B",
            group=windows,
            enabled=lambda: window.apart,
        ),
        Action(
            "window.choose",
            tr("Go to another window"),
            window.choose_window,
            "app-window",
            "Ctrl+Shift+W",
            group=windows,
            enabled=lambda: len(window.windows.all) > 1,
        ),
        Action("history.back", tr("Go back"), window.go_back, "arrow-left", "Alt+Left", group=go),
        Action("history.forward", tr("Go forward"), window.go_forward, "arrow-right", "Alt+Right", group=go),
        Action(
            "list.copy_as",
            tr("Copy rows as"),
            window.choose_copy,
            "copy",
            "Ctrl+Alt+C",
            group=tr("General"),
            enabled=window.has_list,
        ),
        Action(
            "list.copy_time",
            tr("Copy time (ISO 8601)"),
            window.copy_time,
            "clock",
            "Shift+Y",
            group=tr("General"),
            enabled=window.has_list,
        ),
        Action(
            "problem.report",
            tr("Report a problem"),
            window.report_problem,
            "bug",
            group=tr("General"),
        ),
        Action(
            "link.copy",
            tr("Copy link"),
            window.copy_link,
            "link",
            "Ctrl+Shift+C",
            group=tr("General"),
            enabled=lambda: window.shell.person is not None,
        ),
        Action(
            "session.logout",
            tr("Log out"),
            window.shell.sign_out_wanted.emit,
            "log-out",
            "Ctrl+Shift+Q",
            group=session,
        ),
    ]
    for id, (_, page) in window.specs.items():
        keys = f"G, {page.jump.upper()}" if page.jump else ""
        made.append(
            Action(
                f"page.{id}",
                tr(page.title),
                partial(window.show_page, id),
                page.icon,
                keys,
                page.permission,
                go,
            )
        )
    for page in FOOT:
        keys = f"G, {page.jump.upper()}" if page.jump else ""
        made.append(
            Action(
                f"page.{page.id}",
                tr(page.title),
                partial(window.show_page, page.id),
                page.icon,
                keys,
                None,
                go,
            )
        )
    return made


def _undo(window: MainWindow) -> None:
    """Undo what the last message offers, else what the page in front did last."""
    if not window.shell.toasts.undo_last() and _page_undoes(window):
        window.pages[window.current].take_back()


def _page_undoes(window: MainWindow) -> bool:
    page = window.pages.get(window.current)
    return page is not None and page.may_take_back()
