"""Billing: parties, tax codes, documents, payments, dunning.

A document is a draft until `capital.issue` numbers it and books it in one transaction; afterwards a trigger
refuses every change of it, whoever asks. What is paid is nowhere stored: it is the sum of allocations.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(28, 8)
PERCENT = sa.Numeric(9, 6)
KINDS = "('invoice', 'sales_credit', 'bill', 'purchase_credit')"

GUARDS = """
alter table capital.billing add constraint uq_billing unique (organization_id);
create unique index uq_document_number on capital.document (organization_id, kind, number)
  where number is not null;
create unique index uq_document_supplier on capital.document (organization_id, party_id, kind, reference)
  where kind in ('bill', 'purchase_credit') and state = 'issued' and reference <> '';
create index ix_document_day on capital.document (organization_id, day) where state <> 'draft';
create unique index uq_payment_line on capital.payment (organization_id, entry_id, line_n)
  where undone_on is null;
create index ix_tax_item_day on capital.tax_item (organization_id, day);
create index ix_allocation_group on capital.allocation (organization_id, group_id);

-- What belongs to a party is seen by whoever may see its client.
create function capital.follow_party() returns trigger language plpgsql as $$
declare
  seen record;
begin
  select p.client_id into seen from capital.party p
  where p.organization_id = sec.org() and p.id = new.party_id;
  if not found then
    perform sec.fail('SN404', 'capital.party.missing|there is no such party: choose one from the list');
  end if;
  new.client_id := seen.client_id;
  return new;
end $$;

create function capital.follow_document() returns trigger language plpgsql as $$
declare
  seen record;
begin
  select d.client_id into seen from capital.document d
  where d.organization_id = sec.org() and d.id = new.document_id;
  if not found then
    perform sec.fail('SN404', 'capital.document.missing|there is no such document');
  end if;
  new.client_id := seen.client_id;
  return new;
end $$;

-- Drafts are written by people; everything after by the functions below, and issued ones by nobody: only the
-- stop of its dunning may change, and an issued one may become void.
create function capital.guard_document() returns trigger language plpgsql as $$
declare
  ours constant boolean := current_user = 'sent_owner';
begin
  if tg_op = 'DELETE' then
    if old.state <> 'draft' then
      perform sec.fail('SN403', 'capital.document.kept|an issued document stays: credit or void it');
    end if;
    return old;
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'draft' or new.number is not null or new.entry_id is not null then
      perform sec.fail('SN403', 'capital.document.issue|documents begin as drafts: issue them afterwards');
    end if;
    return new;
  end if;
  if old.state = 'draft' then
    if not ours and (new.state <> 'draft' or new.number is not null or new.entry_id is not null) then
      perform sec.fail('SN403', 'capital.document.issue|a document gets its number by issuing it');
    end if;
    return new;
  end if;
  if to_jsonb(new) - array['stopped', 'version', 'updated_at', 'client_id']
      = to_jsonb(old) - array['stopped', 'version', 'updated_at', 'client_id']
    or ours and old.state = 'issued' and new.state = 'void'
      and to_jsonb(new) - array['state', 'voided_on', 'void_entry_id', 'version', 'updated_at', 'client_id']
        = to_jsonb(old) - array['state', 'voided_on', 'void_entry_id', 'version', 'updated_at', 'client_id']
  then
    return new;
  end if;
  perform sec.fail('SN403',
    'capital.document.immutable|an issued document stays as it is: credit or void it');
  return null;
end $$;

create function capital.guard_document_line() returns trigger language plpgsql as $$
declare
  about constant uuid := case when tg_op = 'DELETE' then old.document_id else new.document_id end;
  state text;
begin
  if tg_op = 'UPDATE' and new.document_id <> old.document_id then
    perform sec.fail('SN403', 'capital.document.line|a line stays in its document');
  end if;
  -- Locked, so that nothing is changed while it is being issued.
  select d.state into state from capital.document d
  where d.organization_id = sec.org() and d.id = about for share;
  if state <> 'draft' then
    perform sec.fail('SN403',
      'capital.document.immutable|the lines of an issued document stay: credit or void it');
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;

-- What was reported with a tax code stays true: a new rate is a new row with its first day.
create function capital.guard_tax_code() returns trigger language plpgsql as $$
begin
  if (new.code, new.kind, new.nature, new.rate, new.starts, new.inclusive, new.rounding, new.recoverable)
    is distinct from
    (old.code, old.kind, old.nature, old.rate, old.starts, old.inclusive, old.rounding, old.recoverable)
    and exists (select from capital.tax_item t where t.organization_id = old.organization_id
      and t.tax_id = old.id) then
    perform sec.fail('SN409', 'capital.tax.used|documents use this tax code: add one with a later first day');
  end if;
  return new;
