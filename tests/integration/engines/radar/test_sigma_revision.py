"""Rules that an earlier version listed as not supported are looked at again after the upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

import sent.platform.db.operations  # noqa: F401  (registers the operations)
from sent.engines.radar import api
from sent.engines.radar.rulebook.placeholders import look_again
from sent.platform.db import schema
from sent.platform.db.embedded.cluster import SUPERUSER

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

RULE = """title: Base
id: 00000000-0000-4000-8000-000000000001
name: base
author: Ann
logsource: {product: linux}
detection: {a: {F: x}, condition: a}
"""
WAITING = """title: Together
id: 00000000-0000-4000-8000-000000000002
author: Bob
level: high
correlation: {type: event_count, rules: [base], timespan: 1m, group-by: [F], condition: {gte: 2}}
"""


def insert(admin: psycopg.Connection, org: object, rule_set: object, text: str, reason: str | None) -> None:
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    admin.execute(
        "insert into radar.rule (organization_id, rule_set_id, sigma_id, title, level, author, status,"
        " logsource, tags, path, body, reason)"
        " values (%s, %s, %s, %s, 'medium', '', '', '', '{}', %s, %s, %s)",
        [org, rule_set, lines["id"], lines["title"], lines["title"] + ".yml", text, reason],
    )


async def test_what_was_not_supported_runs_after_the_upgrade(cluster: Cluster, server: Server, org_a) -> None:
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

    await api.rules(org_a.ctx)
    move("downgrade", "0015")
    with cluster.connect(server.dbname) as admin:
        row = admin.execute(
            "insert into radar.rule_set (organization_id, name, digest) values (%s, 'Own', '') returning id",
            [org_a.org],
        ).fetchone()
        assert row is not None
        insert(admin, org_a.org, row[0], RULE, None)
        insert(admin, org_a.org, row[0], WAITING, "correlation rules are not run by this version")
    move("upgrade", "head")
    engine.dispose()
    await look_again(org_a.ctx)
    found = {rule.title: rule for rule in await api.rules(org_a.ctx)}
    assert found["Together"].reason is None
    assert (found["Together"].kind, found["Together"].level) == ("correlation", "high")
    assert found["Base"].kind == "rule"
