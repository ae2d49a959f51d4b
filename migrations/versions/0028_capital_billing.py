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
-- ledger and open items agree; those functions say so first and reverse then.
create function capital.guard_reversal() returns trigger language plpgsql
security definer set search_path = '' as $$
declare
  held text;
begin
  select d.number into held from capital.document d
  where d.organization_id = new.organization_id and d.entry_id = new.about and d.state = 'issued';
  if held is not null then
    perform sec.fail('SN409',
      'capital.entry.document|the entry is that of ' || held || ': credit or void that');
  elsif exists (select from capital.payment p where p.organization_id = new.organization_id
      and p.entry_id = new.about and p.undone_on is null)
    or exists (select from capital.allocation a where a.organization_id = new.organization_id
      and a.entry_id = new.about and a.released_at is null) then
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

create function capital.may_post() returns void language plpgsql stable as $$
begin
  if not sec.has('capital:post') then
    perform sec.fail('SN403', 'capital.post|your role may not book');
  end if;
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
    if credited.state <> 'issued' or gross > credited.gross - coalesce((select sum(d.gross)
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
  end if;
  update capital.document d set state = 'void', voided_on = void_document.day, void_entry_id = entry
  where d.organization_id = org and d.id = document;
  select o.fault, o.entry into outcome from capital.reverse(about.entry_id, entry, day, why) o;
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
  select e.day, e.reference, e.memo, l.commodity, l.amount, l.account_id, a.role into found
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
    or exists (select from capital.allocation a where a.organization_id = org and a.entry_id = entry) then
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
  update capital.payment p set undone_on = case when kept.adopted then kept.day else day end
  where p.organization_id = org and p.id = payment;
  if kept.adopted then
    return query select 0::smallint, null::uuid;
  else
    return query select o.fault, o.entry from capital.reverse(kept.entry_id, entry, day, why) o;
  end if;
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
    "capital.follow_party()",
    "capital.follow_document()",
    "capital.guard_document()",
    "capital.guard_document_line()",
    "capital.guard_tax_code()",
    "capital.guard_reversal()",
)


def upgrade() -> None:
    """Make tables, guards and functions."""
    op.sql("set role sent_owner")
    _parties()
    _documents()
    _settlement()
    _dunning()
    for text in (GUARDS, NUMBERS, ISSUE, PAYMENTS):
        op.sql(text)
    booked = ", ".join(f"capital.{name}" for name in BOOKED)
    op.sql(f"revoke insert, update, delete on {booked} from sent_app, sent_system")
    op.sql(f"revoke execute on function {', '.join((*CALLED, *INNER))} from public")
    op.sql(f"grant execute on function {', '.join(CALLED)} to sent_staff, sent_app, sent_system")
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql("drop trigger guard_reversal on capital.entry")
    for table in TABLES:
        op.sql(f"drop table capital.{table} cascade")
    op.sql(f"drop function {', '.join((*CALLED, *INNER))}")
    op.sql("reset role")
