"""What billing does in one step each: numbers, issuing, voiding, payments, allocation, taking back."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

NUMBERS = """
-- The next number of a series. The row stays locked until the caller's transaction ends, and goes back when
-- it fails: so there are no gaps.
create function capital.next_number(kind text, year integer) returns text
language plpgsql set search_path = '' as $$
declare
  made text;
begin
  insert into capital.series (organization_id, kind, year, prefix)
  values (sec.org(), next_number.kind, next_number.year, case next_number.kind
    when 'invoice' then 'INV-' when 'sales_credit' then 'CN-' when 'bill' then 'BILL-' else 'SC-' end
    || next_number.year || '-')
  on conflict on constraint uq_series do nothing;
  update capital.series s set next = s.next + 1
  where s.organization_id = sec.org() and s.kind = next_number.kind and s.year = next_number.year
  returning s.prefix || lpad((s.next - 1)::text, greatest(s.width, length((s.next - 1)::text)), '0') into
    made;
  return made;
end $$;

-- How the numbers of a kind and year look, and where they begin: before the first one is drawn.
create function capital.set_series(kind text, year integer, prefix text, width integer, first bigint)
returns void language plpgsql security definer set search_path = '' as $$
begin
  perform capital.may_manage();
  if exists (select from capital.series s where s.organization_id = sec.org() and s.kind = set_series.kind
      and s.year = set_series.year and s.drawn) then
    perform sec.fail('SN409',
      'capital.series.drawn|numbers of this year are given out: change the series of the next year');
  end if;
  insert into capital.series (organization_id, kind, year, prefix, width, next, first)
  values (sec.org(), set_series.kind, set_series.year, set_series.prefix, set_series.width, set_series.first,
    set_series.first)
  on conflict on constraint uq_series do update set prefix = excluded.prefix, width = excluded.width,
    next = excluded.next, first = excluded.first;
end $$;

create function capital.may_post() returns void language plpgsql stable set search_path = '' as $$
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
  perform capital.see_committed();
end $$;
"""

ISSUE = """
-- Numbers a draft, books it and makes it final. The caller computed totals and entry from the lines that it
-- names with their versions; `taxes` is a list of {tax, rate, base, tax_amount, home_base, home_tax}.
create function capital.issue(
  document uuid, expected integer, lines uuid[], versions integer[], day date, due date, control uuid,
  net numeric, tax numeric, gross numeric, rate numeric, seller jsonb, buyer jsonb, nets numeric[],
  taxes jsonb, journal uuid, entry uuid, memo text, request bytea,
  accounts uuid[], commodities text[], amounts numeric[], notes text[]
) returns table (number text, fault smallint, booked uuid)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  draft capital.document;
  credited capital.document;
  given text;
  outcome record;
  sign integer;
