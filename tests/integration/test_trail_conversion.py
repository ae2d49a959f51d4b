"""What was recorded in clear before personal columns were marked is converted; the way back works too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

import sent.platform.db.operations  # noqa: F401  (registers the operations)
from sent.platform.db import schema
from sent.platform.db.embedded.cluster import SUPERUSER

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server


def test_names_in_former_entries_become_commitments(cluster: Cluster, server: Server) -> None:
    login = {**server.parameters(), "user": SUPERUSER, "password": cluster.password.reveal()}
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**login), poolclass=NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_path()))

    def move(step: str, target: str) -> None:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            getattr(command, step)(config, target)
            connection.commit()

    move("downgrade", "0006")
    with cluster.connect(server.dbname) as admin:
        admin.execute("drop trigger audit_insert on core.person")
        admin.execute(
            "create trigger audit_insert after insert on core.person referencing new table as fresh"
            " for each statement execute function audit.record_insert()"
        )
        admin.execute("insert into core.person (email, name) values ('old@x.test', 'Old Entry')")
        clear = admin.execute("select after ->> 'name' from ts.audit_entry where table_name = 'core.person'")
        assert clear.fetchall() == [("Old Entry",)]
    move("upgrade", "head")
    engine.dispose()
    with cluster.connect(server.dbname) as admin:
        (name, email), *rest = admin.execute(
            "select after ->> 'name', after ->> 'email' from ts.audit_entry where table_name = 'core.person'"
        ).fetchall()
        assert name.startswith("personal:") and email.startswith("personal:") and rest == []
        values = admin.execute(
            "select value, encode(sha256(salt || convert_to(value, 'UTF8')), 'hex') from audit.personal"
        ).fetchall()
        assert {(value, f"personal:{digest}") for value, digest in values} == {
            ("Old Entry", name),
            ("old@x.test", email),
        }
