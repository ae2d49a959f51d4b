"""The running radar on a real database: retries, refused lines, changing sources and rules, draining."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from closures import Evaluator
from radar_intake import amount, eventually, running

from sent.engines.radar import api
from sent.engines.radar import pipeline as pipelines
from sent.engines.radar.batch import Batch, decoded
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.rulebook.library import ship_rules
from sent.engines.radar.store import catalogue, sink
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Invalid, Unavailable
from sent.platform.ids import uuid7

ROOT = b"<38>1 - web1 sshd 7 - - Accepted password for root from 203.0.113.9 port 22 ssh2"


async def pipeline_of(ctx: Ctx, figures: Figures) -> tuple[Pipeline, catalogue.Source]:
    await api.add_source(ctx, "S", "syslog_udp", ":15998")
    rules = await ship_rules(ctx)
    async with uow(ctx) as tx:
        (source,) = await catalogue.enabled_sources(tx)
    return Pipeline(ctx, Evaluator(rules.rules), group_minutes=15, figures=figures), source


async def test_a_batch_that_is_tried_again_changes_nothing(org_a) -> None:
    """As when the connection broke between the commit and its answer."""
    pipeline, source = await pipeline_of(org_a.ctx, Figures())
    parcel = Parcel(source, datetime.now(UTC), (ROOT, ROOT, b"plain"))
    batch = decoded([parcel], pipeline.matcher)
    await pipeline._write(batch)
    batch.again = True
    await pipeline._write(batch)
    assert await amount(org_a.ctx) == 3
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    assert alert.count == 2
    async with uow(org_a.ctx) as tx:
        topics = await scalar(
            tx, "select array_agg(topic) from core.outbox where starts_with(topic, 'radar.alert.')"
        )
    assert topics == ["radar.alert.raised"]


async def test_a_delivery_that_is_sent_again_does_not_have_a_file_read_again(org_a) -> None:
    pipeline, source = await pipeline_of(org_a.ctx, Figures())
    now = datetime.now(UTC)
    early, late = (sink.Checkpoint(source.id, 1, 2, at, b"x") for at in (100, 200))
    first = Parcel(source, now, (b"one", b"two"), early, delivery=uuid7())
    await pipeline.handle([first])
    await pipeline.handle([Parcel(source, now, (b"three",), late, delivery=uuid7())])
    await pipeline.handle([first])
    async with uow(org_a.ctx) as tx:
        assert await sink.checkpoint(tx, source.id) == late
    assert await amount(org_a.ctx) == 3


async def test_the_database_is_waited_for(org_a, monkeypatch) -> None:
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    store, failures = sink.store_lines, iter((True, True))
    told = []

    async def away(tx, lines, *, again):
        told.append(figures.waiting)
        if next(failures, False):
            raise Unavailable("database.unreachable", "gone")
        return await store(tx, lines, again=again)

    monkeypatch.setattr(sink, "store_lines", away)
    monkeypatch.setattr(pipelines, "RETRY_FIRST_S", 0.01)
    await pipeline.handle([Parcel(source, datetime.now(UTC), (ROOT,) * 3)])
    assert await amount(org_a.ctx) == 3
    assert told == ["", "gone", "gone"]
    assert figures.waiting == ""


async def test_a_commit_that_was_not_heard_of_is_not_written_twice(org_a, monkeypatch) -> None:
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    write, unheard = pipeline._write, iter((True,))

    async def lost_answer(batch):
        await write(batch)
        if next(unheard, False):
            raise Unavailable("database.unreachable", "gone after the commit")

    monkeypatch.setattr(pipeline, "_write", lost_answer)
    monkeypatch.setattr(pipelines, "RETRY_FIRST_S", 0.01)
    await pipeline.handle([Parcel(source, datetime.now(UTC), (ROOT,) * 3)])
    assert await amount(org_a.ctx) == 3
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    assert alert.count == 3


async def test_a_line_the_database_refuses_is_counted_and_spares_the_others(org_a, monkeypatch) -> None:
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    store = sink.store_lines

    async def picky(tx, lines, *, again):
        if any("poison" in line.message for line in lines):
            raise Invalid("database.invalid", "refused")
        return await store(tx, lines, again=again)

    monkeypatch.setattr(sink, "store_lines", picky)
    point = sink.Checkpoint(source.id, 1, 2, 3, b"x")
    payloads = tuple(b"line %d" % n for n in range(6)) + (b"poison",) + (ROOT,) * 4
    await pipeline.handle([Parcel(source, datetime.now(UTC), payloads, point)])
    assert await amount(org_a.ctx) == 10
    assert (figures.events, figures.refused, figures.alerts) == (10, 1, 1)
    async with uow(org_a.ctx) as tx:
        assert await sink.checkpoint(tx, source.id) == point


async def test_batches_overlap_but_are_committed_in_the_order_of_their_arrival(org_a, monkeypatch) -> None:
    """The second is written while the first is; its alert and checkpoint wait for those of the first."""
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    store, both = sink.store_lines, asyncio.Barrier(2)

    async def slow(tx, lines, *, again):
        stored = await store(tx, lines, again=again)
        await both.wait()  # neither goes on unless both are being written
        if len(lines) == 2:
            await asyncio.sleep(0.1)
        return stored

    monkeypatch.setattr(sink, "store_lines", slow)
    points = [sink.Checkpoint(source.id, 1, 2, at, b"x") for at in (100, 200)]
    batches = [
        await pipeline.decode([Parcel(source, datetime.now(UTC), payloads, point)])
        for payloads, point in zip(((ROOT, b"plain"), (ROOT,)), points, strict=True)
    ]
    async with asyncio.timeout(10):
        ended = await in_order(*(pipeline.store(batch) for batch in batches))
    assert ended == [0, 1]
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    assert (alert.count, figures.alerts) == (2, 1)
    async with uow(org_a.ctx) as tx:
        first = await scalar(tx, "select first_event_id from radar.alert")
        assert await sink.checkpoint(tx, source.id) == points[1]
    assert first == batches[0].hits[0].line.id


async def in_order(*stores: Coroutine[Any, Any, None]) -> list[int]:
    """Run them together; return their numbers in the order in which they ended."""
    ended = []

    async def ending(number: int, store: Coroutine[Any, Any, None]) -> None:
        await store
        ended.append(number)

    async with asyncio.TaskGroup() as group:
        for number, store in enumerate(stores):
            group.create_task(ending(number, store))
    return ended


async def test_a_batch_lets_go_of_what_the_one_before_waits_for(org_a, monkeypatch) -> None:
    """The server cannot see that the second waits for the first, which waits for a lock of the second."""
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    store, locked = sink.store_lines, asyncio.Event()

    async def locking(tx, lines, *, again):
        stored = await store(tx, lines, again=again)
        if len(lines) == 2:
            await locked.wait()
        await tx.execute("select pg_advisory_xact_lock(4711)")
        locked.set()
        return stored

    monkeypatch.setattr(sink, "store_lines", locking)
    monkeypatch.setattr(pipelines, "TURN_PATIENCE_S", 0.2)
    batches = [
        await pipeline.decode([Parcel(source, datetime.now(UTC), payloads)])
        for payloads in ((ROOT, b"plain"), (ROOT,))
    ]
    async with asyncio.timeout(4):  # before the server's own patience with locks ends
        await in_order(*(pipeline.store(batch) for batch in batches))
    assert await amount(org_a.ctx) == 3
    assert (figures.events, figures.alerts) == (3, 1)


async def test_a_batch_behind_one_that_failed_is_not_committed(org_a, monkeypatch) -> None:
    """Its checkpoint would have the lines of the failed one left out for ever."""
    pipeline, source = await pipeline_of(org_a.ctx, Figures())
    store = sink.store_lines

    async def broken(tx, lines, *, again):
        if len(lines) == 2:
            raise RuntimeError("a bug")
        return await store(tx, lines, again=again)

    monkeypatch.setattr(sink, "store_lines", broken)
    point = sink.Checkpoint(source.id, 1, 2, 3, b"x")
    failing, behind = [
        await pipeline.decode([Parcel(source, datetime.now(UTC), payloads, point)])
        for payloads in ((ROOT, b"plain"), (ROOT,))
    ]
    with pytest.raises(RuntimeError):
        await pipeline.store(failing)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await pipeline.store(behind)
    assert await amount(org_a.ctx) == 0


async def test_a_refused_line_is_counted_once_although_its_turn_comes_late(org_a, monkeypatch) -> None:
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    store = sink.store_lines

    async def picky(tx, lines, *, again):
        if [line.message for line in lines] == ["poison"]:
            raise Invalid("database.invalid", "refused")
        if len(lines) == 2:
            await asyncio.sleep(0.2)
        return await store(tx, lines, again=again)

    monkeypatch.setattr(sink, "store_lines", picky)
    monkeypatch.setattr(pipelines, "TURN_PATIENCE_S", 0.01)
    batches = [
        await pipeline.decode([Parcel(source, datetime.now(UTC), payloads)])
        for payloads in ((ROOT, b"plain"), (b"poison",))
    ]
    await in_order(*(pipeline.store(batch) for batch in batches))
    assert (figures.events, figures.refused) == (2, 1)


async def test_deliveries_wait_for_those_before_them(org_a, monkeypatch) -> None:
    """One that comes twice may be both: their rows would wait for each other."""
    pipeline, source = await pipeline_of(org_a.ctx, Figures())
    store, open_, most = sink.store_lines, [], []

    async def watched(tx, lines, *, again):
        open_.append(len(lines))
        most.append(len(open_))
        try:
            stored = await store(tx, lines, again=again)
            await asyncio.sleep(0.05)
            return stored
        finally:
            open_.pop()

    monkeypatch.setattr(sink, "store_lines", watched)
    twice = Parcel(source, datetime.now(UTC), (ROOT, b"plain"), delivery=uuid7())
    batches: list[Batch] = [await pipeline.decode([twice]), await pipeline.decode([twice])]
    assert await in_order(*(pipeline.store(batch) for batch in batches)) == [0, 1]
    assert max(most) == 1
    assert await amount(org_a.ctx) == 2


async def test_lines_of_a_source_that_was_removed_meanwhile_are_kept(org_a) -> None:
    pipeline, source = await pipeline_of(org_a.ctx, Figures())
    await api.remove_source(org_a.ctx, source.id)
    point = sink.Checkpoint(source.id, 1, 2, 3, b"x")
    await pipeline.handle([Parcel(source, datetime.now(UTC), (ROOT,), point)])
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    assert (alert.host, alert.source_name) == ("web1", "")


def send(port: int, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        outgoing.sendto(data, ("127.0.0.1", port))


async def test_sources_and_rules_change_without_a_restart(system_db, org_a) -> None:
    async with running(system_db, org_a.ctx) as intake:
        assert intake.metrics()["rules"] == 0, "without a source nothing is loaded"
        made = await api.add_source(org_a.ctx, "S", "syslog_udp", "127.0.0.1:0")
        await intake.reload()
        send(intake.ports[made.id], ROOT)

        async def raised() -> bool:
            return await api.alert_count(org_a.ctx, api.AlertFilter()) == 1

        await eventually(raised)
        rule = next(r for r in await api.rules(org_a.ctx) if r.title.startswith("Root logged on"))
        await api.enable_rule(org_a.ctx, rule.id, False)
        await intake.reload()
        send(intake.ports[made.id], ROOT.replace(b"web1", b"web2"))

        async def two() -> bool:
            return await amount(org_a.ctx) == 2

        await eventually(two)
        assert await api.alert_count(org_a.ctx, api.AlertFilter()) == 1
        await api.enable_source(org_a.ctx, made.id, False)
        await intake.reload()
        assert intake.ports == {}
        assert intake.metrics()["sources"] == 0


async def test_of_two_workers_one_works_a_source_and_the_other_takes_over(system_db, org_a) -> None:
    made = await api.add_source(org_a.ctx, "S", "syslog_udp", "127.0.0.1:0")
    async with running(system_db, org_a.ctx) as first, running(system_db, org_a.ctx) as other:
        assert (set(first.ports), set(other.ports)) == ({made.id}, set())
        await first.stop()
        await other.reload()
        assert set(other.ports) == {made.id}


async def test_a_port_that_is_taken_is_told_and_tried_again(system_db, org_a) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        await api.add_source(org_a.ctx, "Taken", "syslog_tcp", address)
        async with running(system_db, org_a.ctx) as intake:
            assert intake.problems() == [
                f"Taken: cannot listen on {address}: Address already in use; choose another port"
            ]
            other.close()
            await intake.reload()
            assert intake.problems() == []


async def test_draining_stores_what_senders_already_handed_over(system_db, org_a) -> None:
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    async with running(system_db, org_a.ctx) as intake:
        _, writer = await asyncio.open_connection("127.0.0.1", intake.ports[made.id])
        writer.write(b"<13>1 - h p - - - message\n" * 5000)
        await writer.drain()

        async def begun() -> bool:
            return await amount(org_a.ctx) > 0

        await eventually(begun)
        await intake.drain()
        assert intake.metrics()["queue_depth"] == 0
        assert await amount(org_a.ctx) == intake.metrics()["events_total"] > 0
        writer.close()


async def test_json_lines_and_a_changed_source_do_not_repeat_lines(system_db, org_a, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(orjson.dumps({"eventName": f"e{n}"}) + b"\n" for n in range(300)))
    made = await api.add_source(org_a.ctx, "J", "jsonl", str(path), product="aws", service="cloudtrail")
    async with running(system_db, org_a.ctx) as intake:
        async with uow(org_a.ctx) as tx:
            await tx.execute("update radar.source set name = 'K' where id = %s", [made.id])
        await intake.reload()
        with path.open("ab") as file:
            file.write(b'{"eventName":"last"}\n')

        async def all_there() -> bool:
            return await amount(org_a.ctx) >= 301

        await eventually(all_there)
    async with uow(org_a.ctx) as tx:
        names = await scalar(tx, "select count(distinct fields->>'eventName') from radar.event")
    assert names == await amount(org_a.ctx) == 301


async def test_an_evtx_file_is_read_once(system_db, org_a, tmp_path: Path, monkeypatch) -> None:
    """The format itself is the evtx library's; here its records are made up."""
    from sent.engines.radar import inputs
    from sent.engines.radar.receiving import evtxfile

    path = tmp_path / "log.evtx"
    path.write_bytes(b"ElfFile\x00")
    record = {
        "System": {
            "EventID": 1102,
            "Channel": "Security",
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Eventlog"}},
            "Computer": "pc1",
        }
    }
    monkeypatch.setattr(
        inputs, "read_events", lambda _path: iter([record, inputs.Unreadable("x", "y"), record])
    )
    monkeypatch.setattr(evtxfile, "POLL_S", 0.01)
    await api.add_source(org_a.ctx, "E", "evtx", str(path))
    for _ in range(2):
        async with running(system_db, org_a.ctx):

            async def raised() -> bool:
                return await amount(org_a.ctx) >= 2

            await eventually(raised)
            await asyncio.sleep(0.1)
    assert await amount(org_a.ctx) == 2
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    assert (alert.title, alert.count) == ("Security event log cleared", 2)