begin
  perform capital.may_post();
  select * into draft from capital.document d where d.organization_id = org and d.id = document for update;
  if draft.id is null then
    perform sec.fail('SN404', 'capital.document.missing|there is no such document');
  elsif draft.state <> 'draft' then
    perform sec.fail('SN409', 'capital.document.issued|the document is issued already as ' || draft.number);
  elsif draft.version <> expected or not coalesce((lines, versions) = (
    select array_agg(l.id order by l.n), array_agg(l.version order by l.n) from capital.document_line l
    where l.organization_id = org and l.document_id = document), false) then
    perform sec.fail('SN409',
      'capital.document.changed|somebody else changed the document meanwhile: read it again');
  end if;
  sign := case when draft.kind in ('invoice', 'purchase_credit') then 1 else -1 end;
  if net + tax <> gross or gross < 0 or sign * gross is distinct from coalesce((
    select sum(u.amount) from unnest(accounts, commodities, amounts) u (account, commodity, amount)
    where u.account = control and u.commodity = draft.commodity), 0)
    or net is distinct from (select sum(u.net) from unnest(nets) u (net)) then
    perform sec.fail('SN422', 'capital.document.totals|totals, lines and entry differ');
  end if;
  -- What the tax return adds up is the document's tax; reverse charge is none of it.
  if tax * (case when draft.kind in ('sales_credit', 'purchase_credit') then -1 else 1 end) is distinct from
    coalesce((select sum((x ->> 'amount')::numeric) from jsonb_array_elements(taxes) x
      join capital.tax_code c on c.organization_id = org and c.id = (x ->> 'tax')::uuid
      where c.nature <> 'reverse'), 0) then
    perform sec.fail('SN422', 'capital.document.totals|totals and tax rows differ');
  end if;
  if draft.kind in ('bill', 'purchase_credit') and draft.reference <> '' then
    select d.number into given from capital.document d where d.organization_id = org
      and d.party_id = draft.party_id and d.kind = draft.kind and d.state = 'issued'
      and d.reference = draft.reference;
    if given is not null then
      perform sec.fail('SN409', 'capital.document.twice|the supplier''s number ' || draft.reference
        || ' is booked already as ' || given);
    end if;
  end if;
  if draft.credits is not null then
    select d.* into credited from capital.document d
    where d.organization_id = org and d.id = draft.credits for update;
    if credited.id is null then
      perform sec.fail('SN404', 'capital.document.missing|there is no document to credit');
    end if;
    if credited.party_id <> draft.party_id or credited.commodity <> draft.commodity
      or (credited.kind, draft.kind) not in (('invoice', 'sales_credit'), ('bill', 'purchase_credit')) then
      perform sec.fail('SN422',
        'capital.document.credits|a credit note is for an invoice or bill of its own party and commodity');
    elsif credited.state <> 'issued' or gross > credited.gross - coalesce((select sum(d.gross)
        from capital.document d where d.organization_id = org and d.credits = draft.credits
          and d.state = 'issued'), 0) then
      perform sec.fail('SN422',
        'capital.document.credited|more is credited than ' || credited.number || ' came to');
    end if;
  end if;
  given := capital.next_number(draft.kind, extract(year from day)::integer);
  select o.fault, o.entry into outcome from capital.post_one(entry, journal, 'entry', day, memo, given,
    'document:' || document, request, null, accounts, commodities, amounts, notes) o;
  if outcome.fault <> 0 then
    -- The number goes back even when the caller commits: nobody can make a gap.
    update capital.series s set next = s.next - 1 where s.organization_id = org and s.kind = draft.kind
      and s.year = extract(year from issue.day)::integer;
    return query select given, outcome.fault, outcome.entry;
    return;
  end if;
  update capital.document_line l set net = u.net from unnest(lines, nets) u (id, net)
  where l.organization_id = org and l.id = u.id;
  insert into capital.tax_item (organization_id, document_id, day, tax_id, rate, base, tax, home_base,
    home_tax)
  select org, document, issue.day, (x ->> 'tax')::uuid, (x ->> 'rate')::numeric, (x ->> 'base')::numeric,
    (x ->> 'amount')::numeric, (x ->> 'home_base')::numeric, (x ->> 'home_amount')::numeric
  from jsonb_array_elements(taxes) x;
  update capital.document d set state = 'issued', number = given, day = issue.day, due = issue.due,
    net = issue.net, tax = issue.tax, gross = issue.gross, rate = issue.rate, control_id = control,
    entry_id = outcome.entry, seller = issue.seller, buyer = issue.buyer, issued_at = clock_timestamp(),
    issued_by = sec.actor()
  where d.organization_id = org and d.id = document;
  return query select given, 0::smallint, outcome.entry;
end $$;

-- Takes back what an issued document booked. What is allocated to it is taken off before.
create function capital.void_document(document uuid, entry uuid, day date, why text)
returns table (fault smallint, booked uuid) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  about capital.document;
  outcome record;
