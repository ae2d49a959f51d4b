"""Rule sets that are imported with a difference, what they held before, and names of ATT&CK.

`radar.rule_set_before` holds what a set held before its last import or removal, for one undo: its rules,
compressed. It is named by the set, as that may be gone. `radar.attack` holds names and tactics of techniques
that an organisation read from a bundle of its own, one row for all.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SETS = """
alter table radar.rule_set add column imported_at timestamptz, add column imported_by uuid,
  add column origin text constraint ck_rule_set_origin check (length(origin) <= 500);
create index ix_rule_set_of_rule on radar.rule (organization_id, rule_set_id);
"""


def upgrade() -> None:
    """Make the tables."""
    op.sql("set role sent_owner")
    op.sql(SETS)
    op.create_tenant_table(
        "radar.rule_set_before",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("existed", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text()),
        sa.Column("imported_at", sa.DateTime(timezone=True)),
        sa.Column("imported_by", pg.UUID()),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_rule_set_before_name"),
        sa.CheckConstraint("octet_length(content) <= 100000000", name="ck_rule_set_before_content"),
        sa.UniqueConstraint("organization_id", "name", name="uq_rule_set_before_name"),
        staff="select,insert,update,delete",
        read="radar:read",
        write="radar:manage",
        redact=("content",),
    )
    op.create_tenant_table(
        "radar.attack",
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("techniques", pg.JSONB(), nullable=False),
        sa.CheckConstraint("length(edition) <= 200", name="ck_attack_edition"),
        sa.CheckConstraint("jsonb_typeof(techniques) = 'object'", name="ck_attack_techniques"),
        sa.UniqueConstraint("organization_id", name="uq_attack_organization"),
        staff="select,insert,update,delete",
        read="radar:read",
        write="radar:manage",
        redact=("techniques",),
    )
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql("drop table radar.attack, radar.rule_set_before")
    op.sql("drop index radar.ix_rule_set_of_rule")
    op.sql("alter table radar.rule_set drop column imported_at, drop column imported_by, drop column origin")
    op.sql("reset role")
