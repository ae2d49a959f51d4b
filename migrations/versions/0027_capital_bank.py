"""Bank accounts, their statements, rules, and what of a statement is matched with which lines of the ledger.

A statement's line is written once. A match holds lines of statements and of the ledger that come to the same
amount, so what is matched never explains a difference; undoing it leaves it visible. Uniqueness of live parts
is the database's: nobody matches a line twice, however many try at once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _text(name: str, most: int) -> list[sa.Column[str] | sa.CheckConstraint]:
    """Return a column for a text of at most `most` characters, empty where nothing is told."""
    return [
        sa.Column(name, sa.Text(), nullable=False, server_default=""),
        sa.CheckConstraint(f"length({name}) <= {most}", name=f"ck_bank_{name}_length"),
    ]


def _setting_tables() -> None:
    op.create_tenant_table(
        "capital.bank_account",
        sa.Column("account_id", pg.UUID(), nullable=False),
        sa.Column("journal_id", pg.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("commodity", sa.Text(), nullable=False),
        *_text("iban", 100),
        sa.Column("since", sa.Date()),
        sa.UniqueConstraint("organization_id", "account_id", name="uq_bank_account_account"),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_bank_account_name"),
        references={"account_id": "capital.account", "journal_id": "capital.journal"},
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.bank_rule",
        sa.Column("bank_account_id", pg.UUID()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, server_default="100"),
        *_text("text_pattern", 500),
        *_text("party_pattern", 500),
        *_text("iban", 100),
        sa.Column("minimum", sa.Numeric(28, 8)),
        sa.Column("maximum", sa.Numeric(28, 8)),
        sa.Column("direction", sa.Text()),
        sa.Column("account_id", pg.UUID(), nullable=False),
        *_text("tax_code", 40),
        *_text("memo", 300),
        sa.Column("auto", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_bank_rule_name"),
        sa.CheckConstraint("direction in ('in', 'out')", name="ck_bank_rule_direction"),
        sa.CheckConstraint("minimum <> 'NaN' and maximum <> 'NaN'", name="ck_bank_rule_amounts"),
        sa.CheckConstraint(
            "text_pattern <> '' or party_pattern <> '' or iban <> '' or minimum is not null"
            " or maximum is not null",
            name="ck_bank_rule_condition",
        ),
        references={"bank_account_id": "capital.bank_account", "account_id": "capital.account"},
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )
    op.create_tenant_table(
        "capital.bank_mapping",
        sa.Column("bank_account_id", pg.UUID(), nullable=False),
        sa.Column("spec", pg.JSONB(), nullable=False),
        sa.UniqueConstraint("organization_id", "bank_account_id", name="uq_bank_mapping_account"),
        sa.CheckConstraint("pg_column_size(spec) <= 20000", name="ck_bank_mapping_size"),
        references={"bank_account_id": "capital.bank_account"},
        staff="select,insert,update",
        read="capital:read",
        write="capital:post",
    )


def _statement_tables() -> None:
    op.create_tenant_table(
        "capital.bank_statement",
        sa.Column("bank_account_id", pg.UUID(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        *_text("number", 100),
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("opening", sa.Numeric(28, 8)),
        sa.Column("closing", sa.Numeric(28, 8)),
        sa.CheckConstraint(
            "starts <= ends and starts >= '1900-01-01' and ends <= '2200-12-31'",
            name="ck_bank_statement_days",
        ),
        sa.CheckConstraint("opening <> 'NaN' and closing <> 'NaN'", name="ck_bank_statement_amounts"),
        sa.CheckConstraint("format in ('camt053', 'ofx', 'mt940', 'csv')", name="ck_bank_statement_format"),
        references={"bank_account_id": "capital.bank_account"},
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.bank_line",
        sa.Column("bank_account_id", pg.UUID(), nullable=False),
        sa.Column("statement_id", pg.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value_day", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(28, 8), nullable=False),
        sa.Column("commodity", sa.Text(), nullable=False),
        *_text("counterparty", 200),
        *_text("iban", 100),
        *_text("text", 1000),
        *_text("reference", 200),
        *_text("end_to_end", 100),
        *_text("bank_id", 100),
        *_text("code", 100),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", pg.BYTEA(), nullable=False),
        sa.UniqueConstraint(
            "organization_id", "bank_account_id", "fingerprint", name="uq_bank_line_fingerprint"
        ),
        sa.CheckConstraint("length(fingerprint) = 32", name="ck_bank_line_fingerprint"),
        sa.CheckConstraint("amount <> 'NaN'", name="ck_bank_line_amount"),
        sa.CheckConstraint(
            "day between '1900-01-01' and '2200-12-31' and value_day between '1900-01-01' and '2200-12-31'",
            name="ck_bank_line_days",
        ),
        references={"bank_account_id": "capital.bank_account", "statement_id": "capital.bank_statement"},
        staff="select",
        read="capital:read",
        redact=("counterparty", "iban", "text", "reference", "end_to_end"),
    )


def _match_tables() -> None:
    op.create_tenant_table(
        "capital.bank_match",
        sa.Column("bank_account_id", pg.UUID(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Numeric(5, 4), nullable=False),
        sa.Column("rule_id", pg.UUID()),
        *_text("why", 500),
        sa.Column("actor_id", pg.UUID()),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", pg.UUID()),
        sa.CheckConstraint("how in ('auto', 'rule', 'person')", name="ck_bank_match_how"),
        sa.CheckConstraint("confidence between 0 and 1", name="ck_bank_match_confidence"),
        references={"bank_account_id": "capital.bank_account", "rule_id": "capital.bank_rule"},
        staff="select",
        read="capital:read",
    )
    op.create_tenant_table(
        "capital.bank_match_part",
        sa.Column("match_id", pg.UUID(), nullable=False),
        sa.Column("line_id", pg.UUID()),
        sa.Column("seq", sa.BigInteger()),
        sa.Column("n", sa.SmallInteger()),
        sa.Column("booked", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("open_kind", sa.Text()),
        sa.Column("open_id", sa.Text()),
        sa.Column("amount", sa.Numeric(28, 8), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.CheckConstraint("num_nonnulls(line_id, seq, open_id) = 1", name="ck_bank_match_part_one"),
        sa.CheckConstraint("(seq is null) = (n is null)", name="ck_bank_match_part_line"),
        sa.CheckConstraint("length(open_id) <= 100 and length(open_kind) <= 40", name="ck_bank_match_open"),
        sa.CheckConstraint("amount <> 'NaN'", name="ck_bank_match_part_amount"),
        references={"match_id": "capital.bank_match", "line_id": "capital.bank_line"},
        staff="select",
        read="capital:read",
    )


INDEXES = """
create index ix_bank_line_day on capital.bank_line (organization_id, bank_account_id, day, id);
create unique index uq_bank_match_part_line on capital.bank_match_part (organization_id, line_id)
  where live and line_id is not null;
