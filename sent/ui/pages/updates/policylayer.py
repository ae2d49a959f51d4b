"""The policy's editor: channel, pin, hours, automatic, mirrors; mirrors can be tried before they are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr
from sent.platform.update.layout import VERSION
from sent.platform.update.policy import CHANNEL, MAX_MIRRORS, Policy
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import Form, TextField, line_of
from sent.ui.kit.widgets import button, column, label, line, restyle, row
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme
from sent.ui.updatewords import error_title

if TYPE_CHECKING:
    from sent.ui.updates import Updates

WIDTH = 540


class PolicyLayer(Overlay):
    """Edits a policy; who opens it hears what is kept."""

    def __init__(self, window: QWidget, updates: Updates) -> None:
        card = QFrame()
        card.setFixedWidth(WIDTH)
        super().__init__(window, card, top=70)
        self._updates = updates
        self._done: Callable[[Policy], object] = _nothing
        self._automatic = "yes"
        self._queue: list[str] = []
        self._results: list[str] = []
        self.channel = TextField(tr("Channel"), check=_channel, hint="stable")
        self.pin = TextField(tr("Stay at version"), check=_pin, hint=tr("the newest"))
        self.window_ = TextField(tr("Hours"), check=_hours, hint="22:00-05:00")
        self.automatic = Segments(
            tr("By itself"), (("yes", tr("Yes")), ("no", tr("No"))), "yes", self._choose
        )
        self.mirrors = QPlainTextEdit()
        self.mirrors.setAccessibleName(tr("Mirrors"))
        self.mirrors.setTabChangesFocus(True)
        self.mirrors.setPlaceholderText("https://mirror.example/sent\n/srv/mirrors/sent")
        self.mirrors.setFixedHeight(84)
        self.said = label(type="s", wrap=True)
        self.test = button(tr("Try the mirrors"), self.try_mirrors, icon_name="refresh-cw")
        self.form = Form(self.channel, self.pin, self.window_)
        self.form.guarded = True
        self.form.submitted.connect(self._save)
        self._arrange()

    def _arrange(self) -> None:
        """Channel, pin and hours stand side by side; the rest below."""
        fields = row(self.channel, self.pin, self.window_, gap=12)
        self.form.body.addLayout(fields)
        caption = label(tr("Mirrors, one a line, asked in this order"), weight="medium", tone="2", type="s")
        caption.setBuddy(self.mirrors)
        auto = line_of(
            tr("Look and install by itself"),
            tr("Looks every six hours; installs within the hours. Consoles ask before they restart."),
            self.automatic,
        )
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        keep = button(tr("Save"), self.form.submit, kind="primary")
        body = column(
            label(tr("How this machine is updated"), type="l"),
            line(),
            auto,
            self.form,
            caption,
            self.mirrors,
            self.said,
            row(self.test, None, leave, keep),
            gap=12,
            margins=(20, 16, 20, 16),
        )
        self.card.setLayout(body)

    def edit(self, policy: Policy, done: Callable[[Policy], object]) -> None:
        """Open with a policy."""
        self._done = done
        self.channel.set_text(policy.channel)
        self.pin.set_text(policy.pin)
        self.window_.set_text(policy.window)
        self._choose("yes" if policy.automatic else "no")
        self.mirrors.setPlainText("\n".join(policy.mirrors))
        for field in self.form.fields:
            field.show_error("")
        self.form.settle()
        self._say("", "2")
        self.card.setFixedWidth(round(WIDTH * max(1.0, theme.state().scale)))
        self.open()
        self.channel.edit.setFocus()

    def given(self) -> list[str]:
        """Return the mirrors that stand there."""
        return [text for line in self.mirrors.toPlainText().splitlines() if (text := line.strip())]

    def try_mirrors(self) -> None:
        """Ask each mirror that stands there and say what came of it."""
        self._queue, self._results = self.given()[:MAX_MIRRORS], []
        if not self._queue:
            self._say(tr("There is no mirror to try"), "warn")
        elif self._updates.busy:
            self._say(tr("An update is going on; try again when it is done"), "warn")
        else:
            self._next()

    def _next(self) -> None:
        self.test.setEnabled(not self._queue)
        if not self._queue:
            return
        mirror = self._queue.pop(0)
        self._say("\n".join([*self._results, f"… {mirror}"]), "2")

        def done(found: dict[str, Any]) -> None:
            what = tr("offers {v}", v=found["version"]) if found.get("version") else tr("has nothing newer")
            self._heard(f"✓ {mirror}: {what} ({found.get('seconds', 0)} s)")

        def failed(error: SentError) -> None:
            self._heard(f"✗ {mirror}: {error_title(error.code)}")

        if not self._updates.carry_out("test", mirror, done=done, failed=failed):
            self._queue = []
            self._next()

    def _heard(self, result: str) -> None:
        self._results.append(result)
        bad = any(line.startswith("✗") for line in self._results)
        self._say("\n".join(self._results), "bad" if bad else "ok")
        self._next()

    def _save(self) -> None:
        try:
            policy = Policy(
                self.channel.text() or "stable",
                self.pin.text(),
                self.window_.text(),
                self._automatic == "yes",
                tuple(self.given()),
            )
        except SentError as error:
            self._say(error.message[:1].upper() + error.message[1:], "bad")
            return
        self.form.settle()
        self.close_layer()
        self._done(policy)

    def _choose(self, choice: str) -> None:
        self._automatic = choice
        self.automatic.show_choice(choice)

    def _say(self, text: str, tone: str) -> None:
        restyle(self.said, tone=tone)
        self.said.setText(text)
        self.said.setVisible(bool(text))


def _channel(text: str) -> str:
    return "" if not text or CHANNEL.fullmatch(text) else tr("A word such as stable")


def _pin(text: str) -> str:
    return "" if not text or VERSION.fullmatch(text) else tr("A version such as 1.2.0, or nothing")


def _hours(text: str) -> str:
    try:
        Policy(window=text)
    except SentError:
        return tr("Hours such as 22:00-05:00, or nothing")
    return ""


def _nothing(_policy: Policy) -> None:
    """Nobody opened it yet."""