begin
  perform capital.may_post();
  select * into about from capital.document d where d.organization_id = org and d.id = document for update;
  if about.id is null then
    perform sec.fail('SN404', 'capital.document.missing|there is no such document');
  elsif about.state <> 'issued' then
    perform sec.fail('SN409', 'capital.document.' || about.state || '|the document is ' || about.state);
  elsif about.kind in ('invoice', 'sales_credit') then
    perform sec.fail('SN422',
      'capital.document.sent|a document that went to a customer is credited, not void');
  elsif exists (select from capital.allocation a where a.organization_id = org and a.released_at is null
      and (a.document_id = document or a.credit_id = document)) then
    perform sec.fail('SN409',
      'capital.document.paid|payments are allocated to the document: take them off first');
  elsif day < about.day then
    perform sec.fail('SN422', 'capital.document.day|a document of ' || about.day || ' is not void before');
  end if;
  -- Both or neither, whatever the caller does with a fault.
  begin
    update capital.document d set state = 'void', voided_on = void_document.day, void_entry_id = entry
    where d.organization_id = org and d.id = document;
    select o.fault, o.entry into outcome from capital.reverse(about.entry_id, entry, day, why) o;
    if outcome.fault <> 0 then
      raise sqlstate 'SN000';
    end if;
  exception when sqlstate 'SN000' then
    null;
  end;
  if outcome.fault = 0 then
    insert into capital.tax_item (organization_id, document_id, day, tax_id, rate, base, tax, home_base,
      home_tax)
    select org, document, void_document.day, t.tax_id, t.rate, -sum(t.base), -sum(t.tax), -sum(t.home_base),
      -sum(t.home_tax)
    from capital.tax_item t where t.organization_id = org and t.document_id = document
    group by t.tax_id, t.rate;
  end if;
  return query select outcome.fault, outcome.entry;
end $$;
"""

PAYMENTS = """
-- Books money that came in or went out and keeps it as a credit of the party until it is allocated.
create function capital.pay(
  payment uuid, party uuid, direction text, day date, commodity text, amount numeric, money_commodity text,
  money_amount numeric, control uuid, journal uuid, entry uuid, reference text, memo text, key text,
  request bytea, accounts uuid[], commodities text[], amounts numeric[], notes text[]
) returns table (fault smallint, booked uuid, made uuid)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  outcome record;
  place integer;
begin
  perform capital.may_post();
  select min(u.n)::integer into place
  from unnest(accounts, commodities, amounts) with ordinality u (account, commodity, amount, n)
  where u.account = control and u.commodity = pay.commodity
    and u.amount = case when direction = 'in' then -pay.amount else pay.amount end;
  if place is null then
    perform sec.fail('SN422', 'capital.payment.entry|the entry does not settle the amount with the party');
  end if;
  select o.fault, o.entry into outcome from capital.post_one(entry, journal, 'entry', day, memo, reference,
    key,
    request, null, accounts, commodities, amounts, notes) o;
  if outcome.fault = 1 then
    return query select 1::smallint, outcome.entry, p.id from capital.payment p
      where p.organization_id = org and p.entry_id = outcome.entry;
    return;
  elsif outcome.fault = 0 then
    insert into capital.payment (organization_id, id, party_id, direction, day, commodity, amount,
      money_commodity, money_amount, control_id, entry_id, line_n, reference, memo)
    values (org, payment, party, direction, day, pay.commodity, pay.amount, money_commodity, money_amount,
      control, outcome.entry, place, reference, memo);
  end if;
  return query select outcome.fault, outcome.entry, payment;
end $$;

