"""Batches: what belongs to one alert, and how a backlog is cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from closures import Evaluator

from sent.engines.radar.batch import decoded
from sent.engines.radar.grouping import MANY_HOSTS, MAX_GROUPS, MAX_WINDOWS, Crowd, grouped
from sent.engines.radar.receiving.backlog import PATIENT_LINES, Backlog, Parcel
from sent.engines.radar.rulebook.library import shipped_rules
from sent.engines.radar.store.catalogue import Source

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RULES = Evaluator(shipped_rules().rules)


def source(name: str = "s") -> Source:
    return Source(uuid4(), UUID(int=1), None, name, "syslog_udp", ":1", None, None, None, "UTC", 1)


def login(host: str, minute: int = 0, user: str = "bob") -> bytes:
    at = (NOW + timedelta(minutes=minute)).isoformat()
    return f"<38>1 {at} {host} sshd - - - Invalid user {user} from 203.0.113.9 port 7".encode()


def test_repeated_hits_of_one_rule_on_one_host_count_up_one_alert() -> None:
    payloads = (login("a"), login("a", 1, "eve"), login("b"), login("a", 16))
    batch = decoded([Parcel(source(), NOW + timedelta(minutes=20), payloads)], RULES)
    raised = grouped(batch.hits, 15)
    assert [(alert.host, alert.count) for alert in raised] == [("a", 2), ("b", 1), ("a", 1)]
    first = raised[0]
    assert (first.at, first.last_at) == (NOW, NOW + timedelta(minutes=1))
    assert first.first_event_id == batch.lines[0].id
    assert first.last_event_id == batch.lines[1].id
    assert first.matched[0].value == "Invalid user bob from 203.0.113.9 port 7"
    assert len({alert.group_key for alert in raised}) == 3


def test_hits_of_two_sources_stay_apart() -> None:
    parcels = [Parcel(source(), NOW, (login("a"),)), Parcel(source(), NOW, (login("a"),))]
    assert len(grouped(decoded(parcels, RULES).hits, 15)) == 2


def test_unreadable_payloads_are_left_out() -> None:
    assert decoded([Parcel(source(), NOW, (b"", b"x"))], RULES).lines[0].message == "x"


async def test_a_backlog_is_bounded_in_lines_and_bytes_and_cut_between_parcels() -> None:
    backlog = Backlog(max_lines=10, max_bytes=100)
    assert backlog.try_put(Parcel(source(), NOW, (b"x",) * 6))
    assert not backlog.try_put(Parcel(source(), NOW, (b"x",) * 6))
    assert not backlog.try_put(Parcel(source(), NOW, (b"x" * 99,)))
    other = replace(source(), organization_id=uuid4())
    assert backlog.try_put(Parcel(other, NOW, (b"x",) * 4))
    assert [len(parcel.payloads) for parcel in await backlog.take(7, 0)] == [6]
    assert backlog.lines == 4
    assert [len(parcel.payloads) for parcel in await backlog.take(1, 0)] == [4]
    assert backlog.try_put(Parcel(source(), NOW, (b"x" * 500,))), "one large parcel alone still passes"


async def test_senders_that_can_wait_do_so_while_there_is_room_for_bursts() -> None:
    queue = Backlog()
    assert queue.try_put(Parcel(source(), NOW, (b"x",) * PATIENT_LINES))
    assert queue.full
    assert not queue.try_put(Parcel(source(), NOW, (b"x",)), patient=True)
    assert queue.try_put(Parcel(source(), NOW, (b"x",)))


def test_a_sender_that_makes_up_hosts_and_times_raises_a_bounded_number_of_alerts() -> None:
    sender, crowd = source(), Crowd()
    payloads = tuple(login(f"h{n}", -n) for n in range(MAX_GROUPS + 300))
    hits = decoded([Parcel(sender, NOW, payloads)], RULES).hits
    raised = grouped(hits, 15, crowd)
    assert len(raised) == MAX_GROUPS + 1
    assert (raised[-1].host, raised[-1].count) == (MANY_HOSTS, 300)
    again = grouped(hits, 15, crowd)
    assert [alert.group_key for alert in again] == [alert.group_key for alert in raised], "tried again"
    known = decoded([Parcel(sender, NOW, (login("h0"),))], RULES).hits
    assert [alert.host for alert in grouped(known, 15, crowd)] == ["h0"]
    later = decoded([Parcel(sender, NOW + timedelta(minutes=15), (login("new"),))], RULES).hits
    assert [alert.host for alert in grouped(later, 15, crowd)] == ["new"]


def test_a_crowd_forgets_its_oldest_windows() -> None:
    crowd = Crowd()
    for _ in range(MAX_WINDOWS + 5):
        (alert,) = grouped(decoded([Parcel(source(), NOW, (login("a"),))], RULES).hits, 15, crowd)
        assert alert.host == "a"
    assert len(crowd._known) == MAX_WINDOWS


async def test_a_flood_of_one_organisation_leaves_room_for_the_others() -> None:
    queue = Backlog(max_lines=100)
    loud, other = source(), replace(source(), organization_id=uuid4())
    taken = sum(queue.try_put(Parcel(loud, NOW, (b"x",))) for _ in range(200))
    assert taken == 75
    assert sum(queue.try_put(Parcel(other, NOW, (b"x",))) for _ in range(200)) == 25
    await queue.take(75, 0)
    assert queue.try_put(Parcel(loud, NOW, (b"x",) * 60)), "what was taken counts no more"


async def test_bytes_of_one_organisation_leave_room_too() -> None:
    queue = Backlog(max_bytes=1000)
    loud, other = source(), replace(source(), organization_id=uuid4())
    assert sum(queue.try_put(Parcel(loud, NOW, (b"x" * 100,))) for _ in range(20)) == 7
    assert queue.try_put(Parcel(other, NOW, (b"x" * 300,)))
