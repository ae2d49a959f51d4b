"""Attacks on notifications: who lost a right, who floods or is slow, and addresses nobody may reach."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from notices import SMTP, Wire, as_owner, beside, due_now, mail_channel, tell
from tenants import MemberDb, OrgFixture, add_member, make_org, member_database

from sent.engines.notifications import api
from sent.platform.auth import directory
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import transaction, uow
from sent.platform.errors import Denied, Invalid, Unavailable
from sent.platform.ids import uuid7
from sent.platform.notify import store
from sent.platform.notify.channel import Message
from sent.platform.notify.sender import Sender
from sent.platform.notify.smtp import Smtp, SmtpConfig
from sent.platform.notify.store import AT_ONCE, SHARE
from sent.platform.notify.threads import in_thread
from sent.platform.notify.webhook import Webhook, WebhookConfig
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import Secret

HOOK = {"url": "https://example.com/in"}
PUBLIC = "93.184.215.14"


# --- a right that was lost ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["role", "clients", "membership"])
async def test_who_lost_the_right_gets_no_new_words_of_an_open_notice(
    server: Server, org_a: OrgFixture, system_db: Database, member_db: MemberDb, how: str
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    await mail_channel(me, sender)
    ann, login = await add_member(org_a.ctx, "ann@alpha.test", "Ann", "analyst")
    case = {"permission": "radar:triage", "key": "case"}
    async with member_database(server, login) as db:
        hers = Ctx(db, org_a.org, ann)
        await tell(org_a.ctx, title="old words", **case)
        assert [n.text("en")[0] for n in await api.inbox(hers)] == ["old words"]
        if how == "role":
            await directory.set_role(org_a.ctx, login, "viewer")
        elif how == "clients":
            await directory.narrow(
                org_a.ctx, login, [await directory.create_client(org_a.ctx, "Other", "other")]
            )
        else:
            await directory.set_member_state(org_a.ctx, login, active=False)
        await tell(org_a.ctx, title="new words", **case)
        if how != "membership":
            assert await api.inbox(hers) == []
            assert await api.unread(hers) == 0
            assert await api.unshown(hers) == []
    await sender.work()
    assert [(m.title, m.to_address) for _, m in wire.sent] == [("new words", "owner@alpha.test")]
    (lapsed,) = await api.log(me, kinds=["mail"], states=["lapsed"])
    assert lapsed.person == "Ann"
    assert [n.count for n in await api.inbox(me)] == [2]


# --- one organisation against the others ----------------------------------------------------------------


async def hooks(me: Ctx, sender: Sender) -> None:
    """Give an organisation more channels than there are places for all."""
    for number in range(6):
        draft = api.ChannelDraft("webhook", f"H{number}", HOOK, secret=Secret("s"), rate_per_minute=600)
        await beside(sender, api.save_channel(me, draft))


async def flood(org: OrgFixture) -> None:
    """Raise what all channels of an organisation are told."""
    for number in range(8):
        await tell(org.ctx, f"a.t{number}", people=[org.owner])


async def test_a_flood_of_one_organisation_leaves_places_for_the_others(
    org_a: OrgFixture, org_b: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    wire = Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    await hooks(await as_owner(org_a, member_db), sender)
    await mail_channel(await as_owner(org_b, member_db), sender)
    await flood(org_a)
    await tell(org_b.ctx, people=[org_b.owner])
    await sender.work()
    sent = [message.organization for _, message in wire.sent]
    assert sent.count("Beta") == 1
    assert sent.count("Alpha") == SHARE


class Slow(Wire):
    """A wire on which the peers of some organisations never answer; each keeps a thread meanwhile."""

    def __init__(self, slow: set[str]) -> None:
        super().__init__()
        self.slow, self.held, self.arrived = slow, 0, asyncio.Event()
        self.over = threading.Event()

    def adapter(self, _kind: str, _config: Mapping[str, Any], _secret: Secret | None) -> Any:
        wire = self

        class Channel:
            async def send(self, message: Message) -> None:
                if message.organization in wire.slow:
                    wire.held += 1
                    await in_thread(wire.over.wait, 60)
                else:
                    await in_thread(wire.sent.append, ("", message))
                    wire.arrived.set()

        return Channel()


@pytest.fixture
async def crowd(system_db: Database, app_db: Database, server: Server) -> AsyncIterator[list[OrgFixture]]:
    """Return as many organisations as it takes to fill all places but one share."""
    yield [await make_org(system_db, app_db, f"slow{n}") for n in range(AT_ONCE // SHARE - 1)]


async def test_slow_sites_of_others_hold_up_nobody(
    crowd: list[OrgFixture], org_b: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    wire = Slow({org.slug.title() for org in crowd})
    sender = Sender(system_db, adapter=wire.adapter, poll=0.02)
    quick = Sender(system_db, adapter=Wire().adapter)
    for org in crowd:
        await hooks(await as_owner(org, member_db), quick)
    await mail_channel(await as_owner(org_b, member_db), quick)
    for org in crowd:
        await flood(org)
    running = spawn(sender.run(), name="sender")
    try:
        async with asyncio.timeout(30):
            while wire.held < AT_ONCE - SHARE:
                await asyncio.sleep(0.02)
            await tell(org_b.ctx, people=[org_b.owner])
            await wire.arrived.wait()
        assert wire.held == AT_ONCE - SHARE
        assert {message.organization for _, message in wire.sent} == {"Beta"}
    finally:
        wire.over.set()
        await cancel(running)


async def test_of_organisations_that_all_flood_the_one_that_waits_longest_is_next(
    crowd: list[OrgFixture], org_b: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    sender = Sender(system_db, adapter=Wire().adapter)
    for org in [org_b, *crowd]:
        await mail_channel(await as_owner(org, member_db), sender)
    for org in [org_b, *crowd]:
        await tell(org.ctx, people=[org.owner])
    taken = [await store.claim(system_db, most=1) for _ in range(len(crowd) + 1)]
    assert [one[0].organization for one in taken] == [org.org for org in [org_b, *crowd]]


# --- private addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["webhook", "smtp"])
async def test_only_who_operates_the_installation_lets_a_channel_reach_private_addresses(
    org_a: OrgFixture, org_b: OrgFixture, system_db: Database, member_db: MemberDb, kind: str
) -> None:
    config = {"webhook": HOOK, "smtp": SMTP}[kind]
    secret = Secret("s")
    operator, other = await as_owner(org_a, member_db), await as_owner(org_b, member_db)
    sender = Sender(system_db, adapter=Wire().adapter)
    inside = config | {"allow_private": True}
    await beside(sender, api.save_channel(operator, api.ChannelDraft(kind, "In", inside, secret=secret)))
    with pytest.raises(Denied) as refused:
        await api.save_channel(other, api.ChannelDraft(kind, "In", inside))
    assert refused.value.code == "notify.private"
    plain = api.ChannelDraft(kind, "Out", config, secret=secret, id=uuid7())
    await beside(sender, api.save_channel(other, plain))
    assert plain.id is not None
    for spelling in ("true", '"true"', "1", '"yes"', "[]"):
        for channel in (plain.id, uuid7()):
            with pytest.raises(Denied):
                await stored(other, channel, kind, f'{{"url": "x", "allow_private": {spelling}}}')
    (kept,) = await api.channels(other)
    assert not kept.config.get("allow_private")


async def stored(me: Ctx, channel: UUID, kind: str, config: str) -> None:
    """Save a channel past the checks of this program, as somebody with psql does."""
    async with uow(me) as tx:
        await tx.execute(
            "select notify.save_channel(%s, %s, 'X', true, %s::jsonb, '*', 'info', 60, null)",
            [channel, kind, config],
        )


async def test_who_does_not_operate_the_installation_any_more_reaches_none(
    org_a: OrgFixture, org_b: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    me, wire = await as_owner(org_a, member_db), Wire()
    sender = Sender(system_db, adapter=wire.adapter)
    draft = api.ChannelDraft("webhook", "In", HOOK | {"allow_private": True}, secret=Secret("s"))
    await beside(sender, api.save_channel(me, draft))
    await tell(org_a.ctx, "a.one", people=[org_a.owner])
    await sender.work()
    async with transaction(system_db) as tx:
        await tx.execute("select core.set_operator('beta', true), core.set_operator('alpha', false)")
    await tell(org_a.ctx, "a.two", people=[org_a.owner])
    await due_now(org_a.ctx)
    await sender.work()
    assert [config.get("allow_private", False) for config in wire.configs] == [True, False]


# --- names that lead elsewhere --------------------------------------------------------------------------


class Names:
    """The names of the world, as its attacker answers for them: each time the next answer, then the last."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0
        self.connected: list[str] = []

    def getaddrinfo(self, _host: str, port: int, *_rest: Any, **_named: Any) -> list[Any]:
        now = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in now
        ]

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """Connect to this machine for the public address, and for a name that has to be asked again."""
        self.connected.append(address[0])
        assert address[0] == PUBLIC, "asked for the name once more"
        with socket.create_server(("127.0.0.1", 0)) as listening:
            made = socket.socket()
            made.settimeout(timeout)
            made.connect(listening.getsockname())
            listening.accept()[0].close()
        return made


