"""The radar: sources and their checkpoints, rules, alerts with their history, the events themselves.

Staff read; an alert's state and assignee change only through the functions below, which check the
permission and `triage`, the number of decisions made on the alert: new events that count an alert up must
not make an analyst's click fail.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from sent.platform.db.timeseries import Measure, Rollup, TimeSeries

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LEVELS = "level in ('informational', 'low', 'medium', 'high', 'critical')"

SCHEMA = """
create schema radar;
grant usage on schema radar to sent_staff, sent_app, sent_system, sent_ingest, sent_definer, sent_audit;
"""

INDEXES = """
create unique index uq_alert_open on radar.alert (organization_id, group_key) where state <> 'closed';
create index ix_alert_at on radar.alert (organization_id, at desc, id desc);
create index ix_alert_state on radar.alert (organization_id, state, at desc);
create index ix_rule_sigma on radar.rule (organization_id, sigma_id);
"""

TRIAGE = """
-- Locks the alerts the asker may triage; fails when one is missing or was decided on since it was read.
create function radar.lock_alerts(ids uuid[], expected integer[]) returns void language plpgsql
set search_path = '' as $$
declare
  locked integer;
begin
  if not sec.has('radar:triage') then
    perform sec.fail('SN403', 'radar.triage|your role may not triage alerts');
  end if;
  if cardinality(ids) > 1000 then
    perform sec.fail('SN422', 'radar.triage.many|change at most 1000 alerts at once');
  end if;
  perform from radar.alert a
  where a.organization_id = sec.org() and a.id = any (ids) and sec.sees(a.client_id)
  order by a.id for update;
  get diagnostics locked = row_count;
  if locked <> (select count(distinct i) from unnest(ids) i) then
    perform sec.fail('SN404', 'radar.alert.missing|an alert is not there, or not yours to see');
  end if;
  if exists (
    select from unnest(ids, expected) e (id, triage)
    join radar.alert a on a.organization_id = sec.org() and a.id = e.id
    where e.triage is not null and e.triage <> a.triage
  ) then
    perform sec.fail('SN409', 'radar.alert.changed|somebody else changed the alert first; look again');
  end if;
end $$;

