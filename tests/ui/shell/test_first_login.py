"""An invited person's first login: a password of their own before anything else."""

from __future__ import annotations

from ui.conftest import Desk
from ui.fakes import FakeBackend

from sent.ui.shell.gate import INVITED, RENEW, SIGN_IN

OWN = "harbour-lamp-9-violet"


def arrive(desk: Desk, backend: FakeBackend) -> None:
    backend.must_change = True
    desk.start()
    desk.gate.email.set_text(backend.email)
    desk.gate.password.set_text(backend.password)
    desk.gate.sign_in_form.submit()
    desk.until(lambda: desk.gate.stack.currentIndex() == RENEW)


def choose(desk: Desk, password: str, again: str | None = None) -> None:
    desk.gate.chosen_password.set_text(password)
    desk.gate.chosen_again.set_text(password if again is None else again)
    desk.gate.renew_form.submit()


def test_nothing_is_shown_before_the_given_password_was_replaced(desk: Desk, backend: FakeBackend) -> None:
    arrive(desk, backend)
    assert desk.window.shell.person is None
    assert desk.console.bridge.session is None, "no connection to the database yet"
    choose(desk, OWN)
    desk.until(lambda: desk.window.shell.person is not None)
    assert backend.password == OWN
    assert desk.gate.isHidden()
    assert desk.gate.chosen_password.text() == ""


def test_the_new_password_obeys_the_wizards_rules(desk: Desk, backend: FakeBackend) -> None:
    arrive(desk, backend)
    given = backend.password
    choose(desk, "password1234")
    assert "Too easy" in str(desk.gate.chosen_password.edit.accessibleDescription())
    choose(desk, OWN, OWN[:-1])
    assert desk.gate.chosen_again.edit.accessibleDescription() == "The two passwords differ"
    desk.settle()
    assert (backend.password, desk.window.shell.person) == (given, None)


def test_a_password_that_the_login_service_refuses_is_told_below_the_field(
    desk: Desk, backend: FakeBackend
) -> None:
    arrive(desk, backend)
    choose(desk, "a weakness nobody lists")
    desk.until(lambda: "anybody would try" in desk.gate.problem())
    assert desk.gate.renew_button.isEnabled()
    choose(desk, OWN)
    desk.until(lambda: desk.window.shell.person is not None)


def test_leaving_without_a_new_password_ends_the_session(desk: Desk, backend: FakeBackend) -> None:
    arrive(desk, backend)
    desk.gate.sign_out_wanted.emit()
    desk.until(lambda: backend.broker.logged_out == 1)
    assert desk.gate.stack.currentIndex() == SIGN_IN
    assert desk.window.shell.person is None
    assert backend.must_change


def test_leaving_while_the_password_is_on_its_way_does_not_let_anybody_in(
    desk: Desk, backend: FakeBackend
) -> None:
    arrive(desk, backend)
    backend.broker.slow = 0.3
    choose(desk, OWN)
    desk.gate.sign_out_wanted.emit()
    desk.bot.wait(600)
    assert desk.window.shell.person is None
    assert desk.console.bridge.session is None


def arrive_invited(desk: Desk, backend: FakeBackend) -> None:
    backend.invited = True
    desk.start()
    desk.gate.email.set_text(backend.email)
    desk.gate.password.set_text(backend.password)
    desk.gate.sign_in_form.submit()
    desk.until(lambda: desk.gate.stack.currentIndex() == INVITED)


def test_an_invitation_is_accepted_with_its_code(desk: Desk, backend: FakeBackend) -> None:
    arrive_invited(desk, backend)
    desk.gate.invitation_code.set_text("wrong")
    desk.gate.accept_button.click()
    desk.until(lambda: "does not hold" in desk.gate.problem())
    desk.gate.invitation_code.set_text("fern-42")
    desk.gate.accept_button.click()
    desk.until(lambda: desk.window.shell.person is not None)


def test_an_invitation_is_declined(desk: Desk, backend: FakeBackend) -> None:
    arrive_invited(desk, backend)
    desk.gate._answer("")
    desk.until(lambda: desk.gate.stack.currentIndex() == SIGN_IN)
    assert backend.organisations == []
    assert desk.window.shell.person is None