def world(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> Names:
    """Let names have these answers, and connections be seen."""
    names = Names(*answers)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", names.connect)
    return names


def channels() -> list[Smtp | Webhook]:
    """Return both ways out, made as the sender makes them."""
    hook = WebhookConfig.parse({"url": "https://rebind.test/in"})
    mail = SmtpConfig.parse({"host": "rebind.test", "port": 587, "sender": "a@b.test"})
    return [Webhook(hook, Secret("s")), Smtp(mail, None)]


HELLO = Message(
    id=uuid7(), notice=uuid7(), topic="a.b", severity="info", title="T", body="B", link="", count=1,
    at=datetime(2026, 5, 5, tzinfo=UTC), organization="Alpha", to_address="a@b.test", to_name="A",
)  # fmt: skip


@pytest.mark.parametrize(
    "inside",
    [
        "127.0.0.1", "10.0.0.5", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1%lo", "fd00::1",
        "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1:7f00:0:100:808:808", "2002:7f00:1::1",
    ],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    for answers in ([inside], [PUBLIC, inside], [inside, PUBLIC]):
        names = world(monkeypatch, answers)
        for channel in channels():
            with pytest.raises(Invalid) as refused:
                await channel.send(HELLO)
            assert refused.value.code == "notify.address"
        assert names.connected == []


async def test_a_name_that_changes_its_mind_after_it_was_judged_leads_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for which in (0, 1):
        names = world(monkeypatch, [PUBLIC], ["127.0.0.1"])
        with pytest.raises(Unavailable):
            await channels()[which].send(HELLO)
        assert (names.asked, names.connected) == (1, [PUBLIC])
