"""The engines' apis and the login broker with state in memory, for tests of the console alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from ui.coverage_facts import CoverageShelf
from ui.entity_story import EntityStory
from ui.rule_service import RuleService
from ui.rule_shelf import RuleShelf
from ui.source_service import FakeSources

from sent.engines.audit.api import Entry, ProofState, Report
from sent.engines.notifications import api as notifications
from sent.engines.overview.model import DatabaseHealth, Instance, Overview
from sent.engines.radar import desk
from sent.engines.radar.risk import AlertFacts, grouped
from sent.engines.radar.searching import found
from sent.engines.radar.searching.query import parse
from sent.platform.auth.client import BrokerStatus, Credential, LoginResult, MembershipChoice
from sent.platform.errors import Conflict, Denied, Invalid, Unavailable
from sent.platform.ids import MembershipId, OrgId, PersonId, uuid7
from sent.platform.telemetry.log import Secret

ALL = frozenset(
    {
        "overview:read",
        "radar:read",
        "radar:triage",
        "radar:manage",
        "incidents:read",
        "incidents:respond",
        "audit:read",
        "settings:write",
        "views:share",
    }
)
LEVELS = ("critical", "high", "medium", "low")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RECOVERY = tuple(f"{n:04d}-wren" for n in range(10))


def an_alert(number: int, **changes: Any) -> desk.Alert:
    """Return the alert with this number; higher is older."""
    at = datetime(2026, 1, 5, 12, tzinfo=UTC) - timedelta(minutes=number)
    found = desk.Alert(
        id=UUID(int=number + 1),
        at=at,
        level=LEVELS[number % 4],
        rule_id=f"rule-{number}",
        title=f"Alert {number}",
        author="SENT",
        tags=("attack.t1059", "attack.execution"),
        source_name="syslog",
        host=f"fs{number % 3}",
        state="new",
        assignee=None,
        assignee_name=None,
        count=1 + number % 5,
        version=1,
        client_name=None,
        last_at=at,
    )
    return replace(found, **changes)


def an_event(number: int) -> desk.EventRow:
    """Return the event with this number; higher is newer."""
    at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=number)
    return desk.EventRow(UUID(int=number + 1), at, at, "info", "syslog", "fs1", "sshd", f"event {number}")


def a_found_event(number: int) -> found.FoundEvent:
    """Return the stored event with this number; higher is older."""
    at = datetime(2026, 1, 5, 12, tzinfo=UTC) - timedelta(seconds=number)
    user = "anna" if number % 3 else "bob smith"
    text = f"Failed password for {user}, attempt {number}" + " x" * (1000 if number == 2 else 0)
    return found.FoundEvent(
        UUID(int=number + 1),
        at,
        at,
        6,
        "info",
        None,
        "syslog",
        f"fs{number % 3}",
        "sshd",
        text,
        {"user": user},
    )


class FakeRadar(FakeSources, RuleService):
    """The radar's api over a list of alerts."""

    AlertFilter = desk.AlertFilter

    def __init__(self, alerts: int = 30) -> None:
        FakeSources.__init__(self)
        RuleService.__init__(self)
        self.rows = {alert.id: alert for alert in (an_alert(n) for n in range(alerts))}
        self.queries: list[desk.AlertFilter] = []
        self.events: list[desk.EventRow] = []
        self.people = [(UUID(int=77), "Anna Berg")]
        self.stored = [a_found_event(n) for n in range(40)]
        self.searches: list[str] = []
        self.share = 1
        self.looked_to: datetime | None = None
        self.comments: dict[UUID, tuple[UUID, str]] = {}
        self.muted: dict[UUID, desk.Suppression] = {}
        self.filters: list[str] = []
        self.shelf, self.coverage, self.story = RuleShelf(), CoverageShelf(), EntityStory()
        for part in (self.shelf, self.coverage, self.story):
            for name, function in part.functions().items():
                setattr(self, name, function)

    async def alerts(
        self, _ctx: Any, wanted: desk.AlertFilter, *, before: Any = None, limit: int = 200
    ) -> list[desk.Alert]:
        self._check()
        self.queries.append(wanted)
        rows = sorted(self.rows.values(), key=lambda a: (a.at, a.id), reverse=True)
        rows = [a for a in rows if self._passes(a, wanted) and (before is None or (a.at, a.id) < before)]
        return rows[:limit]

    @staticmethod
    def _passes(alert: desk.Alert, wanted: desk.AlertFilter) -> bool:
        if wanted.levels and alert.level not in wanted.levels:
            return False
        for field, value, out in desk.parse_query(wanted.query).terms:
            text = str(
                getattr(alert, {"rule": "rule_id", "tag": "tags"}.get(field, field) or "title", "")
            ).lower()
            wanted_text = value.strip("*").lower()
            fits = text == wanted_text[1:] if wanted_text.startswith("=") else wanted_text in text
            if fits == out:
                return False
        return not wanted.states or alert.state in wanted.states

    async def alert_count(self, _ctx: Any, wanted: desk.AlertFilter) -> int:
        self._check()
        return sum(self._passes(a, wanted) for a in self.rows.values())

    async def alert(self, _ctx: Any, alert_id: UUID) -> desk.AlertDetail:
        self._check()
        matched = [
            desk.MatchedField("CommandLine", "cmd.exe /c whoami", 11, 17, "CommandLine|contains: whoami")
        ]
        event = {"CommandLine": "cmd.exe /c whoami", "Computer": "fs1"}
        at = datetime(2026, 1, 5, tzinfo=UTC)
        history = [
            desk.Change(at, "Anna Berg", text, id)
            for id, (alert, text) in self.comments.items()
            if alert == alert_id
        ]
        return desk.AlertDetail(
            self.rows[alert_id], "What it is.", (), (), "title: x", event, matched, history
        )

    async def comment(self, _ctx: Any, ids: Sequence[UUID], text: str) -> list[UUID]:
        made = {uuid7(): (id, text) for id in ids}
        self.comments |= made
        return list(made)

    async def withdraw_comments(self, _ctx: Any, comments: Sequence[UUID]) -> int:
        for id in comments:
            del self.comments[id]
        return len(comments)

    async def alert_entity(self, _ctx: Any, alert_id: UUID) -> tuple[str, str]:
        return self.rows[alert_id].host, "anna"

    async def suppress(
        self, _ctx: Any, alert_id: UUID, scope: Any, entity: str, until: datetime, reason: str
    ) -> UUID:
        alert = self.rows[alert_id]
        made = desk.Suppression(
            uuid7(), alert.rule_id, alert.title, scope, entity, until, reason, "Anna Berg",
            datetime(2026, 1, 5, tzinfo=UTC), 3, None, True,
        )  # fmt: skip
        self.muted[made.id] = made
        return made.id

    async def unsuppress(self, _ctx: Any, ids: Sequence[UUID]) -> int:
        return sum(self.muted.pop(id, None) is not None for id in ids)

    async def suppressions_now(self, _ctx: Any) -> list[desk.Suppression]:
        return list(self.muted.values())

    async def groups(self, _ctx: Any, wanted: desk.AlertFilter, by: Any) -> desk.Groups:
        self._check()
        facts = [
            AlertFacts(
                a.rule_id, a.title, a.author, a.level, a.host, "anna", a.last_at or a.at, a.count, a.state
            )
            for a in self.rows.values()
            if self._passes(a, wanted)
        ]
        return desk.Groups(tuple(grouped(facts, by, datetime(2026, 1, 5, 12, tzinfo=UTC))), True)

    async def filter_text(self, _ctx: Any, _alert: UUID, fields: tuple[str, ...], title: str = "") -> str:
        return "title: Leave out\nfilter:\n" + "".join(f"  {name}: x\n" for name in fields)

    async def add_filter(self, _ctx: Any, text: str) -> str:
        self.filters.append(text)
        return "f1"

    async def remove_filter(self, _ctx: Any, _id: str) -> None:
        self.filters.pop()

    async def set_state(
        self,
        _ctx: Any,
        ids: Sequence[UUID],
        state: Any,
        expected: Mapping[UUID, int] | None = None,
        *,
        reason: str | None = None,
    ) -> list[desk.Alert]:
        self._check()
        for id in ids:
            if expected is not None and self.rows[id].version != expected[id]:
                raise Conflict("radar.alert.changed", "somebody else changed it")
        for id in ids:
            self.rows[id] = replace(
                self.rows[id], state=state, version=self.rows[id].version + 1, reason=reason
            )
        return [self.rows[id] for id in ids]

    async def assign(self, _ctx: Any, ids: Sequence[UUID], person: UUID | None) -> list[desk.Alert]:
        name = dict(self.people).get(person) if person else None
        for id in ids:
            self.rows[id] = replace(
                self.rows[id], assignee=person, assignee_name=name, version=self.rows[id].version + 1
            )
        return [self.rows[id] for id in ids]

    async def people_for_assignment(self, _ctx: Any) -> list[tuple[UUID, str]]:
        return self.people

    async def tail(
        self, _ctx: Any, after: Any = None, limit: int = 2000, query: str = ""
    ) -> list[desk.EventRow]:
        self._check()
        rows = [e for e in self.events if after is None or (e.received_at, e.id) > after]
        return rows[-limit:] if after is None else rows[:limit]

    async def event_fields(self, _ctx: Any) -> list[tuple[str, list[tuple[str, int]]]]:
        return [("User", [("anna", 3), ("root", 1)])]

    async def rate(self, *_args: Any) -> list[desk.RatePoint]:
        self._check()
        return [desk.RatePoint(datetime.now(UTC) - timedelta(minutes=5), 600, 2)]

    def _found(self, query: str) -> list[found.FoundEvent]:
        self._check()
        self.searches.append(query)
        parse(query)
        return [e for e in self.stored if query in ("", "*") or query.split(":")[-1].strip('"') in str(e)]

    async def find_events(
        self, _ctx: Any, query: str, _since: Any, _until: Any, *, before: Any = None, limit: int = 50
    ) -> found.Page:
        rows = [e for e in self._found(query) if before is None or (e.at, e.id) < before]
        return found.Page(rows[:limit], self.looked_to)

    async def whole_event(self, _ctx: Any, event_id: UUID, _at: datetime) -> found.FoundEvent:
        self._check()
        event = next(e for e in self.stored if e.id == event_id)
        return replace(event, message=event.message + " whole")

    async def event_histogram(
        self, _ctx: Any, query: str, since: datetime, until: datetime, *, buckets: int = 120
    ) -> found.Histogram:
        rows = self._found(query)
        counted = [found.Bucket(since + (until - since) / 2, {3: 1, 6: len(rows) - 1})] if rows else []
        return found.Histogram(since, until, 60, counted, self.share)

    async def field_uses(self, _ctx: Any, query: str, _since: Any, _until: Any) -> list[found.FieldUse]:
        rows = self._found(query)
        return [found.FieldUse("user", len(rows), 2, len(rows), self.share)] if rows else []

    async def field_values(
        self, _ctx: Any, _query: str, _since: Any, _until: Any, field: str, *, limit: int = 20
    ) -> found.FieldValues:
        self._check()
        values = [found.ValueCount("anna", 20), found.ValueCount("bob smith", 10), found.ValueCount(None, 3)]
        return found.FieldValues(field, values, 33, self.share)

    async def export_events(
        self, _ctx: Any, query: str, _since: Any, _until: Any, path: Path, kind: str, *, progress: Any
    ) -> int:
        rows = self._found(query)
        path.write_text(kind)
        progress(len(rows), rows[-1].at)
        return len(rows)

    async def counters(self, _ctx: Any) -> desk.Counters:
        self._check()
        by_level: dict[str, int] = {}
        for alert in self.rows.values():
            if alert.state != "closed":
                by_level[alert.level] = by_level.get(alert.level, 0) + 1
        return desk.Counters(12.5, 1000, by_level, 12, 1, 2, 40.0)


