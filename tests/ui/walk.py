"""Goes through every place of a console: pages, details, layers, forms, bars, the gate's panels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget
from ui.capital_books import TODAY, FakeBooks, FakeReports
from ui.capital_years import FakeBilling, FakeSchedules
from ui.conftest import Desk
from ui.fakes import ALL, an_event
from ui.incident_service import FakeIncidents
from ui.rule_shelf import a_state
from ui.update_desk import FakeUpdates, install, settle

from sent.platform import registry
from sent.platform.auth.client import MembershipChoice
from sent.platform.ids import MembershipId, OrgId, uuid7
from sent.platform.manifest import resolve
from sent.ui.pages.audit import AuditPage
from sent.ui.pages.incidents import IncidentsPage
from sent.ui.pages.radar import RadarPage
from sent.ui.pages.rules import RulesPage
from sent.ui.pages.sources import SourcesPage
from sent.ui.pages.updates import UpdatesPage
from sent.ui.shell.bars import Critical
from sent.ui.shell.commands import FOOT
from sent.ui.shell.conflict import Side
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.settings import SettingsPage

INVITATION = MembershipChoice(
    MembershipId(uuid7()), OrgId(uuid7()), "Harbour", "analyst", client_narrowed=False, invited=True
)

PAGES = ("overview", "radar", "rules", "incidents", "audit", "settings", "about")
"""Those that the fakes of every desk know; `places` goes through all there are."""


def rest(desk: Desk) -> None:
    """Wait for answers and let layouts and deletions happen."""
    desk.settle()
    for _ in range(3):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def everything(desk: Desk) -> None:
    """Let the person see every page, and give those of newer engines their fake apis."""
    from ui.test_database_page import FakeDatabaseApi
    from ui.test_jobs_page import FakeJobs

    desk.backend.permissions = ALL | {
        permission.id for manifest in registry.manifests() for permission in manifest.permissions
    }
    desk.console.bridge.apis |= {"database": FakeDatabaseApi(), "jobs": FakeJobs()}
    failed = {"1.4.5": "was started 3 times without proving itself"}
    settle(desk, Path(mkdtemp(dir=desk.folder)), FakeUpdates(failed=failed))
    desk.radar.stock()
    desk.radar.events = [an_event(n) for n in range(50)]
    desk.console.bridge.apis["incidents"] = FakeIncidents(5)
    books = FakeBooks(lines=40)
    books.open_months(TODAY)
    desk.console.bridge.apis |= {
        "capital": books, "capital.reports": FakeReports(books), "capital.billing": FakeBilling(),
        "capital.schedules": FakeSchedules(),
    }  # fmt: skip


def page_ids() -> list[str]:
    """Return the pages of all engines, and the shell's own."""
    return [page.id for _, page in registry.pages()] + [page.id for page in FOOT]


