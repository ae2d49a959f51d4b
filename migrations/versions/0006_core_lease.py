"""Leases: who of several workers does a thing that only one may do.

A row names the holder until it expires; `fence` grows whenever the holder changes, so a holder that slept
through its expiry is told from its successor.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LEASE = """
create table core.lease (
  name text not null check (length(name) between 1 and 200),
  organization_id uuid not null default '00000000-0000-0000-0000-000000000000',
  holder uuid not null,
  fence bigint not null default 1,
  expires_at timestamptz not null,
  primary key (organization_id, name)
);
alter table core.lease enable row level security;
alter table core.lease force row level security;
create policy services on core.lease to sent_system using (true) with check (true);
grant select, insert, update, delete on core.lease to sent_system;
"""


def upgrade() -> None:
    """Make the table."""
    op.sql("set role sent_owner")
    op.sql(LEASE)
    op.sql("reset role")


def downgrade() -> None:
    """Drop it; whoever held something takes it again."""
    op.sql("set role sent_owner")
    op.sql("drop table core.lease")
    op.sql("reset role")