-- Takes a line that stands in the ledger as a payment of a party; once.
create function capital.adopt(payment uuid, party uuid, entry uuid, n integer) returns void
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  found record;
begin
  perform capital.may_post();
  -- One at a time: whoever reverses the entry meanwhile waits here, or is seen below.
  perform from capital.entry e where e.organization_id = org and e.id = entry for no key update;
  select e.day, e.kind, e.reference, e.memo, l.commodity, l.amount, l.account_id, a.role into found
  from capital.entry e
  join capital.line l on l.organization_id = org and l.seq = e.seq and l.n = adopt.n and not l.pending
  join capital.account a on a.organization_id = org and a.id = l.account_id
  where e.organization_id = org and e.id = entry;
  if found.day is null then
    perform sec.fail('SN404', 'capital.line.missing|there is no such line in the ledger');
  elsif found.role is null or found.role not in ('receivable', 'payable') then
    perform sec.fail('SN422',
      'capital.payment.account|only lines on a receivable or payable account are payments of a party');
  elsif exists (select from capital.document d where d.organization_id = org
      and (d.entry_id = entry or d.void_entry_id = entry))
    or exists (select from capital.allocation a where a.organization_id = org and a.entry_id = entry)
    or found.kind = 'reversal' then
    perform sec.fail('SN409', 'capital.payment.document|the line belongs to a document, it is no payment');
  elsif exists (select from capital.entry e where e.organization_id = org and e.about = entry
      and e.kind = 'reversal') then
    perform sec.fail('SN409', 'capital.reversed|the entry is reversed');
  end if;
  insert into capital.payment (organization_id, id, party_id, direction, day, commodity, amount,
    money_commodity, money_amount, control_id, entry_id, line_n, reference, memo, adopted)
  values (org, payment, party, case when found.amount < 0 then 'in' else 'out' end, found.day,
    found.commodity, abs(found.amount), found.commodity, abs(found.amount), found.account_id, entry, n,
    found.reference, found.memo, true);
end $$;

create function capital.settled(document uuid) returns numeric language sql stable set search_path = '' as $$
  select coalesce(sum(a.amount), 0) from capital.allocation a
  where a.organization_id = sec.org() and a.released_at is null
    and (a.document_id = settled.document or a.credit_id = settled.document)
$$;

-- Settles a part of a document: by a payment, a credit note, or an entry (discount, write-off). Never more
-- than is open and never more than there is; all rows concerned stay locked, in one order.
create function capital.allocate(
  allocation uuid, together uuid, kind text, document uuid, payment uuid, credit uuid, day date,
  amount numeric, journal uuid, entry uuid, memo text, accounts uuid[], commodities text[],
  amounts numeric[], taxes jsonb
) returns smallint language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  about capital.document;
  other capital.document;
  source capital.payment;
  outcome record;
