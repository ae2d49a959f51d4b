"""A trail with seals, anchors and an attacker who owns the server (K1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tenants import OrgFixture

from sent.platform.audit import anchors, proof
from sent.platform.audit import sealer as sealing
from sent.platform.audit.sealer import Sealer
from sent.platform.audit.signing import Signing
from sent.platform.audit.verify import Report
from sent.platform.context import Ctx
from sent.platform.crypto.root import FilePlace, FixedRoots
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow

if TYPE_CHECKING:
    import psycopg

    from sent.platform.db.embedded.cluster import Cluster

ROOT = bytes(range(32))


@dataclass
class FixedClock:
    """A clock that stands where it is put."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """Return the moment."""
        return self.moment

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return self.moment.timestamp()


@dataclass
class Trail:
    """One organisation's trail on a server."""

    cluster: Cluster
    server: Server
    org: OrgFixture
    system_db: Database
    folder: Path
    clock: FixedClock

    def signing(self, name: str = "key") -> Signing:
        """Return the signing key of that name."""
        return Signing(FilePlace(self.folder / name, make=True), self.folder / f"{name}.public")

    @property
    def vault(self) -> Vault:
        """Return the trail's own vault."""
        return Vault(self.folder / "vault")

    def sealer(self, name: str = "key") -> Sealer:
        """Return a new sealer."""
        return Sealer(
            self.system_db,
            signing=self.signing(name),
            roots=FixedRoots(ROOT),
            vault=self.vault,
            clock=self.clock,
            anchor_every=1e9,
        )

    @property
    def ctx(self) -> Ctx:
        """Return the organisation on `sent_system`."""
        return Ctx(self.system_db, self.org.org, self.org.owner)

    async def record(self, *codes: str) -> None:
        """Make an entry for each code, each in a transaction of its own."""
        for code in codes:
            async with uow(self.org.ctx) as tx:
                await tx.execute(
                    "insert into core.client (name, code) values (%s, %s)", [f"client {code}", code]
                )

    async def seal(self, name: str = "key") -> Sealer:
        """Seal everything that is there."""
        sealer = self.sealer(name)
        while await sealer.turn():
            pass
        return sealer

    async def check(self, name: str = "key", ctx: Ctx | None = None) -> Report:
        """Verify as the administrator does."""
        heads = anchors.read(self.anchors) if self.anchors.exists() else {}
        return await proof.check(ctx or self.ctx, self.signing(name).trusted(), heads)

    @property
    def anchors(self) -> Path:
        """Return the file of anchors (set by the fixture)."""
        return self.folder / "anchors.jsonl"

    @contextmanager
    def attacker(self) -> Iterator[psycopg.Connection[Any]]:
        """Return the superuser with every trigger switched off."""
        with self.cluster.connect(self.server.dbname) as admin:
            admin.execute("set session_replication_role = replica")
            yield admin

    @contextmanager
    def damaged(self) -> Iterator[psycopg.Connection[Any]]:
        """Let an attacker in and put everything back afterwards."""
        with self.attacker() as admin:
            for name in ("audit_entry", "seal"):
                schema = "ts" if name == "audit_entry" else "audit"
                admin.execute(f"create table public.kept_{name} as select * from {schema}.{name}")
            yield admin
            admin.execute("truncate ts.audit_entry, audit.seal")
            admin.execute("insert into ts.audit_entry select * from public.kept_audit_entry")
            admin.execute("insert into audit.seal select * from public.kept_seal")
            admin.execute("drop table public.kept_audit_entry, public.kept_seal")

    def entries(self) -> list[tuple[int, UUID, str]]:
        """Return number, id and table of the organisation's entries in order."""
        with self.cluster.connect(self.server.dbname) as admin:
            return admin.execute(
                "select seq, id, table_name from ts.audit_entry where organization_id = %s order by seq",
                [self.org.org],
            ).fetchall()


def small_seals(monkeypatch: Any, size: int = 5) -> None:
    """Let a seal hold few entries, so that a trail has many."""
    monkeypatch.setattr(sealing, "BATCH", size)


Change = Callable[[Trail, list[tuple[int, UUID, str]]], int | None]
