"""A client of one of the ledgers, for benches: posts for some seconds and prints how much it posted.

    python poster.py '{"way": "callers|ours|row|orm", "dsn": "...", "seconds": 5, "size": 1000, ...}'

It posts transfers of 1.00 between the accounts it is given; with `hot`, all to that one.
"""

# ruff: noqa: I002  (SQLAlchemy reads annotations of classes that are made in a function)

import asyncio
import datetime
import json
import random
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg

DAY = datetime.date(2026, 3, 14)
ONE = Decimal("1.00")
OURS = (
    "select fault from capital.post(%s::uuid[], %s::uuid[], %s::text[], %s::date[], %s::text[], %s::text[],"
    " %s::text[], %s::bytea[], %s::uuid[], %s::timestamptz[], %s::integer[], %s::uuid[], %s::text[],"
    " %s::numeric[], %s::text[])"
)


def pairs(order: dict[str, Any]) -> Callable[[], tuple[UUID, UUID]]:
    accounts = [UUID(text) for text in order["accounts"]]
    hot = UUID(order["hot"]) if order.get("hot") else None
    chance = random.Random(order["seed"])

    def pick() -> tuple[UUID, UUID]:
        giver = chance.choice(accounts)
        taker = hot or chance.choice(accounts)
        return (giver, taker) if giver != taker else pick()

    return pick


def ours(connection: psycopg.Connection[Any], order: dict[str, Any]) -> Callable[[], int]:
    """Post `size` entries a call through the ledger."""
    pick, journal, size = pairs(order), UUID(order["journal"]), order.get("size", 1)

    def post() -> int:
        chosen = [pick() for _ in range(size)]
        keys = [uuid4() for _ in range(size)]
        row = connection.execute(
            OURS,
            [
                keys, [journal] * size, ["entry"] * size, [DAY] * size, ["a transfer"] * size, [""] * size,
                [key.hex for key in keys], [key.bytes * 2 for key in keys], [None] * size, [None] * size,
                [n for n in range(1, size + 1) for _ in (0, 1)],
                [account for giver, taker in chosen for account in (giver, taker)],
                ["EUR"] * (2 * size), [ONE, -ONE] * size, [""] * (2 * size),
            ],
        ).fetchall()  # fmt: skip
        assert all(fault == 0 for (fault,) in row), row
        return size

    return post


async def callers(order: dict[str, Any]) -> float:
    """Post one entry after the other in each of `callers` tasks of this process; returns entries a second.

    As a service with many callers does: through `Poster`, each told of its own entry after the commit.
    """
    from sent.engines.capital.api import Draft, Line, Poster
    from sent.platform.context import Ctx
    from sent.platform.db.engine import Database, Server, fixed
    from sent.platform.ids import OrgId
    from sent.platform.telemetry.log import Secret

    pick, journal = pairs(order), UUID(order["journal"])
    server = Server(**order["server"])
    async with Database(server, order["role"], fixed(Secret(order["password"])), trusted=False) as db:
        poster = Poster(Ctx(db, OrgId(UUID(order["org"])), UUID(order["org"])))

        async def call(until: float) -> int:
            done = 0
            while time.perf_counter() < until:
                giver, taker = pick()
                lines = [Line(giver, ONE, "EUR"), Line(taker, -ONE, "EUR")]
                key = uuid4()
                await poster.post(Draft(journal, DAY, lines, memo="a transfer", key=key.hex, id=key))
                done += 1
            return done

        await call(time.perf_counter() + 0.3)
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        counts = await asyncio.gather(*(call(began + order["seconds"]) for _ in range(order["callers"])))
        return sum(counts) / (time.perf_counter() - began)


def rows(connection: psycopg.Connection[Any], order: dict[str, Any]) -> Callable[[], int]:
    """Post one transfer a call through the peer's function."""
    pick = pairs(order)

    def post() -> int:
        giver, taker = pick()
        key = uuid4()
        connection.execute(
            "select peer.post(%s, %s, %s, %s, %s, %s, %s)",
            [key, key.hex, giver, taker, ONE, DAY, "a transfer"],
        )
        return 1

    return post


