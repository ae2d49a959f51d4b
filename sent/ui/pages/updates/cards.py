"""The page's cards: where things stand with its buttons, the notes, packs, versions, the policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QBoxLayout, QFrame, QProgressBar, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.text import relative
from sent.ui.kit.widgets import Elided, IconLabel, button, clear, column, label, row
from sent.ui.pages.updates.headline import Headline
from sent.ui.updatewords import progress_words, reason_words, size_words

if TYPE_CHECKING:
    from sent.engines.updates.api import Installed, Policy

Deed = Callable[[], object]


class Card(QFrame):
    """A card with a title whose lines are made anew when what they show changes."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName(title)
        self.box = column(gap=12)
        self.title = label(title, weight="bold")
        self.head = row(self.title, None)
        self.setLayout(column(self.head, self.box, gap=12, margins=(20, 14, 20, 16)))
        self._shown: object = None

    def set_title(self, title: str) -> None:
        """Show another title."""
        self.title.setText(title)
        self.setAccessibleName(title)

    def changes(self, shown: object) -> bool:
        """Say whether something else is to be shown than before; the lines are gone then."""
        if shown == self._shown:
            return False
        self._shown = shown
        clear(self.box)
        return True


class Hero(QFrame):
    """Where things stand, how far an update is, and what can be done about it."""

    def __init__(self, install: Deed, check: Deed, restart: Deed, cancel: Deed, copy: Deed) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._icon = IconLabel("package", "text2", 34)
        self.title = label(type="l", wrap=True)
        self.text = label(tone="2", wrap=True)
        self.offered = label(tone="2", wrap=True)
        self.lock, self.note = IconLabel("lock", "text3", 15), label(tone="2", type="s", wrap=True)
        self.details = label(tone="3", type="s", wrap=True)
        self.facts = label(tone="3", type="s", wrap=True)
        self.install = button(tr("Install"), install, kind="primary", icon_name="download")
        self.restart = button(tr("Restart now"), restart, kind="primary", icon_name="refresh-cw")
        self.check = button(tr("Look for updates"), check, icon_name="refresh-cw")
        self.copy = button(tr("Copy details"), copy, kind="quiet", icon_name="copy")
        self.cancel = button(tr("Cancel"), cancel)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the update"))
        self.how_far = label(tone="2", type="s")
        text = column(self.title, self.offered, self.text, self.details, gap=4)
        top = row(self._icon, text, gap=16)
        top.setStretch(1, 1)
        self.buttons = row(self.install, self.restart, self.check, self.copy, self.cancel, None, gap=8)
        said = row(self.lock, self.note, gap=8)
        said.setStretch(1, 1)
        parts = (top, self.bar, self.how_far, self.buttons, said, self.facts)
        self.setLayout(column(*parts, gap=12, margins=(20, 18, 20, 16)))

    def show_headline(self, said: Headline, facts: str) -> None:
        """Show where things stand."""
        self._icon.set_icon(said.icon, said.tint)
        for widget, text in ((self.title, said.title), (self.text, said.text), (self.details, said.details)):
            widget.setText(text)
            widget.setVisible(bool(text))
        self.facts.setText(facts)
        self.setAccessibleName(said.title)

    def show_line(self, offered: str, note: str) -> None:
        """Show what is offered, and why nothing can be done here."""
        for widget, text in ((self.offered, offered), (self.note, note)):
            widget.setText(text)
            widget.setVisible(bool(text))
        self.lock.setVisible(bool(note))

    def focus(self) -> None:
        """Give the keyboard to what one would press first."""
        shown = [b for b in (self.restart, self.install, self.check, self.cancel) if not b.isHidden()]
        if shown and not any(b.hasFocus() for b in shown):
            shown[0].setFocus()

    def offer(self, **shown: bool) -> None:
        """Show these buttons: install, restart, check, copy, cancel."""
        for name in ("install", "restart", "check", "copy", "cancel"):
            getattr(self, name).setVisible(shown.get(name, False))

    def show_progress(self, progress: dict[str, Any] | None, rate: float) -> None:
        """Show how far it is; None: nothing is going on."""
        self.bar.setVisible(progress is not None)
        self.how_far.setVisible(progress is not None)
        if progress is None:
            return
        known = progress.get("step") == "download" and int(progress["total"]) > 0
        self.bar.setRange(0, 1000 if known else 0)
        if known:
            self.bar.setValue(round(1000 * int(progress["done"]) / int(progress["total"])))
        self.how_far.setText(progress_words(progress, rate) if progress else tr("One moment"))


class PacksCard(Card):
    """Component packs: what is installed, what can be added, and how much that is."""

    def __init__(self, add: Callable[[str], object]) -> None:
        super().__init__(tr("Component packs"))
        self._add = add

    def show_packs(self, now: Installed, *, may: bool) -> None:
        """Show them; `may`: with a button to add one."""
        addable = now.known.addable if now.known is not None else {}
        if not self.changes((now.status.packs, tuple(addable.items()), may, now.known is None)):
            return
        for pack in now.status.packs:
            state = label(tr("Installed"), tone="2", type="s")
            self.box.addWidget(_line(*_pack_words(pack), state, icon=("circle-check", "ok")))
        for pack, size in addable.items():
            title, words = _pack_words(pack)
            what: QWidget = label(size_words(size), tone="3", type="s")
            if may:
                what = button(
                    tr("Add · {size}", size=size_words(size)),
                    partial(self._add, pack),
                    name=tr("Add {name}", name=title),
                )
            self.box.addWidget(_line(title, words, what, icon=("box", "text3")))
        if not addable:
            text = (
                tr("No other packs are offered")
                if now.known is not None
                else tr("Look for updates to see what can be added")
            )
            self.box.addWidget(label(text, tone="3", type="s", wrap=True))


