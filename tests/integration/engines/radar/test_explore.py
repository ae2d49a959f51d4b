"""R8: what the search finds is what a reading of all events in Python finds, and nobody else's."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tenants import MemberDb, OrgFixture, add_member, member_database

from sent.engines.radar import api
from sent.engines.radar.searching.query import EVERYTHING, QueryError, quoted
from sent.engines.radar.store.sink import Line, fields_json, store_lines
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Denied, NotFound, SentError
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

END = datetime.now(UTC).replace(microsecond=0)
START = END - timedelta(days=3)
HOSTS = ("web-01", "web-02", "DB-01", "fs01.corp.example", "")
USERS = ("mallory", "Alice Smith", "bob", "o'neil", "ärger", "", None)
IMAGES = (
    "C:\\Windows\\System32\\cmd.exe",
    "C:\\Tools\\new.exe",
    "/usr/sbin/sshd",
    'a "quoted" name',
    "50%_done",
)
WORDS = (
    "Failed",
    "password",
    "accepted",
    "session",
    "opened.",
    "uid=0",
    "user@example.org",
    "10.0.0.5",
    "Größe",
)

Says = Callable[[Line], bool]


@dataclass(frozen=True)
class Asked:
    """A query's text and what it says of an event, found out without SENT's parser."""

    text: str
    says: Says


def event(random: Random, number: int, sources: list[UUID], client: UUID | None = None) -> Line:
    """Return a made-up event."""
    message = " ".join(random.choices(WORDS, k=random.randint(1, 7)))
    host, program = random.choice(HOSTS), random.choice(("sshd", "Sysmon", "cron"))
    fields: dict[str, str | None] = {"message": message, "user": random.choice(USERS)}
    if random.random() < 0.7:
        fields["Image"] = random.choice(IMAGES)
        fields["bytes"] = str(random.choice((-5, 0, 7, 100, 2500)))
    if random.random() < 0.5:
        fields["CommandLine"] = f'cmd /c "{random.choice(WORDS)}"\nthen {number % 7}'
    if random.random() < 0.05:
        fields["blob"] = "lorem " * 500 + f"needle{number % 5}"
    if random.random() < 0.3:
        fields["last"] = None
    at = START + (END - START) * random.random()
    code = random.choice((None, 1, 4624))
    return Line(
        uuid7(), at, at, random.choice(sources), client, random.randrange(8), host, program,
        None if code is None else "Security", code, message, fields_json(fields),
    )  # fmt: skip


def texts(line: Line) -> list[str]:
    """Return every text of an event."""
    values = [value for value in fields_of(line.fields).values() if value is not None]
    return [*values, line.message, line.host, line.program]


@cache
def fields_of(text: str) -> dict[str, str | None]:
    """Return the fields of an event from their JSON."""
    return dict(json.loads(text))


@cache
def tokens(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    found = re.split(r"""[\s\\"/:,='()\[\];|<>@{}&!?#*]+""", text.lower())
    return tuple(word.removesuffix(".") for word in found if word.removesuffix("."))


def holds(line: Line, word: str) -> bool:
    return any(word in tokens(text) for text in texts(line))


def field(line: Line, name: str) -> list[str]:
    return [value or "" for key, value in fields_of(line.fields).items() if key.lower() == name.lower()]