-- Only one alert of a group is open: reopening one whose successor is open would make two.
create function radar.set_alert_state(ids uuid[], expected integer[], target text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform radar.lock_alerts(ids, expected);
  if target not in ('new', 'acknowledged', 'closed') then
    perform sec.fail('SN422', 'radar.alert.state|an alert is new, acknowledged or closed');
  end if;
  insert into radar.alert_change (organization_id, client_id, alert_id, actor_id, kind, value, before)
  select a.organization_id, a.client_id, a.id, sec.actor(), 'state', target, a.state from radar.alert a
  where a.organization_id = sec.org() and a.id = any (ids) and a.state <> target;
  update radar.alert a
  set state = target, triage = a.triage + 1,
    group_key = case when a.state = 'closed' and exists (
      select from radar.alert o where o.organization_id = a.organization_id
        and o.group_key = a.group_key and o.state <> 'closed' and o.id <> a.id
    ) then a.group_key || ' ' || a.id else a.group_key end
  where a.organization_id = sec.org() and a.id = any (ids) and a.state <> target;
end $$;

create function radar.assign_alerts(ids uuid[], expected integer[], person uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform radar.lock_alerts(ids, expected);
  if person is not null and not exists (
    select from core.membership m where m.organization_id = sec.org() and m.person_id = person
      and m.state = 'active'
  ) then
    perform sec.fail('SN422', 'radar.alert.assignee|alerts go to active members of the organisation');
  end if;
  insert into radar.alert_change (organization_id, client_id, alert_id, actor_id, kind, value, before)
  select a.organization_id, a.client_id, a.id, sec.actor(), 'assignee', person::text, a.assignee_id::text
  from radar.alert a
  where a.organization_id = sec.org() and a.id = any (ids) and a.assignee_id is distinct from person;
  update radar.alert a set assignee_id = person, triage = a.triage + 1
  where a.organization_id = sec.org() and a.id = any (ids) and a.assignee_id is distinct from person;
end $$;

grant execute on function radar.set_alert_state(uuid[], integer[], text),
  radar.assign_alerts(uuid[], integer[], uuid) to sent_staff, sent_app, sent_system;
"""


def upgrade() -> None:
    """Make the radar's tables, series and functions."""
    op.sql("set role sent_owner")
    op.sql(SCHEMA)
    _sources()
    _rules()
    _alerts()
    op.create_timeseries(
        TimeSeries(
            "radar.event",
            columns=(
                ("received_at", "timestamptz not null default clock_timestamp()"),
                ("source_id", "uuid"),
                ("severity", "smallint not null default 6"),
                ("host", "text not null default ''"),
                ("program", "text not null default ''"),
                ("channel", "text"),
                ("event_code", "integer"),
                ("message", "text not null default ''"),
                ("fields", "jsonb not null default '{}'"),
            ),
            chunk="day",
            ahead=7,
            retention="90 days",
            read="radar:read",
            client_scoped=True,
            indexes=(("received_at", "id"),),
            rollups=(
                Rollup(
                    "radar.event_minute", "1 minute", ("source_id", "severity"), (Measure("events", "count"),)
                ),
            ),
        )
    )
    op.sql(INDEXES)
    op.sql(TRIAGE)
    op.sql("reset role")


def _sources() -> None:
    op.create_tenant_table(
        "radar.source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("product", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("service", sa.Text()),
        sa.Column("zone", sa.Text(), nullable=False, server_default="UTC"),
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_source_name"),
        sa.CheckConstraint(
            "kind in ('syslog_udp', 'syslog_tcp', 'file', 'jsonl', 'evtx')", name="ck_source_kind"
        ),
        sa.CheckConstraint("length(address) between 1 and 4096", name="ck_source_address"),
        sa.UniqueConstraint("organization_id", "name", name="uq_source_name"),
        staff="select,insert,update,delete",
        read="radar:read",
        write="radar:manage",
        client_scoped=True,
        claim=True,
    )
    op.create_tenant_table(
        "radar.checkpoint",
        sa.Column("source_id", pg.UUID(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.Numeric(20, 0), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("organization_id", "source_id", name="uq_checkpoint_source"),
        staff="",
        references={"source_id": ("radar.source", "cascade")},
        audit=False,
    )


def _rules() -> None:
    op.create_tenant_table(
        "radar.rule_set",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shipped", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.CheckConstraint("length(name) between 1 and 200", name="ck_rule_set_name"),
        sa.UniqueConstraint("organization_id", "name", name="uq_rule_set_name"),
        staff="select,insert,update,delete",
        read="radar:read",
        write="radar:manage",
    )
    op.create_tenant_table(
        "radar.rule",
        sa.Column("rule_set_id", pg.UUID(), nullable=False),
        sa.Column("sigma_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("logsource", sa.Text(), nullable=False),
        sa.Column("tags", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint(LEVELS, name="ck_rule_level"),
        sa.CheckConstraint("length(body) <= 1000000", name="ck_rule_body"),
        staff="select,insert,update,delete",
        read="radar:read",
        write="radar:manage",
        references={"rule_set_id": ("radar.rule_set", "cascade")},
        redact=("body",),
    )


def _alerts() -> None:
    op.create_tenant_table(
        "radar.alert",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("tags", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("source_id", pg.UUID()),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="new"),
        sa.Column("assignee_id", pg.UUID(), sa.ForeignKey("core.person.id")),
        sa.Column("count", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("triage", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("first_event_id", pg.UUID(), nullable=False),
        sa.Column("last_event_id", pg.UUID(), nullable=False),
        sa.Column("matched", pg.JSONB(), nullable=False),
        sa.Column("event", pg.JSONB(), nullable=False),
        sa.CheckConstraint(LEVELS, name="ck_alert_level"),
        sa.CheckConstraint("state in ('new', 'acknowledged', 'closed')", name="ck_alert_state"),
        sa.CheckConstraint("count > 0", name="ck_alert_count"),
        staff="select",
        read="radar:read",
        references={"source_id": ("radar.source", "set null")},
        client_scoped=True,
        redact=("event", "matched"),
    )
    op.create_tenant_table(
        "radar.alert_change",
        sa.Column("alert_id", pg.UUID(), nullable=False),
        sa.Column("actor_id", pg.UUID()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("before", sa.Text()),
        sa.CheckConstraint("kind in ('state', 'assignee')", name="ck_alert_change_kind"),
        staff="select",
        read="radar:read",
        references={"alert_id": ("radar.alert", "cascade")},
        client_scoped=True,
        audit=False,
    )