begin
  perform capital.may_post();
  perform from capital.document d where d.organization_id = org and d.id in (document, credit)
  order by d.id for update;
  select * into about from capital.document d where d.organization_id = org and d.id = document;
  select * into other from capital.document d where d.organization_id = org and d.id = credit;
  select * into source from capital.payment p where p.organization_id = org and p.id = payment for update;
  if about.id is null or credit is not null and other.id is null then
    perform sec.fail('SN404', 'capital.document.missing|there is no such document');
  elsif payment is not null and source.id is null then
    perform sec.fail('SN404', 'capital.payment.missing|there is no such payment');
  elsif about.state <> 'issued' or other.state <> 'issued' then
    perform sec.fail('SN409', 'capital.document.state|only issued documents are settled');
  elsif (kind = 'payment') <> (payment is not null) or (kind = 'credit') <> (credit is not null)
    or (kind in ('discount', 'write_off')) <> (accounts is not null) then
    perform sec.fail('SN422', 'capital.allocation.kind|a settlement is a payment, a credit, or an entry');
  elsif day < greatest(about.day, other.day, source.day) then
    perform sec.fail('SN422', 'capital.allocation.day|the day is before what is settled: choose '
      || greatest(about.day, other.day, source.day) || ' or later');
  elsif jsonb_array_length(coalesce(taxes, '[]')) > 0 and capital.shut(day, sec.has('capital:close')) then
    perform sec.fail('SN422',
      'capital.allocation.period|the tax of a closed period stays: choose a day in an open one');
  elsif source.undone_on is not null then
    perform sec.fail('SN409', 'capital.payment.undone|the payment was undone');
  elsif amount <= 0 or amount > about.gross - capital.settled(document) then
    perform sec.fail('SN409', 'capital.allocation.open|more is allocated than is open on ' || about.number
      || ': ' || trim_scale(about.gross - capital.settled(document)) || ' ' || about.commodity);
  elsif source.id is not null and (source.party_id <> about.party_id or source.commodity <> about.commodity
      or source.direction <> (case when about.kind in ('invoice', 'purchase_credit') then 'in' else 'out'
        end))
  then
    perform sec.fail('SN422',
      'capital.allocation.payment|party, commodity and direction of payment and document are the same');
  elsif source.id is not null and amount > source.amount - coalesce((select sum(a.amount)
      from capital.allocation a where a.organization_id = org and a.payment_id = payment
        and a.released_at is null), 0) then
    perform sec.fail('SN409', 'capital.allocation.payment|more is allocated than is left of the payment');
  elsif other.id is not null and (other.party_id <> about.party_id or other.commodity <> about.commodity
      or (about.kind, other.kind) not in (('invoice', 'sales_credit'), ('bill', 'purchase_credit'))) then
    perform sec.fail('SN422',
      'capital.allocation.credit|a credit note settles invoices or bills of its party and commodity');
  elsif other.id is not null and amount > other.gross - capital.settled(credit) then
    perform sec.fail('SN409', 'capital.allocation.credit|more is allocated than is left of ' || other.number);
  end if;
  if accounts is not null then
    select o.fault, o.entry into outcome from capital.post_one(entry, journal, 'entry', day, memo,
      about.number,
      null, null, null, accounts, commodities, amounts, array_fill(''::text, array[cardinality(accounts)])) o;
    if outcome.fault <> 0 then
      return outcome.fault;
    end if;
    if coalesce((select sum(u.amount) from unnest(accounts, amounts) u (account, amount)
        where u.account = about.control_id), 0)
      <> (case when about.kind in ('invoice', 'purchase_credit') then -amount else amount end) then
      perform sec.fail('SN422', 'capital.allocation.entry|the entry does not settle the amount');
    end if;
  end if;
  insert into capital.allocation (organization_id, id, group_id, kind, document_id, payment_id, credit_id,
    day,
    amount, entry_id)
  values (org, allocation, together, kind, document, payment, credit, day, amount,
    case when accounts is not null then entry end);
  insert into capital.tax_item (organization_id, document_id, allocation_id, day, tax_id, rate, base, tax,
    home_base, home_tax)
  select org, document, allocation, allocate.day, (x ->> 'tax')::uuid, (x ->> 'rate')::numeric,
    (x ->> 'base')::numeric, (x ->> 'amount')::numeric, (x ->> 'home_base')::numeric,
    (x ->> 'home_amount')::numeric
  from jsonb_array_elements(coalesce(taxes, '[]')) x;
  return 0;
end $$;

-- Takes a payment back that settles nothing any more: what was booked for it is reversed, a line that was
-- only adopted is free again. Returns the reversal, null when there is none.
create function capital.undo_payment(payment uuid, entry uuid, day date, why text)
returns table (fault smallint, booked uuid) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  kept capital.payment;
  outcome record;