def simple(random: Random, names: dict[str, UUID]) -> Asked:
    """Return one condition."""
    kind = random.randrange(14)
    if kind == 0:
        word = random.choice(
            ("failed", "PASSWORD", "10.0.0.5", "größe", "cmd.exe", "new.exe", "needle3", "nothere")
        )
        return Asked(word, lambda e: holds(e, word.lower()))
    if kind == 1:
        start = random.choice(("fail", "sess", "web-", "10.0", "needle"))
        return Asked(f"{start}*", lambda e: any(w.startswith(start) for t in texts(e) for w in tokens(t)))
    if kind == 2:
        phrase = f"{random.choice(WORDS)} {random.choice(WORDS)}"
        wanted = tokens(phrase)
        return Asked(
            quoted(phrase),
            lambda e: all(holds(e, w) for w in wanted) and any(phrase.lower() in t.lower() for t in texts(e)),
        )
    if kind == 3:
        user = random.choice(("mallory", "ALICE Smith", "o'neil", "ärger", "", "nobody"))
        return Asked(f"user:{quoted(user)}", lambda e: user.lower() in [v.lower() for v in field(e, "user")])
    if kind == 4:
        image = random.choice(IMAGES)
        return Asked(
            f"image:{quoted(image)}", lambda e: image.lower() in [v.lower() for v in field(e, "Image")]
        )
    if kind == 5:
        name, pattern = random.choice(
            (
                ("Image", "*cmd.exe"),
                ("Image", "c:\\win*"),
                ("user", "al*"),
                ("Image", "50%_*"),
                ("CommandLine", "*/c*"),
                ("user", "*"),
                ("last", "*"),
            )
        )
        like = re.compile(".*".join(map(re.escape, pattern.lower().split("*"))), re.DOTALL)
        return Asked(f"{name}:{pattern}", lambda e: any(like.fullmatch(v.lower()) for v in field(e, name)))
    if kind == 6:
        host = random.choice(("web-01", "db-01", "fs01*", "WEB*", "nowhere"))
        return Asked(
            f"host:{host}",
            lambda e: (
                e.host.lower().startswith(host.lower()[:-1])
                if host.endswith("*")
                else e.host.lower() == host.lower()
            ),
        )
    if kind == 7:
        sign = random.choice(("<", "<=", ">", ">="))
        number = random.randrange(8)
        return Asked(f"severity{sign}{number}", lambda e: compare(e.severity, sign, number))
    if kind == 8:
        level = random.choice(("error", "warning", "debug"))
        number = api.SEVERITIES.index(level)
        return random.choice((
            Asked(f"level:{level}", lambda e: e.severity == number),
            Asked(f"level>={level}", lambda e: e.severity <= number),
        ))  # fmt: skip
    if kind == 9:
        sign, number = random.choice(("<", "<=", ">", ">=")), random.choice((-5, 0, 100))
        return Asked(
            f"bytes{sign}{number}", lambda e: any(compare(int(v), sign, number) for v in field(e, "bytes"))
        )
    if kind == 10:
        name = random.choice(list(names))
        return Asked(f"source:{quoted(name)}", lambda e: e.source_id == names[name])
    if kind == 11:
        part = random.choice(("Failed", "password accepted", "uid=0", "user@example.org"))
        wanted = tokens(part)
        return Asked(
            f"message:{quoted(part)}",
            lambda e: all(holds(e, w) for w in wanted) and part.lower() in e.message.lower(),
        )
    if kind == 12:
        return random.choice((
            Asked("event:4624", lambda e: e.event_code == 4624),
            Asked("channel:*", lambda e: e.channel is not None),
            Asked('channel:""', lambda e: e.channel is None),
            Asked("event>=4", lambda e: (e.event_code or 0) >= 4),
        ))  # fmt: skip
    command = f'cmd /c "{random.choice(WORDS)}"\nthen 3'
    return Asked(
        f"commandline:{quoted(command)}",
        lambda e: command.lower() in [v.lower() for v in field(e, "CommandLine")],
    )


def compare(left: int, sign: str, right: int) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def asked(random: Random, names: dict[str, UUID], depth: int = 0) -> Asked:
    """Return a query of up to some ten conditions."""
    if depth == 3 or random.random() < 0.35:
        return simple(random, names)
    if random.random() < 0.2:
        part = asked(random, names, depth + 1)
        return Asked(f"-({part.text})", lambda e: not part.says(e))
    left, right = asked(random, names, depth + 1), asked(random, names, depth + 1)
    if random.random() < 0.5:
        return Asked(f"({left.text} OR {right.text})", lambda e: left.says(e) or right.says(e))
    return Asked(f"({left.text} {right.text})", lambda e: left.says(e) and right.says(e))