create unique index uq_bank_match_part_ledger on capital.bank_match_part (organization_id, seq, n)
  where live and seq is not null;

create function capital.keep_bank_line() returns trigger language plpgsql as $$
begin
  perform sec.fail('SN403', 'capital.bank.immutable|what the bank told stays as it was told');
  return null;
end $$;
create trigger keep before update or delete or truncate on capital.bank_line
  for each statement execute function capital.keep_bank_line();
create trigger keep before update or delete or truncate on capital.bank_statement
  for each statement execute function capital.keep_bank_line();
"""

SETTINGS = """
-- Tells which account of the ledger a bank account is; it must keep one commodity or any.
create function capital.open_bank_account(
  id uuid, account uuid, journal uuid, name text, commodity text, iban text
) returns void language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
begin
  perform capital.may_manage();
  if not exists (select from capital.account a where a.organization_id = org and a.id = account
      and a.kind in ('asset', 'liability')
      and coalesce(a.commodity, open_bank_account.commodity) = open_bank_account.commodity) then
    perform sec.fail('SN422', 'capital.bank.account|choose an asset or liability account that keeps '
      || open_bank_account.commodity);
  end if;
  if capital.exponent(open_bank_account.commodity) is null then
    perform sec.fail('SN422', 'capital.commodity.unknown|' || open_bank_account.commodity
      || ' is no commodity: add it first');
  end if;
  insert into capital.bank_account (organization_id, id, account_id, journal_id, name, commodity, iban)
  values (org, open_bank_account.id, account, journal, open_bank_account.name, open_bank_account.commodity,
    upper(replace(open_bank_account.iban, ' ', '')));
end $$;

