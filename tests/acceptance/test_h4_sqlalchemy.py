"""H4: through SQLAlchemy, with a careless application on top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from isolation import MARK, World, unchanged


@pytest.fixture
def engine(world: World) -> Iterator[Any]:
    """Return an engine of the attacker."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    made = create_engine(
        "postgresql+psycopg://", creator=lambda: world.attacker(autocommit=False), poolclass=NullPool
    )
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def mapped() -> Any:
    """Return a mapped class for core.client."""
    from sqlalchemy import Column, Text
    from sqlalchemy.dialects.postgresql import UUID as Uuid
    from sqlalchemy.orm import declarative_base

    base = declarative_base()

    class Client(base):  # type: ignore[misc, valid-type]
        """A client as an object."""

        __tablename__ = "client"
        __table_args__ = {"schema": "core"}  # noqa: RUF012
        id = Column(Uuid(as_uuid=True), primary_key=True)
        organization_id = Column(Uuid(as_uuid=True))
        name = Column(Text)
        code = Column(Text)

    return Client


def test_h4_orm_select_get_and_count(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import func, select
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        assert session.get(mapped, world.alpha_client) is None
        assert session.scalars(select(mapped).where(mapped.organization_id == world.alpha)).all() == []
        assert session.scalar(select(func.count()).select_from(mapped)) == 201


def test_h4_orm_from_statement(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import select, text
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        rows = session.scalars(select(mapped).from_statement(text("select * from core.client"))).all()
    assert len(rows) == 201 and {row.organization_id for row in rows} == {world.beta}


def test_h4_orm_bulk_update_by_key(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import update
    from sqlalchemy.orm import Session
    from sqlalchemy.orm.exc import StaleDataError

    with unchanged(world), Session(engine) as session, pytest.raises(StaleDataError):
        session.execute(update(mapped), [{"id": world.alpha_client, "name": "taken"}])
        session.commit()


def test_h4_core_select_and_text(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import select, text

    table = mapped.__table__
    with engine.connect() as connection:
        rows = connection.execute(select(table)).all()
        again = connection.execute(text("select * from core.client")).all()
    assert len(rows) == len(again) == 201
    assert MARK not in str(rows) + str(again)


def test_h4_core_insert(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import insert
    from sqlalchemy.exc import ProgrammingError

    values = {"id": uuid4(), "organization_id": world.alpha, "name": "x", "code": "x"}
    with unchanged(world), engine.begin() as connection, pytest.raises(ProgrammingError):
        connection.execute(insert(mapped.__table__), [values])


def test_h4_core_delete(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import delete

    table = mapped.__table__
    with unchanged(world), engine.connect() as connection:
        assert connection.execute(delete(table).where(table.c.organization_id == world.alpha)).rowcount == 0
        assert connection.execute(delete(table)).rowcount == 201
        connection.rollback()


def test_h4_orm_adding_a_foreign_object(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy.exc import ProgrammingError
    from sqlalchemy.orm import Session

    with unchanged(world), Session(engine) as session, pytest.raises(ProgrammingError):
        session.add(mapped(id=uuid4(), organization_id=world.alpha, name="x", code="x"))
        session.commit()


def test_h4_the_attacks_left_alpha_whole(world: World) -> None:
    """Last of the module."""
    assert world.clients_of_alpha() == 201
