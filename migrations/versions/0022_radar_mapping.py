"""Field mappings of sources, and how sources fare: what the worker that has them says every few seconds.

A mapping is JSON that the engine checks before it writes or runs it; the database bounds its size. States are
written by workers only; staff read them. Who holds a source last wins, as in the leases.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MAPPING = """
alter table radar.source add column mapping jsonb constraint ck_source_mapping check (
  jsonb_typeof(mapping) = 'object' and jsonb_typeof(mapping -> 'steps') = 'array'
  and octet_length(mapping::text) <= 262144);
"""


def upgrade() -> None:
    """Add the column and the table."""
    op.sql("set role sent_owner")
    op.sql(MAPPING)
    op.create_tenant_table(
        "radar.source_state",
        sa.Column("source_id", pg.UUID(), nullable=False),
        sa.Column("source_version", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False, server_default=""),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("port", sa.Integer()),
        sa.Column("dropped", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("unmapped", sa.BigInteger(), nullable=False, server_default="0"),
        sa.CheckConstraint("length(problem) <= 500", name="ck_source_state_problem"),
        sa.CheckConstraint("dropped >= 0 and unmapped >= 0", name="ck_source_state_counts"),
        sa.UniqueConstraint("organization_id", "source_id", name="uq_source_state"),
        staff="select",
        read="radar:read",
        references={"source_id": ("radar.source", "cascade")},
        client_scoped=True,
        audit=False,
    )
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql("drop table radar.source_state")
    op.sql("alter table radar.source drop column mapping")
    op.sql("reset role")
