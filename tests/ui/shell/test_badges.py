"""The rail's badge: how many new critical and high alerts there are, or nothing."""

from __future__ import annotations

from ui.conftest import Desk
from ui.fakes import FakeBackend, an_alert

from sent.platform.errors import Unavailable


def badge(desk: Desk) -> str:
    return desk.window.rail.items["radar"].badge()


def urgent(desk: Desk) -> int:
    return sum(a.state == "new" and a.level in ("critical", "high") for a in desk.radar.rows.values())


def test_the_badge_counts_new_critical_and_high_alerts(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.until(lambda: badge(desk) == str(urgent(desk)))
    described = desk.window.rail.items["radar"].accessibleDescription()
    assert str(urgent(desk)) in described


def test_the_badge_follows_the_bus(desk: Desk) -> None:
    desk.sign_in("overview")
    desk.until(lambda: badge(desk) != "")
    for id, alert in list(desk.radar.rows.items())[:-2]:
        desk.radar.rows[id] = an_alert(id.int - 1, state="closed", level=alert.level)
    desk.window.deliver_hints([("radar.alert.changed", {})])
    desk.until(lambda: badge(desk) == (str(urgent(desk)) if urgent(desk) else ""))


def test_what_is_not_known_is_not_shown(desk: Desk, backend: FakeBackend) -> None:
    desk.sign_in("overview")
    desk.until(lambda: badge(desk) != "")
    backend.up = False
    desk.console._look_again()
    desk.until(lambda: not desk.window.banner.isHidden())
    assert badge(desk) == ""
    backend.up = True
    desk.console._look_again()
    desk.until(lambda: badge(desk) != "")
    desk.radar.broken = Unavailable("database.timeout", "slow")
    desk.window.badges.look()
    desk.until(lambda: badge(desk) == "")


def test_a_count_beyond_two_digits_is_shortened(desk: Desk) -> None:
    desk.radar.rows = {a.id: a for a in (an_alert(n, level="critical") for n in range(120))}
    desk.sign_in("radar")
    desk.until(lambda: badge(desk) == "99+")


def test_signing_out_leaves_no_badge(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.until(lambda: badge(desk) != "")
    desk.window.shell.sign_out_wanted.emit()
    assert badge(desk) == ""
    desk.bot.wait(300)
    assert badge(desk) == ""
