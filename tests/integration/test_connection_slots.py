"""Staff who take every connection they can get do not shut SENT's services out."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest
from tenants import OrgFixture, add_member, mint

from sent.platform.config.secrets import role_password
from sent.platform.db.engine import Server

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

SERVICES = ("sent_app", "sent_system", "sent_ingest", "sent_broker", "sent_minter")


async def test_services_connect_while_staff_hold_all_they_can_get(
    cluster: Cluster, server: Server, org_a: OrgFixture
) -> None:
    logins = []
    for number in range(8):
        _, membership = await add_member(org_a.ctx, f"hog{number}@alpha.test", "Hog", "viewer")
        logins.append(mint(server, membership))
    with ExitStack() as held:
        refused = 0
        for role, password in logins:
            for _ in range(12):
                try:
                    held.enter_context(
                        psycopg.connect(**server.parameters(), user=role, password=password.reveal())
                    )
                except psycopg.OperationalError:
                    refused += 1
                    break
        assert refused == len(logins), "the attack did not reach its limit"
        for service in SERVICES:
            with psycopg.connect(
                **server.parameters(), user=service, password=role_password(service).reveal()
            ) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
        role, password = logins[-1]
        with pytest.raises(psycopg.OperationalError, match=r"slots|connections"):
            psycopg.connect(**server.parameters(), user=role, password=password.reveal())