def orm(order: dict[str, Any]) -> Callable[[], int]:
    """Post one transfer a call as an application with an object-relational mapper does."""
    from sqlalchemy import Date, ForeignKey, Identity, Numeric, create_engine, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Account(Base):
        __tablename__ = "account"
        __table_args__ = {"schema": "peer"}  # noqa: RUF012  (SQLAlchemy's way)
        id: Mapped[UUID] = mapped_column(primary_key=True)
        floor: Mapped[Decimal | None] = mapped_column(Numeric(28, 8))
        balance: Mapped[Decimal] = mapped_column(Numeric(28, 8))
        version: Mapped[int]

    class Transfer(Base):
        __tablename__ = "transfer"
        __table_args__ = {"schema": "peer"}  # noqa: RUF012  (SQLAlchemy's way)
        id: Mapped[UUID] = mapped_column(primary_key=True)
        key: Mapped[str]
        from_id: Mapped[UUID] = mapped_column(ForeignKey("peer.account.id"))
        to_id: Mapped[UUID] = mapped_column(ForeignKey("peer.account.id"))
        amount: Mapped[Decimal] = mapped_column(Numeric(28, 8))
        day: Mapped[datetime.date] = mapped_column(Date)
        memo: Mapped[str]

    class Entry(Base):
        __tablename__ = "entry"
        __table_args__ = {"schema": "peer"}  # noqa: RUF012  (SQLAlchemy's way)
        id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
        transfer_id: Mapped[UUID] = mapped_column(ForeignKey("peer.transfer.id"))
        account_id: Mapped[UUID] = mapped_column(ForeignKey("peer.account.id"))
        amount: Mapped[Decimal] = mapped_column(Numeric(28, 8))
        balance_before: Mapped[Decimal] = mapped_column(Numeric(28, 8))
        balance_after: Mapped[Decimal] = mapped_column(Numeric(28, 8))
        version: Mapped[int]

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(order["dsn"]))
    pick = pairs(order)

    def post() -> int:
        giver_id, taker_id = pick()
        key = uuid4()
        with Session(engine) as session:
            if session.scalar(select(Transfer).where(Transfer.key == key.hex)) is not None:
                return 0
            locked = {
                account.id: account
                for account in session.scalars(
                    select(Account)
                    .where(Account.id.in_([giver_id, taker_id]))
                    .order_by(Account.id)
                    .with_for_update()
                )
            }
            session.add(
                Transfer(
                    id=key,
                    key=key.hex,
                    from_id=giver_id,
                    to_id=taker_id,
                    amount=ONE,
                    day=DAY,
                    memo="a transfer",
                )
            )
            session.flush()
            for account, amount in ((locked[giver_id], -ONE), (locked[taker_id], ONE)):
                before = account.balance
                account.balance = before + amount
                account.version += 1
                if account.floor is not None and account.balance < account.floor:
                    raise RuntimeError("floor")
                session.add(
                    Entry(
                        transfer_id=key, account_id=account.id, amount=amount, balance_before=before,
                        balance_after=account.balance, version=account.version,
                    )
                )  # fmt: skip
            session.commit()
        return 1

    return post


def main() -> None:
    """Post from the moment a line comes in on stdin, until the time is over."""
    order = json.loads(sys.argv[1])
    if order["way"] == "callers":
        print(asyncio.run(callers(order)), flush=True)
        return
    if order["way"] == "orm":
        post = orm(order)
    else:
        connection = psycopg.connect(order["dsn"], autocommit=True)
        connection.prepare_threshold = 0
        way = {"ours": ours, "row": rows}
        post = way[order["way"]](connection, order)
    post()
    print("ready", flush=True)
    sys.stdin.readline()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < order["seconds"]:
        done += post()
    print(done / (time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
