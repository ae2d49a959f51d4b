"""Fixed assets and their charges, budgets, and what comes again.

What is carried out is written down once: the unique rows of `asset_charge` and `recurring_run` stand beside
the keys of the ledger, in the same transaction, so that two runs at the same time book nothing twice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(28, 8)
TABLES = ("recurring_run", "recurring", "budget_line", "budget", "asset_charge", "asset")
FIRST_OF_MONTH = "extract(day from month) = 1"


def _assets() -> None:
    op.create_tenant_table(
        "capital.asset",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", pg.UUID(), nullable=False),
        sa.Column("accumulated_id", pg.UUID(), nullable=False),
        sa.Column("expense_id", pg.UUID(), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("cost", MONEY, nullable=False),
        sa.Column("residual", MONEY, nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("convention", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(9, 6), nullable=False),
        sa.Column("since", sa.Date()),
        sa.Column("disposed_on", sa.Date()),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_asset_name"),
        sa.CheckConstraint("cost > 0 and residual between 0 and cost", name="ck_asset_cost"),
        sa.CheckConstraint("months between 1 and 1200", name="ck_asset_months"),
        sa.CheckConstraint("method in ('straight_line', 'declining', 'at_once')", name="ck_asset_method"),
        sa.CheckConstraint("convention in ('month', 'half_year')", name="ck_asset_convention"),
        sa.CheckConstraint("rate between 0 and 100", name="ck_asset_rate"),
        sa.CheckConstraint("disposed_on >= bought_on", name="ck_asset_disposed"),
        references={
            "account_id": "capital.account", "accumulated_id": "capital.account",
            "expense_id": "capital.account",
        },
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )  # fmt: skip
    op.create_tenant_table(
        "capital.asset_charge",
        sa.Column("asset_id", pg.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("entry_id", pg.UUID(), nullable=False),
        sa.UniqueConstraint("organization_id", "asset_id", "kind", "month", name="uq_asset_charge"),
        sa.CheckConstraint("kind in ('depreciation', 'write_down', 'disposal')", name="ck_asset_charge_kind"),
        sa.CheckConstraint(FIRST_OF_MONTH, name="ck_asset_charge_month"),
        references={"asset_id": "capital.asset", "entry_id": "capital.entry"},
        staff="select,insert",
        read="capital:read",
        write="capital:post",
    )


def _budgets() -> None:
    op.create_tenant_table(
        "capital.budget",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.UniqueConstraint("organization_id", "starts", "name", name="uq_budget"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_budget_name"),
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )
    op.create_tenant_table(
        "capital.budget_line",
        sa.Column("budget_id", pg.UUID(), nullable=False),
        sa.Column("account_id", pg.UUID(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.UniqueConstraint("organization_id", "budget_id", "account_id", "month", name="uq_budget_line"),
        sa.CheckConstraint(FIRST_OF_MONTH, name="ck_budget_line_month"),
        references={"budget_id": "capital.budget", "account_id": "capital.account"},
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )


def _recurring() -> None:
    op.create_tenant_table(
        "capital.recurring",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("template", pg.JSONB(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Date()),
        sa.Column("count", sa.Integer()),
        sa.Column("weekdays", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_recurring_name"),
        sa.CheckConstraint("pg_column_size(template) <= 200000", name="ck_recurring_template"),
        sa.CheckConstraint("unit in ('month', 'week')", name="ck_recurring_unit"),
        sa.CheckConstraint("every between 1 and 120 and day between 1 and 31", name="ck_recurring_rule"),
        sa.CheckConstraint("count between 1 and 1000 and ends >= starts", name="ck_recurring_end"),
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )
    op.create_tenant_table(
        "capital.recurring_run",
        sa.Column("recurring_id", pg.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entry_id", pg.UUID()),
        sa.Column("document_id", pg.UUID()),
        sa.UniqueConstraint("organization_id", "recurring_id", "n", name="uq_recurring_run"),
        sa.CheckConstraint("n between 0 and 999", name="ck_recurring_run_n"),
        sa.CheckConstraint("num_nonnulls(entry_id, document_id) = 1", name="ck_recurring_run_one"),
        references={"recurring_id": "capital.recurring", "entry_id": "capital.entry"},
        staff="select,insert",
        read="capital:read",
        write="capital:post",
    )


# NaN is above every number, so no other check refuses it; days beyond these no program can read.
NUMBERS = {
    "asset": ("cost", "residual"),
    "asset_charge": ("amount",),
    "budget_line": ("amount",),
}
DAYS = {
    "asset": ("bought_on", "since", "disposed_on"),
    "asset_charge": ("month",),
    "budget": ("starts",),
    "budget_line": ("month",),
    "recurring": ("starts", "ends"),
    "recurring_run": ("day",),
}


def upgrade() -> None:
    """Make the tables."""
    op.sql("set role sent_owner")
    _assets()
    _budgets()
    _recurring()
    for table, columns in NUMBERS.items():
        for name in columns:
            op.sql(
                f"alter table capital.{table} add constraint ck_{table}_{name}_number check ({name} <> 'NaN')"
            )
    for table, columns in DAYS.items():
        for name in columns:
            op.sql(
                f"alter table capital.{table} add constraint ck_{table}_{name}_range"
                f" check ({name} between '1900-01-01' and '2200-12-31')"
            )
    for table in ("recurring", "recurring_run"):
        # A template names any party and its prices: it is not for staff limited to other clients.
        op.sql(
            f"create policy whole on capital.{table} as restrictive for select to sent_staff"
            " using (organization_id = (select sec.org()) and (select sec.clients()) is null)"
        )
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    for name in TABLES:
        op.sql(f"drop table capital.{name}")
    op.sql("reset role")