end $$;

-- What a document, payment or discount booked is taken back by voiding, crediting or undoing that, so that
-- ledger and open items agree; those functions say so first and reverse then. What they reversed stays so.
-- Its owner sees the documents of all clients: the ledger's entries are everybody's.
create function capital.guard_reversal() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  held text;
  former constant uuid := (select e.about from capital.entry e
    where e.organization_id = new.organization_id and e.id = new.about and e.kind = 'reversal');
begin
  select d.number into held from capital.document d
  where d.organization_id = new.organization_id
    and (d.entry_id = new.about and d.state = 'issued' or d.entry_id = former) limit 1;
  if held is not null then
    perform sec.fail('SN409',
      'capital.entry.document|the entry is that of ' || held || ': credit or void that');
  elsif exists (select from capital.payment p where p.organization_id = new.organization_id
      and (p.entry_id = new.about and p.undone_on is null or p.entry_id = former and not p.adopted))
    or exists (select from capital.allocation a where a.organization_id = new.organization_id
      and (a.entry_id = new.about and a.released_at is null or a.entry_id = former)) then
    perform sec.fail('SN409',
      'capital.entry.payment|the entry is that of a payment: undo the payment instead');
  end if;
  return new;
end $$;

create trigger guard_reversal before insert on capital.entry
  for each row when (new.kind = 'reversal') execute function capital.guard_reversal();
create trigger guard before insert or update or delete on capital.document
  for each row execute function capital.guard_document();
create trigger follow before insert or update of party_id on capital.document
  for each row execute function capital.follow_party();
create trigger guard before insert or update or delete on capital.document_line
  for each row execute function capital.guard_document_line();
create trigger follow before insert on capital.document_line
  for each row execute function capital.follow_document();
create trigger follow before insert on capital.tax_item
  for each row execute function capital.follow_document();
create trigger follow before insert on capital.allocation
  for each row execute function capital.follow_document();
create trigger follow before insert on capital.payment
  for each row execute function capital.follow_party();
create trigger follow before insert on capital.dunning
  for each row execute function capital.follow_party();
create trigger follow before insert on capital.dunning_item
  for each row execute function capital.follow_document();
create trigger guard before update on capital.tax_code
  for each row execute function capital.guard_tax_code();
