"""R8: what the search finds is what a reading of all events in Python finds, and nobody else's."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tenants import MemberDb, OrgFixture

from sent.engines.radar import api
from sent.engines.radar.query import quoted
from sent.engines.radar.store.sink import Line, fields_json, store_lines
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import uow
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    pass

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
    values = [value for value in json.loads(line.fields).values() if value is not None]
    return [*values, line.message, line.host, line.program]


def tokens(text: str) -> list[str]:
    """Return the words of a text."""
    found = re.split(r"""[\s\\"/:,='()\[\];|<>@{}&!?#*]+""", text.lower())
    return [word.removesuffix(".") for word in found if word.removesuffix(".")]


def holds(line: Line, word: str) -> bool:
    return any(word in tokens(text) for text in texts(line))


def field(line: Line, name: str) -> list[str]:
    return [value or "" for key, value in json.loads(line.fields).items() if key.lower() == name.lower()]


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
    org_a: OrgFixture, ingest_db: Database, member_db: MemberDb, names: dict[str, UUID]
) -> None:
    """200 queries over 1,500 events: events, order, counts by severity; through a member's own login."""
    random = Random(18)
    lines = [event(random, number, list(names.values())) for number in range(1500)]
    await store(ingest_db, org_a, lines)
    ctx = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    newest = sorted(lines, key=lambda e: (e.at, e.id), reverse=True)
    some = 0
    for _ in range(200):
        query = asked(random, names)
        wanted = [line.id for line in newest if query.says(line)]
        found = [
            e.id
            async for page in api.all_events(ctx, query.text, START, END + timedelta(hours=1))
            for e in page
        ]
        assert found == wanted, query.text
        counted = await api.event_histogram(ctx, query.text, START, END + timedelta(hours=1))
        by_severity = Counter[int]()
        for bucket in counted.buckets:
            by_severity.update(bucket.by_severity)
        assert counted.share == 1
        assert by_severity == Counter(line.severity for line in lines if query.says(line)), query.text
        some += bool(wanted)
    assert some > 100
