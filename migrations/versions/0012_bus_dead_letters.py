"""Consumers of events with a place of their own, and the events that nobody could handle.

Events are spread over 16 shards by what they are about, so the order of one key is kept while several
workers share the work. A consumer's place moves in the transaction of the effect: what it did and how far
it is cannot differ, however it dies.
"""

from __future__ import annotations

from alembic import op

from sent.platform.db.tenancy import Access, claimable, security

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CONSUMERS = """
alter table core.outbox add column shard smallint not null generated always as (
  (hashtextextended(organization_id::text || coalesce(key, id::text), 0) & 15)::smallint) stored;
create index ix_outbox_shard on core.outbox (shard, seq) where seq is not null;

-- How far each consumer is. `fence` is that of the lease under which it works; `tries` counts how often
-- work was begun here without getting any further.
create table core.consumer (
  name text not null check (name ~ '^[a-z0-9_]+([.][a-z0-9_]+)*$' and length(name) <= 80),
  shard smallint not null check (shard between 0 and 15),
  seq bigint not null,
  fence bigint not null default 0,
  tries integer not null default 0,
  at timestamptz not null default clock_timestamp(),
  primary key (name, shard)
);
grant select, insert, update, delete on core.consumer to sent_system;

-- How far the events were passed on to the site's message server.
create table core.relay (name text primary key, seq bigint not null);
grant select, insert, update on core.relay to sent_system;

-- Moves a consumer's place; only under its newest lease, only forward.
create function core.advance(consumer text, shard integer, fence bigint, seq bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update core.consumer c set seq = advance.seq, tries = 0, at = clock_timestamp()
  where c.name = consumer and c.shard = advance.shard and c.fence = advance.fence and c.seq < advance.seq;
  if not found then
    perform sec.fail('SN409', 'bus.fence|somebody else works here now');
  end if;
end $$;

-- Makes sure, until the end of the transaction, that nobody else works here.
create function core.hold(consumer text, shard integer, fence bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform from core.consumer c
  where c.name = consumer and c.shard = hold.shard and c.fence = hold.fence for update;
  if not found then
    perform sec.fail('SN409', 'bus.fence|somebody else works here now');
  end if;
end $$;
grant execute on function core.advance(text, integer, bigint, bigint), core.hold(text, integer, bigint)
  to sent_app, sent_system;
"""

LETTERS = """
-- dead: nobody could handle it; behind: waits because an earlier one of its key is dead; replay: to be
-- handled again; done, discarded: over.
create table core.dead_letter (
  organization_id uuid not null default sec.org(),
  id uuid not null default core.uuid7(),
  consumer text not null,
  shard smallint not null,
  seq bigint not null,
  event_id uuid not null,
  topic text not null,
  key text,
  payload jsonb not null,
  event_at timestamptz not null,
  state text not null check (state in ('dead', 'behind', 'replay', 'done', 'discarded')),
  attempts integer not null default 0,
  reason text not null default '' check (length(reason) <= 500),
  at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id),
  unique (organization_id, consumer, event_id)
);
create index ix_dead_letter_open on core.dead_letter (consumer, shard, seq)
  where state in ('dead', 'behind', 'replay');
create index ix_dead_letter_key on core.dead_letter (organization_id, consumer, key)
  where state in ('dead', 'behind', 'replay');
grant select, insert, update on core.dead_letter to sent_app;
grant select, delete on core.dead_letter to sent_system;

create function core.dead_letters(before uuid, most integer, of_state text[]) returns table (
  id uuid, consumer text, seq bigint, event_id uuid, topic text, key text, payload jsonb,
  event_at timestamptz, state text, attempts integer, reason text, at timestamptz, behind bigint
) language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := jobs.mine();
begin
  return query
    select d.id, d.consumer, d.seq, d.event_id, d.topic, d.key, d.payload, d.event_at, d.state, d.attempts,
      d.reason, d.at, (select count(*) from core.dead_letter b
        where d.state = 'dead' and d.key is not null and b.organization_id = organization
          and b.consumer = d.consumer and b.key = d.key and b.state = 'behind')
    from core.dead_letter d
    where d.organization_id = organization and (before is null or d.id < before)
      and (of_state is null or d.state = any (of_state))
    order by d.id desc limit least(most, 2000);
end $$;

-- Has a dead event handled again.
create function core.replay_event(letter uuid) returns void language plpgsql
security definer set search_path = '' as $$
declare
  organization uuid := jobs.managed();
begin
  update core.dead_letter d set state = 'replay'
  where d.organization_id = organization and d.id = letter and d.state = 'dead';
  if not found then
    perform sec.fail('SN404', 'bus.letter|no dead event of this id');
  end if;
end $$;

-- Gives a dead event up; what waited behind it goes on.
create function core.discard_event(letter uuid) returns void language plpgsql
security definer set search_path = '' as $$
declare
  organization uuid := jobs.managed();
  gone core.dead_letter;
begin
  update core.dead_letter d set state = 'discarded'
  where d.organization_id = organization and d.id = letter and d.state = 'dead' returning d.* into gone;
  if not found then
    perform sec.fail('SN404', 'bus.letter|no dead event of this id');
  end if;
  update core.dead_letter d set state = 'replay'
  where d.organization_id = organization and d.consumer = gone.consumer and d.key = gone.key
    and d.state = 'behind';
end $$;
grant execute on function core.dead_letters(uuid, integer, text[]), core.replay_event(uuid),
  core.discard_event(uuid) to sent_staff, sent_app;
"""


def upgrade() -> None:
    """Make places, shards and dead letters."""
    op.sql("set role sent_owner")
    op.sql(CONSUMERS)
    op.sql(LETTERS)
    for statement in (
        *security("core.dead_letter", Access(())),
        *(
            claimable(name, verb)
            for name in ("core.dead_letter", "core.inbox")
            for verb in ("select", "delete")
        ),
    ):
        op.sql(statement)
    op.audit_table("core.dead_letter")
    op.sql("reset role")


def downgrade() -> None:
    """Drop them; consumers of events were made for this revision."""
    op.sql("set role sent_owner")
    op.sql("drop policy claim_select on core.inbox; drop policy claim_delete on core.inbox")
    op.sql(
        "drop function core.discard_event(uuid); drop function core.replay_event(uuid);"
        " drop function core.dead_letters(uuid, integer, text[]); drop table core.dead_letter;"
        " drop function core.hold(text, integer, bigint);"
        " drop function core.advance(text, integer, bigint, bigint);"
        " drop table core.relay; drop table core.consumer; alter table core.outbox drop column shard"
    )
    op.sql("reset role")
