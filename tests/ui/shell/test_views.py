"""K7 13 and 11: saved views at the filter bar; two people changing one."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from ui.conftest import Desk
from ui.shelf import SHELVES, ViewShelf

from sent.platform.links import parse
from sent.platform.views.model import Definition, View
from sent.ui.pages.radar import RadarPage
from sent.ui.shell.views import SavedViews
from sent.ui.theme import theme


def shelf() -> ViewShelf:
    return SHELVES[0]


def radar(desk: Desk) -> tuple[RadarPage, SavedViews]:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.settle()
    return page, desk.window.views["radar"][0]


def saved(desk: Desk, name: str, page: RadarPage, views: SavedViews) -> View:
    views.save()
    field = desk.window.prompt.field
    assert field is not None
    field.edit.setText(name)
    QTest.keyClick(field.edit, Qt.Key.Key_Return)
    desk.until(lambda: views.current is not None and views.current.name == name)
    views.load()
    desk.settle()
    assert views.current is not None
    return views.current


def entry(views: SavedViews, text: str) -> bool:
    found = next(a for a in views.menu().actions() if a.text() == text)
    return found.isEnabled()


def undo(desk: Desk) -> None:
    desk.window.shell.toasts.undo_last()
    desk.settle()


def test_k7_13_a_view_keeps_filter_columns_and_density_and_brings_them_back(desk: Desk) -> None:
    page, views = radar(desk)
    page.queue.filter.set_text("level:high host:fs1")
    page.queue.table.layout_._show_column(1, False)
    theme.set_density("compact")
    view = saved(desk, "Urgent", page, views)
    assert view.definition.query == "level:high host:fs1"
    page.queue.filter.clear()
    page.queue.table.layout_._show_column(1, True)
    theme.set_density("regular")
    views.show(view)
    assert page.queue.filter.text() == "level:high host:fs1"
    assert page.queue.table.isColumnHidden(1)
    assert theme.state().density == "compact"
    desk.settle()


def test_k7_13_views_are_listed_renamed_shared_deleted_and_all_of_it_undone(desk: Desk) -> None:
    page, views = radar(desk)
    view = saved(desk, "Urgent", page, views)
    assert "Urgent" in [a.text() for a in views.menu().actions()]
    views.rename()
    field = desk.window.prompt.field
    assert field is not None and field.text() == "Urgent"
    field.edit.setText("Hot")
    QTest.keyClick(field.edit, Qt.Key.Key_Return)
    desk.until(lambda: shelf().rows[view.id].name == "Hot")
    desk.settle()
    undo(desk)
    assert shelf().rows[view.id].name == "Urgent"
    views.share()
    desk.until(lambda: shelf().rows[view.id].shared)
    desk.settle()
    undo(desk)
    assert not shelf().rows[view.id].shared
    views.remove()
    desk.until(lambda: view.id not in shelf().rows)
    desk.settle()
    undo(desk)
    assert shelf().rows[view.id].name == "Urgent"


def test_k7_13_sharing_is_offered_only_to_whom_it_is_allowed(desk: Desk) -> None:
    page, views = radar(desk)
    saved(desk, "Urgent", page, views)
    assert entry(views, "Share with everybody")
    person = desk.window.shell.person
    assert person is not None
    desk.window.shell.person = replace(person, permissions=person.permissions - {"views:share"})
    assert not entry(views, "Share with everybody")


def test_k7_13_a_view_has_a_link_and_one_is_the_default(desk: Desk) -> None:
    page, views = radar(desk)
    page.queue.filter.set_text("level:low")
    view = saved(desk, "Low", page, views)
    views.copy_link()
    text = QApplication.clipboard().text()
    assert text == f"sent://org/northwind/radar?view={view.id}"
    page.queue.filter.clear()
    desk.console.follower.follow(parse(text))
    desk.until(lambda: page.queue.filter.text() == "level:low")
    views.make_default()
    desk.window.windows.forget_pages()
    desk.window.show_page("radar")
    again = desk.window.pages["radar"]
    assert isinstance(again, RadarPage)
    desk.until(lambda: again.queue.filter.text() == "level:low")
    desk.settle()


def test_k7_13_own_views_are_put_in_order(desk: Desk) -> None:
    page, views = radar(desk)
    for name in ("A", "B", "C"):
        saved(desk, name, page, views)
    views.order()
    assert desk.window.palette_.visible_titles() == ["B first", "C first"]
    desk.window.palette_._choose(1)
    desk.settle()
    views.load()
    desk.settle()
    assert [v.name for v in views.views] == ["C", "A", "B"]


def test_k7_11_a_conflict_shows_both_values_and_each_can_win(desk: Desk) -> None:
    page, views = radar(desk)
    page.queue.filter.set_text("level:high")
    view = saved(desk, "Urgent", page, views)
    theirs = replace(view, name="Their name", definition=Definition(query="level:low"), version=9)
    shelf().rows[view.id] = theirs
    page.queue.filter.set_text("level:critical")
    views.update()
    layer = desk.window.conflict
    desk.until(lambda: not layer.isHidden())
    assert shelf().rows[view.id] == theirs, "nothing is written until the user decided"
    buttons = {b.accessibleName(): b for b in layer.findChildren(QAbstractButton)}
    buttons["Name: Theirs"].click()
    buttons["Apply my choice"].click()
    desk.until(lambda: shelf().rows[view.id].version == 10)
    assert shelf().rows[view.id].name == "Their name"
    assert shelf().rows[view.id].definition.query == "level:critical"
    desk.settle()


def test_k7_11_keeping_theirs_writes_nothing(desk: Desk) -> None:
    page, views = radar(desk)
    view = saved(desk, "Urgent", page, views)
    theirs = replace(view, name="Their name", version=9)
    shelf().rows[view.id] = theirs
    page.queue.filter.set_text("level:critical")
    views.update()
    desk.until(lambda: not desk.window.conflict.isHidden())
    keep = next(b for b in desk.window.conflict.findChildren(QAbstractButton) if b.text() == "Keep theirs")
    keep.click()
    desk.settle()
    assert shelf().rows[view.id] == theirs
