"""L1: the ledger's throughput beside a naive ORM and a function that posts row by row, on one server.

They take turns, so that foreign load meets all alike. Ours checks keys, periods and floors, and a service
counts and seals beside it. The peers (`ledger_peers.sql`) check keys and floors. One by one means eight
callers who each wait for their own commit: eight connections for the peer, for ours eight tasks of a service
(`Poster`: who waits at the same time is committed together). Where the number of clients is free, each way is
measured with the number that suits it best.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bench.measure import report
from psycopg.conninfo import make_conninfo
from tenants import OrgFixture, mint

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
ACCOUNTS = 2000
SECONDS = 3.0
ROUNDS = 3


class Field:
    """Accounts in both ledgers, and clients that post to them."""

    def __init__(self, cluster: Cluster, server: Server, org: OrgFixture) -> None:
        role, password = mint(server, org.membership)
        place = {"host": server.host, "port": server.port, "dbname": server.dbname}
        self.ours = make_conninfo(**place, user=role, password=password.reveal())
        self.login = {
            "server": dict(place), "role": role, "password": password.reveal(), "org": str(org.org),
        }  # fmt: skip
        self.peer = make_conninfo(**place, user="sent_super", password=cluster.password.reveal())
        self._cluster, self._server, self._org = cluster, server, org
        with cluster.connect(server.dbname) as connection:
            connection.execute((HERE / "ledger_peers.sql").read_text())
            self.journal = self._id(
                connection,
                "insert into capital.journal (organization_id, code, name)"
                " values (%s, 'GJ', 'General') returning id",
            )
            self.fees = self._id(
                connection,
                "insert into capital.account (organization_id, code, name, kind)"
                " values (%s, 'fees', 'Fees', 'income') returning id",
            )
            connection.execute(
                "insert into capital.account (organization_id, code, name, kind, commodity, floor)"
                " select %s, 'w' || n, 'Wallet', 'liability', 'EUR', -1000000 from generate_series(1, %s) n",
                [org.org, ACCOUNTS],
            )
            found = connection.execute(
                "select id from capital.account where organization_id = %s and floor is not null", [org.org]
            )
            self.wallets = [str(row[0]) for row in found]
            connection.execute(
                "insert into peer.account (id, name, floor)"
                " select a.id, a.name, a.floor from capital.account a where a.organization_id = %s",
                [org.org],
            )
            connection.execute("analyze")

    def _id(self, connection: Any, statement: str) -> str:
        return str(connection.execute(statement, [self._org.org]).fetchone()[0])

    def rate(self, way: str, workers: int, *, hot: bool = False, size: int = 1, callers: int = 1) -> float:
        """Return how many entries a second `workers` processes post together."""
        clients = []
        for seed in range(workers):
            order = {
                "way": way, "dsn": self.ours if way == "ours" else self.peer, "seconds": SECONDS,
                "seed": seed, "accounts": self.wallets, "journal": self.journal,
                "hot": self.fees if hot else None, "size": size, "callers": callers, **self.login,
            }  # fmt: skip
            clients.append(
                subprocess.Popen(
                    [sys.executable, str(HERE / "poster.py"), json.dumps(order)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
        for client in clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
        for client in clients:
            assert client.stdin is not None
            client.stdin.write("go\n")
            client.stdin.flush()
        return sum(float(client.communicate()[0]) for client in clients)

    @contextmanager
    def sealed(self) -> Iterator[None]:
        """Count and seal meanwhile, as the service does."""
        over = threading.Event()

        def work() -> None:
            with self._cluster.connect(self._server.dbname) as connection:
                connection.autocommit = True
                connection.execute("set session authorization sent_app")
                connection.execute(
                    "select set_config('sent.organization_id', %s, false)", [str(self._org.org)]
                )
                while not over.wait(1.0):
                    connection.execute("select capital.roll()")
                    while connection.execute("select capital.seal(2000)").fetchone() == (2000,):
                        pass

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture
def field(cluster: Cluster, server: Server, org_a: OrgFixture) -> Field:
    return Field(cluster, server, org_a)


def median(found: list[float]) -> float:
    return statistics.median(found)


def test_l1_one_by_one_beside_a_function_that_posts_row_by_row(field: Field) -> None:
    met = []
    for hot in (False, True):
        ours, row = [], []
        with field.sealed():
            for _ in range(ROUNDS):
                row.append(field.rate("row", 8, hot=hot))
                ours.append(field.rate("callers", 1, hot=hot, callers=8))
        name = "hot" if hot else "spread"
        met.append(
            report(
                f"l1_one_by_one_{name}", median(ours), "entries/s", median(row), target_ratio=1.3,
                higher_is_better=True,
            )
        )  # fmt: skip
    assert all(met)


def test_l1_batches_beside_an_orm_and_a_function(field: Field) -> None:
    orm, row, thousand, many = [], [], [], []
    with field.sealed():
        for _ in range(ROUNDS):
            orm.append(field.rate("orm", 1))
            row.append(max(field.rate("row", workers) for workers in (1, 8)))
            thousand.append(max(field.rate("ours", workers, size=1000) for workers in (1, 2)))
            many.append(max(field.rate("ours", workers, size=5000) for workers in (1, 2)))
    met = [
        report(
            "l1_batch_1000_beside_orm", median(thousand), "entries/s", median(orm), target_ratio=30,
            higher_is_better=True,
        ),
        report(
            "l1_batch_1000_beside_rows", median(thousand), "entries/s", median(row), target_ratio=5,
            higher_is_better=True,
        ),
        report(
            "l1_batch_5000_beside_1000", median(many), "entries/s", median(thousand), target_ratio=0.5,
            higher_is_better=True,
        ),
    ]  # fmt: skip
    assert all(met)