"""


def _parties() -> None:
    op.create_tenant_table(
        "capital.party",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, server_default=""),
        sa.Column("country", sa.Text(), nullable=False, server_default=""),
        sa.Column("tax_number", sa.Text(), nullable=False, server_default=""),
        sa.Column("email", sa.Text(), nullable=False, server_default=""),
        sa.Column("language", sa.Text(), nullable=False, server_default="en"),
        sa.Column("iban", sa.Text(), nullable=False, server_default=""),
        sa.Column("terms_days", sa.Integer(), nullable=False, server_default="30"),
        sa.Column("discount_percent", PERCENT, nullable=False, server_default="0"),
        sa.Column("discount_days", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("commodity", sa.Text()),
        sa.Column("control_id", pg.UUID()),
        sa.Column("account_id", pg.UUID()),
        sa.Column("stopped", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("archived", sa.Boolean(), nullable=False, server_default="false"),
        sa.UniqueConstraint("organization_id", "code", name="uq_party_code"),
        sa.CheckConstraint("kind in ('customer', 'supplier')", name="ck_party_kind"),
        sa.CheckConstraint("length(code) between 1 and 40", name="ck_party_code"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_party_name"),
        sa.CheckConstraint("length(address) <= 1000", name="ck_party_address"),
        sa.CheckConstraint("country ~ '^([A-Z]{2})?$'", name="ck_party_country"),
        sa.CheckConstraint("length(tax_number) <= 40 and length(iban) <= 40", name="ck_party_numbers"),
        sa.CheckConstraint("length(email) <= 320", name="ck_party_email"),
        sa.CheckConstraint("language in ('en', 'de')", name="ck_party_language"),
        sa.CheckConstraint("terms_days between 0 and 730", name="ck_party_terms"),
        sa.CheckConstraint("discount_percent between 0 and 100", name="ck_party_discount"),
        sa.CheckConstraint("discount_days between 0 and terms_days", name="ck_party_discount_days"),
        references={"control_id": "capital.account", "account_id": "capital.account"},
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
        client_scoped=True,
    )
    op.create_tenant_table(
        "capital.billing",
        sa.Column("profile", pg.JSONB(), nullable=False, server_default="{}"),
        sa.Column("logo", pg.BYTEA()),
        sa.Column("given_id", pg.UUID()),
        sa.Column("taken_id", pg.UUID()),
        sa.Column("write_off_id", pg.UUID()),
        sa.Column("write_off_limit", MONEY, nullable=False, server_default="5"),
        sa.CheckConstraint("length(profile::text) <= 8000", name="ck_billing_profile"),
        sa.CheckConstraint("length(logo) <= 500000", name="ck_billing_logo"),
        sa.CheckConstraint("write_off_limit between 0 and 100000", name="ck_billing_limit"),
        references={
            "given_id": "capital.account", "taken_id": "capital.account", "write_off_id": "capital.account",
        },
        staff="select,insert,update",
        read="capital:read",
        write="capital:manage",
        redact=("logo",),
    )  # fmt: skip
    op.create_tenant_table(
        "capital.tax_code",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("rate", PERCENT, nullable=False),
        sa.Column("starts", sa.Date(), nullable=False, server_default="1900-01-01"),
        sa.Column("ends", sa.Date()),
        sa.Column("inclusive", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("recoverable", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("rounding", sa.Text(), nullable=False, server_default="half_even"),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("category", sa.Text(), nullable=False, server_default=""),
        sa.Column("account_id", pg.UUID()),
        sa.Column("counter_id", pg.UUID()),
        sa.Column("base_boxes", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("tax_boxes", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("counter_boxes", pg.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.UniqueConstraint("organization_id", "kind", "code", "starts", name="uq_tax_code"),
        sa.CheckConstraint("length(code) between 1 and 20", name="ck_tax_code_code"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_tax_code_name"),
        sa.CheckConstraint("kind in ('sale', 'purchase')", name="ck_tax_code_kind"),
        sa.CheckConstraint("nature in ('standard', 'zero', 'exempt', 'reverse')", name="ck_tax_code_nature"),
        sa.CheckConstraint("rate between 0 and 100", name="ck_tax_code_rate"),
        sa.CheckConstraint("ends >= starts", name="ck_tax_code_days"),
        sa.CheckConstraint("rounding in ('half_even', 'half_up', 'down')", name="ck_tax_code_rounding"),
        sa.CheckConstraint("length(reason) <= 300", name="ck_tax_code_reason"),
        sa.CheckConstraint(
            "category in ('', 'S', 'Z', 'E', 'AE', 'K', 'G', 'O')", name="ck_tax_code_category"
        ),
        sa.CheckConstraint("nature in ('standard', 'reverse') or rate = 0", name="ck_tax_code_zero"),
        sa.CheckConstraint("nature = 'standard' or reason <> ''", name="ck_tax_code_why"),
        references={"account_id": "capital.account", "counter_id": "capital.account"},
        staff="select,insert,update",
        read="capital:read",
        write="capital:manage",
    )
    op.create_tenant_table(
        "capital.series",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False, server_default="5"),
        sa.Column("first", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("next", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("drawn", sa.Boolean(), sa.Computed("next > first", persisted=True)),
        sa.UniqueConstraint("organization_id", "kind", "year", name="uq_series"),
        sa.CheckConstraint(f"kind in {KINDS}", name="ck_series_kind"),
        sa.CheckConstraint("year between 1900 and 2200", name="ck_series_year"),
        sa.CheckConstraint("length(prefix) <= 30", name="ck_series_prefix"),
        sa.CheckConstraint("width between 1 and 12", name="ck_series_width"),
        sa.CheckConstraint("first >= 1 and next >= first", name="ck_series_next"),
        staff="select",
        read="capital:read",
    )


def _documents() -> None:
    op.create_tenant_table(
        "capital.document",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="draft"),
        sa.Column("party_id", pg.UUID(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("delivered", sa.Text(), nullable=False, server_default=""),
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("rate", MONEY),
        sa.Column("reference", sa.Text(), nullable=False, server_default=""),
        sa.Column("intro", sa.Text(), nullable=False, server_default=""),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("discount_percent", PERCENT, nullable=False, server_default="0"),
        sa.Column("discount_days", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("control_id", pg.UUID()),
        sa.Column("credits", pg.UUID()),
        sa.Column("net", MONEY),
        sa.Column("tax", MONEY),
        sa.Column("gross", MONEY),
        sa.Column("entry_id", pg.UUID()),
        sa.Column("void_entry_id", pg.UUID()),
        sa.Column("voided_on", sa.Date()),
        sa.Column("issued_at", sa.DateTime(timezone=True)),
        sa.Column("issued_by", pg.UUID()),
        sa.Column("seller", pg.JSONB()),
        sa.Column("buyer", pg.JSONB()),
        sa.Column("stopped", sa.Boolean(), nullable=False, server_default="false"),
        sa.CheckConstraint(f"kind in {KINDS}", name="ck_document_kind"),
        sa.CheckConstraint("state in ('draft', 'issued', 'void')", name="ck_document_state"),
        sa.CheckConstraint("(state = 'draft') = (number is null)", name="ck_document_number"),
        sa.CheckConstraint("(state = 'draft') = (gross is null)", name="ck_document_gross"),
        sa.CheckConstraint("(state = 'void') = (voided_on is not null)", name="ck_document_void"),
        sa.CheckConstraint("due >= day", name="ck_document_due"),
        sa.CheckConstraint("rate > 0", name="ck_document_rate"),
        sa.CheckConstraint("length(reference) <= 100 and length(delivered) <= 100", name="ck_document_texts"),
        sa.CheckConstraint("length(intro) <= 4000 and length(note) <= 4000", name="ck_document_notes"),
        sa.CheckConstraint("discount_percent between 0 and 100", name="ck_document_discount"),
        sa.CheckConstraint("discount_days between 0 and 730", name="ck_document_discount_days"),
        references={
            "party_id": "capital.party", "control_id": "capital.account", "credits": "capital.document",
        },
        staff="select,insert,update,delete",
        read="capital:read",
        write="capital:post",
        client_scoped=True,
    )  # fmt: skip
    op.create_tenant_table(
        "capital.document_line",
        sa.Column("document_id", pg.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(18, 6), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False, server_default=""),
        sa.Column("unit_price", MONEY, nullable=False),
        sa.Column("discount", PERCENT, nullable=False, server_default="0"),
        sa.Column("account_id", pg.UUID()),
        sa.Column("tax", sa.Text(), nullable=False, server_default=""),
        sa.Column("net", MONEY),
        sa.UniqueConstraint("organization_id", "document_id", "n", name="uq_document_line"),
        sa.CheckConstraint("n between 1 and 1000", name="ck_document_line_n"),
        sa.CheckConstraint("length(description) between 1 and 2000", name="ck_document_line_description"),
        sa.CheckConstraint("length(unit) <= 20 and length(tax) <= 20", name="ck_document_line_texts"),
        sa.CheckConstraint("abs(quantity) <= 1000000000", name="ck_document_line_quantity"),
        sa.CheckConstraint("abs(unit_price) <= 1000000000000", name="ck_document_line_price"),
        sa.CheckConstraint("discount between 0 and 100", name="ck_document_line_discount"),
        references={"document_id": ("capital.document", "cascade"), "account_id": "capital.account"},
        staff="select,insert,update,delete",
        read="capital:read",
        write="capital:post",
        client_scoped=True,
    )


def _settlement() -> None:
    op.create_tenant_table(
        "capital.payment",
        sa.Column("party_id", pg.UUID(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("money_commodity", sa.Text(), nullable=False),
        sa.Column("money_amount", MONEY, nullable=False),
        sa.Column("control_id", pg.UUID(), nullable=False),
        sa.Column("entry_id", pg.UUID(), nullable=False),
        sa.Column("line_n", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, server_default=""),
        sa.Column("memo", sa.Text(), nullable=False, server_default=""),
        sa.Column("adopted", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("undone_on", sa.Date()),
        sa.CheckConstraint("direction in ('in', 'out')", name="ck_payment_direction"),
        sa.CheckConstraint("amount > 0 and money_amount > 0", name="ck_payment_amount"),
        references={"party_id": "capital.party", "control_id": "capital.account"},
        staff="select",
        read="capital:read",
        client_scoped=True,
    )
    op.create_tenant_table(
        "capital.allocation",
        sa.Column("group_id", pg.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document_id", pg.UUID(), nullable=False),
        sa.Column("payment_id", pg.UUID()),
        sa.Column("credit_id", pg.UUID()),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("entry_id", pg.UUID()),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "kind in ('payment', 'credit', 'discount', 'write_off')", name="ck_allocation_kind"
        ),
        sa.CheckConstraint("amount > 0", name="ck_allocation_amount"),
        references={
            "document_id": "capital.document", "payment_id": "capital.payment",
            "credit_id": "capital.document",
        },
        staff="select",
        read="capital:read",
        client_scoped=True,
    )  # fmt: skip
    op.create_tenant_table(
        "capital.tax_item",
        sa.Column("document_id", pg.UUID(), nullable=False),
        sa.Column("allocation_id", pg.UUID()),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tax_id", pg.UUID(), nullable=False),
        sa.Column("rate", PERCENT, nullable=False),
        sa.Column("base", MONEY, nullable=False),
        sa.Column("tax", MONEY, nullable=False),
        sa.Column("home_base", MONEY, nullable=False),
        sa.Column("home_tax", MONEY, nullable=False),
        references={
            "document_id": "capital.document", "allocation_id": "capital.allocation",
            "tax_id": "capital.tax_code",
        },
        staff="select",
        read="capital:read",
        client_scoped=True,
    )  # fmt: skip


def _dunning() -> None:
    op.create_tenant_table(
        "capital.dunning_level",
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("fee", MONEY, nullable=False, server_default="0"),
        sa.Column("interest", PERCENT, nullable=False, server_default="0"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.UniqueConstraint("organization_id", "n", name="uq_dunning_level"),
        sa.CheckConstraint("n between 1 and 9", name="ck_dunning_level_n"),
        sa.CheckConstraint("days between 1 and 3650", name="ck_dunning_level_days"),
        sa.CheckConstraint("fee >= 0 and interest between 0 and 100", name="ck_dunning_level_fee"),
        sa.CheckConstraint("length(title) between 1 and 100", name="ck_dunning_level_title"),
        sa.CheckConstraint("length(body) <= 4000", name="ck_dunning_level_body"),
        staff="select,insert,update",
        read="capital:read",
        write="capital:manage",
    )
    op.create_tenant_table(
        "capital.dunning",
        sa.Column("party_id", pg.UUID(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("open", MONEY, nullable=False),
        sa.Column("fee", MONEY, nullable=False),
        sa.Column("interest", MONEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        references={"party_id": "capital.party"},
        staff="select,insert",
        read="capital:read",
        write="capital:post",
        client_scoped=True,
    )
    op.create_tenant_table(
        "capital.dunning_item",
        sa.Column("dunning_id", pg.UUID(), nullable=False),
        sa.Column("document_id", pg.UUID(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("open", MONEY, nullable=False),
        sa.Column("interest", MONEY, nullable=False),
        sa.Column("overdue", sa.Integer(), nullable=False),
        sa.UniqueConstraint("organization_id", "document_id", "level", name="uq_dunning_item"),
        references={"dunning_id": "capital.dunning", "document_id": "capital.document"},
        staff="select,insert",
        read="capital:read",
        write="capital:post",
        client_scoped=True,
    )


TABLES = (
    "dunning_item", "dunning", "dunning_level", "tax_item", "allocation", "payment", "document_line",
      "document",
    "series", "tax_code", "billing", "party",
)  # fmt: skip
BOOKED = ("series", "payment", "allocation", "tax_item")
# NaN is above every number, so no other check refuses it; days beyond these no program can read.
NUMBERS = {
    "document": ("rate",),
    "payment": ("amount", "money_amount"),
    "allocation": ("amount",),
    "tax_item": ("base", "tax", "home_base", "home_tax"),
    "dunning_level": ("fee",),
    "dunning": ("open", "fee", "interest"),
    "dunning_item": ("open", "interest"),
}
DAYS = {
    "tax_code": ("starts", "ends"),
    "document": ("day", "due"),
    "payment": ("day", "undone_on"),
    "allocation": ("day",),
    "tax_item": ("day",),
    "dunning": ("day",),
}
INNER = (
    "capital.follow_party()",
    "capital.follow_document()",
    "capital.guard_document()",
    "capital.guard_document_line()",
    "capital.guard_tax_code()",
    "capital.guard_reversal()",
)


def upgrade() -> None:
    """Make tables and guards."""
    op.sql("set role sent_owner")
    _parties()
    _documents()
    _settlement()
    _dunning()
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
    op.sql(GUARDS)
    # What is left of a payment is what is left of it, also for who does not see all that it settled.
    op.sql("create policy whole on capital.allocation for select to sent_owner using (true)")
    booked = ", ".join(f"capital.{name}" for name in BOOKED)
    op.sql(f"revoke insert, update, delete on {booked} from sent_app, sent_system")
    op.sql(f"revoke execute on function {', '.join(INNER)} from public")
    op.sql("reset role; alter function capital.guard_reversal() owner to sent_definer; set role sent_owner")
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql("drop trigger guard_reversal on capital.entry")
    for table in TABLES:
        op.sql(f"drop table capital.{table} cascade")
    op.sql(f"drop function {', '.join(INNER)}")
    op.sql("reset role")
