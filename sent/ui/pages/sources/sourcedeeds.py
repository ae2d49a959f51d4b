"""What is done with sources: add, change, switch, map, a new token, remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.errors import Conflict, Invalid
from sent.platform.i18n import tr, trn
from sent.ui.pages.sources.editor import MappingLayer
from sent.ui.shell.conflict import Side
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.radar.api import SourceHealth
    from sent.platform.errors import SentError
    from sent.ui.pages.sources.page import SourcesPage

MANAGE = "radar:manage"


class SourceDeeds:
    """Works on the sources that are chosen on `page`."""

    def __init__(self, page: SourcesPage) -> None:
        self._page = page
        self.layer: MappingLayer | None = None

    def passing(self, rows: Sequence[SourceHealth]) -> list[SourceHealth]:
        """Return the sources that pass the page's filter."""
        terms = self._page.filters["sources"].terms()
        found = list(rows)
        for field in {term.field for term in terms}:
            wanted = [term for term in terms if term.field == field]
            only = [term.value.strip("*").lower() for term in wanted if not term.out]
            out = [term.value.strip("*").lower() for term in wanted if term.out]
            if field in ("state", "kind", "client", "name"):
                found = [one for one in found if (not only or any(v in _text(one, field) for v in only))]
                found = [one for one in found if not any(value in _text(one, field) for value in out)]
            else:
                found = [one for one in found if all(value in _text(one, "") for value in only)]
                found = [one for one in found if not any(value in _text(one, "") for value in out)]
        return found

    def show(self, one: SourceHealth) -> None:
        """Show how a source fares."""
        may = self._page.shell.can(MANAGE)
        self._page.panel.show_source(one, [*self._ways(), *(self._buttons(one) if may else ())])

    def _ways(self) -> list[tuple[str, str, str, Callable[[], object]]]:
        """Return the ways on from a source, which everybody has who may see it."""
        return [
            (tr("Alerts"), "siren", "", self.show_alerts),
            (tr("Events"), "search", "", self.show_events),
        ]

    def show_alerts(self) -> None:
        """Show the alerts of the current source on the Radar page."""
        if (one := self.current()) is not None:
            self._page.shell.open("radar", f"source/{one.id}")

    def show_events(self) -> None:
        """Search the events of the current source on the Radar page."""
        if (one := self.current()) is not None:
            from sent.engines.radar.searching.query import term

            self._page.shell.open("radar", f"search:{term('source', one.source.name)}")

    def current(self) -> SourceHealth | None:
        """Return the source that stands out, or None."""
        found: SourceHealth | None = self._page.tables["sources"].current_row()
        return found if self._page.view == "sources" else None

    def _buttons(self, one: SourceHealth) -> list[tuple[str, str, str, Callable[[], object]]]:
        switch = tr("Switch off") if one.source.enabled else tr("Switch on")
        made: list[tuple[str, str, str, Callable[[], object]]] = [
            (tr("Edit"), "square-pen", "", self.edit),
            (tr("Field mapping"), "replace", "", self.map_fields),
            (switch, "pause", "", self.switch),
        ]
        if one.source.kind == "http":
            made.append((tr("New token"), "key-round", "", self.rotate))
        if one.fares.letters:
            letters = trn("{n} dead letter", "{n} dead letters", n=one.fares.letters)
            made.append((letters, "inbox", "", partial(self._show_letters, one.source.name)))
        return [*made, (tr("Remove"), "x", "danger", self.remove)]

    def _show_letters(self, name: str) -> None:
        self._page.show_view("letters")
        self._page.filters["letters"].clear()
        self._page.filters["letters"].add("source", name)

    def _one(self) -> SourceHealth | None:
        page = self._page
        chosen = page.chosen() if page.view == "sources" and page.shell.can(MANAGE) else []
        return chosen[0] if len(chosen) == 1 else None

    def add(self) -> None:
        """Begin a source."""
        if not self._page.shell.can(MANAGE):
            return
        if self._page.view != "sources":
            self._page.show_view("sources")
        self._open_form(None)

    def edit(self) -> None:
        """Change the chosen source."""
        one = self._one()
        if one is not None:
            self._open_form(one)

    def _open_form(self, one: SourceHealth | None) -> None:
        async def clients() -> list[tuple[UUID, str]]:
            return list(await self._page.api("radar").source_clients(self._page.ctx))

        def show(found: list[tuple[UUID, str]]) -> None:
            self._page.split.open()
            form = self._page.panel.edit_source(one, found, partial(self._send, one))
            (form.kinds if one is None else form.fields["name"].edit).setFocus()

        self._page.run(clients, done=show)

    def _send(self, one: SourceHealth | None, values: dict[str, Any]) -> None:
        if one is None:
            self._create(values)
        else:
            self._change(one, one.source.version, values)

    def _create(self, values: dict[str, Any]) -> None:
        page = self._page
        values = dict(values)
        days = values.pop("keep_days")

        async def create() -> tuple[Any, str | None]:
            api = page.api("radar")
            token = api.new_token() if values["kind"] == "http" else None
            name, kind, address = values.pop("name"), values.pop("kind"), values.pop("address")
            made = await api.add_source(page.ctx, name, kind, address, token=token, **values)
            if days is not None:
                await api.keep_source(page.ctx, made.id, days)
            return made, token

        def done(found: tuple[Any, str | None]) -> None:
            made, token = found
            page.shell.toast(tr("Added {name}; workers open it within seconds", name=made.name))
            page.back()
            if token is not None:
                self._show_token(made.name, made.address, token, tls=made.tls is not None)
            page.refresh()

        page.run(create, done=done, failed=self._form_failed)

    def _change(self, one: SourceHealth, version: int, values: dict[str, Any]) -> None:
        page = self._page
        given = {name: value for name, value in values.items() if name != "kind"}

        async def change() -> None:
            await page.api("radar").edit_source(page.ctx, one.id, version, **given)

        def done(_: None) -> None:
            page.shell.toast(tr("Saved; workers take it up within seconds"))
            page.back()
            page.refresh()

        def failed(error: SentError) -> None:
            if isinstance(error, Conflict) and error.code == "radar.source.changed":
                self._choose_sides(one, values)
            else:
                self._form_failed(error)

        page.run(change, done=done, failed=failed)

    def _form_failed(self, error: SentError) -> None:
        form = self._page.panel.form
        if form is not None and isinstance(error, Invalid | Conflict):
            form.fail(error.code, error.message)
        else:
            self._page.shell.report(error)

    def _choose_sides(self, one: SourceHealth, mine: dict[str, Any]) -> None:
        """Somebody else was faster: what is his, what is mine, and which wins."""
        page = self._page

        async def look() -> SourceHealth | None:
            board = await page.api("radar").source_board(page.ctx)
            return next((found for found in board if found.id == one.id), None)

        def show(now: SourceHealth | None) -> None:
            if now is None:
                page.shell.toast(tr("The source was removed meanwhile"), tone="warn")
                page.back()
                return
            theirs = settings_of(now)
            titles = setting_titles()
            sides = [Side(titles[key], _said(theirs[key]), _said(mine[key])) for key in titles]

            def take(chosen: list[bool]) -> None:
                merged = {
                    key: mine[key] if won else theirs[key] for key, won in zip(titles, chosen, strict=True)
                }
                self._change(now, now.source.version, merged)

            page.shell.conflict_wanted.emit(one.source.name, sides, take)

        page.run(look, done=show)

    def switch(self) -> None:
        """Switch the chosen sources on or off, all as the first."""
        page = self._page
        chosen = page.chosen() if page.view == "sources" and page.shell.can(MANAGE) else []
        if chosen:
            self._switch([one.id for one in chosen], not chosen[0].source.enabled)

    def _switch(self, ids: Sequence[UUID], on: bool, *, undone: bool = False) -> None:
        async def switch() -> None:
            for id in ids:
                await self._page.api("radar").enable_source(self._page.ctx, id, on)

        words = (
            trn("Switched {n} source on", "Switched {n} sources on", n=len(ids))
            if on
            else trn("Switched {n} source off", "Switched {n} sources off", n=len(ids))
        )
        undo = None if undone else lambda: self._switch(ids, not on, undone=True)
        self._do(switch, tr("Undone") if undone else words, undo)

    def remove(self) -> None:
        """Remove the chosen source, once that is confirmed."""
        one = self._one()
        if one is None:
            return
        name = one.source.name

        async def remove() -> None:
            await self._page.api("radar").remove_source(self._page.ctx, one.id)

        gone = partial(self._do, remove, tr("Removed {name}; its events stay", name=name), None)
        entries = [Entry("keep", tr("Keep it"), icon="undo-2")]
        if one.source.enabled:
            off = partial(self._switch, [one.id], False)
            entries.append(Entry("off", tr("Only switch it off"), icon="pause", run=off))
        entries.append(Entry("remove", tr("Remove it; its events and alerts stay"), icon="x", run=gone))
        self._page.shell.choose(tr("Remove {name}?", name=name), entries)

    def rotate(self) -> None:
        """Give the chosen HTTP source a new token, once that is confirmed."""
        one = self._one()
        if one is None or one.source.kind != "http":
            return

        async def rotate() -> str:
            return str(await self._page.api("radar").rotate_token(self._page.ctx, one.id, one.source.version))

        def done(token: str) -> None:
            source = one.source
            self._show_token(source.name, source.address, token, tls=source.tls is not None)
            self._page.refresh()

        run = partial(self._page.run, rotate, done=done)
        self._page.shell.choose(
            tr("A new token for {name}? The one in use ends at once.", name=one.source.name),
            [
                Entry("keep", tr("Keep the old one"), icon="undo-2"),
                Entry("rotate", tr("Make a new token"), icon="key-round", run=run),
            ],
        )

    def _show_token(self, name: str, address: str, token: str, *, tls: bool) -> None:
        self._page.split.open()
        self._page.panel.show_token(name, address, token, tls=tls, done=self._page.back)

    def map_fields(self) -> None:
        """Open the editor of the chosen source's mapping."""
        one = self._one()
        if one is None:
            return
        if self.layer is None:
            self.layer = MappingLayer(self._page)
            self._page.shell.layers.append(self.layer)
        self.layer.open_source(one)

    def _do(self, act: Callable[[], Awaitable[None]], said: str, undo: Callable[[], object] | None) -> None:
        def done(_: None) -> None:
            self._page.shell.toast(said, undo=undo)
            self._page.back()
            self._page.refresh()

        self._page.run(act, done=done)


def settings_of(one: SourceHealth) -> dict[str, Any]:
    """Return what is set about a source, as its form gives it."""
    source = one.source
    return {
        "name": source.name,
        "address": source.address,
        "product": source.product,
        "category": source.category,
        "service": source.service,
        "client_id": source.client_id,
        "zone": one.fares.zone,
        "tls": source.tls,
        "keep_days": one.fares.keep_days,
    }


def setting_titles() -> dict[str, str]:
    """Return the words for what is set about a source."""
    return {
        "name": tr("Name"),
        "address": tr("Where"),
        "product": tr("Product"),
        "category": tr("Category"),
        "service": tr("Service"),
        "client_id": tr("Client"),
        "zone": tr("Time zone"),
        "tls": "TLS",
        "keep_days": tr("Days kept"),
    }


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return "" if value is None else str(value)


def _text(one: SourceHealth, field: str) -> str:
    source = one.source
    texts = {"state": one.state, "kind": source.kind, "client": source.client_name or "", "name": source.name}
    whole = f"{source.name} {source.address} {source.product} {source.category} {source.service}"
    return texts.get(field, whole).lower()
