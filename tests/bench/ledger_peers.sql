-- What the ledger is measured against: a posting function as most write it, row by row. It locks both
-- accounts, asks for the key, checks the floor, writes one transfer and two entries with balances.
create schema peer;
create table peer.account (
  id uuid primary key, name text not null, floor numeric(28, 8), balance numeric(28, 8) not null default 0,
  version integer not null default 0, updated_at timestamptz not null default now()
);
create table peer.transfer (
  id uuid primary key, key text unique not null, from_id uuid not null references peer.account,
  to_id uuid not null references peer.account, amount numeric(28, 8) not null check (amount > 0),
  day date not null, memo text not null, created_at timestamptz not null default now()
);
create table peer.entry (
  id bigint generated always as identity primary key, transfer_id uuid not null references peer.transfer,
  account_id uuid not null references peer.account, amount numeric(28, 8) not null,
  balance_before numeric(28, 8) not null, balance_after numeric(28, 8) not null, version integer not null
);
create index on peer.entry (account_id, version);

create function peer.post(id uuid, key text, giver uuid, taker uuid, amount numeric, day date, memo text)
returns uuid language plpgsql as $$
declare
  one peer.account;
  before_giver numeric;
  before_taker numeric;
  new_giver peer.account;
  new_taker peer.account;
begin
  if exists (select from peer.transfer t where t.key = post.key) then
    return (select t.id from peer.transfer t where t.key = post.key);
  end if;
  for one in select * from peer.account a where a.id in (giver, taker) order by a.id for update loop
    if one.id = giver then
      before_giver := one.balance;
      if one.balance - amount < one.floor then
        raise exception 'floor';
      end if;
    else
      before_taker := one.balance;
    end if;
  end loop;
  insert into peer.transfer values (post.id, post.key, giver, taker, amount, day, memo);
  update peer.account a set balance = a.balance - amount, version = a.version + 1, updated_at = now()
  where a.id = giver returning * into new_giver;
  update peer.account a set balance = a.balance + amount, version = a.version + 1, updated_at = now()
  where a.id = taker returning * into new_taker;
  insert into peer.entry (transfer_id, account_id, amount, balance_before, balance_after, version)
  values (post.id, giver, -amount, before_giver, new_giver.balance, new_giver.version);
  insert into peer.entry (transfer_id, account_id, amount, balance_before, balance_after, version)
  values (post.id, taker, amount, before_taker, new_taker.balance, new_taker.version);
  return post.id;
end $$;
