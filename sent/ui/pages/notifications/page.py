"""Inbox and preferences for everybody; channels and the delivery log for who manages notifications."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer

from sent.platform.i18n import tr, trn
from sent.platform.links import parse_inside
from sent.ui.kit.choice import Segments
from sent.ui.kit.filterbar import Field, FilterBar
from sent.ui.kit.liststack import ListStack
from sent.ui.kit.pace import Pace
from sent.ui.kit.page import ListView, Page
from sent.ui.kit.split import SplitDetail
from sent.ui.kit.table import Source
from sent.ui.kit.widgets import button, card, column, restyle, row
from sent.ui.pages.notifications import lists
from sent.ui.pages.notifications.channel import SidePanel, draft_values
from sent.ui.pages.notifications.preferences import PreferencesView
from sent.ui.shell.actions import Action
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.notifications.api import ChannelRow
    from sent.platform.telemetry.log import Secret

EVERY_MS = 5000
MANAGE = "notifications:manage"
STATES = ("pending", "failed", "sent", "dead", "lapsed")
WAYS = ("desktop", "mail", "webhook")


class NotificationsPage(Page):
    """See the module."""

    topics = ("notify.",)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.view = "inbox"
        filters = {
            "inbox": FilterBar(
                [Field("read", tr("Read"), ("no",))],
                hint=tr("Filter notices: words"),
                name=tr("Filter notices"),
            ),
            "log": FilterBar(
                [Field("state", tr("State"), STATES), Field("over", tr("Over"), WAYS)],
                hint=tr("Filter deliveries: state:dead words of the topic, person or reason"),
                name=tr("Filter deliveries"),
            ),
        }
        self.stack = ListStack(self, "notifications", filters)
        self.filters, self.tables = self.stack.filters, self.stack.tables
        self.preferences = PreferencesView(self)
        self._add_lists()
        self.panel = SidePanel()
        self.segments = Segments(tr("What to show"), lists.views(), self.view, self.show_view)
        self._make_buttons()
        self._arrange()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._pace = Pace(self, self.refresh, soon_ms=100, apart_ms=1000)
        self._visited = False

    def _add_lists(self) -> None:
        for view, columns in lists.columns().items():
            action = (tr("Add mail server"), self.add_mail) if view == "channels" else None
            title = dict(lists.views())[view]
            self.stack.add_list(view, title, columns, empty=lists.empty(view), action=action)
        self.stack.add_part("preferences", self.preferences)
        self.stack.loaded.connect(self._offer)
        self.stack.previewed.connect(self._previewed)
        self.stack.opened.connect(self.open_row)
        self.stack.left.connect(self.back)
        self.stack.filtered.connect(lambda _view: self.load())

    def _make_buttons(self) -> None:
        self.read = button(tr("Mark read"), self.mark_read, kind="quiet", icon_name="check")
        self.all = button(tr("Mark all read"), self.mark_all, kind="quiet")
        self.mail = button(tr("Add mail server"), self.add_mail, kind="quiet", icon_name="plus")
        self.hook = button(tr("Add webhook"), self.add_webhook, kind="quiet", icon_name="plus")
        self.test = button(tr("Test now"), self.test_channel, kind="quiet", icon_name="radio")
        self.gone = button(tr("Remove"), self.remove_channel, kind="quiet", icon_name="x")
        self.again = button(tr("Retry"), self.retry, kind="quiet", icon_name="rotate-ccw")

    def _arrange(self) -> None:
        self.frame = card()
        self.frame.setLayout(column(self.stack, margins=(1, 4, 1, 4)))
        self.split = SplitDetail(self.frame, self.panel, prefs=self.shell.prefs, key="notifications")
        made = (self.read, self.all, self.test, self.gone, self.mail, self.hook, self.again)
        tools = row(None, *made, gap=8)
        body = column(
            row(self.segments, None), self.stack.bars, tools, self.split, gap=10, margins=(20, 16, 20, 14)
        )
        body.setStretch(3, 1)
        self.setLayout(body)
        self.panel.closed.connect(self.back)
        self._show_bars()

    def actions_(self) -> list[Action]:
        group = tr("Notifications")
        found = [
            Action(
                "notifications.read", tr("Mark read or unread"), self.mark_read, "check", "E", None, group
            ),
            Action("notifications.all", tr("Mark all read"), self.mark_all, "check", "", None, group),
            Action("notifications.me", tr("Send me a test"), self.test_me, "radio", "", None, group),
            Action(
                "notifications.filter",
                tr("Filter"),
                self.stack.focus_filter,
                "list-filter",
                "Ctrl+F",
                None,
                group,
            ),
            Action("notifications.retry", tr("Retry"), self.retry, "rotate-ccw", "A", MANAGE, group),
            Action("notifications.test", tr("Test channel"), self.test_channel, "radio", "T", MANAGE, group),
        ]
        for number, (view, title) in enumerate(lists.views(), 1):
            show = (lambda v: lambda: self.show_view(v))(view)
            permission = MANAGE if view in ("channels", "log") else None
            words = tr("Show {title}", title=title)
            found.append(Action(f"notifications.{view}", words, show, "list", str(number), permission, group))
        return found

    def list_view(self) -> ListView | None:
        return self.stack.list_view()

    def lists(self) -> list[ListView]:
        return self.stack.lists()

    def activate(self) -> None:
        self._timer.start()
        self._visited = True
        self._show_bars()
        self.refresh()
        self._focus()

    def deactivate(self) -> None:
        self._timer.stop()

    def show_view(self, view: str) -> None:
        """Show the inbox, the preferences, the channels or the log."""
        if view in ("channels", "log") and not self.shell.can(MANAGE):
            self.segments.show_choice(self.view)
            self.shell.toast(tr("Your role does not manage notifications"), tone="warn")
            return
        self.back()
        self.view = view
        self.segments.show_choice(view)
        self._show_bars()
        self._focus()
        if view == "preferences":
            self.preferences.load()
        self.load()

    def open_record(self, record: str) -> None:
        """Show a view by its name, or a notice."""
        if record in self.stack.places:
            self.show_view(record)
        else:
            super().open_record(record)

    def _show_bars(self) -> None:
        self.stack.show_view(self.view)
        # Preferences are cards themselves.
        restyle(self.frame, kind="" if self.view == "preferences" else "card")
        self._offer()

    def _focus(self) -> None:
        self.tables[self.view].setFocus() if self.view in self.tables else self.preferences.setFocus()

    def refresh(self) -> None:
        # A form that is being filled in stays, and so does what is being written into the preferences.
        self.load(keep=True)

    def event_hint(self, topic: str, payload: dict[str, str]) -> None:
        if self._timer.isActive():
            self._pace.hint()

    def load(self, *, keep: bool = False) -> None:
        """Load the list in front."""
        view = self.view
        if self.shell.person is None or not self._visited or view not in self.tables:
            return
        ask = self._asked(view)

        async def load(before: Any, limit: int) -> Sequence[Any]:
            found = await ask(before, limit)
            self.bridge().post(self.shell.mark_fresh)
            return found

        cursors: dict[str, Callable[[Any], Any]] = {
            "inbox": lambda n: n.last_at,
            "channels": lambda _c: True,
            "log": lambda d: d.id,
        }
        self.tables[view].set_source(Source(load=load, cursor=cursors[view], key=lambda r: r.id), keep=keep)

    def _asked(self, view: str) -> Callable[[Any, int], Awaitable[Sequence[Any]]]:
        words, terms = self._words(view), self._terms(view)

        async def inbox(before: Any, limit: int) -> Sequence[Any]:
            api = self.api("notifications")
            found = api.inbox(self.ctx, before=before, limit=limit, unread="no" in terms("read"), words=words)
            return list(await found)

        async def channels(before: Any, _limit: int) -> Sequence[Any]:
            return [] if before is not None else list(await self.api("notifications").channels(self.ctx))

        async def log(before: Any, limit: int) -> Sequence[Any]:
            wanted = {"states": terms("state") or None, "kinds": terms("over") or None, "words": words}
            return list(await self.api("notifications").log(self.ctx, before=before, limit=limit, **wanted))

        return {"inbox": inbox, "channels": channels, "log": log}[view]

    def _words(self, view: str) -> str | None:
        bar = self.filters.get(view)
        known = ("state", "over", "read")
        found = [t.value for t in bar.terms() if t.field not in known and not t.out] if bar else []
        return " ".join(found) or None

    def _terms(self, view: str) -> Callable[[str], list[str]]:
        bar = self.filters.get(view)
        terms = bar.terms() if bar is not None else ()
        return lambda field: [term.value for term in terms if term.field == field and not term.out]

    def _offer(self) -> None:
        """Enable what can be done with the chosen rows."""
        chosen = self._chosen()
        for made, view in (
            (self.read, "inbox"),
            (self.all, "inbox"),
            (self.test, "channels"),
            (self.gone, "channels"),
            (self.mail, "channels"),
            (self.hook, "channels"),
            (self.again, "log"),
        ):
            made.setVisible(self.view == view)
        unread = any(n.read_at is None for n in chosen) if self.view == "inbox" else True
        self.read.setText(tr("Mark read") if unread or not chosen else tr("Mark unread"))
        self.read.setEnabled(bool(chosen))
        one = len(chosen) == 1
        self.test.setEnabled(one)
        self.gone.setEnabled(one)
        self.again.setEnabled(self.view == "log" and any(d.state == "dead" for d in chosen))

    def _chosen(self) -> list[Any]:
        return list(self.tables[self.view].chosen()) if self.view in self.tables else []

    def _previewed(self, chosen: Any) -> None:
        self._offer()
        if self.split.is_open() and self.panel.form is None:
            self._show(chosen)

    def open_row(self, chosen: Any) -> None:
        """Show a row beside the list; a notice that is opened is read."""
        self.split.open()
        self._show(chosen)
        if self.view == "inbox" and chosen.read_at is None:
            self._mark([chosen.id], read=True)

    def _show(self, chosen: Any) -> None:
        if self.view == "inbox":
            self.panel.show_notice(chosen, lambda: self.go(chosen.link))
        elif self.view == "log":
            self.panel.show_delivery(chosen)
        else:
            self._edit(chosen.kind, chosen)

    def go(self, link: str) -> None:
        """Open what a notice is about."""
        place = parse_inside(link)
        self.shell.open(place.page, place.record or "")

    def mark_read(self) -> None:
        """Mark the chosen notices as read, or as unread when all are read."""
        chosen = self._chosen()
        if self.view != "inbox" or not chosen:
            return
        unread = any(n.read_at is None for n in chosen)
        ids = [n.id for n in chosen]
        self._mark(ids, read=unread)
        if unread:
            said = trn("Marked {n} notice read", "Marked {n} notices read", n=len(ids))
            self.shell.toast(said, undo=lambda: self._mark(ids, read=False))

    def mark_all(self) -> None:
        """Mark everything in the inbox as read."""
        if self.view == "inbox":
            self._mark(None, read=True)

    def _mark(self, ids: Sequence[Any] | None, *, read: bool) -> None:
        self._do(lambda api: api.mark(self.ctx, ids, read=read))

    def _do(self, make: Callable[[Any], Awaitable[Any]], said: str = "") -> None:
        """Await `make(api)`, say so, and read the list again."""

        async def work() -> Any:
            return await make(self.api("notifications"))

        def done(_found: Any) -> None:
            if said:
                self.shell.toast(said)
            self.load(keep=True)

        self.run(work, done=done)

    def test_me(self) -> None:
        """Send oneself a notice."""
        self._do(lambda api: api.test_me(self.ctx), tr("A test is on its way to your desktop and mailbox"))

    def add_mail(self) -> None:
        """Begin a mail channel."""
        self._edit("smtp", None)

    def add_webhook(self) -> None:
        """Begin a webhook."""
        self._edit("webhook", None)

    def _edit(self, kind: str, known: ChannelRow | None) -> None:
        def save(kind: str, values: dict[str, str], secret: Secret | None) -> None:
            self._save(known, draft_values(kind, values) | {"secret": secret})

        self.split.open()
        self.panel.edit_channel(kind, known, save)
        if known is None and self.panel.form is not None:
            self.panel.form.fields[0].edit.setFocus()

    def _save(self, known: ChannelRow | None, draft: dict[str, Any]) -> None:
        async def work() -> Any:
            api = self.api("notifications")
            same = {"id": known.id} if known is not None else {}
            return await api.save_channel(self.ctx, api.ChannelDraft(**draft, **same))

        def done(_id: Any) -> None:
            self.shell.toast(tr("Saved"))
            self.back()
            self.load(keep=True)

        self.run(work, done=done)

    def test_channel(self) -> None:
        """Send a test over the chosen channel."""
        if self.view == "channels" and len(chosen := self._chosen()) == 1:
            said = tr("A test is on its way; the delivery log shows what became of it")
            self._do(lambda api: api.test_channel(self.ctx, chosen[0].id), said)

    def remove_channel(self) -> None:
        """Remove the chosen channel, once that is confirmed."""
        if self.view != "channels" or len(chosen := self._chosen()) != 1:
            return
        id, name = chosen[0].id, chosen[0].name
        remove = partial(self._do, lambda api: api.remove_channel(self.ctx, id), tr("Removed"))
        self.shell.choose(
            tr("Remove {name} with all its deliveries?", name=name),
            [
                Entry("keep", tr("Keep it"), icon="undo-2"),
                Entry("remove", tr("Remove it"), icon="x", run=remove),
            ],
        )

    def retry(self) -> None:
        """Send the chosen dead deliveries again."""
        dead = [d.id for d in self._chosen() if d.state == "dead"] if self.view == "log" else []
        if dead:
            said = trn("{n} delivery is sent again", "{n} deliveries are sent again", n=len(dead))
            self._do(lambda api: api.retry(self.ctx, dead), said)

    def back(self) -> bool:
        self.panel.form = None
        closed = self.split.close_detail()
        self._focus()
        return closed

    def set_stale(self, since: datetime | None) -> None:
        self.stack.set_dimmed(since is not None)

    async def waiting(self) -> int:
        return int(await self.api("notifications").unread(self.ctx))
