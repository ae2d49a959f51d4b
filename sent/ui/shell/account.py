"""The person's account: password, second factor, recovery codes; all through the login broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.form import Form, TextField, line_of, required
from sent.ui.kit.widgets import button, clear, column, label, row
from sent.ui.shell.shell import error_text
from sent.ui.shell.strength import StrengthMeter, weakness

if TYPE_CHECKING:
    from sent.ui.shell.settings import SettingsPage


class AccountCard(QFrame):
    """Who you are, and two things to do about it; each opens in place."""

    def __init__(self, page: SettingsPage) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._page = page
        self._who = label("", tone="2")
        self._place = column(gap=12)
        change = button(tr("Change password"), self.change_password, icon_name="key-round")
        factor = QWidget()
        factor.setLayout(
            row(
                button(tr("Remove"), self.remove_factor, kind="quiet", name=tr("Remove second factor")),
                button(
                    tr("Set up"),
                    self.begin_factor,
                    icon_name="shield-check",
                    name=tr("Set up second factor"),
                ),
            )
        )
        self.setLayout(
            column(
                label(tr("Account"), weight="bold"),
                self._who,
                line_of(tr("Password"), tr("Changing it ends your other sessions"), change),
                line_of(tr("Second factor"), tr("A code from your phone at every sign-in"), factor),
                self._place,
                gap=12,
                margins=(20, 16, 20, 18),
            )
        )

    def show_person(self) -> None:
        """Show who is signed in."""
        person = self._page.shell.person
        if person is not None:
            self._who.setText(f"{person.name}  ·  {person.email}  ·  {person.organisation} ({person.role})")

    def change_password(self) -> None:
        """Ask for the old and the new password."""
        old = TextField(tr("Present password"), check=required, secret=True)
        new = TextField(tr("New password"), check=weakness, secret=True)
        again = TextField(
            tr("Repeat the new password"),
            check=lambda t: "" if t == new.text() else tr("The two passwords differ"),
            secret=True,
        )
        meter = StrengthMeter()
        new.edited.connect(meter.show_strength)
        new.body.addWidget(meter)
        form = Form(old, new, again)

        def send() -> None:
            from sent.platform.telemetry.log import Secret

            before, after = Secret(old.text()), Secret(new.text())
            self._call(
                lambda client, session: client.change_password(session, before, after),
                old,
                lambda _: self._done(tr("Password changed; your other sessions have ended")),
                {"auth.weak": new},
            )

        self._open(form, tr("Change password"), send)

    def begin_factor(self) -> None:
        """Ask for the password (and the present code, where a factor is on), then make a new secret."""
        password = TextField(tr("Password"), check=required, secret=True)
        present = TextField(
            tr("Present code"), hint="123 456", help=tr("Only when a second factor is on already")
        )

        def send() -> None:
            from sent.platform.telemetry.log import Secret

            given, code = Secret(password.text()), present.text().replace(" ", "") or None
            self._call(
                lambda client, session: client.totp_begin(session, given, code),
                password,
                self._confirm_factor,
                {"auth.code": present},
            )

        self._open(Form(password, present), tr("Continue"), send)

    def _confirm_factor(self, uri: str) -> None:
        secret = parse_qs(urlsplit(uri).query).get("secret", [""])[0]
        code = TextField(
            tr("Code"), check=required, hint="123 456", help=tr("The six digits the app shows now")
        )
        form = Form(code)

        def send() -> None:
            self._call(
                lambda client, session: client.totp_confirm(session, code.text().replace(" ", "")),
                code,
                self._show_recovery,
            )

        self._open(form, tr("Switch on"), send)
        text = label(
            tr("Enter this key in your authenticator app, then the code it shows:"), tone="2", wrap=True
        )
        spaced = label(" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)), type="mono")
        spaced.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = button(tr("Copy key"), lambda: QGuiApplication.clipboard().setText(secret), kind="link")
        holder = QWidget()
        holder.setLayout(column(text, row(spaced, copy, None, gap=12), gap=6))
        self._place.insertWidget(0, holder)

    def _show_recovery(self, codes: tuple[str, ...]) -> None:
        clear(self._place)
        self._place.addWidget(
            label(
                tr(
                    "The second factor is on. Keep these recovery codes in a safe place: "
                    "each works once, and they are shown only now."
                ),
                tone="warn",
                wrap=True,
            )
        )
        shown = label("\n".join("     ".join(codes[n : n + 2]) for n in range(0, len(codes), 2)), type="mono")
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._place.addWidget(shown)
        copy = button(tr("Copy codes"), lambda: QGuiApplication.clipboard().setText("\n".join(codes)))
        self._place.addLayout(
            row(copy, button(tr("I have kept them"), lambda: clear(self._place), kind="primary"), None)
        )

    def remove_factor(self) -> None:
        """Ask for the password and switch the second factor off."""
        password = TextField(
            tr("Password"), check=required, secret=True, help=tr("To switch the second factor off")
        )

        def send() -> None:
            from sent.platform.telemetry.log import Secret

            given = Secret(password.text())
            self._call(
                lambda client, session: client.totp_remove(session, given),
                password,
                lambda _: self._done(tr("The second factor is off")),
            )

        self._open(Form(password), tr("Switch off"), send)

    def _open(self, form: Form, text: str, send: Callable[[], None]) -> None:
        clear(self._place)
        form.setMaximumWidth(360)
        form.submitted.connect(send)
        cancel = button(tr("Cancel"), lambda: clear(self._place), kind="quiet")
        holder = QWidget()
        holder.setLayout(column(form, row(button(text, form.submit, kind="primary"), cancel, None), gap=12))
        self._place.addWidget(holder)
        holder.show()
        form.fields[0].edit.setFocus()

    def _done(self, text: str) -> None:
        clear(self._place)
        self._page.shell.toast(text)

    def _call(
        self,
        ask: Callable[[Any, Any], Awaitable[Any]],
        field: TextField,
        done: Callable[[Any], None],
        fields: Mapping[str, TextField] = MappingProxyType({}),
    ) -> None:
        """Ask the broker; what it refuses stands below `field`, or below that of its code in `fields`."""
        session = self._page.bridge().session
        if session is None:
            return
        client, token = session.client, session.credential.session

        def failed(error: Any) -> None:
            place = fields.get(error.code, field)
            place.show_error(error_text(error))
            place.edit.setFocus()

        self._page.run(lambda: ask(client, token), done=done, failed=failed)
