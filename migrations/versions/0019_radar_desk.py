"""The analyst's desk: comments, reasons for closing, suppressions; and incidents.

Staff read the tables and change them through the functions below only: these check permission and clients,
and they know who asks. A suppression counts its hits in a table of its own, which the worker writes with each
batch and the audit trail leaves out; who muted what, and until when, is in the trail.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SEVERITY = "severity in ('low', 'medium', 'high', 'critical')"
STATUS = "status in ('open', 'contained', 'resolved', 'closed')"

SCHEMA = """
create schema incidents;
grant usage on schema incidents to sent_staff, sent_app, sent_system, sent_ingest, sent_definer, sent_audit;
"""

ALERTS = """
alter table radar.alert add column reason text
  constraint ck_alert_reason check (length(reason) between 1 and 500);
alter table radar.alert_change add column reason text
  constraint ck_alert_change_reason check (length(reason) between 1 and 500);
create index ix_comment_alert on radar.comment (organization_id, alert_id, created_at);
create index ix_suppression_until on radar.suppression (organization_id, until);
"""

DESK = """
-- As radar.set_alert_state(ids, expected, target), with a reason, which a closed alert keeps.
create function radar.set_alert_state(ids uuid[], expected integer[], target text, reason text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform radar.set_alert_state(ids, expected, target);
  update radar.alert a set reason = nullif(btrim(set_alert_state.reason), '')
  where a.organization_id = sec.org() and a.id = any (ids) and a.state = target
    and a.reason is distinct from nullif(btrim(set_alert_state.reason), '');
  update radar.alert_change h set reason = nullif(btrim(set_alert_state.reason), '')
  where h.organization_id = sec.org() and h.alert_id = any (ids) and h.kind = 'state' and h.value = target
    and h.id in (
      select distinct on (n.alert_id) n.id from radar.alert_change n
      where n.organization_id = sec.org() and n.alert_id = any (ids) and n.kind = 'state'
      order by n.alert_id, n.created_at desc, n.id desc);
end $$;

create function radar.comment_alerts(ids uuid[], said text) returns uuid[]
language plpgsql security definer set search_path = '' as $$
declare
  made uuid[];
begin
  perform radar.lock_alerts(ids, array_fill(null::integer, array[cardinality(ids)]));
  if length(btrim(coalesce(said, ''))) not between 1 and 4000 then
    perform sec.fail('SN422', 'radar.comment.length|a comment has 1 to 4000 characters');
  end if;
  with fresh as (
    insert into radar.comment (organization_id, client_id, alert_id, author_id, body)
    select a.organization_id, a.client_id, a.id, sec.actor(), btrim(said) from radar.alert a
    where a.organization_id = sec.org() and a.id = any (ids) returning id)
  select array_agg(id) into made from fresh;
  return made;
end $$;

-- One takes back what he wrote himself, within the day.
create function radar.withdraw_comments(ids uuid[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  gone integer;
begin
  delete from radar.comment c
  where c.organization_id = sec.org() and c.id = any (ids) and c.author_id = sec.actor()
    and sec.sees(c.client_id) and c.created_at > now() - interval '1 day';
  get diagnostics gone = row_count;
  return gone;
end $$;

-- Mutes the rule of an alert: for its host, for its user, or everywhere; within the alert's client.
create function radar.suppress(alert uuid, scope text, entity text, until timestamptz, reason text)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  found radar.alert;
  made uuid;
begin
  perform radar.lock_alerts(array[alert], array[null::integer]);
  select * into found from radar.alert a where a.organization_id = sec.org() and a.id = alert;
  if scope not in ('rule', 'host', 'user') or (scope <> 'rule' and length(coalesce(entity, '')) = 0) then
    perform sec.fail('SN422', 'radar.suppression.scope|a rule is muted everywhere, for a host or for a user');
  end if;
  if until <= now() or until > now() + interval '91 days' then
    perform sec.fail('SN422', 'radar.suppression.until|a rule is muted for at most 90 days');
  end if;
  if length(btrim(coalesce(reason, ''))) not between 1 and 500 then
    perform sec.fail('SN422', 'radar.suppression.reason|say in 1 to 500 characters why the rule is muted');
  end if;
  if (select count(*) from radar.suppression s
      where s.organization_id = sec.org() and s.until > now()) >= 2000 then
    perform sec.fail('SN422', 'radar.suppression.many|at most 2000 rules are muted at once');
  end if;
  insert into radar.suppression
    (organization_id, client_id, sigma_id, title, scope, entity, until, reason, author_id)
  values (sec.org(), found.client_id, found.rule_id, found.title, scope,
    case when scope = 'rule' then '' else lower(left(entity, 255)) end, until, btrim(reason), sec.actor())
  returning id into made;
  return made;
end $$;

create function radar.unsuppress(ids uuid[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  gone integer;
begin
  if not sec.has('radar:triage') then
    perform sec.fail('SN403', 'radar.triage|your role may not triage alerts');
  end if;
  delete from radar.suppression s
  where s.organization_id = sec.org() and s.id = any (ids) and sec.sees(s.client_id);
  get diagnostics gone = row_count;
  return gone;
end $$;

grant execute on function radar.set_alert_state(uuid[], integer[], text, text),
  radar.comment_alerts(uuid[], text), radar.withdraw_comments(uuid[]),
  radar.suppress(uuid, text, text, timestamptz, text), radar.unsuppress(uuid[])
  to sent_staff, sent_app, sent_system;
"""

INCIDENTS = """
create index ix_incident_status on incidents.incident (organization_id, status, created_at desc);
create index ix_entry_incident on incidents.entry (organization_id, incident_id, created_at desc);
create index ix_link_ref on incidents.link (organization_id, kind, ref);

-- Locks the incidents the asker may work on; fails when one is missing or was changed since it was read.
create function incidents.lock(ids uuid[], expected integer[]) returns void language plpgsql
set search_path = '' as $$
declare
  locked integer;
begin
  if not sec.has('incidents:respond') then
    perform sec.fail('SN403', 'incidents.respond|your role may not work on incidents');
  end if;
  if cardinality(ids) > 200 then
    perform sec.fail('SN422', 'incidents.many|change at most 200 incidents at once');
  end if;
  perform from incidents.incident i
  where i.organization_id = sec.org() and i.id = any (ids) and sec.sees(i.client_id)
  order by i.id for update;
  get diagnostics locked = row_count;
  if locked <> (select count(distinct n) from unnest(ids) n) then
    perform sec.fail('SN404', 'incidents.missing|the incident is not there, or not yours to see');
  end if;
  if exists (
    select from unnest(ids, expected) e (id, version)
    join incidents.incident i on i.organization_id = sec.org() and i.id = e.id
    where e.version is not null and e.version <> i.version
  ) then
    perform sec.fail('SN409', 'incidents.changed|somebody else changed the incident first; look again');
  end if;
end $$;

-- A record of another engine: its kind, id, title, place in the console, whose it is, whom it credits.
create function incidents.attach(incident uuid, links jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  target incidents.incident;
  item jsonb;
  client uuid;
  added integer := 0;
begin
  perform incidents.lock(array[incident], array[null::integer]);
  select * into target from incidents.incident i where i.organization_id = sec.org() and i.id = incident;
  if jsonb_array_length(links) > 1000 then
    perform sec.fail('SN422', 'incidents.links|link at most 1000 records at once');
  end if;
  for item in select * from jsonb_array_elements(links) loop
    client := (item->>'client')::uuid;
    if not coalesce(sec.sees(client), false)
      or (target.client_id is not null and client is distinct from target.client_id) then
      perform sec.fail('SN422', 'incidents.client|an incident of a client takes records of that client only');
    end if;
    insert into incidents.link
      (organization_id, client_id, incident_id, kind, ref, title, place, level, credit)
    values (sec.org(), target.client_id, incident, item->>'kind', item->>'ref', left(item->>'title', 500),
      coalesce(item->>'place', ''), item->>'level', left(item->>'credit', 500))
    on conflict (organization_id, incident_id, kind, ref) do nothing;
    if found then
      added := added + 1;
      insert into incidents.entry (organization_id, client_id, incident_id, actor_id, kind, value, text)
      values (sec.org(), target.client_id, incident, sec.actor(), 'link',
        (item->>'kind') || '/' || (item->>'ref'), left(item->>'title', 500));
    end if;
  end loop;
  return added;
end $$;
"""

OPENING = """
create function incidents.open(id uuid, title text, severity text, owner uuid, links jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  client uuid;
  fresh integer;
begin
  if not sec.has('incidents:respond') then
    perform sec.fail('SN403', 'incidents.respond|your role may not work on incidents');
  end if;
  if length(btrim(title)) not between 1 and 300 then
    perform sec.fail('SN422', 'incidents.title|an incident has a title of 1 to 300 characters');
  end if;
  if severity not in ('low', 'medium', 'high', 'critical') then
    perform sec.fail('SN422', 'incidents.severity|an incident is low, medium, high or critical');
  end if;
  perform incidents.ask_owner(owner);
  -- Records of one client make an incident of that client; of several, one of the organisation.
  select case when count(distinct l.value->>'client') = 1 and count(l.value->>'client') = count(*)
    then min(l.value->>'client')::uuid end into client from jsonb_array_elements(links) l;
  if not coalesce(sec.sees(client), false) then
    perform sec.fail('SN403', 'incidents.client|open the incident from records of one of your clients');
  end if;
  -- Who is limited to clients does not see the numbers of others: they are counted beside the incidents.
  insert into incidents.counter as c (organization_id, latest) values (sec.org(), 1)
  on conflict (organization_id) do update set latest = c.latest + 1 returning c.latest into fresh;
  insert into incidents.incident
    (organization_id, id, client_id, number, title, severity, owner_id, opened_by)
  values (sec.org(), open.id, client, fresh, btrim(title), severity, owner, sec.actor());
  insert into incidents.entry (organization_id, client_id, incident_id, actor_id, kind, value)
  values (sec.org(), client, open.id, sec.actor(), 'opened', severity);
  perform incidents.attach(open.id, links);
  -- Staff may publish changes only; that an incident was opened is told here, where it was.
  insert into core.outbox (organization_id, id, topic, payload)
  values (sec.org(), core.uuid7(), 'incidents.incident.opened',
    jsonb_build_object('incident_id', open.id::text));
  return fresh;
end $$;

create function incidents.change(ids uuid[], expected integer[], field text, value text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform incidents.lock(ids, expected);
  if field = 'status' and value not in ('open', 'contained', 'resolved', 'closed') then
    perform sec.fail('SN422', 'incidents.status|an incident is open, contained, resolved or closed');
  elsif field = 'severity' and value not in ('low', 'medium', 'high', 'critical') then
    perform sec.fail('SN422', 'incidents.severity|an incident is low, medium, high or critical');
  elsif field = 'title' and length(btrim(value)) not between 1 and 300 then
    perform sec.fail('SN422', 'incidents.title|an incident has a title of 1 to 300 characters');
  elsif field = 'owner' then
    perform incidents.ask_owner(value::uuid);
  elsif field not in ('status', 'severity', 'title') then
    perform sec.fail('SN422', 'incidents.field|an incident has status, severity, title and owner');
  end if;
  insert into incidents.entry (organization_id, client_id, incident_id, actor_id, kind, value, before)
  select * from (
    select i.organization_id, i.client_id, i.id, sec.actor(), field, value,
      case field when 'status' then i.status when 'severity' then i.severity when 'title' then i.title
        else i.owner_id::text end as former
    from incidents.incident i where i.organization_id = sec.org() and i.id = any (ids)) n
  where n.former is distinct from change.value;
  update incidents.incident i
  set status = case when field = 'status' then value else i.status end,
    severity = case when field = 'severity' then value else i.severity end,
    title = case when field = 'title' then btrim(value) else i.title end,
    owner_id = case when field = 'owner' then value::uuid else i.owner_id end,
    ended_at = case when field <> 'status' then i.ended_at
      when value in ('resolved', 'closed') then coalesce(i.ended_at, clock_timestamp()) end
  where i.organization_id = sec.org() and i.id = any (ids)
    and case field when 'status' then i.status when 'severity' then i.severity when 'title' then i.title
      else i.owner_id::text end is distinct from value;
end $$;

create function incidents.note(incident uuid, said text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  made uuid;
begin
  perform incidents.lock(array[incident], array[null::integer]);
  if length(btrim(coalesce(said, ''))) not between 1 and 8000 then
    perform sec.fail('SN422', 'incidents.note|a note has 1 to 8000 characters');
  end if;
  insert into incidents.entry (organization_id, client_id, incident_id, actor_id, kind, text)
  select i.organization_id, i.client_id, i.id, sec.actor(), 'note', btrim(said)
  from incidents.incident i where i.organization_id = sec.org() and i.id = incident
  returning id into made;
  return made;
end $$;

grant execute on function incidents.attach(uuid, jsonb), incidents.open(uuid, text, text, uuid, jsonb),
  incidents.change(uuid[], integer[], text, text), incidents.note(uuid, text)
  to sent_staff, sent_app, sent_system;
"""

OWNERS = """
create function incidents.ask_owner(owner uuid) returns void language plpgsql set search_path = '' as $$
begin
  if owner is not null and not exists (
    select from core.membership m where m.organization_id = sec.org() and m.person_id = owner
      and m.state = 'active'
  ) then
    perform sec.fail('SN422', 'incidents.owner|incidents go to active members of the organisation');
  end if;
end $$;
"""


def upgrade() -> None:
    """Make tables and functions."""
    op.sql("set role sent_owner")
    op.sql(SCHEMA)
    _desk()
    _incidents()
    op.sql(ALERTS)
    op.sql(DESK)
    op.sql(INCIDENTS)
    op.sql(OWNERS)
    op.sql(OPENING)
    op.sql("reset role")


def downgrade() -> None:
    """Drop them."""
    op.sql("set role sent_owner")
    op.sql("drop schema incidents cascade")
    op.sql("drop function radar.set_alert_state(uuid[], integer[], text, text)")
    op.sql("drop function radar.comment_alerts(uuid[], text), radar.withdraw_comments(uuid[])")
    op.sql("drop function radar.suppress(uuid, text, text, timestamptz, text), radar.unsuppress(uuid[])")
    op.sql("drop table radar.suppression_count, radar.suppression, radar.comment")
    op.sql("alter table radar.alert drop column reason")
    op.sql("alter table radar.alert_change drop column reason")
    op.sql("reset role")


def _desk() -> None:
    op.create_tenant_table(
        "radar.comment",
        sa.Column("alert_id", pg.UUID(), nullable=False),
        sa.Column("author_id", pg.UUID()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("length(body) between 1 and 4000", name="ck_comment_body"),
        staff="select",
        read="radar:read",
        references={"alert_id": ("radar.alert", "cascade")},
        client_scoped=True,
        redact=("body",),
    )
    op.create_tenant_table(
        "radar.suppression",
        sa.Column("sigma_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author_id", pg.UUID()),
        sa.CheckConstraint("scope in ('rule', 'host', 'user')", name="ck_suppression_scope"),
        sa.CheckConstraint("length(reason) between 1 and 500", name="ck_suppression_reason"),
        sa.CheckConstraint("length(entity) <= 255", name="ck_suppression_entity"),
        staff="select",
        read="radar:read",
        client_scoped=True,
    )
    op.create_tenant_table(
        "radar.suppression_count",
        sa.Column("suppression_id", pg.UUID(), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("organization_id", "suppression_id", name="uq_suppression_count"),
        staff="select",
        read="radar:read",
        references={"suppression_id": ("radar.suppression", "cascade")},
        client_scoped=True,
        audit=False,
    )


def _incidents() -> None:
    op.create_tenant_table(
        "incidents.counter",
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.UniqueConstraint("organization_id", name="uq_counter_organization"),
        staff="",
        audit=False,
    )
    op.create_tenant_table(
        "incidents.incident",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default="open"),
        sa.Column("owner_id", pg.UUID(), sa.ForeignKey("core.person.id")),
        sa.Column("opened_by", pg.UUID()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("length(title) between 1 and 300", name="ck_incident_title"),
        sa.CheckConstraint(SEVERITY, name="ck_incident_severity"),
        sa.CheckConstraint(STATUS, name="ck_incident_status"),
        sa.UniqueConstraint("organization_id", "number", name="uq_incident_number"),
        staff="select",
        read="incidents:read",
        client_scoped=True,
    )
    op.create_tenant_table(
        "incidents.entry",
        sa.Column("incident_id", pg.UUID(), nullable=False),
        sa.Column("actor_id", pg.UUID()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("before", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.CheckConstraint(
            "kind in ('opened', 'note', 'link', 'status', 'severity', 'owner', 'title')",
            name="ck_entry_kind",
        ),
        sa.CheckConstraint("length(text) <= 8000", name="ck_entry_text"),
        staff="select",
        read="incidents:read",
        references={"incident_id": ("incidents.incident", "cascade")},
        client_scoped=True,
        redact=("text",),
    )
    op.create_tenant_table(
        "incidents.link",
        sa.Column("incident_id", pg.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False, server_default=""),
        sa.Column("level", sa.Text()),
        sa.Column("credit", sa.Text()),
        sa.CheckConstraint("kind ~ '^[a-z][a-z0-9_.]{0,60}$'", name="ck_link_kind"),
        sa.CheckConstraint("length(ref) between 1 and 200", name="ck_link_ref"),
        sa.CheckConstraint("length(place) <= 300", name="ck_link_place"),
        sa.CheckConstraint("length(title) between 1 and 500", name="ck_link_title"),
        sa.CheckConstraint("length(level) <= 40 and length(credit) <= 500", name="ck_link_words"),
        sa.UniqueConstraint("organization_id", "incident_id", "kind", "ref", name="uq_link_ref"),
        staff="select",
        read="incidents:read",
        references={"incident_id": ("incidents.incident", "cascade")},
        client_scoped=True,
    )