def gate_places(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    """Yield (name, widget) for each panel of the gate; nobody is signed in."""
    desk.start()
    gate = desk.gate
    for name, show in (
        ("sign in", gate.show_sign_in),
        ("second factor", gate.show_code),
        ("new password", gate.show_new_password),
        ("wizard", gate.show_setup),
        ("invitation", lambda: gate.show_invitation(INVITATION)),
    ):
        show()
        rest(desk)
        yield name, gate.card


def places(desk: Desk, *, brief: bool = False) -> Iterator[tuple[str, QWidget]]:
    """Sign in and yield (name, widget) for each place, front to back; `brief` leaves the tabs out."""
    everything(desk)
    desk.sign_in()
    window = desk.window
    for id in page_ids():
        window.show_page(id)
        assert window.current == id, f"the page {id} does not show"
        rest(desk)
        yield id, window
    if not brief:
        yield from _tabs(desk)
    yield from _details(desk)
    yield from _settings(desk)
    yield from _layers(desk)
    yield from _bars(desk)


def _tabs(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    """Press every tab and segment of the pages' own (not of the settings, which would change things)."""
    for id in page_ids():
        page = desk.window.pages[id]
        tabs = [
            button
            for button in page.findChildren(resolve("PySide6.QtWidgets:QPushButton"))
            if button.property("kind") in ("tab", "segment") and not isinstance(page, SettingsPage)
        ]
        for tab in tabs:
            desk.window.show_page(id)
            tab.click()
            rest(desk)
            yield f"{id}: {tab.text()}", desk.window


def _settings(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    settings = window.pages["settings"]
    assert isinstance(settings, SettingsPage)
    window.show_page("settings")
    for name, show in (
        ("password form", settings.account.change_password),
        ("second factor form", settings.account.begin_factor),
        ("removal form", settings.account.remove_factor),
        ("keyboard card", settings.keyboard._flip),
    ):
        show()
        rest(desk)
        yield name, window
    settings.keyboard._flip()


def _layers(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    sides = [Side("Group repeated alerts for", "15", "30"), Side("Days", "90", "120")]

    def conflict() -> None:
        window.show_conflict("Settings", sides, lambda mine: None)

    def prompt() -> None:
        window.prompt.ask("Rename the view", "Name", lambda text: None, text="Night shift")

    def layer(name: str) -> Callable[[], Overlay]:
        return lambda: getattr(window, name)

    for name, show, get in (
        ("palette", window.open_palette, layer("palette_")),
        ("shortcut sheet", window.sheet.open_sheet, layer("sheet")),
        ("search", window.open_search, layer("search")),
        ("range picker", window.open_range, layer("range_picker")),
        ("prompt", prompt, layer("prompt")),
        ("conflict", conflict, layer("conflict")),
        ("report", window.report_problem, layer("_report")),
        ("themes", window.choose_theme, layer("palette_")),
    ):
        show()
        rest(desk)
        yield name, get()
        get().close_layer()
    yield from _update_layers(desk)


def _update_layers(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    window.show_page("updates")
    rest(desk)
    page = window.pages["updates"]
    assert isinstance(page, UpdatesPage)
    page.go_back()
    rest(desk)
    assert page._back_layer is not None
    yield "the way back", page._back_layer
    page._back_layer.close_layer()
    page.edit_policy()
    rest(desk)
    assert page._policy_layer is not None
    yield "policy of updates", page._policy_layer
    page._policy_layer.close_layer()


def _bars(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    for number in range(2):
        window.critical.raise_matter(Critical(f"m{number}", "LSASS was read", "on bw-recep2", lambda: None))
    window.question.ask(
        "There is unsaved text in this window.", ("Stay", lambda: None), ("Close", lambda: None)
    )
    window.shell.toast("Acknowledged 3 alerts", undo=lambda: None)
    window.shell.toast("The database did not take it, and this text is as long as such texts are", tone="bad")
    window.shell.tasks.start("Export", lambda: None)
    window.task_panel.toggle()
    assert window.shell.common.updates is not None
    install(window.shell.common.updates, "1.5.0")
    rest(desk)
    yield "bars, toasts, task centre", window
    window.task_panel.toggle()
    window.shell.toasts.clear()
    window.critical.clear_all()
    window.question.hide()
    window.show_connection("offline", 0)
    rest(desk)
    yield "without the database", window
    window.show_connection("online", 1)


def _radar_layers(desk: Desk, page: RadarPage) -> Iterator[tuple[str, QWidget]]:
    desk.radar.shelf.sets["sigma"] = [a_state(2, value="y"), a_state(4)]
    sets = page.rule_sets()
    sets.open_sets()
    rest(desk)
    sets.table.go(1)
    yield "rule sets", sets
    sets.look(Path("sigma.zip"), "sigma")
    desk.until(lambda: sets.stack.currentIndex() == 2)
    rest(desk)
    yield "import", sets
    sets.close_layer()
    page.entities.show("host", "fs1")
    rest(desk)
    assert page.entities.layer is not None
    yield "timeline", page.entities.layer
    page.entities.layer.close_layer()


def _source_details(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    window.show_page("sources")
    page = window.pages["sources"]
    assert isinstance(page, SourcesPage)
    for view in ("letters", "placeholders", "sources"):
        page.show_view(view)
        rest(desk)
        page.tables[view].go(0)
        page.open_row(page.tables[view].current_row())
        rest(desk)
        yield f"one of the {view}", window
    for name, show in (("source form", page.sources.edit), ("source form, TLS", page.sources.add)):
        show()
        rest(desk)
        assert page.panel.form is not None
        if show == page.sources.add:
            page.panel.form.show_kind("syslog_tls")
            rest(desk)
        yield name, window
    page.panel.show_token("front", "0.0.0.0:8088", "t" * 43, tls=True, done=page.back)
    rest(desk)
    yield "token", window
    page.back()
    page.tables["sources"].go(0)
    page.sources.map_fields()
    rest(desk)
    layer = page.sources.layer
    assert layer is not None
    for kind in ("map", "prefix", "add", "drop", "split", "extract", "logsource"):
        layer.add(kind)
        rest(desk)
        yield f"mapping: {kind}", layer
    layer._forget()
    page.back()


def _details(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    window.show_page("radar")
    page = window.pages["radar"]
    assert isinstance(page, RadarPage)
    page.show_tab(0)
    page.queue.open_alert(next(iter(desk.radar.rows.values())))
    rest(desk)
    yield "alert", window
    page.tuning.filter_out()
    rest(desk)
    assert page.tuning.layer is not None
    yield "filter layer", page.tuning.layer
    page.tuning.layer.close_layer()
    page.queue.back()
    yield from _radar_layers(desk, page)
    page.queue.show_grouping("host")
    rest(desk)
    yield "alert groups", window
    page.queue.show_grouping("")
    page.show_tab(1)
    desk.until(lambda: page.tail.model.known() > 0)
    rest(desk)
    yield "live tail", window
    page.show_tab(0)
    window.show_page("rules")
    rules = window.pages["rules"]
    assert isinstance(rules, RulesPage)
    rest(desk)
    rules.table.go(0)
    rules.open_detail(rules.table.current_row())
    rest(desk)
    yield "rule", window
    rules.open_rule(rules.table.current_row().id)
    rest(desk)
    rules.editor.code.setPlainText(rules.editor.text().replace("contains", "contain"))
    rules.editor.check_now()
    rules.editor.test.show_source("latest")
    rest(desk)
    yield "rule in the editor", window
    rules.editor.revert()
    rules.editor.check_now()
    rest(desk)
    rules.editor.test.run()
    rest(desk)
    yield "rule tested", window
    rules.editor.show_pane(1)
    rules.editor.backtest.run()
    rest(desk)
    yield "rule tried on the past", window
    rules.editor.forget_draft()
    rules.show_list()
    rules.explain_event(next(iter(desk.radar.rows)), next(iter(desk.radar.rows.values())).at)
    rest(desk)
    yield "an event to explain", window
    rules.forget_subject()
    window.show_page("incidents")
    rest(desk)
    incidents = window.pages["incidents"]
    assert isinstance(incidents, IncidentsPage)
    incidents.table.go(0)
    incidents.open_incident(incidents.table.current_row())
    rest(desk)
    yield "incident", window
    yield from _source_details(desk)
    window.show_page("audit")
    trail = window.pages["audit"]
    assert isinstance(trail, AuditPage)
    rest(desk)
    trail.table.go(0)
    trail.open_entry(trail.table.current_row())
    rest(desk)
    yield "change", window
