"""What the console keeps for people: saved views, private or shared.

A private view is its owner's only: the policies ask for the person, not only for the organisation. A shared
one is everybody's to read; sharing, and changing what another shared, needs `views:share`. Whose a view is
never changes: that column is not granted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

POLICIES = """
drop policy staff_select on core.view;
drop policy staff_insert on core.view;
drop policy staff_update on core.view;
drop policy staff_delete on core.view;
create policy staff_select on core.view for select to sent_staff using (
  organization_id = (select sec.org()) and (shared or person_id = (select sec.actor())));
create policy staff_insert on core.view for insert to sent_staff with check (
  organization_id = (select sec.org()) and person_id = (select sec.actor())
  and (not shared or (select sec.has('views:share'))));
create policy staff_update on core.view for update to sent_staff using (
  organization_id = (select sec.org())
  and (person_id = (select sec.actor()) or (shared and (select sec.has('views:share')))))
with check (
  organization_id = (select sec.org())
  and case when shared then (select sec.has('views:share')) else person_id = (select sec.actor()) end);
create policy staff_delete on core.view for delete to sent_staff using (
  organization_id = (select sec.org())
  and (person_id = (select sec.actor()) or (shared and (select sec.has('views:share')))));
revoke insert, update on core.view from sent_staff;
grant insert (id, page, name, definition, shared, position) on core.view to sent_staff;
grant update (name, definition, shared, position) on core.view to sent_staff;
"""

# Runs as whoever inserts, so it counts what he can see: his own and the shared ones.
LIMIT = """
create function core.view_limit() returns trigger language plpgsql set search_path = '' as $$
begin
  if (select count(*) from core.view v where v.organization_id = new.organization_id
      and v.person_id = new.person_id) >= 500 then
    perform sec.fail('SN422', 'view.limit|nobody keeps more than 500 views; remove some first');
  end if;
  return new;
end $$;
create trigger few before insert on core.view for each row execute function core.view_limit();
"""


def upgrade() -> None:
    """Make the table of views."""
    op.sql("set role sent_owner")
    op.create_tenant_table(
        "core.view",
        sa.Column("person_id", pg.UUID(), nullable=False, server_default=sa.text("sec.actor()")),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", pg.JSONB(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("length(page) between 1 and 80", name="ck_view_page"),
        sa.CheckConstraint("length(name) between 1 and 80", name="ck_view_name"),
        sa.CheckConstraint(
            "jsonb_typeof(definition) = 'object' and pg_column_size(definition) <= 16384",
            name="ck_view_definition",
        ),
        sa.UniqueConstraint("organization_id", "person_id", "page", "name", name="uq_view_name"),
        staff="select,insert,update,delete",
        redact=("definition",),
    )
    op.sql(POLICIES)
    op.sql(LIMIT)
    op.sql("reset role")


def downgrade() -> None:
    """Drop the views."""
    op.sql("set role sent_owner")
    op.sql("drop table core.view")
    op.sql("drop function core.view_limit()")
    op.sql("reset role")