@pytest.fixture
async def names(org_a: OrgFixture) -> dict[str, UUID]:
    """Return two sources by name."""
    made = [
        await api.add_source(org_a.ctx, name, "syslog_udp", f"127.0.0.1:{port}")
        for name, port in (("Office", 5514), ("the plant", 5515))
    ]
    return {source.name: source.id for source in made}


async def store(db: Database, org: OrgFixture, lines: list[Line]) -> None:
    async with uow(Ctx(db, org.org, org.owner)) as tx:
        await store_lines(tx, lines, again=False)


async def test_r8_random_queries_find_what_python_finds(
    org_a: OrgFixture,
    ingest_db: Database,
    member_db: MemberDb,
    names: dict[str, UUID],
    cluster: Cluster,
    server: Server,
) -> None:
    """200 queries over 1,500 events: events, order, counts by severity; through a member's own login."""
    random = Random(18)
    lines = [event(random, number, list(names.values())) for number in range(1500)]
    await store(ingest_db, org_a, lines)
    with cluster.connect(server.dbname) as connection:
        # As the server does by itself within a minute.
        connection.execute("vacuum analyze")
    ctx = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    newest = sorted(lines, key=lambda e: (e.at, e.id), reverse=True)
    some = 0
    for _ in range(200):
        query = asked(random, names)
        meant = [line for line in newest if query.says(line)]
        found = [
            e.id
            async for page in api.all_events(ctx, query.text, START, END + timedelta(hours=1))
            for e in page
        ]
        assert found == [line.id for line in meant], query.text
        counted = await api.event_histogram(ctx, query.text, START, END + timedelta(hours=1))
        by_severity = Counter[int]()
        for bucket in counted.buckets:
            by_severity.update(bucket.by_severity)
        assert counted.share == 1
        assert by_severity == Counter(line.severity for line in meant), query.text
        some += bool(meant)
    assert some > 100


async def test_r8_neighbours_and_other_clients_are_never_found(
    server: Server,
    org_a: OrgFixture,
    org_b: OrgFixture,
    app_db: Database,
    ingest_db: Database,
    member_db: MemberDb,
) -> None:
    """Not found, not counted, not listed as a value, not exported; whatever the query says."""
    from sent.platform.auth.directory import create_client, narrow

    ours, theirs = (
        await create_client(org_a.ctx, "Ours", "ours"),
        await create_client(org_a.ctx, "Theirs", "theirs"),
    )
    random = Random(5)
    kept = [event(random, n, [uuid7()], ours) for n in range(40)]
    foreign = [event(random, n, [uuid7()], theirs) for n in range(40)]
    nobody = [event(random, n, [uuid7()], None) for n in range(40)]
    await store(ingest_db, org_a, kept + foreign + nobody)
    await store(ingest_db, org_b, [event(random, n, [uuid7()]) for n in range(40)])
    person, membership = await add_member(org_a.ctx, "narrow@alpha.test", "Narrow", "analyst")
    await narrow(org_a.ctx, membership, [ours])
    until = END + timedelta(hours=1)
    async with member_database(server, membership) as db:
        asker = Ctx(db, org_a.org, person)
        for query in (
            "",
            "-nothere",
            "severity>=0",
            "failed OR -failed",
            "user:* OR -user:*",
            "bytes>=-9 OR -bytes>=-9",
        ):
            page = await api.find_events(asker, query, START, until, limit=500)
            assert {e.id for e in page.events} == {e.id for e in kept}, query
            assert (await api.event_histogram(asker, query, START, until)).total == 40
            assert (
                sum(v.amount for v in (await api.field_values(asker, query, START, until, "host")).values)
                == 40
            )
            assert {use.looked for use in await api.field_uses(asker, query, START, until)} == {40}
        for line in (foreign[0], nobody[0]):
            with pytest.raises(NotFound):
                await api.whole_event(asker, line.id, line.at)
    other = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    assert (await api.event_histogram(other, "", START, until)).total == 40
    with pytest.raises(NotFound):
        await api.whole_event(other, kept[0].id, kept[0].at)
    # Whoever sets another organisation on his own connection is still himself.
    async with uow(other) as tx:
        await tx.execute("select set_config('sent.organization_id', %s, true)", [str(org_a.org)])
        found = await (
            await tx.execute(
                "select count(*) from radar.search_events(%s::jsonb, %s, %s, null, null, 500)",
                [json.dumps(EVERYTHING), START, until],
            )
        ).fetchone()
        assert found == (40,)


