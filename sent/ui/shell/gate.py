"""The gate: sign in, second factor, choice of the organisation, a new password, the first-run wizard.

It lies over the shell's skeleton, so the console is there at once and the form can be filled while the
database still starts. Errors stand below the field they are about; a wrong
password never says which part was wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QStackedWidget, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.form import Form, TextField, email, required
from sent.ui.kit.widgets import Dot, IconLabel, Scrolled, button, clear, column, label, restyle, row
from sent.ui.prefs import Prefs
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.strength import StrengthMeter, slug_of, weakness

if TYPE_CHECKING:
    from sent.platform.auth.client import MembershipChoice

SIGN_IN, CODE, CHOOSE, SETUP, RENEW, INVITED = range(6)


class Gate(Overlay):
    """The card in front of the console until somebody is signed in."""

    sign_in_wanted = Signal(str, str)
    """Email and password."""
    code_wanted = Signal(str)
    membership_chosen = Signal(object)
    setup_wanted = Signal(dict)
    password_chosen = Signal(str)
    """The new password of a person who was given one by somebody else."""
    sign_out_wanted = Signal()
    invitation_answered = Signal(object, str)
    """The membership, and the code that accepts it; an empty code declines."""
    retry_wanted = Signal()

    def __init__(self, window: QWidget, prefs: Prefs) -> None:
        card = QFrame()
        card.setFixedWidth(420)
        super().__init__(window, card, dim=0.5, fixed=True)
        self._prefs = prefs
        self.stack = QStackedWidget()
        self.stack.setObjectName("surface")
        self._title = label("", type="l")
        self._text = label("", tone="2", wrap=True)
        self._dot, self._status = Dot(), label(tr("Looking for the database"), tone="3", type="s", wrap=True)
        self._retry = button(tr("Try again"), self.retry_wanted.emit, kind="link")
        self._retry.hide()
        self._ready = False
        self._waiting = False
        self._panels = (
            self._sign_in(),
            self._code(),
            self._choose(),
            self._setup(),
            self._renew(),
            self._invited(),
        )
        for part in self._panels:
            self.stack.addWidget(part)
        foot = row(self._dot, self._status, self._retry, gap=8)
        foot.setStretch(1, 1)
        head = row(IconLabel("sent", "accent", 26), label("SENT", type="l"), None, gap=10)
        body = column(
            head,
            14,
            self._title,
            self._text,
            8,
            Scrolled(self.stack),
            10,
            foot,
            gap=4,
            margins=(32, 28, 32, 22),
        )
        card.setLayout(body)
        self.show_sign_in()

    def _sign_in(self) -> QWidget:
        self.email = TextField(tr("Email"), check=lambda t: required(t) or email(t))
        self.password = TextField(tr("Password"), check=required, secret=True)
        self.sign_in_form = Form(self.email, self.password)
        self.sign_in_form.submitted.connect(self._submit_sign_in)
        self.sign_in_button = button(tr("Sign in"), self.sign_in_form.submit, kind="primary")
        return _panel(self.sign_in_form, 4, self.sign_in_button)

    def _code(self) -> QWidget:
        self.code = TextField(
            tr("Code"),
            check=required,
            hint="123 456",
            help=tr("Six digits from your authenticator app, or a recovery code"),
        )
        form = Form(self.code)
        form.submitted.connect(lambda: self._busy(self.code_wanted.emit, self.code.text().replace(" ", "")))
        self.code_button = button(tr("Continue"), form.submit, kind="primary")
        return _panel(form, 4, self.code_button, button(tr("Back"), self.show_sign_in, kind="quiet"))

    def _choose(self) -> QWidget:
        panel = QWidget()
        self._choices = column(gap=6)
        panel.setLayout(self._choices)
        return panel

    def _setup(self) -> QWidget:
        self.organisation = TextField(tr("Organisation"), check=required, hint=tr("Northwind Security"))
        self.person = TextField(tr("Your name"), check=required)
        self.owner_email = TextField(tr("Email"), check=lambda t: required(t) or email(t))
        self.new_password = TextField(tr("Password"), check=weakness, secret=True)
        self.repeat = TextField(tr("Repeat the password"), check=self._same, secret=True)
        self.meter = StrengthMeter()
        self.new_password.edited.connect(self.meter.show_strength)
        self.new_password.body.addWidget(self.meter)
        self.setup_form = Form(
            self.organisation, self.person, self.owner_email, self.new_password, self.repeat
        )
        self.setup_form.body.setSpacing(10)
        self.setup_form.submitted.connect(self._submit_setup)
        self.setup_button = button(tr("Create organisation"), self.setup_form.submit, kind="primary")
        return _panel(self.setup_form, 4, self.setup_button)

    def _renew(self) -> QWidget:
        self.chosen_password = TextField(tr("New password"), check=weakness, secret=True)
        self.chosen_again = TextField(tr("Repeat the new password"), check=self._same_chosen, secret=True)
        meter = StrengthMeter()
        self.chosen_password.edited.connect(meter.show_strength)
        self.chosen_password.body.addWidget(meter)
        self.renew_form = Form(self.chosen_password, self.chosen_again)
        self.renew_form.submitted.connect(
            lambda: self._busy(self.password_chosen.emit, self.chosen_password.text())
        )
        self.renew_button = button(tr("Set password and continue"), self.renew_form.submit, kind="primary")
        leave = button(tr("Sign out"), self.sign_out_wanted.emit, kind="quiet")
        return _panel(self.renew_form, 4, self.renew_button, leave)

    def _invited(self) -> QWidget:
        self.invitation_code = TextField(
            tr("Invitation code"), check=required, help=tr("Whoever invited you can tell you")
        )
        self._invitation: MembershipChoice | None = None
        form = Form(self.invitation_code)
        form.submitted.connect(lambda: self._answer(self.invitation_code.text()))
        self.accept_button = button(tr("Accept the invitation"), form.submit, kind="primary")
        decline = button(tr("Decline"), lambda: self._answer(""), kind="quiet")
        return _panel(
            form, 4, self.accept_button, decline, button(tr("Back"), self.show_sign_in, kind="quiet")
        )

    def _answer(self, code: str) -> None:
        self._busy(self.invitation_answered.emit, self._invitation, code)

    def show_sign_in(self) -> None:
        """Show the sign-in form with the email used last."""
        self._page(SIGN_IN, tr("Sign in"), "")
        if not self.email.text():
            self.email.set_text(self._prefs.text("email"))
        self._focus(self.password if self.email.text() else self.email)

    def show_code(self) -> None:
        """Ask for the second factor."""
        self._page(CODE, tr("Second factor"), tr("This account is protected by a second factor."))
        self.code.set_text("")
        self._focus(self.code)

    def show_choices(self, memberships: Sequence[MembershipChoice]) -> None:
        """Let the person choose the organisation to work in."""
        clear(self._choices)
        for number, choice in enumerate(memberships):
            role = tr("invited") if choice.invited else choice.role
            made = button(
                f"{choice.organization_name}   ·   {role}",
                partial(self._busy, self.membership_chosen.emit, choice),
            )
            self._choices.addWidget(made)
            if number == 0:
                made.setFocus()
        self._page(
            CHOOSE,
            tr("Choose an organisation"),
            tr("You belong to several; you can change later by logging out."),
        )

    def show_new_password(self) -> None:
        """Ask for a password that only this person knows, before anything else."""
        self._forget_secrets()
        self._page(
            RENEW,
            tr("Choose your own password"),
            tr("Somebody else gave you the one you signed in with. It ends here."),
        )
        self._focus(self.chosen_password)

    def show_invitation(self, choice: MembershipChoice) -> None:
        """Ask for the code of an invitation, or have it declined."""
        self._invitation = choice
        self.invitation_code.set_text("")
        self._page(
            INVITED,
            tr("You are invited"),
            tr("{name} invites you as {role}.", name=choice.organization_name, role=choice.role),
        )
        self._focus(self.invitation_code)

    def show_setup(self) -> None:
        """Show the first-run wizard."""
        self._page(
            SETUP,
            tr("Welcome to SENT"),
            tr("Create your organisation and its owner. Everything stays on this machine."),
        )
        self._focus(self.organisation)

    def show_progress(self, text: str) -> None:
        """Say what is going on in the background."""
        self._note(text, "3", "text3")

    def show_ready(self, text: str) -> None:
        """The login service answers: the forms can be sent."""
        self._ready = True
        self._note(text, "3", "ok")
        if self._waiting:
            self._waiting = False
            self._submit_sign_in()

    def show_unavailable(self, text: str) -> None:
        """The database or the login service cannot be reached."""
        self._ready = False
        self._free()
        self._note(text, "bad", "bad")
        self._retry.show()

    def show_error(self, text: str) -> None:
        """Show what was refused, below the field it is about."""
        self._free()
        field = {
            SIGN_IN: self.password,
            CODE: self.code,
            SETUP: self.organisation,
            RENEW: self.chosen_password,
            INVITED: self.invitation_code,
        }.get(self.stack.currentIndex())
        if field is None:
            self._note(text, "bad", "bad")
        else:
            field.show_error(text)
            field.edit.setFocus()
            field.edit.selectAll()

    def problem(self) -> str:
        """Return what stands in red now, or an empty string."""
        texts = [
            str(field.edit.accessibleDescription())
            for field in (self.password, self.code, self.chosen_password, self.invitation_code)
            if field.edit.property("invalid")
        ]
        return " ".join(texts) or (self._status.text() if self._status.property("tone") == "bad" else "")

    def finished(self) -> None:
        """Somebody is signed in: remember the email, forget the secrets, let the console through."""
        self._prefs.set_text("email", self.email.text() or self.owner_email.text())
        self._forget_secrets()
        self._free()
        self.close_layer()

    def _forget_secrets(self) -> None:
        renewed = (self.chosen_password, self.chosen_again)
        for field in (self.password, self.new_password, self.repeat, self.code, *renewed):
            field.set_text("")

    def _submit_sign_in(self) -> None:
        if not self._ready:
            self._waiting = True
            self._note(tr("You will be signed in as soon as the database is there"), "3", "warn")
            return
        self._busy(self.sign_in_wanted.emit, self.email.text(), self.password.text())

    def _submit_setup(self) -> None:
        name = self.organisation.text()
        self._busy(
            self.setup_wanted.emit,
            {
                "organisation_name": name,
                "slug": slug_of(name),
                "person_name": self.person.text(),
                "email": self.owner_email.text(),
                "password": self.new_password.text(),
            },
        )

    def _same(self, text: str) -> str:
        return "" if text == self.new_password.text() else tr("The two passwords differ")

    def _same_chosen(self, text: str) -> str:
        return "" if text == self.chosen_password.text() else tr("The two passwords differ")

    def _senders(self) -> tuple[QWidget, ...]:
        return (
            self.sign_in_button,
            self.code_button,
            self.setup_button,
            self.renew_button,
            self.accept_button,
        )

    def _busy(self, send: Callable[..., object], *values: object) -> None:
        for widget in self._senders():
            widget.setEnabled(False)
        self._note(tr("One moment"), "3", "text3")
        send(*values)

    def _free(self) -> None:
        for widget in self._senders():
            widget.setEnabled(True)
        self._note("", "3", "ok")

    def _page(self, number: int, title: str, text: str) -> None:
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.stack.setCurrentIndex(number)
        for other, panel in enumerate(self._panels):
            policy = panel.sizePolicy()
            kind = policy.Policy.Preferred if other == number else policy.Policy.Ignored
            policy.setVerticalPolicy(kind)
            panel.setSizePolicy(policy)
        self._free()
        self.stack.adjustSize()
        if not self.isHidden():
            self._place()

    def _note(self, text: str, tone: str, dot: str) -> None:
        self._retry.hide()
        self._status.setText(text)
        restyle(self._status, tone=tone)
        self._dot.set_tone(dot)
        self._dot.setVisible(bool(text))

    def _focus(self, field: TextField) -> None:
        field.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def open(self) -> None:
        super().open()
        self._focus(
            {SIGN_IN: self.password if self.email.text() else self.email, SETUP: self.organisation}.get(
                self.stack.currentIndex(), self.email
            )
        )


def _panel(*parts: QWidget | int) -> QWidget:
    panel = QWidget()
    panel.setLayout(column(*parts, gap=10))
    return panel
