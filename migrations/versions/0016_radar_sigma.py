"""Sigma 2.1 whole: placeholder values, correlations in progress, and rules that wait for others.

A rule that lacks placeholder values, a filter and a correlation depend on what else the organisation has;
`depends` marks them, so that they are loaded although they were listed with a reason when they came.
`radar.correlation_state` holds one row for each group of a correlation, written in the transaction that
stores the events: which worker has a source, and how often it was killed, makes no difference.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

RULES = """
alter table radar.rule add column depends boolean not null default false,
  add column kind text not null default 'rule'
    constraint ck_rule_kind check (kind in ('rule', 'correlation', 'filter'));
create index ix_rule_depends on radar.rule (organization_id) where depends;
create index ix_correlation_state_due on radar.correlation_state (organization_id, due_at)
  where due_at is not null;
"""

# What an earlier version listed as not supported is looked at again.
WAITING = """
update radar.rule set depends = true, kind = 'correlation' where reason like 'correlation rules are not run%';
update radar.rule set depends = true, kind = 'filter' where reason like 'filter rules are not run%';
update radar.rule set depends = true where reason like 'needs values for %';
"""


def upgrade() -> None:
    """Make the tables and mark the rules that wait."""
    op.sql("set role sent_owner")
    op.create_tenant_table(
        "radar.placeholder",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("texts", pg.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("name ~ '^[^%\\\\]{1,100}$'", name="ck_placeholder_name"),
        sa.CheckConstraint(
            "cardinality(texts) between 1 and 5000 and length(array_to_string(texts, '')) <= 500000",
            name="ck_placeholder_texts",
        ),
        sa.UniqueConstraint("organization_id", "name", name="uq_placeholder_name"),
        staff="select,insert,update,delete",
        read="radar:read",
        write="radar:manage",
    )
    op.create_tenant_table(
        "radar.correlation_state",
        sa.Column("correlation", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("state", pg.JSONB(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("organization_id", "correlation", "group_key", name="uq_correlation_state_group"),
        staff="",
        audit=False,
    )
    op.sql(RULES)
    op.sql("reset role")
    op.sql(WAITING)


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql("drop table radar.correlation_state, radar.placeholder")
    op.sql("drop index radar.ix_rule_depends")
    op.sql("alter table radar.rule drop column depends, drop column kind")
    op.sql("reset role")