async def test_r8_who_may_not_read_finds_nothing(
    cluster: Cluster, server: Server, org_a: OrgFixture, ingest_db: Database
) -> None:
    with cluster.connect(server.dbname) as admin:
        admin.execute("delete from core.role_permission where permission = 'radar:read'")
    await store(ingest_db, org_a, [event(Random(1), 1, [uuid7()])])
    person, membership = await add_member(org_a.ctx, "clerk@alpha.test", "Clerk", "viewer")
    async with member_database(server, membership) as db:
        with pytest.raises(Denied):
            await api.find_events(Ctx(db, org_a.org, person), "", START, END)
        with pytest.raises(Denied):
            await api.event_histogram(Ctx(db, org_a.org, person), "", START, END)


async def test_r8_the_index_answers_a_members_question(
    cluster: Cluster, server: Server, org_a: OrgFixture, ingest_db: Database, member_db: MemberDb
) -> None:
    """What auto_explain would show is told by the statistics: the index was scanned, the table was not."""
    random = Random(2)
    await store(ingest_db, org_a, [event(random, n, [uuid7()]) for n in range(3000)])
    with cluster.connect(server.dbname) as admin:
        admin.execute("vacuum analyze ts.radar_event")

    def scans() -> tuple[int, int]:
        with cluster.connect(server.dbname) as admin:
            admin.execute("select pg_stat_force_next_flush()")
            row = admin.execute(
                "select (select coalesce(sum(i.idx_scan), 0) from pg_stat_user_indexes i"
                " join pg_index x on x.indexrelid = i.indexrelid where i.schemaname = 'ts'"
                " and i.relname like 'radar_event_%' and pg_get_indexdef(i.indexrelid) like '%gin%'),"
                " (select coalesce(sum(t.seq_scan), 0) from pg_stat_user_tables t where t.schemaname = 'ts'"
                " and t.relname like 'radar_event_%')"
            ).fetchone()
            assert row is not None
            return int(row[0]), int(row[1])

    before = scans()
    db = await member_db(org_a)
    ctx = Ctx(db, org_a.org, org_a.owner)
    await api.find_events(ctx, "user:mallory failed", START, END)
    await api.event_histogram(ctx, "user:mallory failed", START, END)
    async with uow(ctx) as tx:
        await tx.execute("select pg_stat_force_next_flush()")
    after = scans()
    assert after[0] > before[0]
    assert after[1] == before[1]


async def test_r8_large_results_are_sampled_and_say_so(
    org_a: OrgFixture, ingest_db: Database, cluster: Cluster, server: Server
) -> None:
    """Counts of 120,000 events are estimates from one in 16, and say so; pages are exact."""
    with cluster.connect(server.dbname) as admin:
        admin.execute(
            "insert into ts.radar_event (organization_id, at, message, fields) select %s,"
            " %s::timestamptz - n * interval '1 second', 'common', '{\"kind\": \"bulk\"}'"
            " from generate_series(1, 120000) n",
            [org_a.org, END],
        )
    counted = await api.event_histogram(org_a.ctx, "common kind:bulk", START, END)
    assert counted.share == 16
    assert counted.total == pytest.approx(120_000, rel=0.06)
    values = await api.field_values(org_a.ctx, "common", START, END, "kind")
    assert values.share == 16
    assert values.values[0].value == "bulk"
    assert values.values[0].amount == pytest.approx(120_000, rel=0.06)
    exact = await api.event_histogram(org_a.ctx, "level:info", START.replace(second=0), END)
    assert (exact.share, exact.total) == (1, 120_000)
    page = await api.find_events(org_a.ctx, "common", START, END, limit=50)
    assert [e.at for e in page.events] == [END - timedelta(seconds=n) for n in range(1, 51)]


