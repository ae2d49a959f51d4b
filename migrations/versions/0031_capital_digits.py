"""A commodity of the organisation's own may be counted to more digits later; never to fewer."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

NAME = "capital.refine_commodity(text, integer)"
REFINE = """
-- What is booked stays true when more digits are allowed, so nothing booked has to be looked at.
create function capital.refine_commodity(code text, exponent integer) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_manage();
  update capital.commodity c set exponent = refine_commodity.exponent
  where c.organization_id = sec.org() and c.code = refine_commodity.code
    and c.exponent < refine_commodity.exponent;
  if not found then
    perform sec.fail('SN409', 'capital.commodity.digits|a commodity is never counted to fewer digits');
  end if;
end $$;
"""


def upgrade() -> None:
    """Make the function."""
    op.sql("set role sent_owner")
    op.sql(REFINE)
    op.sql(f"revoke execute on function {NAME} from public")
    op.sql(f"grant execute on function {NAME} to sent_staff, sent_app, sent_system")
    op.sql("reset role")


def downgrade() -> None:
    """Drop the function."""
    op.sql("set role sent_owner")
    op.sql(f"drop function {NAME}; reset role")