class VersionsCard(Card):
    """What lies on this machine, the way back, and what did not start here."""

    def __init__(self, back: Deed) -> None:
        super().__init__(tr("Versions on this machine"))
        self._back = back

    def show_versions(self, now: Installed, own: str, *, may: bool) -> None:
        """Show them, newest first."""
        status = now.status
        if not self.changes((status.installed, status.version, status.previous, status.failed, own, may)):
            return
        for version in reversed(status.installed):
            current = version == status.version
            words = _version_words(now, version, own)
            action: QWidget | None = None
            if version == status.previous and may:
                action = button(
                    tr("Go back"), self._back, icon_name="undo-2", name=tr("Go back to {v}", v=version)
                )
            icon = ("circle-check", "ok") if current else ("clock", "text3")
            self.box.addWidget(_line(version, words, action, icon=icon))
        for version, reason in list(status.failed.items())[-5:]:
            self.box.addWidget(
                _line(
                    tr("{version} was taken back", version=version),
                    reason_words(reason),
                    None,
                    icon=("circle-alert", "bad"),
                    wrap=True,
                )
            )
        if len(status.installed) == 1:
            self.box.addWidget(
                label(tr("The version before is kept from the next update on"), tone="3", type="s", wrap=True)
            )


class PolicyCard(Card):
    """How this machine is updated, and the way to change it."""

    def __init__(self, edit: Deed, choose: Deed) -> None:
        super().__init__(tr("How this machine is updated"))
        self.edit = button(tr("Edit"), edit, kind="quiet", icon_name="settings", name=tr("Edit the policy"))
        self.choose = button(
            tr("Install from a file"), choose, icon_name="file", name=tr("Install from a bundle")
        )
        self.head.addWidget(self.edit)
        self._hint = label(
            tr("Without a network: drop a bundle on this page, or choose one."), tone="3", type="s", wrap=True
        )
        foot = column(self._hint, row(self.choose, None), gap=8)
        whole = self.layout()
        if isinstance(whole, QBoxLayout):
            whole.addLayout(foot)

    def show_policy(self, now: Installed, *, may: bool) -> None:
        """Show the policy in words."""
        self.edit.setVisible(may)
        self.choose.setVisible(may)
        self._hint.setVisible(may)
        if not self.changes((now.policy, now.policy_problem)):
            return
        if now.policy_problem:
            self.box.addWidget(label(now.policy_problem, tone="bad", wrap=True))
        for title, value in policy_words(now.policy):
            caption = label(title, tone="3", type="s")
            caption.setFixedWidth(96)
            shown = label(value, wrap=True)
            line = row(caption, shown, gap=10)
            line.setStretch(1, 1)
            holder = QWidget()
            holder.setLayout(line)
            self.box.addWidget(holder)


def policy_words(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return the policy as (title, value)."""
    mirrors = policy.mirrors
    more = trn("and {n} more", "and {n} more", n=len(mirrors) - 1) if len(mirrors) > 1 else ""
    hours = policy.window.replace("-", " – ") if policy.window else tr("at any time")
    return (
        (tr("Channel"), policy.channel),
        (tr("By itself"), tr("looks, and installs {hours}", hours=hours) if policy.automatic else tr("No")),
        (tr("Stays at"), policy.pin or tr("the newest version")),
        (tr("Mirrors"), f"{mirrors[0]} {more}".strip() if mirrors else tr("None")),
    )


def _line(
    title: str, text: str, action: QWidget | None, *, icon: tuple[str, str], wrap: bool = False
) -> QWidget:
    made = QWidget()
    words = label(text, tone="2", type="s", wrap=True) if wrap else Elided(text, tone="2", type="s")
    parts: list[Any] = [IconLabel(*icon, 17), column(label(title, weight="medium"), words, gap=1)]
    layout = row(*parts, *([action] if action is not None else []), gap=12)
    layout.setStretch(1, 1)
    made.setLayout(layout)
    return made


def _pack_words(pack: str) -> tuple[str, str]:
    packs = {
        "base": (tr("Base"), tr("Console, services, database")),
        "media": (tr("Media"), tr("Meetings and telephony")),
        "vision": (tr("Vision"), tr("Cameras and the scanner")),
        "dispatch": (tr("Dispatch"), tr("Matching guards and jobs")),
        "capture": (tr("Capture"), tr("Packets and their dissection")),
    }
    return packs.get(pack, (pack, tr("Component pack")))


def _version_words(now: Installed, version: str, own: str) -> str:
    status = now.status
    if version == status.version:
        parts = [tr("Current")]
        if status.since:
            parts.append(
                tr("since {time}", time=relative(datetime.fromisoformat(status.since), datetime.now(UTC)))
            )
        if status.pending:
            parts.append(tr("on trial until its first window or service"))
        parts.append(size_words(status.size))
        return " · ".join(parts)
    if version == own:
        return tr("This console runs it")
    return tr("The way back") if version == status.previous else tr("Still in use")