async def test_r8_a_search_that_only_reading_answers_says_how_far_it_looked(
    org_a: OrgFixture, cluster: Cluster, server: Server
) -> None:
    with cluster.connect(server.dbname) as admin:
        admin.execute(
            "insert into ts.radar_event (organization_id, at, event_code) select %s,"
            " %s::timestamptz - n * interval '1 millisecond', case when n = 209999 then 7 end"
            " from generate_series(1, 210000) n",
            [org_a.org, END],
        )
    page = await api.find_events(org_a.ctx, "event>=7", START, END)
    assert page.events == []
    assert page.looked_to == END - timedelta(milliseconds=200_000)
    page = await api.find_events(org_a.ctx, "event>=7", START, page.looked_to)
    assert [e.at for e in page.events] == [END - timedelta(milliseconds=209_999)]
    assert page.looked_to is None


async def test_r8_exports_are_whole_and_harmless(
    org_a: OrgFixture, ingest_db: Database, tmp_path: Path
) -> None:
    random = Random(3)
    lines = [event(random, n, [uuid7()]) for n in range(2300)]
    await store(ingest_db, org_a, lines)
    told: list[int] = []
    path = tmp_path / "found.jsonl"
    wanted = {str(line.id) for line in lines if holds(line, "failed")}
    amount = await api.export_events(
        org_a.ctx,
        "failed",
        START,
        END + timedelta(hours=1),
        path,
        "jsonl",
        progress=lambda n, _at: told.append(n),
    )
    assert {json.loads(row)["id"] for row in path.read_text().splitlines()} == wanted
    assert amount == told[-1] == len(wanted)
    table = tmp_path / "found.csv"
    assert await api.export_events(org_a.ctx, "", START, END + timedelta(hours=1), table, "csv") == 2300
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"] for row in rows} == {str(line.id) for line in lines}
    with pytest.raises(QueryError):
        await api.export_events(org_a.ctx, "(", START, END, tmp_path / "none.csv", "csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["found.csv", "found.jsonl"]


@pytest.mark.parametrize(
    "fields",
    [
        "{}",
        '{"a": null}',
        '{"a": null, "b": null}',
        '{"a": 1}',
        '{"a": {"b": [1]}}',
        '{"": ""}',
        '{"a": "\\u0001"}',
        json.dumps({"a": "x" * 9000}),
        json.dumps({f"k{n}": "é" * 90 for n in range(300)}),
        json.dumps({"a": '": "b'}),
    ],
)
async def test_r8_no_event_is_too_odd_to_be_stored(org_a: OrgFixture, app_db: Database, fields: str) -> None:
    """Whatever the index makes of it, the event is stored and found by its time."""
    async with uow(Ctx(app_db, org_a.org, org_a.owner)) as tx:
        await tx.execute(
            "insert into radar.event (at, message, fields) values (%s, 'odd', %s)", [START, fields]
        )
    page = await api.find_events(org_a.ctx, "odd", START, END)
    assert [e.fields for e in page.events] == [json.loads(fields)]


async def test_r8_a_made_up_tree_is_refused(org_a: OrgFixture, member_db: MemberDb) -> None:
    """Staff may call the functions with any tree; texts in it never become SQL."""
    ctx = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    for tree in (
        {"op": "drop"}, {"op": "compare", "field": "a", "sign": "> 0) or (true", "value": "1"}, {}, [],
        {"op": "severity", "values": ["1') or true --"]},
        {"op": "is", "field": "x' or true --", "value": "') or true --"},
        {"op": "text", "value": "'a' | 'b'", "prefix": "x", "phrase": False},
    ):  # fmt: skip
        try:
            async with uow(ctx) as tx:
                cursor = await tx.execute(
                    "select count(*) from radar.search_events(%s::jsonb, %s, %s, null, null, 10)",
                    [json.dumps(tree), START, END],
                )
                assert await cursor.fetchone() == (0,)
        except SentError as error:
            assert error.code in ("radar.search.query", "database.invalid"), (tree, error)