class FakeOverview:
    """The overview's api: one healthy worker and one that is lost."""

    async def overview(self, _ctx: Any) -> Overview:
        now = datetime.now(UTC)
        instances = [
            Instance(uuid7(), "radar", "vm", 1, "1", "ready", now, now, {"events_per_second": 3.0}, []),
            Instance(uuid7(), "db", "vm", 2, "1", "lost", now, now - timedelta(minutes=2), {}, []),
        ]
        return Overview(now, instances, DatabaseHealth("18.4", 5_000_000, 4, 60, now, 0.4))


class FakeNotifications:
    """The notifications' api: what it was asked, and what it finds."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.found: dict[str, list[Any]] = {}
        self.ChannelDraft = notifications.ChannelDraft
        self.own = notifications.Preferences()

    async def unread(self, _ctx: Any) -> int:
        return sum(1 for notice in self.found.get("inbox", []) if notice.read_at is None)

    async def unshown(self, _ctx: Any) -> list[Any]:
        return self.found.get("unshown", [])

    async def shown(self, _ctx: Any, ids: Sequence[UUID]) -> int:
        self.asked.append(("shown", list(ids)))
        self.found["unshown"] = []
        return len(ids)

    async def inbox(self, _ctx: Any, **wanted: Any) -> list[Any]:
        self.asked.append(("inbox", (wanted["unread"], wanted["words"])))
        found = [] if wanted.get("before") else self.found.get("inbox", [])
        return [notice for notice in found if not wanted["unread"] or notice.read_at is None]

    async def mark(self, _ctx: Any, ids: Sequence[UUID] | None, *, read: bool) -> int:
        self.asked.append(("mark", (ids, read)))
        return 1

    async def channels(self, _ctx: Any) -> list[Any]:
        return self.found.get("channels", [])

    async def save_channel(self, _ctx: Any, draft: Any) -> UUID:
        self.asked.append(("save", draft))
        return draft.id  # type: ignore[no-any-return]

    async def test_channel(self, _ctx: Any, channel: UUID) -> UUID:
        self.asked.append(("test", channel))
        return channel

    async def log(self, _ctx: Any, **wanted: Any) -> list[Any]:
        self.asked.append(("log", wanted.get("states")))
        return [] if wanted.get("before") else self.found.get("log", [])

    async def retry(self, _ctx: Any, ids: Sequence[UUID]) -> int:
        self.asked.append(("retry", list(ids)))
        return len(ids)

    async def preferences(self, _ctx: Any) -> Any:
        return self.own

    async def save_preferences(self, _ctx: Any, wanted: Any) -> None:
        self.asked.append(("preferences", wanted))

    async def rules(self, _ctx: Any, *, defaults: bool = False) -> list[Any]:
        return self.found.get("defaults" if defaults else "rules", [])

    async def set_rule(self, _ctx: Any, *rule: Any, defaults: bool = False) -> None:
        self.asked.append(("rule", (*rule, defaults)))

    async def test_me(self, _ctx: Any) -> UUID:
        self.asked.append(("test_me", None))
        return uuid7()


class FakeAudit:
    """The trail's api: a few changes, sealed; `report` is what a verification finds."""

    def __init__(self) -> None:
        self.report = Report(str(UUID(int=1)), entries=1234, seals=3, sealed_to=1234)
        self.hold: asyncio.Event | None = None

    async def proof_state(self, _ctx: Any) -> ProofState:
        now = datetime.now(UTC)
        return ProofState(now, 3, 2, now - timedelta(minutes=4), None, None)

    async def verify(self, _ctx: Any, progress: Callable[[Report], None]) -> Report:
        progress(self.report)
        if self.hold is not None:
            await self.hold.wait()
        return self.report

    async def find(self, _ctx: Any, seq: int) -> Entry | None:
        found = await self.entries(_ctx)
        return replace(found[0], table=f"found.{seq}") if seq != 404 else None

    async def personal(self, _ctx: Any, _entry: UUID) -> dict[str, str | None]:
        return {"personal:aa": "Anna Berg", "personal:bb": None}

    async def entries(self, _ctx: Any, **_wanted: Any) -> list[Entry]:
        at = datetime(2026, 1, 5, tzinfo=UTC)
        before, after = {"state": "new", "version": 1}, {"state": "closed", "version": 2}
        return [Entry(uuid7(), at, None, "Anna Berg", "update", "radar.alert", uuid7(), before, after, None)]

    async def tables(self, _ctx: Any) -> list[str]:
        return ["radar.alert", "core.person"]


