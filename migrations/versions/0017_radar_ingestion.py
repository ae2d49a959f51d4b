"""Sources over TLS and HTTP, and the radar's dead letters: lines that could not be read or stored.

A letter holds what arrived, up to 64 KB, with its full length and digest. Staff read letters; they are
played again or given up through the functions below, which check the permission. An organisation keeps at
most 10,000.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SOURCES = """
alter table radar.source drop constraint ck_source_kind;
alter table radar.source add constraint ck_source_kind check (
  kind in ('syslog_udp', 'syslog_tcp', 'syslog_tls', 'http', 'file', 'jsonl', 'evtx'));
alter table radar.source add column tls jsonb check (
  jsonb_typeof(tls) = 'object' and pg_column_size(tls) <= 16384);
alter table radar.source add column token_digest text check (token_digest ~ '^[0-9a-f]{64}$');
"""

LETTERS = """
create index ix_dead_letter_state on radar.dead_letter (organization_id, state, id);
create index ix_dead_letter_replay on radar.dead_letter (organization_id) where state = 'replay';
create policy claim_select on radar.dead_letter for select to sent_system using (true);

-- Keeps what could not be read or stored; returns how many found no room. Letters that are over make room.
create function radar.keep_letters(ids uuid[], sources uuid[], kinds text[], received timestamptz[],
  reasons text[], payloads bytea[], lengths bigint[], digests bytea[], most integer) returns integer
language plpgsql set search_path = '' as $$
declare
  wanted integer;
  room integer;
  kept integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('radar.dead_letter/' || sec.org(), 0));
  select count(*) into wanted from unnest(ids) i
  where not exists (select from radar.dead_letter d where d.organization_id = sec.org() and d.id = i);
  select most - count(*) into room from (
    select from radar.dead_letter d where d.organization_id = sec.org() limit most) held;
  if room < wanted then
    delete from radar.dead_letter d where d.organization_id = sec.org() and d.id in (
      select o.id from radar.dead_letter o where o.organization_id = sec.org()
        and o.state in ('done', 'discarded') order by o.id limit wanted - room);
    get diagnostics kept = row_count;
    room := room + kept;
  end if;
  insert into radar.dead_letter (id, source_id, client_id, kind, received_at, reason, payload, length, digest)
  select g.id, s.id, s.client_id, g.kind, g.received_at, left(g.reason, 500), g.payload, g.length, g.digest
  from unnest(ids, sources, kinds, received, reasons, payloads, lengths, digests) with ordinality
    g (id, source_id, kind, received_at, reason, payload, length, digest, place)
  left join radar.source s on s.organization_id = sec.org() and s.id = g.source_id
  where not exists (select from radar.dead_letter d where d.organization_id = sec.org() and d.id = g.id)
  order by g.place limit greatest(room, 0);
  get diagnostics kept = row_count;
  return wanted - kept;
end $$;
grant execute on function radar.keep_letters(uuid[], uuid[], text[], timestamptz[], text[], bytea[], bigint[],
  bytea[], integer) to sent_app, sent_system;

-- Has the worker read letters again ('replay'), or gives them up ('discarded'): all or none.
create function radar.decide_letters(ids uuid[], target text) returns void language plpgsql
security definer set search_path = '' as $$
declare
  changed integer;
begin
  if not sec.has('radar:manage') then
    perform sec.fail('SN403', 'radar.letter|your role may not decide on dead letters');
  end if;
  if cardinality(ids) > 1000 then
    perform sec.fail('SN422', 'radar.letter.many|decide on at most 1000 letters at once');
  end if;
  if target not in ('replay', 'discarded') then
    perform sec.fail('SN422', 'radar.letter.state|a dead letter is played again or discarded');
  end if;
  update radar.dead_letter d set state = target,
    payload = case when target = 'discarded' then ''::bytea else d.payload end
  where d.organization_id = sec.org() and d.id = any (ids) and d.state = 'dead' and sec.sees(d.client_id);
  get diagnostics changed = row_count;
  if changed <> (select count(distinct i) from unnest(ids) i) then
    perform sec.fail('SN404', 'radar.letter.missing|no dead letter of this id, or not yours to see');
  end if;
end $$;
grant execute on function radar.decide_letters(uuid[], text) to sent_staff, sent_app, sent_system;
"""


def upgrade() -> None:
    """Widen sources and make the table of letters."""
    op.sql("set role sent_owner")
    op.sql(SOURCES)
    op.create_tenant_table(
        "radar.dead_letter",
        sa.Column("source_id", pg.UUID()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="dead"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.CheckConstraint("length(kind) <= 40", name="ck_dead_letter_kind"),
        sa.CheckConstraint("length(reason) <= 500", name="ck_dead_letter_reason"),
        sa.CheckConstraint("octet_length(payload) <= 65536", name="ck_dead_letter_payload"),
        sa.CheckConstraint("octet_length(digest) = 32", name="ck_dead_letter_digest"),
        sa.CheckConstraint("state in ('dead', 'replay', 'done', 'discarded')", name="ck_dead_letter_state"),
        staff="select",
        read="radar:read",
        references={"source_id": ("radar.source", "set null")},
        client_scoped=True,
        redact=("payload",),
    )
    op.sql(LETTERS)
    op.sql("reset role")


def downgrade() -> None:
    """Drop the letters; sources of the new kinds go with them."""
    op.sql("set role sent_owner")
    op.sql(
        "drop function radar.decide_letters(uuid[], text);"
        " drop function radar.keep_letters(uuid[], uuid[], text[], timestamptz[], text[], bytea[], bigint[],"
        " bytea[], integer); drop table radar.dead_letter;"
        " delete from radar.source where kind in ('syslog_tls', 'http');"
        " alter table radar.source drop column token_digest; alter table radar.source drop column tls;"
        " alter table radar.source drop constraint ck_source_kind;"
        " alter table radar.source add constraint ck_source_kind check ("
        "kind in ('syslog_udp', 'syslog_tcp', 'file', 'jsonl', 'evtx'))"
    )
    op.sql("reset role")
