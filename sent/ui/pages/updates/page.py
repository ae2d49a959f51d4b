"""What runs on this machine, what is newer, and the way back; installing happens beside the console.

Seeing it and doing something are two permissions, and doing also needs an installation that this user may
write. Where somebody else updates SENT, the page says who.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QApplication, QBoxLayout, QStackedLayout, QWidget

from sent.platform.buildinfo import PACKAGES, build_info
from sent.platform.errors import SentError
from sent.platform.i18n import formats, tr
from sent.ui.kit.page import Page
from sent.ui.kit.states import Notice
from sent.ui.kit.widgets import column, scrolled
from sent.ui.pages.updates.cards import Card, Hero, PacksCard, PolicyCard, VersionsCard
from sent.ui.pages.updates.headline import Headline, facts, headline
from sent.ui.pages.updates.notes import Notes
from sent.ui.shell.actions import Action
from sent.ui.updatewords import size_words

if TYPE_CHECKING:
    from sent.engines.updates.api import Installed, Policy
    from sent.platform.update.layout import Layout
    from sent.ui.pages.updates.confirm import GoBack
    from sent.ui.pages.updates.policylayer import PolicyLayer
    from sent.ui.updates import Updates

READ = "database:read"
EVERY_MS = 30_000
BUNDLE = ".bundle"
WIDE = 980
"""From this width on the cards stand beside each other."""


class UpdatesPage(Page):
    """See the module."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.now: Installed | None = None
        self.may = False
        self._back_layer: GoBack | None = None
        self._policy_layer: PolicyLayer | None = None
        self._connected = self._busy = False
        self._order = ""
        self.notice = Notice()
        self.hero = Hero(self.install, self.check, self.restart, self.cancel, self.copy_details)
        self.notes_card, self.notes = Card(tr("What is new")), Notes()
        self.notes_card.box.addWidget(self.notes)
        self.packs = PacksCard(self.add)
        self.versions = VersionsCard(self.go_back)
        self.policy = PolicyCard(self.edit_policy, self.choose_bundle)
        self._arrange()
        self.hero.show_headline(Headline("package", "text2", tr("One moment")), "")
        self.hero.show_line("", "")
        self.hero.offer()
        self.hero.show_progress(None, 0.0)
        self.notes_card.hide()
        self.policy.edit.hide()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.refresh)

    def _arrange(self) -> None:
        left = column(self.hero, self.notes_card, None, gap=14)
        right = column(self.policy, self.versions, self.packs, None, gap=14)
        self._halves = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._halves.setContentsMargins(20, 16, 20, 16)
        self._halves.setSpacing(14)
        self._halves.addLayout(left, 5)
        self._halves.addLayout(right, 4)
        whole = QWidget()
        whole.setLayout(self._halves)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(scrolled(whole, tr("Updates")))
        self._stack.addWidget(self.notice)

    @property
    def updates(self) -> Updates | None:
        """Return the console's updates; None before it is at work."""
        return self.shell.common.updates

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._halves.direction() != way:
            self._halves.setDirection(way)

    def actions_(self) -> list[Action]:
        group = tr("Updates")
        deeds = (
            ("check", tr("Look for updates"), self.check, "refresh-cw", "C"),
            ("install", tr("Install the update"), self.install, "download", "I"),
            ("cancel", tr("Cancel the update"), self.cancel, "x", "X"),
            ("bundle", tr("Install from a file"), self.choose_bundle, "file", "O"),
            ("policy", tr("Edit the policy of updates"), self.edit_policy, "settings", "P"),
            ("back", tr("Go back to the previous version"), self.go_back, "undo-2", ""),
            ("restart", tr("Restart with the installed version"), self.restart, "refresh-cw", ""),
        )
        return [
            Action(f"updates.{id}", title, run, icon, key, READ, group, enabled=self._enabled(id))
            for id, title, run, icon, key in deeds
        ]

    def _enabled(self, deed: str) -> Any:
        def enabled() -> bool:
            updates = self.updates
            if updates is None or updates.layout is None or self.now is None:
                return False
            if deed == "restart":
                return bool(updates.waiting)
            if deed == "cancel":
                return updates.busy
            if not self.can_act() or updates.busy:
                return False
            if deed == "install":
                return self._offers()
            return deed != "back" or self.now.status.previous is not None

        return enabled

    def can_act(self) -> bool:
        """Say whether the person may change the installation, and this process can."""
        return self.may and self.now is not None and self.now.status.writable

    def activate(self) -> None:
        updates = self.updates
        if updates is not None and not self._connected:
            self._connected = True
            updates.changed.connect(self._heard)
        self._timer.start()
        self.refresh()
        self.hero.focus()

    def deactivate(self) -> None:
        self._timer.stop()

    def refresh(self) -> None:
        updates = self.updates
        if updates is None or updates.layout is None:
            self._show_elsewhere()
            return
        if self._busy or self.shell.person is None:
            return
        layout = updates.layout
        self._busy = self.run(lambda: self._read(layout), done=self._show, failed=self._failed) is not None

    async def _read(self, layout: Layout) -> tuple[Installed, bool | None]:
        api = self.api("updates")
        found: Installed = await api.installed(layout)
        try:
            return found, bool(await api.may_operate(self.ctx))
        except SentError:
            return found, None  # The database is away: what the machine has is true all the same.

    def _show(self, found: tuple[Installed, bool | None]) -> None:
        self._busy = False
        self.now, may = found
        self.may = self.may if may is None else may
        if may is not None:
            self.shell.mark_fresh()
        self.show_now()

    def _failed(self, error: SentError) -> None:
        self._busy = False
        self.shell.report(error)

    def _heard(self) -> None:
        """Show progress at once; read again when an order is over or another version is current."""
        updates = self.updates
        if updates is None:
            return
        mark = f"{updates.order} {updates.current}"
        if mark != self._order and not updates.busy:
            self.refresh()
        self._order = mark
        self.show_now()

    def show_now(self) -> None:
        """Show everything as it is known."""
        now, updates = self.now, self.updates
        if now is None or updates is None:
            return
        self._stack.setCurrentIndex(0)
        act, busy, offers = self.can_act(), updates.busy, self._offers()
        said = headline(now, updates)
        focused = self.hero.isAncestorOf(QApplication.focusWidget() or self)
        self.hero.show_headline(said, facts(now, updates))
        self.hero.offer(
            install=act and offers and not busy,
            restart=bool(updates.waiting) and not busy,
            check=act and not busy,
            copy=bool(said.details) and not busy,
            cancel=act and busy and updates.order != "rollback",
        )
        if focused:
            self.hero.focus()  # the button that had it may be gone
        self.hero.show_progress(updates.progress if busy else None, updates.rate())
        self.hero.show_line(self._offer_words(now) if offers else "", self._note(now))
        self._show_notes(now, offers=offers)
        self.packs.show_packs(now, may=act and not busy)
        self.versions.show_versions(now, updates.own, may=act and not busy)
        self.policy.show_policy(now, may=act)

    def _offers(self) -> bool:
        now, updates = self.now, self.updates
        return bool(now and now.known and updates and updates.newer(now.known.version))

    def _offer_words(self, now: Installed) -> str:
        known = now.known
        if known is None:
            return ""
        self.hero.install.setText(tr("Install {version}", version=known.version))
        parts = [tr("{size} to download", size=size_words(known.size_download))]
        if known.released:
            with suppress(ValueError):
                released = datetime.fromisoformat(known.released)
                parts.append(tr("released {date}", date=formats().date(released)))
        if known.bundle:
            parts.append(tr("from {file}", file=Path(known.bundle).name))
        return " · ".join(parts)

    def _show_notes(self, now: Installed, *, offers: bool) -> None:
        """Show what comes with the offered version, else what came with the present one."""
        version, text = now.status.version or "", now.status.notes
        title = tr("What came with {version}", version=version)
        if offers and now.known is not None:
            version, text = now.known.version, now.known.notes or tr("There are no notes for this version.")
            title = tr("What is new in {version}", version=version)
        self.notes_card.set_title(title)
        self.notes_card.setVisible(bool(text))
        self.notes.show_notes(text)

    def _note(self, now: Installed) -> str:
        if not self.may:
            return tr("The organisation that operates this installation looks after its updates.")
        if not now.status.writable:
            return tr(
                "Only {owner} may change {root}. Services that run as {owner} update it by themselves.",
                owner=now.owner,
                root=now.status.root,
            )
        return ""

    def _show_elsewhere(self) -> None:
        """Say who updates this SENT instead."""
        if not getattr(sys, "frozen", False):
            title = tr("SENT runs from its sources here")
            text = tr("A checkout or a wheel is updated as it came: with git or pip.")
        elif build_info().updates == PACKAGES:
            title = tr("The system updates SENT here")
            text = tr(
                "It was installed by the system's package manager: update it there, with everything else."
            )
        else:
            title = tr("SENT was unpacked by hand here")
            text = tr("`sent update install FOLDER` makes it an installation that updates itself.")
        self.notice.show_text("package", title, text)
        self._stack.setCurrentIndex(1)

    def check(self) -> None:
        """Look for updates now."""
        self._carry("check")

    def install(self) -> None:
        """Install what is offered."""
        if self.now is not None and self.now.known is not None and self._offers():
            self._carry("apply", bundle=self.now.known.bundle)

    def add(self, pack: str) -> None:
        """Add a component pack to the version that runs."""
        self._carry("add", pack)

    def cancel(self) -> None:
        """Take back what is going on."""
        if self.updates is not None:
            self.updates.cancel()

    def _carry(self, order: str, argument: str = "", *, bundle: str = "") -> None:
        updates = self.updates
        if updates is None or not self.can_act():
            return
        if not updates.carry_out(order, argument, bundle=bundle):
            self.shell.toast(tr("An update is going on already"), tone="warn")

    def restart(self) -> None:
        """Restart the console with what is installed."""
        if self.shell.common.restart is not None:
            self.shell.common.restart.ask()

    def copy_details(self) -> None:
        """Copy what went wrong, for whoever releases or runs the mirror."""
        QGuiApplication.clipboard().setText(self.hero.details.text())
        self.shell.toast(tr("Copied"), tone="info")

    def go_back(self) -> None:
        """Ask whether to go back to the previous version."""
        now = self.now
        if now is None or now.status.previous is None or not self.can_act():
            return
        if self._back_layer is None:
            from sent.ui.pages.updates.confirm import GoBack

            self._back_layer = GoBack(self.window())
            self.shell.layers.append(self._back_layer)
        self._back_layer.ask(now.status.version or "", now.status.previous, lambda: self._carry("rollback"))

    def edit_policy(self) -> None:
        """Open the policy's editor."""
        updates = self.updates
        if updates is None or self.now is None or not self.can_act():
            return
        if self._policy_layer is None:
            from sent.ui.pages.updates.policylayer import PolicyLayer

            self._policy_layer = PolicyLayer(self.window(), updates)
            self.shell.layers.append(self._policy_layer)
        self._policy_layer.edit(self.now.policy, self.keep_policy)

    def keep_policy(self, policy: Policy, *, undone: bool = False) -> None:
        """Write the policy; the message has an Undo."""
        updates = self.updates
        if self.now is None or updates is None or updates.layout is None or policy == self.now.policy:
            return
        before, layout = self.now.policy, updates.layout

        async def save() -> None:
            await self.api("updates").save_policy(layout, policy)

        def done(_: None) -> None:
            undo = None if undone else (lambda: self.keep_policy(before, undone=True))
            self.shell.toast(tr("The policy of updates is saved"), undo=undo)
            self.refresh()

        self.run(save, done=done)

    def choose_bundle(self) -> None:
        """Choose a bundle's file and look what it offers."""
        from PySide6.QtWidgets import QFileDialog

        title, kinds = tr("Choose a bundle"), tr("Bundles of SENT ({pattern})", pattern=f"*{BUNDLE}")
        name, _ = QFileDialog.getOpenFileName(self, title, "", kinds)
        if name:
            self.drop_files([Path(name)])

    def takes_files(self, paths: Sequence[Path]) -> bool:
        return len(paths) == 1 and paths[0].suffix == BUNDLE and self.can_act()

    def drop_files(self, paths: Sequence[Path]) -> None:
        self._carry("check", bundle=str(paths[0]))