begin
  perform capital.may_post();
  select * into kept from capital.payment p where p.organization_id = org and p.id = payment for update;
  if kept.id is null then
    perform sec.fail('SN404', 'capital.payment.missing|there is no such payment');
  elsif kept.undone_on is not null then
    perform sec.fail('SN409', 'capital.payment.undone|the payment was undone');
  elsif exists (select from capital.allocation a where a.organization_id = org and a.payment_id = payment
      and a.released_at is null) then
    perform sec.fail('SN409', 'capital.payment.used|the payment settles documents: take it off them first');
  elsif not kept.adopted and day < kept.day then
    perform sec.fail('SN422', 'capital.payment.day|a payment of ' || kept.day || ' is not undone before');
  end if;
  -- Both or neither, whatever the caller does with a fault.
  begin
    update capital.payment p set undone_on = case when kept.adopted then kept.day else day end
    where p.organization_id = org and p.id = payment;
    if kept.adopted then
      select 0::smallint as fault, null::uuid as entry into outcome;
    else
      select o.fault, o.entry into outcome from capital.reverse(kept.entry_id, entry, day, why) o;
    end if;
    if outcome.fault <> 0 then
      raise sqlstate 'SN000';
    end if;
  exception when sqlstate 'SN000' then
    null;
  end;
  return query select outcome.fault, outcome.entry;
end $$;

-- Takes what was settled together off again, and books the opposite of what it booked. Returns how many.
create function capital.release(together uuid, day date, why text) returns integer
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  org constant uuid := sec.org();
  one capital.allocation;
  fault smallint;
  amount integer := 0;
begin
  perform capital.may_post();
  for one in select * from capital.allocation a where a.organization_id = org and a.group_id = together
    and a.released_at is null order by a.id for update
  loop
    amount := amount + 1;
    if capital.shut(day, sec.has('capital:close')) and exists (select from capital.tax_item t
        where t.organization_id = org and t.allocation_id = one.id) then
      perform sec.fail('SN422',
        'capital.release.period|the correction cannot be booked on that day: choose one in an open period');
    end if;
    update capital.allocation a set released_at = clock_timestamp()
    where a.organization_id = org and a.id = one.id;
    if one.entry_id is not null then
      select o.fault into fault from capital.reverse(one.entry_id, core.uuid7(), day, why) o;
      if fault <> 0 then
        perform sec.fail('SN422',
          'capital.release.period|the correction cannot be booked on that day: choose one in an open period');
      end if;
    end if;
    insert into capital.tax_item (organization_id, document_id, allocation_id, day, tax_id, rate, base, tax,
      home_base, home_tax)
    select org, t.document_id, one.id, release.day, t.tax_id, t.rate, -t.base, -t.tax, -t.home_base,
      -t.home_tax
    from capital.tax_item t where t.organization_id = org and t.allocation_id = one.id;
  end loop;
  return amount;
end $$;
"""

CALLED = (
    "capital.set_series(text, integer, text, integer, bigint)",
    "capital.issue(uuid, integer, uuid[], integer[], date, date, uuid, numeric, numeric, numeric, numeric,"
    " jsonb, jsonb, numeric[], jsonb, uuid, uuid, text, bytea, uuid[], text[], numeric[], text[])",
    "capital.void_document(uuid, uuid, date, text)",
    "capital.pay(uuid, uuid, text, date, text, numeric, text, numeric, uuid, uuid, uuid, text, text, text,"
    " bytea, uuid[], text[], numeric[], text[])",
    "capital.adopt(uuid, uuid, uuid, integer)",
    "capital.allocate(uuid, uuid, text, uuid, uuid, uuid, date, numeric, uuid, uuid, text, uuid[], text[],"
    " numeric[], jsonb)",
    "capital.release(uuid, date, text)",
    "capital.undo_payment(uuid, uuid, date, text)",
)
INNER = (
    "capital.next_number(text, integer)",
    "capital.may_post()",
    "capital.settled(uuid)",
)


def upgrade() -> None:
    """Make the functions."""
    op.sql("set role sent_owner")
    for text in (NUMBERS, ISSUE, PAYMENTS):
        op.sql(text)
    op.sql(f"revoke execute on function {', '.join((*CALLED, *INNER))} from public")
    op.sql(f"grant execute on function {', '.join(CALLED)} to sent_staff, sent_app, sent_system")
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql(f"drop function {', '.join((*CALLED, *INNER))}")
    op.sql("reset role")
