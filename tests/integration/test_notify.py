"""Notices from their cause to whoever is told, on a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from notices import SECRET, SMTP, Wire, as_owner, beside, due_now, mail_channel, tell
from tenants import MemberDb, OrgFixture, add_member, member_database

from sent.engines.notifications import api, consumers
from sent.platform.bus.source import ShardEvent
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Denied, Invalid, NotFound, SentError, Unavailable
from sent.platform.ids import uuid7
from sent.platform.notify.api import close, notify
from sent.platform.notify.channel import Rejected
from sent.platform.notify.sender import Sender
from sent.platform.telemetry.log import RECENT, Secret


class Killed(BaseException):
    """Ends a sender after the peer had the message."""


class Noon:
    """A clock that stands."""

    def __init__(self, at: str = "2026-05-05 12:00") -> None:
        self.at = datetime.fromisoformat(at).replace(tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


async def test_a_notice_commits_or_vanishes_with_its_cause(org_a: OrgFixture, member_db: MemberDb) -> None:
    me = await as_owner(org_a, member_db)
    with pytest.raises(RuntimeError):
        async with uow(org_a.ctx) as tx:
            await notify(tx, "a.b", title="never", severity="info", people=[org_a.owner])
            raise RuntimeError
    await tell(org_a.ctx, people=[org_a.owner], link="radar")
    (notice,) = await api.inbox(me)
    assert (notice.text("de"), notice.link, notice.count) == (("T", "B"), "radar", 1)
    async with uow(org_a.ctx) as tx:
        topics = await scalar(tx, "select array_agg(topic || (payload ->> 'notice')) from core.outbox")
    assert f"notify.notice.raised{notice.id}" in topics


async def test_a_key_that_is_open_counts_and_a_read_one_is_told_anew(
    org_a: OrgFixture, member_db: MemberDb
) -> None:
    me = await as_owner(org_a, member_db)
    first = [await tell(org_a.ctx, people=[org_a.owner], key="disk") for _ in range(3)]
    assert len(set(first)) == 1
    assert [n.count for n in await api.inbox(me)] == [3]
    assert await api.mark(me, [first[0]], read=True) == 1
    again = await tell(org_a.ctx, people=[org_a.owner], key="disk")
    assert again != first[0]
    async with uow(org_a.ctx) as tx:
        assert await close(tx, "disk")
        assert not await close(tx, "disk")
    assert await tell(org_a.ctx, people=[org_a.owner], key="disk") not in (again, first[0])
    assert await api.unread(me) == 2


async def test_a_flood_becomes_ten_and_a_digest(org_a: OrgFixture, member_db: MemberDb) -> None:
    me = await as_owner(org_a, member_db)
    async with uow(org_a.ctx) as tx:
        for number in range(60):
            await notify(tx, "a.b", title=f"N{number}", severity="info", people=[org_a.owner])
    notices = await api.inbox(me)
    assert len(notices) == 11
    digest = next(n for n in notices if n.count > 1)
    assert digest.count == 50
    assert "- N10" in digest.text("en")[1]
    assert digest.text("de")[0] == "Viele Meldungen wie „N10“"
    assert len(digest.text("de")[1]) < 2000
    await tell(org_a.ctx, "a.other", people=[org_a.owner])
    assert len(await api.inbox(me)) == 12


async def test_what_cannot_be_taken_is_refused_with_the_place(org_a: OrgFixture) -> None:
    for wrong in (
        {"title": ""},
        {"title": "\x00\r\n"},
        {"severity": "loud"},
        {"link": "https://evil.test"},
        {"key": "k" * 201},
        {"people": [uuid7() for _ in range(501)]},
        {"topic": "Not A Topic"},
    ):
        with pytest.raises(Invalid):
            await tell(org_a.ctx, **wrong)


async def test_only_members_who_may_are_told(
    server: Server, org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    analyst, login = await add_member(org_a.ctx, "ann@alpha.test", "Ann", "analyst")
    client = uuid7()
    async with uow(org_a.ctx) as tx:
        await tx.execute("insert into core.client (id, name, code) values (%s, 'C', 'c')", [client])
        await tx.execute("select auth.narrow(%s, %s)", [login, [client]])
    await tell(org_a.ctx, "a.one", permission="jobs:manage")
    await tell(org_a.ctx, "a.two", permission="radar:triage")
    await tell(org_a.ctx, "a.three", permission="radar:triage", client=client)
    await tell(org_a.ctx, "a.four", people=[org_b.owner])
    mine = await api.inbox(await as_owner(org_a, member_db))
    async with member_database(server, login) as db:
        hers = await api.inbox(Ctx(db, org_a.org, analyst))
    assert {n.topic for n in mine} == {"a.one", "a.two", "a.three"}
    assert {n.topic for n in hers} == {"a.three"}
    assert await api.inbox(await as_owner(org_b, member_db)) == []


async def test_a_member_reaches_only_what_is_his(
    server: Server, org_a: OrgFixture, org_b: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, stranger = await as_owner(org_a, member_db), await as_owner(org_b, member_db)
    wire = Wire()
    channel = await mail_channel(me, Sender(system_db, adapter=wire.adapter))
    notice = await tell(org_a.ctx, people=[org_a.owner])
    (row,) = await api.log(me, kinds=["mail"])
    viewer, login = await add_member(org_a.ctx, "v@alpha.test", "V", "viewer")
    async with member_database(server, login) as db:
        other = Ctx(db, org_a.org, viewer)
        for who in (other, stranger):
            assert await api.mark(who, [notice], read=True) == 0
            assert await api.shown(who, [d.delivery for d in await api.unshown(me)]) == 0
            assert await api.unshown(who) == []
        for asked in (
            api.channels(other),
            api.log(other),
            api.dead(other),
            api.retry(other, [row.id]),
            api.remove_channel(other, channel),
            api.test_channel(other, channel),
            api.set_rule(other, "mail", "*", "info", defaults=True),
            api.save_channel(other, api.ChannelDraft("smtp", "X", SMTP, id=channel)),
        ):
            with pytest.raises(Denied):
                await asked
        for query in (
            "select notify.tell(core.uuid7(), 'a.b', 'info', '{}', '{}', null, '{}', null, null, null)",
            "select secret from notify.channel",
            "select * from notify.delivery",
            "update notify.recipient set read_at = now()",
            "select notify.close('disk')",
        ):
            with pytest.raises(Denied):
                async with uow(me) as tx:
                    await tx.execute(query)
    assert await api.log(stranger) == []
    with pytest.raises(NotFound):
        await api.remove_channel(stranger, channel)
    with pytest.raises(NotFound):
        await api.retry(stranger, [row.id])
    await api.save_channel(stranger, api.ChannelDraft("smtp", "Theirs", SMTP, id=channel))
    assert [c.name for c in await api.channels(me)] == ["Mail"]


async def test_a_secret_is_sealed_on_its_way_and_reaches_only_the_adapter(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    channel = await mail_channel(me, sender)
    async with uow(org_a.ctx) as tx:
        row = await scalar(tx, "select row_to_json(c)::text from notify.channel c")
        secret = await scalar(tx, "select secret from notify.channel")
        trail = await scalar(tx, "select coalesce(string_agg(e::text, ' '), '') from audit.entry e")
    assert secret is not None
    assert '"box":null' in row.replace(" ", "")
    for text in (row, trail, repr(await api.channels(me)), repr(list(RECENT))):
        assert SECRET not in text
        assert SECRET.encode().hex() not in text
    await tell(org_a.ctx, people=[org_a.owner])
    await sender.work()
    assert (wire.secrets, [kind for kind, _ in wire.sent]) == ([SECRET], ["smtp"])
    # Whoever changes where the password goes has to know it.
    moved = api.ChannelDraft("smtp", "Mail", SMTP | {"host": "evil.test"}, id=channel)
    await api.save_channel(me, moved)
    assert not (await api.channels(me))[0].has_secret
    await api.test_channel(me, channel)
    await sender.work()
    assert wire.secrets == [SECRET, None]


async def test_a_box_of_another_channel_does_not_open(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    await mail_channel(me, sender)
    from sent.platform.notify.secrets import box

    async with uow(me) as tx:
        public = await scalar(tx, "select notify.public_key()")
        await tx.execute(
            "select notify.save_channel(core.uuid7(), 'smtp', 'Other', true, '{}', '*', 'info', 60, %s)",
            [box(bytes(public), org_a.org, uuid7(), Secret("x"))],
        )
    await sender.work()
    other = next(c for c in await api.channels(me) if c.name == "Other")
    assert (other.has_secret, other.last_error) == (
        False,
        "the secret could not be opened: type it again",
    )


async def test_rules_choose_the_channels_the_closest_first_and_ones_own_before_the_defaults(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    await mail_channel(me, Sender(system_db, adapter=wire.adapter), secret=None)

    async def kinds(topic: str, severity: str) -> set[str]:
        notice = await tell(org_a.ctx, topic, severity=severity, people=[org_a.owner])
        return {row.kind for row in await api.log(me) if row.notice_id == notice}

    assert await kinds("a.b", "info") == {"desktop"}
    assert await kinds("a.b", "critical") == {"desktop", "mail"}
    await api.set_rule(me, "mail", "*", "info", defaults=True)
    assert await kinds("a.b", "info") == {"desktop", "mail"}
    await api.set_rule(me, "mail", "a.*", "never")
    await api.set_rule(me, "mail", "a.b", "warning")
    assert await kinds("a.b", "info") == {"desktop"}
    assert await kinds("a.b", "warning") == {"desktop", "mail"}
    assert await kinds("a.c", "critical") == {"desktop"}
    assert await kinds("ab.c", "info") == {"desktop", "mail"}
    await api.set_rule(me, "mail", "a.*", None)
    assert await kinds("a.c", "critical") == {"desktop", "mail"}
    with pytest.raises(Invalid):
        await api.set_rule(me, "mail", "a.%", "info")


async def test_failed_ones_are_tried_again_and_dead_ones_wait_for_somebody(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    await mail_channel(me, sender)
    await tell(org_a.ctx, people=[org_a.owner])
    wire.answers = [Unavailable("x", "the mail server answered 451"), Rejected("x", "answered 550")]
    await sender.work()
    (row,) = await api.log(me, kinds=["mail"])
    assert (row.state, row.attempts, row.reason) == ("failed", 1, "the mail server answered 451")
    assert row.next_at > datetime.now(UTC)
    assert await sender.work() == 0
    await due_now(org_a.ctx)
    await sender.work()
    (row,) = await api.log(me, states=["dead"])
    assert (row.attempts, row.reason, await api.dead(me)) == (2, "answered 550", 1)
    assert (await api.channels(me))[0].last_error == "answered 550"
    assert await api.retry(me, [row.id]) == 1
    await sender.work()
    (row,) = await api.log(me, kinds=["mail"])
    assert row.state == "sent"
    assert (await api.channels(me))[0].last_error is None
    assert {message.id for _, message in wire.sent} == {row.id}
    with pytest.raises(NotFound):
        await api.retry(me, [row.id])
    wire.answers = [Unavailable("x", "away")] * 20
    await tell(org_a.ctx, people=[org_a.owner])
    for _ in range(8):
        await sender.work()
        await due_now(org_a.ctx)
    assert (await sender.work(), await api.dead(me)) == (0, 1)


async def test_a_sender_that_dies_loses_nothing_and_its_claim_is_worth_nothing_later(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    await mail_channel(me, sender)
    await tell(org_a.ctx, people=[org_a.owner])
    wire.answers = [Killed()]
    with pytest.raises(BaseExceptionGroup):
        await sender.work()
    assert await Sender(system_db, adapter=wire.adapter).work() == 0
    from sent.platform.notify import store

    await due_now(org_a.ctx)
    (stale,) = await store.claim(system_db)
    await due_now(org_a.ctx)
    await Sender(system_db, adapter=wire.adapter).work()
    assert not await store.sent(Ctx(system_db, org_a.org, uuid7()), stale, uuid7())
    assert len(wire.sent) == 2
    assert len({message.id for _, message in wire.sent}) == 1
    assert [row.state for row in await api.log(me, kinds=["mail"])] == ["sent"]


async def test_two_senders_send_each_once_and_within_the_channels_rate(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    await mail_channel(me, Sender(system_db, adapter=wire.adapter), rate=12)
    for number in range(20):
        await tell(org_a.ctx, f"a.t{number}", people=[org_a.owner])
    both = [Sender(system_db, adapter=wire.adapter) for _ in range(2)]
    for _ in range(8):
        await asyncio.gather(*(sender.work() for sender in both))
    ids = [message.id for _, message in wire.sent]
    assert len(ids) == len(set(ids))
    # Two that look at the same moment may overshoot by what one takes at once.
    assert 12 <= len(ids) <= 17


async def test_quiet_hours_hold_mail_and_desktop_and_let_through_what_may(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire, clock = await as_owner(org_a, member_db), Wire(), Noon("2026-03-28 22:00")
    sender = Sender(system_db, adapter=wire.adapter, clock=clock)
    await mail_channel(me, sender)
    await api.set_rule(me, "mail", "*", "info")
    await api.save_preferences(me, api.Preferences("de", "Europe/Vienna", quiet=True))
    await tell(org_a.ctx, severity="warning", people=[org_a.owner])
    await sender.work()
    assert (wire.sent, await api.unshown(me, now=clock.now())) == ([], [])
    (row,) = await api.log(me, kinds=["mail"])
    # The clock jumps that night: seven in the morning is five UTC, not six.
    assert (row.state, row.attempts, row.reason) == ("pending", 0, "quiet hours")
    assert row.next_at == datetime(2026, 3, 29, 5, tzinfo=UTC)
    await tell(org_a.ctx, "a.b", severity="critical", people=[org_a.owner])
    await sender.work()
    assert [message.topic for _, message in wire.sent] == ["a.b"]
    clock.at = row.next_at
    await due_now(org_a.ctx)
    await sender.work()
    assert len(wire.sent) == 2
    assert len(await api.unshown(me, now=clock.now())) == 2
    with pytest.raises(Invalid, match="time zone"):
        await api.save_preferences(me, api.Preferences(zone="Mars/Base"))


async def test_who_left_is_not_told_and_a_channel_that_is_off_waits(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    channel = await mail_channel(me, sender)
    ann, login = await add_member(org_a.ctx, "ann@alpha.test", "Ann", "analyst")
    await tell(org_a.ctx, people=[ann, org_a.owner])
    async with uow(org_a.ctx) as tx:
        await tx.execute("select auth.set_member_state(%s, 'disabled')", [login])
    await api.save_channel(me, api.ChannelDraft("smtp", "Mail", SMTP, enabled=False, id=channel))
    await sender.work()
    states = {row.person: (row.state, row.reason) for row in await api.log(me, kinds=["mail"])}
    assert states["Ann"] == ("lapsed", "the person is no member any more")
    assert states["Alpha Owner"] == ("pending", "the channel is switched off")
    assert wire.sent == []
    await api.test_channel(me, channel)
    await sender.work()
    assert [message.topic for _, message in wire.sent] == ["notifications.test"]
    for _ in range(4):
        await api.test_channel(me, channel)
    with pytest.raises(Invalid, match="five tests"):
        await api.test_channel(me, channel)


async def test_a_webhook_hears_its_topics_once_for_the_organisation(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    hook = api.ChannelDraft(
        "webhook", "Site", {"url": "https://example.com/in"}, pattern="radar.*", minimum="warning",
        secret=Secret("whsec"),
    )  # fmt: skip
    await beside(sender, api.save_channel(me, hook))
    ann, _ = await add_member(org_a.ctx, "ann@alpha.test", "Ann", "analyst")
    await tell(org_a.ctx, people=[ann, org_a.owner], link="radar/x")
    await tell(org_a.ctx, people=[org_a.owner], severity="info")
    await tell(org_a.ctx, "jobs.job.died", people=[org_a.owner])
    await sender.work()
    ((kind, message),) = wire.sent
    assert (kind, message.topic, message.link) == (
        "webhook",
        "radar.alert.raised",
        "sent://org/alpha/radar/x",
    )


async def test_what_is_old_is_forgotten(org_a: OrgFixture, app_db: Database, member_db: MemberDb) -> None:
    from sent.engines.notifications.service import prune

    me = await as_owner(org_a, member_db)
    old, new = [await tell(org_a.ctx, f"a.{n}", people=[org_a.owner]) for n in ("old", "new")]
    async with uow(org_a.ctx) as tx:
        await tx.execute("update notify.notice set last_at = now() - interval '91 days' where id = %s", [old])
    await prune(org_a.ctx)
    assert [n.id for n in await api.inbox(me)] == [new]
    assert {row.notice_id for row in await api.log(me)} == {new}


async def test_events_of_engines_become_notices(org_a: OrgFixture, member_db: MemberDb) -> None:
    me = await as_owner(org_a, member_db)

    async def hear(topic: str, **payload: str) -> None:
        event = ShardEvent(1, uuid7(), org_a.org, topic, None, payload, datetime.now(UTC))
        async with uow(org_a.ctx) as tx:
            await consumers.tell(tx, org_a.ctx, event)

    await hear("jobs.job.died", job="7", task="audit.verify")
    await hear("jobs.job.died", job="8", task="audit.verify")
    await hear("audit.trail.broken", kind="changed", seq="12")
    await hear("radar.alert.raised", alert_id=str(uuid7()))
    found = {n.topic: n for n in await api.inbox(me)}
    assert set(found) == {"jobs.job.died", "audit.trail.broken"}
    assert (found["jobs.job.died"].count, found["jobs.job.died"].link) == (2, "jobs")
    assert found["audit.trail.broken"].severity == "critical"
    assert "changed" in found["audit.trail.broken"].text("de")[1]


async def test_high_and_critical_alerts_are_told_to_who_may_triage(
    org_a: OrgFixture, member_db: MemberDb
) -> None:
    me = await as_owner(org_a, member_db)
    ids: dict[str, UUID] = {}
    async with uow(org_a.ctx) as tx:
        for level in ("low", "medium", "high", "critical"):
            ids[level] = uuid7()
            await tx.execute(
                "insert into radar.alert (id, at, last_at, received_at, level, rule_id, title, author, tags,"
                " host, group_key, first_event_id, last_event_id, matched, event) values (%s, now(), now(),"
                " now(), %s, 'r', %s, '', '{}', 'web1', %s, %s, %s, '[]', '{}')",
                [ids[level], level, f"{level}\r\n{{title}}", level, uuid7(), uuid7()],
            )
            event = ShardEvent(
                1, uuid7(), org_a.org, "radar.alert.raised", None, {"alert_id": str(ids[level])},
                datetime.now(UTC),
            )  # fmt: skip
            await consumers.tell(tx, org_a.ctx, event)
    found = {n.link: (n.severity, n.text("en")[0]) for n in await api.inbox(me)}
    assert found == {
        f"radar/{ids['high']}": ("warning", "Alert (high): high {title}"),
        f"radar/{ids['critical']}": ("critical", "Alert (critical): critical {title}"),
    }


async def test_a_test_of_ones_own_reaches_desktop_and_mail(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    await mail_channel(me, sender)
    await api.save_preferences(me, api.Preferences("de"))
    await api.test_me(me)
    await sender.work()
    ((_, message),) = wire.sent
    assert message.title == "Test Ihrer Benachrichtigungen"
    (shown,) = await api.unshown(me)
    assert await api.shown(me, [shown.delivery]) == 1
    assert await api.unshown(me) == []
    with pytest.raises(SentError):
        for _ in range(3):
            await api.test_me(me)


async def test_a_verification_that_fails_is_an_event(
    org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sent.engines.audit import tasks
    from sent.platform.audit import proof
    from sent.platform.audit.verify import Finding

    class Broken:
        finding = Finding("changed", "alpha", 12, None, None, None, "changed")

    async def check(*_asked: Any) -> Broken:
        return Broken()

    monkeypatch.setattr(proof, "check", check)
    monkeypatch.setattr(proof, "trusted_keys", dict)
    monkeypatch.setattr(proof, "read_anchors", lambda _path: [])
    await tasks.verify(org_a.ctx)
    async with uow(org_a.ctx) as tx:
        payload = await scalar(tx, "select payload from core.outbox where topic = 'audit.trail.broken'")
    assert payload == {"kind": "changed", "seq": "12"}
