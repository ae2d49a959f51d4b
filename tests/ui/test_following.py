"""K7 20: where a link leads, when somebody is signed in and when nobody is."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QAbstractButton
from ui.conftest import Desk
from ui.fakes import ALL, FakeBackend, an_alert

from sent.platform.links import parse
from sent.ui import boot
from sent.ui.pages.radar import RadarPage


def link(org: str = "northwind", place: str = f"radar/alert/{an_alert(3).id}") -> str:
    return f"sent://org/{org}/{place}"


def opened(desk: Desk) -> str:
    page = desk.window.pages.get("radar")
    return page.current_record() if isinstance(page, RadarPage) else ""


def test_k7_20_a_link_opens_the_record_and_comes_to_the_front(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.until(lambda: desk.window.shell.common.slug == "northwind")
    desk.console.follower.follow(parse(link()))
    desk.until(lambda: opened(desk) == f"alert/{an_alert(3).id}")
    assert desk.window.current == "radar"
    desk.console.follower.follow(parse(link(place="radar?q=level%3Ahigh")))
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    assert page.queue.filter.text() == "level:high"


def test_k7_20_signed_out_the_link_waits_for_the_sign_in(desk: Desk) -> None:
    desk.start()
    desk.console.follower.follow(parse(link()))
    assert desk.console.follower.waiting is not None
    desk.gate.email.set_text(desk.backend.email)
    desk.gate.password.set_text(desk.backend.password)
    desk.gate.sign_in_form.submit()
    desk.until(lambda: opened(desk) == f"alert/{an_alert(3).id}")
    assert desk.console.follower.waiting is None


def test_k7_20_another_organisations_link_is_offered_never_followed_silently(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.until(lambda: desk.window.shell.common.slug == "northwind")
    desk.console.follower.follow(parse(link("harbour")))
    bar = desk.window.question
    assert not bar.isHidden()
    assert "harbour" in bar.text and "Northwind" in bar.text
    assert (desk.window.current, opened(desk)) == ("overview", "")
    stay = next(b for b in bar.findChildren(QAbstractButton) if b.text() == "Stay here")
    stay.click()
    assert bar.isHidden() and desk.console.follower.waiting is None
    desk.console.follower.follow(parse(link("harbour")))
    there = next(b for b in bar.findChildren(QAbstractButton) if b.text() == "Sign in there")
    there.click()
    assert desk.window.shell.person is None
    assert desk.console.follower.waiting is not None, "it is opened after the sign-in there"


def test_k7_20_a_link_to_what_the_role_may_not_see_opens_nothing(desk: Desk, backend: FakeBackend) -> None:
    backend.permissions = ALL - {"audit:read"}
    desk.sign_in("overview")
    desk.until(lambda: desk.window.shell.common.slug == "northwind")
    for place in ("audit", "nowhere/1"):
        desk.console.follower.follow(parse(link(place=place)))
        assert desk.window.current == "overview"
    assert any("may not see" in toast.text for toast in desk.window.shell.toasts.toasts)


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["sent://org/acme/radar/../x"], 65),
        (["sent:rubbish"], 65),
        (["sent://org/acme/radar", "sent://org/acme/audit"], 2),
        (["sent://org/acme/radar", "--evil"], 2),
    ],
)
def test_k7_20_the_command_line_takes_exactly_one_exact_link(
    argv: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boot.main(argv) == code
    assert "sent: " in capsys.readouterr().err