class FakeConnection:
    """A connection that knows `select 1`, and no schema."""

    async def execute(self, *_args: Any) -> FakeConnection:
        await asyncio.sleep(0)
        return self

    async def fetchone(self) -> None:
        await asyncio.sleep(0)

    async def rollback(self) -> None:
        await asyncio.sleep(0)


class FakeDatabase:
    """A database that can be lost."""

    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend

    async def open(self) -> None:
        await asyncio.sleep(0)

    async def close(self) -> None:
        self._backend.closed += 1

    async def connect(self) -> FakeConnection:
        """Refuse the bus a connection of its own: hints come from the tests."""
        raise Unavailable("database.unreachable", "no bus here")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[FakeConnection]:
        if not self._backend.up:
            raise Unavailable("database.unreachable", "the database does not answer")
        yield FakeConnection()


class FakeBroker:
    """The login service with one person."""

    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend
        self.renewed = 0
        self.slow = 0.0
        self.begun = 0
        self.logged_out = 0

    async def status(self) -> BrokerStatus:
        return BrokerStatus(self._backend.initialised, "0.1")

    async def setup(self, organisation: str, slug: str, person: str, email: str, password: Secret) -> None:
        self._backend.created = (organisation, slug, person, email)
        self._backend.email, self._backend.password = email, password.reveal()
        self._backend.initialised = True

    async def login(self, email: str, password: Secret, code: str | None = None) -> LoginResult:
        backend = self._backend
        if (email, password.reveal()) != (backend.email, backend.password) or (code and code != "123456"):
            raise Denied("auth.failed", "wrong email, password or code")
        if backend.second_factor and code is None:
            return LoginResult("second_factor", None, ())
        choices = tuple(
            MembershipChoice(MembershipId(uuid7()), OrgId(uuid7()), name, "owner", False, backend.invited)
            for name in backend.organisations
        )
        return LoginResult("ok", Secret("ticket"), choices, backend.must_change)

    async def accept(self, _ticket: Secret, _membership: UUID, code: Secret) -> None:
        if code.reveal() != "fern-42":
            raise Denied("invitation.failed", "this invitation or its code does not hold")
        self._backend.invited = False

    async def decline(self, _ticket: Secret, _membership: UUID) -> None:
        self._backend.organisations = []

    async def mint(self, _ticket: Secret, membership: UUID) -> Credential:
        if self._backend.invited:
            raise Denied("membership.invited", "accept the invitation first")
        password = Secret("" if self._backend.must_change else "p")
        until = datetime.now(UTC) + timedelta(minutes=15)
        return Credential(
            "m_1", password, until, OrgId(UUID(int=5)), "Northwind",
            PersonId(UUID(int=77)), "Anna Berg", MembershipId(membership), "owner", self._backend.permissions,
            Secret("s"), "/nowhere", 1, "sent",
        )  # fmt: skip

    async def renew(self, _session: Secret) -> Credential:
        self.renewed += 1
        return await self.mint(Secret("ticket"), UUID(int=9))

    async def logout(self, _session: Secret) -> None:
        self.logged_out += 1

    async def change_password(self, _session: Secret, old: Secret, new: Secret) -> None:
        await asyncio.sleep(self.slow)
        self._check_password(old)
        if new.reveal() == old.reveal() or "weak" in new.reveal():
            raise Invalid("auth.weak", "this password is among the first anybody would try")
        self._backend.password, self._backend.must_change = new.reveal(), False

    async def totp_begin(self, _session: Secret, password: Secret, code: str | None = None) -> str:
        self._check_password(password)
        if self._backend.second_factor and code != "123456":
            raise Invalid("auth.code", "the second factor is on: its present code is needed as well")
        self.begun += 1
        return f"otpauth://totp/SENT:anna@example.com?secret={SECRET}&issuer=SENT"

    async def totp_confirm(self, _session: Secret, code: str) -> tuple[str, ...]:
        if not self.begun or code != "123456":
            raise Denied("auth.failed", "wrong email, password or code")
        self._backend.second_factor = True
        return RECOVERY

    async def totp_remove(self, _session: Secret, password: Secret) -> None:
        self._check_password(password)
        self._backend.second_factor = False

    def _check_password(self, password: Secret) -> None:
        if password.reveal() != self._backend.password:
            raise Denied("auth.failed", "wrong email, password or code")


class FakeBackend:
    """What `Console` asks for the server and its login."""

    def __init__(self) -> None:
        self.up, self.initialised, self.second_factor = True, True, False
        self.email, self.password = "anna@example.com", "a long enough password"
        self.organisations = ["Northwind"]
        self.permissions = ALL
        self.must_change = False
        self.invited = False
        self.closed = 0
        self.created: tuple[str, ...] = ()
        self.recovery: Secret | None = None
        self.refuse: Exception | None = None
        self.broker = FakeBroker(self)

    def connect(self, credential: Credential, _password: Any) -> Any:
        assert credential.password.reveal(), "this credential lets nobody in"
        return FakeDatabase(self)

    async def ensure_running(self, _progress: Callable[[str], None]) -> object:
        if self.refuse is not None:
            raise self.refuse
        return SimpleNamespace()

    def client(self) -> FakeBroker:
        return self.broker

    async def recovery_key(self) -> Secret | None:
        return self.recovery