-- Lets one at a time work on a bank account, who may book.
create function capital.lock_bank_account(account uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  perform capital.see_committed();
  perform from capital.bank_account b where b.organization_id = sec.org() and b.id = account for update;
  if not found then
    perform sec.fail('SN404', 'capital.bank.missing|there is no such bank account');
  end if;
end $$;
"""

STATEMENTS = """
-- Adds a statement; its lines follow in the same transaction.
create function capital.add_bank_statement(
  id uuid, account uuid, format text, number text, commodity text, starts date, ends date,
  opening numeric, closing numeric
) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform capital.lock_bank_account(account);
  if not exists (select from capital.bank_account b where b.organization_id = sec.org() and b.id = account
      and b.commodity = add_bank_statement.commodity) then
    perform sec.fail('SN422', 'capital.bank.commodity|the statement is in ' || add_bank_statement.commodity
      || ': choose the bank account that keeps it');
  end if;
  insert into capital.bank_statement (organization_id, id, bank_account_id, format, number, commodity,
    starts, ends, opening, closing)
  values (sec.org(), add_bank_statement.id, account, add_bank_statement.format, add_bank_statement.number,
    add_bank_statement.commodity, add_bank_statement.starts, add_bank_statement.ends,
    add_bank_statement.opening, add_bank_statement.closing);
  update capital.bank_account b set since = least(b.since, add_bank_statement.starts)
  where b.organization_id = sec.org() and b.id = account
    and (b.since is null or b.since > add_bank_statement.starts);
end $$;

create function capital.add_bank_lines(statement uuid, lines jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  told capital.bank_statement;
  added integer;
begin
  select * into told from capital.bank_statement s where s.organization_id = org and s.id = statement;
  if told.id is null then
    perform sec.fail('SN404', 'capital.statement.missing|there is no such statement');
  end if;
  perform capital.lock_bank_account(told.bank_account_id);
  if exists (select from jsonb_to_recordset(lines) l (commodity text)
      where l.commodity is distinct from told.commodity) then
    perform sec.fail('SN422', 'capital.bank.commodity|the lines of a statement are in its commodity');
  end if;
  insert into capital.bank_line (organization_id, id, bank_account_id, statement_id, n, day, value_day,
    amount, commodity, counterparty, iban, text, reference, end_to_end, bank_id, code, reversal, fingerprint)
  select org, l.id, told.bank_account_id, told.id, l.n, l.day, l.value_day, l.amount, l.commodity,
    l.counterparty, l.iban, l.text, l.reference, l.end_to_end, l.bank_id, l.code, l.reversal,
    decode(l.fingerprint, 'hex')
  from jsonb_to_recordset(lines) l (id uuid, n integer, day date, value_day date, amount numeric,
    commodity text, counterparty text, iban text, text text, reference text, end_to_end text, bank_id text,
    code text, reversal boolean, fingerprint text);
  get diagnostics added = row_count;
  return added;
end $$;
"""

MATCHES = """
-- Matches lines of statements with lines of the ledger. Each match is
-- {id, how, confidence, rule, why, lines: [id], ledger: [{seq, n, booked}], opens: [{kind, id, amount}]};
-- its statement lines and its ledger lines come to the same amount, all of this bank account.
create function capital.add_bank_matches(account uuid, matches jsonb) returns void
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
declare
  org constant uuid := sec.org();
  home uuid;
  kept text;
  wrong uuid;
begin
  perform capital.lock_bank_account(account);
  select b.account_id, b.commodity into home, kept from capital.bank_account b
  where b.organization_id = org and b.id = add_bank_matches.account;
  insert into capital.bank_match (organization_id, id, bank_account_id, how, confidence, rule_id, why,
    actor_id)
  select org, m.id, account, m.how, m.confidence, m.rule, coalesce(m.why, ''), sec.actor()
  from jsonb_to_recordset(matches) m (id uuid, how text, confidence numeric, rule uuid, why text);
  insert into capital.bank_match_part (organization_id, match_id, line_id, amount)
  select org, (m->>'id')::uuid, b.id, b.amount
  from jsonb_array_elements(matches) m, jsonb_array_elements_text(m->'lines') l
  join capital.bank_line b on b.organization_id = org and b.id = l::uuid and b.bank_account_id = account;
  insert into capital.bank_match_part (organization_id, match_id, seq, n, booked, amount)
  select org, (m->>'id')::uuid, l.seq, l.n, coalesce((p->>'booked')::boolean, false), l.amount
  from jsonb_array_elements(matches) m, jsonb_array_elements(m->'ledger') p
  join capital.line l on l.organization_id = org and l.seq = (p->>'seq')::bigint
    and l.n = (p->>'n')::smallint and l.account_id = home and l.commodity = kept
    and not l.pending;
  insert into capital.bank_match_part (organization_id, match_id, open_kind, open_id, amount)
  select org, (m->>'id')::uuid, p->>'kind', p->>'id', (p->>'amount')::numeric
  from jsonb_array_elements(matches) m, jsonb_array_elements(m->'opens') p;
  select w.id into wrong from (
    select (m->>'id')::uuid as id, coalesce(jsonb_array_length(m->'lines'), 0) as lines,
      coalesce(jsonb_array_length(m->'ledger'), 0) as ledger
    from jsonb_array_elements(matches) m) w
  left join lateral (
    select count(p.line_id) as lines, count(p.seq) as ledger,
      coalesce(sum(p.amount) filter (where p.line_id is not null), 0)
        - coalesce(sum(p.amount) filter (where p.seq is not null), 0) as rest
    from capital.bank_match_part p where p.organization_id = org and p.match_id = w.id) f on true
  where w.lines <> f.lines or w.ledger <> f.ledger or f.rest <> 0 or f.lines + f.ledger = 0 limit 1;
  if wrong is not null then
    perform sec.fail('SN422', 'capital.bank.match|statement and ledger differ: choose lines of this bank'
      || ' account that come to the same amount, or book the rest first');
  end if;
end $$;

-- Takes a match back and returns the entries it booked: the caller reverses them in this transaction.
create function capital.undo_bank_match(match uuid) returns setof uuid
language plpgsql security definer set search_path = '' as $$
declare
  org constant uuid := sec.org();
  former capital.bank_match;
begin
  select * into former from capital.bank_match m where m.organization_id = org and m.id = match;
  if former.id is null then
    perform sec.fail('SN404', 'capital.bank.match.missing|there is no such match');
  end if;
  perform capital.lock_bank_account(former.bank_account_id);
  update capital.bank_match m set undone_at = clock_timestamp(), undone_by = sec.actor()
  where m.organization_id = org and m.id = match and m.undone_at is null;
  if not found then
    perform sec.fail('SN409', 'capital.bank.undone|the match is undone already');
  end if;
  update capital.bank_match_part p set live = false where p.organization_id = org and p.match_id = match;
  return query select distinct e.id from capital.bank_match_part p
    join capital.entry e on e.organization_id = org and e.seq = p.seq
    where p.organization_id = org and p.match_id = match and p.booked;
end $$;
"""

READING = """
-- Lines of the ledger on a bank account that no statement explains yet. An entry and its reversal explain
-- each other; opening entries are what the first statement begins with.
create function capital.open_bank_lines(bank_account uuid, until date)
returns table (seq bigint, n smallint, entry uuid, day date, amount numeric, commodity text, reference text,
  memo text, note text)
language sql stable security invoker set search_path = '' as $$
  select l.seq, l.n, e.id, l.day, l.amount, l.commodity, e.reference, e.memo, l.note
  from capital.bank_account b
  join capital.line l on l.organization_id = b.organization_id and l.account_id = b.account_id
    and l.commodity = b.commodity
  join capital.entry e on e.organization_id = l.organization_id and e.seq = l.seq
  where b.organization_id = (select sec.org()) and b.id = open_bank_lines.bank_account and not l.pending
    and (b.since is null or l.day >= b.since) and e.kind <> 'opening'
    and (open_bank_lines.until is null or l.day <= open_bank_lines.until)
    and not exists (select from capital.bank_match_part p where p.organization_id = l.organization_id
      and p.seq = l.seq and p.n = l.n and p.live)
    and not exists (select from capital.entry r where r.organization_id = l.organization_id
      and r.about = e.id and r.kind = 'reversal')
    and not (e.kind = 'reversal' and not exists (
      select from capital.entry o join capital.bank_match_part p on p.organization_id = o.organization_id
        and p.seq = o.seq and p.live
      where o.organization_id = l.organization_id and o.id = e.about))
  order by l.day, l.seq, l.n
$$;
"""

CALLED = (
    "capital.open_bank_account(uuid, uuid, uuid, text, text, text)",
    "capital.lock_bank_account(uuid)",
    "capital.add_bank_statement(uuid, uuid, text, text, text, date, date, numeric, numeric)",
    "capital.add_bank_lines(uuid, jsonb)",
    "capital.add_bank_matches(uuid, jsonb)",
    "capital.undo_bank_match(uuid)",
    "capital.open_bank_lines(uuid, date)",
)
TABLES = (
    "bank_match_part", "bank_match", "bank_line", "bank_statement", "bank_mapping", "bank_rule",
    "bank_account",
)  # fmt: skip
WRITTEN_BY_FUNCTIONS = ("bank_match_part", "bank_match", "bank_line", "bank_statement", "bank_account")


def upgrade() -> None:
    """Make tables and functions."""
    op.sql("set role sent_owner")
    _setting_tables()
    _statement_tables()
    _match_tables()
    for name in WRITTEN_BY_FUNCTIONS:
        op.sql(f"revoke insert, update, delete on capital.{name} from sent_app, sent_system")
    for text in (INDEXES, SETTINGS, STATEMENTS, MATCHES, READING):
        op.sql(text)
    for name in WRITTEN_BY_FUNCTIONS:
        # Whose movements they are is not known before they are matched.
        op.sql(
            f"create policy whole on capital.{name} as restrictive for select to sent_staff"
            " using (organization_id = (select sec.org()) and (select sec.clients()) is null)"
        )
    op.sql("revoke execute on all functions in schema capital from public")
    op.sql(f"grant execute on function {', '.join(CALLED)} to sent_staff, sent_app, sent_system")
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql(f"drop function {', '.join(CALLED)}")
    for name in TABLES:
        op.sql(f"drop table capital.{name}")
    op.sql("drop function capital.keep_bank_line()")
    op.sql("reset role")
