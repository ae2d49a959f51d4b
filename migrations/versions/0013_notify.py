"""Notifications: notices, who is told on which channel, and what became of each delivery.

A notice is written by `notify.tell` in the transaction of its cause, together with one row in the inbox and
the deliveries of everybody it is for. Nothing here is granted to staff: they reach their own inbox, their
own preferences and (with `notifications:manage`) channels and log through functions. A channel's secret
arrives sealed for the organisation's public key, is sealed anew under its data key by the sender, and can be
read by no function.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from sent.platform.db.tenancy import claimable

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SEVERITIES = "in ('info', 'warning', 'critical')"
MINIMA = "in ('info', 'warning', 'critical', 'never')"
PATTERN = r"~ '^([*]|[a-z0-9_]+([.][a-z0-9_]+)*([.][*])?)$'"

INDEXES = """
create unique index uq_notice_key on notify.notice (organization_id, key) where closed_at is null;
create index ix_notice_topic on notify.notice (organization_id, topic, created_at);
create index ix_notice_last on notify.notice (organization_id, last_at);
create index ix_recipient_person on notify.recipient (organization_id, person_id, notice_id desc);
create unique index uq_delivery on notify.delivery
  (organization_id, notice_id, kind, channel_id, person_id, round) nulls not distinct;
create index ix_delivery_due on notify.delivery (organization_id, channel_id, next_at)
  where state in ('pending', 'failed');
create index ix_delivery_tried on notify.delivery (organization_id, channel_id, attempted_at);
create index ix_delivery_desktop on notify.delivery (organization_id, person_id)
  where kind = 'desktop' and state = 'pending';
create unique index uq_rule on notify.rule (organization_id, person_id, kind, pattern) nulls not distinct;
create unique index uq_channel_name on notify.channel (organization_id, name);
create index ix_channel_boxed on notify.channel (organization_id) where box is not null;
create unique index uq_person_setting on notify.person_setting (organization_id, person_id);
create unique index uq_box_key on notify.box_key (organization_id);
"""

RULES = """
create function notify.rank(severity text) returns integer language sql immutable parallel safe as $$
  select case severity when 'info' then 1 when 'warning' then 2 when 'critical' then 3 else 9 end
$$;

create function notify.matches(pattern text, topic text) returns boolean language sql immutable parallel safe
as $$
  select pattern = '*' or pattern = topic
    or (right(pattern, 2) = '.*' and starts_with(topic, left(pattern, -1)))
$$;

-- Whether a person wants this here: his own rules before the organisation's, the closest pattern first;
-- without any the desktop shows everything and a mail is sent for what is critical.
create function notify.wanted(person uuid, kind text, topic text, severity text) returns boolean
language sql stable security definer set search_path = '' as $$
  select notify.rank(wanted.severity) >= notify.rank(coalesce((
    select r.minimum from notify.rule r
    where r.organization_id = sec.org() and r.kind = wanted.kind
      and (r.person_id = wanted.person or r.person_id is null) and notify.matches(r.pattern, wanted.topic)
    order by r.person_id is null, r.pattern = wanted.topic desc, length(r.pattern) desc limit 1),
    case wanted.kind when 'desktop' then 'info' else 'critical' end))
$$;

create function notify.must_manage() returns uuid language plpgsql stable
security definer set search_path = '' as $$
begin
  if not sec.has('notifications:manage') then
    perform sec.fail('SN403', 'notify.denied|you may not manage notifications');
  end if;
  return sec.org();
end $$;
"""

TELL = """
-- Writes a notice, or counts one more where one with this key is open or the topic told ten things within a
-- minute (then it joins the digest of its audience); returns the notice's id.
create function notify.tell(
  notice uuid, topic text, severity text, texts jsonb, digest jsonb, link text, people uuid[],
  permission text, key text, client uuid
) returns uuid language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  organization uuid := sec.org();
  used_key text := tell.key;
  gathered boolean := false;
  now_at timestamptz := clock_timestamp();
  told notify.notice;
  mail uuid;
  level integer;
begin
  if organization is null then
    perform sec.fail('SN403', 'notify.organization|a notice belongs to an organisation');
  end if;
  if cardinality(people) > 500 then
    perform sec.fail('SN422', 'notify.people|a notice is for at most 500 people; name a permission instead');
  end if;
  if used_key is not null then
    update notify.notice n set closed_at = now_at
    where n.organization_id = organization and n.key = used_key and n.closed_at is null
      and n.last_at < now_at - interval '24 hours';
  end if;
  if not exists (select from notify.notice n where n.organization_id = organization and n.key = used_key
                 and n.closed_at is null)
    and (select count(*) from (select from notify.notice n where n.organization_id = organization
           and n.topic = tell.topic and not n.digest and n.created_at > now_at - interval '1 minute'
           limit 10) lately) >= 10
  then
    gathered := true;
    used_key := 'digest:' || floor(extract(epoch from now_at) / 600) || ':'
      || md5(concat_ws(' ', tell.topic, permission, client, people::text));
  end if;
  insert into notify.notice as n (organization_id, id, topic, severity, texts, link, permission, client_id,
    key, digest, last_at)
  values (organization, notice, tell.topic, tell.severity, case when gathered then tell.digest
    else tell.texts end, case when gathered then null else tell.link end, tell.permission, tell.client,
    used_key, gathered, now_at)
  on conflict (organization_id, key) where closed_at is null do update set
    count = n.count + 1, last_at = now_at,
    severity = case when notify.rank(excluded.severity) > notify.rank(n.severity) then excluded.severity
      else n.severity end,
    texts = case when n.digest then n.texts else excluded.texts end,
    link = case when n.digest then null else excluded.link end
  returning n.* into told;
  if told.digest then
    update notify.notice n set texts = (
      select jsonb_object_agg(t.language, jsonb_build_object('title', t.words ->> 'title', 'body',
        case when length(t.words ->> 'body') > 1500 then t.words ->> 'body' else
          (t.words ->> 'body') || E'\\n- '
            || (coalesce(tell.texts -> t.language, tell.texts -> 'en') ->> 'title') end))
      from jsonb_each(n.texts) t(language, words))
    where n.organization_id = organization and n.id = told.id;
  end if;
  -- Whoever may not see it any more loses it before it says something new.
  delete from notify.recipient r where r.organization_id = organization and r.notice_id = told.id
    and not exists (
      select from core.membership m
      where m.organization_id = organization and m.person_id = r.person_id and m.state = 'active'
        and (m.person_id = any (people) or exists (
          select from core.role_permission g where g.organization_id = organization
            and g.role_id = m.role_id and g.permission = tell.permission))
        and (not m.client_narrowed or case when tell.client is null then m.person_id = any (people)
          else exists (select from core.membership_client c where c.organization_id = organization
            and c.membership_id = m.id and c.client_id = tell.client) end));
  insert into notify.recipient as r (organization_id, notice_id, person_id)
  select organization, told.id, m.person_id from core.membership m
  where m.organization_id = organization and m.state = 'active'
    and (m.person_id = any (people) or exists (
      select from core.role_permission g where g.organization_id = organization and g.role_id = m.role_id
        and g.permission = tell.permission))
    and (not m.client_narrowed or case when tell.client is null then m.person_id = any (people) else exists (
      select from core.membership_client c where c.organization_id = organization
        and c.membership_id = m.id and c.client_id = tell.client) end)
  order by m.person_id limit 500
  on conflict (organization_id, notice_id, person_id) do update set read_at = null
    where r.read_at is not null;
  level := notify.rank(told.severity);
  select c.id into mail from notify.channel c
  where c.organization_id = organization and c.kind = 'smtp' and c.enabled order by c.created_at limit 1;
  insert into notify.delivery (organization_id, notice_id, person_id, kind, channel_id, round, next_at)
  select organization, told.id, r.person_id, k.kind, case k.kind when 'mail' then mail end, level,
    now_at + case when told.digest then interval '1 minute' else interval '0' end
  from notify.recipient r cross join (values ('desktop'), ('mail')) k(kind)
  where r.organization_id = organization and r.notice_id = told.id
    and (k.kind = 'desktop' or mail is not null)
    and notify.wanted(r.person_id, k.kind, tell.topic, told.severity)
  on conflict do nothing;
  insert into notify.delivery (organization_id, notice_id, kind, channel_id, round, next_at)
  select organization, told.id, 'webhook', c.id, level,
    now_at + case when told.digest then interval '1 minute' else interval '0' end
  from notify.channel c
  where c.organization_id = organization and c.kind = 'webhook' and c.enabled
    and notify.matches(c.pattern, tell.topic) and level >= notify.rank(c.minimum)
  on conflict do nothing;
  insert into core.outbox (organization_id, id, topic, payload, key)
  values (organization, core.uuid7(), 'notify.notice.raised', jsonb_build_object('notice', told.id::text),
    told.id::text);
  return told.id;
end $$;
grant execute on function notify.tell(uuid, text, text, jsonb, jsonb, text, uuid[], text, text, uuid)
  to sent_app, sent_system, sent_ingest;

create function notify.close(key text) returns boolean language plpgsql
security definer set search_path = '' as $$
#variable_conflict use_column
begin
  update notify.notice n set closed_at = clock_timestamp()
  where n.organization_id = sec.org() and n.key = close.key and n.closed_at is null;
  return found;
end $$;
grant execute on function notify.close(text) to sent_app, sent_system, sent_ingest;
"""

MINE = """
create function notify.inbox(before timestamptz, most integer, unread boolean, words text) returns table (
  id uuid, topic text, severity text, texts jsonb, link text, count bigint, created_at timestamptz,
  last_at timestamptz, read_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select n.id, n.topic, n.severity, n.texts, n.link, n.count, n.created_at, n.last_at, r.read_at
  from notify.recipient r
  join notify.notice n on n.organization_id = r.organization_id and n.id = r.notice_id
  where r.organization_id = sec.org() and r.person_id = sec.actor()
    and (before is null or n.last_at < before) and (not unread or r.read_at is null)
    and (words is null or position(lower(words) in lower(n.topic || ' ' || n.texts::text)) > 0)
  order by n.last_at desc limit least(most, 2000)
$$;

create function notify.unread() returns bigint language sql stable security definer set search_path = '' as $$
  select count(*) from (select from notify.recipient r where r.organization_id = sec.org()
    and r.person_id = sec.actor() and r.read_at is null limit 1000) waiting
$$;

-- Marks own notices as read or not (null: all of them); a notice that everybody read is closed.
create function notify.mark(notices uuid[], is_read boolean) returns bigint language plpgsql
security definer set search_path = '' as $$
declare
  changed uuid[];
begin
  with touched as (
    update notify.recipient r set read_at = case when is_read then clock_timestamp() end
    where r.organization_id = sec.org() and r.person_id = sec.actor()
      and (notices is null or r.notice_id = any (notices)) and (r.read_at is null) = is_read
    returning r.notice_id)
  select array_agg(notice_id) into changed from touched;
  if is_read then
    update notify.notice n set closed_at = clock_timestamp()
    where n.organization_id = sec.org() and n.id = any (changed) and n.closed_at is null
      and n.key is not null and not exists (select from notify.recipient r
        where r.organization_id = n.organization_id and r.notice_id = n.id and r.read_at is null);
  end if;
  return coalesce(cardinality(changed), 0);
end $$;

-- What a console of this person has not shown yet.
create function notify.unshown() returns table (
  delivery uuid, id uuid, topic text, severity text, texts jsonb, link text, count bigint
) language sql stable security definer set search_path = '' as $$
  select d.id, n.id, n.topic, n.severity, n.texts, n.link, n.count
  from notify.delivery d
  join notify.notice n on n.organization_id = d.organization_id and n.id = d.notice_id
  where d.organization_id = sec.org() and d.person_id = sec.actor() and d.kind = 'desktop'
    and d.state = 'pending' and d.next_at <= clock_timestamp()
    and d.created_at > clock_timestamp() - interval '24 hours'
  order by d.id limit 50
$$;

create function notify.shown(deliveries uuid[]) returns bigint language plpgsql
security definer set search_path = '' as $$
declare
  changed bigint;
begin
  update notify.delivery d set state = 'sent', sent_at = clock_timestamp(), attempts = 1
  where d.organization_id = sec.org() and d.person_id = sec.actor() and d.kind = 'desktop'
    and d.state = 'pending' and d.id = any (deliveries);
  get diagnostics changed = row_count;
  return changed;
end $$;

create function notify.my_settings() returns table (
  language text, zone text, quiet boolean, quiet_from time, quiet_until time, through boolean
) language sql stable security definer set search_path = '' as $$
  select s.language, s.zone, s.quiet, s.quiet_from, s.quiet_until, s.through from notify.person_setting s
  where s.organization_id = sec.org() and s.person_id = sec.actor()
$$;

create function notify.save_settings(
  language text, zone text, quiet boolean, quiet_from time, quiet_until time, through boolean
) returns void language sql security definer set search_path = '' as $$
  insert into notify.person_setting
    (organization_id, person_id, language, zone, quiet, quiet_from, quiet_until, through)
  values (sec.org(), sec.actor(), language, zone, quiet, quiet_from, quiet_until, through)
  on conflict (organization_id, person_id) do update set language = excluded.language,
    zone = excluded.zone, quiet = excluded.quiet, quiet_from = excluded.quiet_from,
    quiet_until = excluded.quiet_until, through = excluded.through
$$;

create function notify.rules(defaults boolean) returns table (
  id uuid, kind text, pattern text, minimum text
) language sql stable security definer set search_path = '' as $$
  select r.id, r.kind, r.pattern, r.minimum from notify.rule r
  where r.organization_id = sec.org()
    and r.person_id is not distinct from case when defaults then null else sec.actor() end
  order by r.kind, length(r.pattern), r.pattern
$$;

-- Sets a rule, the organisation's with `defaults`; without a minimum it is taken away.
create function notify.set_rule(defaults boolean, kind text, pattern text, minimum text) returns void
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  whose uuid := case when defaults then null else sec.actor() end;
begin
  if defaults then
    perform notify.must_manage();
  end if;
  if minimum is null then
    delete from notify.rule r where r.organization_id = sec.org() and r.person_id is not distinct from whose
      and r.kind = set_rule.kind and r.pattern = set_rule.pattern;
    return;
  end if;
  if (select count(*) from notify.rule r where r.organization_id = sec.org()
      and r.person_id is not distinct from whose) >= 200 then
    perform sec.fail('SN422', 'notify.rules|there are 200 rules already; take some away first');
  end if;
  insert into notify.rule (organization_id, person_id, kind, pattern, minimum)
  values (sec.org(), whose, set_rule.kind, set_rule.pattern, set_rule.minimum)
  on conflict (organization_id, person_id, kind, pattern) do update set minimum = excluded.minimum;
end $$;

-- Sends the asker a notice on the desktop and by mail, whatever his rules say.
create function notify.test_me(texts jsonb) returns uuid language plpgsql
security definer set search_path = '' as $$
declare
  notice uuid := core.uuid7();
  mail uuid;
begin
  if (select count(*) from notify.recipient r join notify.notice n
        on n.organization_id = r.organization_id and n.id = r.notice_id
      where r.organization_id = sec.org() and r.person_id = sec.actor()
        and n.topic = 'notifications.test' and n.created_at > clock_timestamp() - interval '1 minute') >= 3
  then
    perform sec.fail('SN422', 'notify.often|three tests in a minute are enough; wait a little');
  end if;
  insert into notify.notice (organization_id, id, topic, severity, texts)
  values (sec.org(), notice, 'notifications.test', 'info', texts);
  insert into notify.recipient (organization_id, notice_id, person_id)
  values (sec.org(), notice, sec.actor());
  select c.id into mail from notify.channel c
  where c.organization_id = sec.org() and c.kind = 'smtp' and c.enabled order by c.created_at limit 1;
  insert into notify.delivery (organization_id, notice_id, person_id, kind, channel_id)
  select sec.org(), notice, sec.actor(), k.kind, case k.kind when 'mail' then mail end
  from (values ('desktop'), ('mail')) k(kind) where k.kind = 'desktop' or mail is not null;
  insert into core.outbox (organization_id, id, topic, payload)
  values (sec.org(), core.uuid7(), 'notify.notice.raised', jsonb_build_object('notice', notice::text));
  return notice;
end $$;
grant execute on function notify.inbox(timestamptz, integer, boolean, text), notify.unread(),
  notify.mark(uuid[], boolean), notify.unshown(), notify.shown(uuid[]), notify.my_settings(),
  notify.save_settings(text, text, boolean, time, time, boolean), notify.rules(boolean),
  notify.set_rule(boolean, text, text, text), notify.test_me(jsonb) to sent_staff, sent_app;
"""

CHANNELS = """
create function notify.channels() returns table (
  id uuid, kind text, name text, enabled boolean, config jsonb, pattern text, minimum text,
  rate_per_minute integer, has_secret boolean, last_sent_at timestamptz, last_error text,
  last_error_at timestamptz, version integer
) language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := notify.must_manage();
begin
  return query select c.id, c.kind, c.name, c.enabled, c.config, c.pattern, c.minimum, c.rate_per_minute,
    c.secret is not null or c.box is not null, c.last_sent_at, c.last_error, c.last_error_at, c.version
  from notify.channel c where c.organization_id = organization order by c.name;
end $$;

-- Makes or changes a channel. Whoever changes where a password goes has to type it again: otherwise it
-- would be sent to any server he names.
create function notify.save_channel(
  channel uuid, kind text, name text, enabled boolean, config jsonb, pattern text, minimum text,
  rate_per_minute integer, box bytea
) returns void language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  organization uuid := notify.must_manage();
begin
  if (select count(*) from notify.channel c where c.organization_id = organization) >= 50
    and not exists (select from notify.channel c
                    where c.organization_id = organization and c.id = save_channel.channel) then
    perform sec.fail('SN422', 'notify.channels|there are 50 channels already; remove one first');
  end if;
  if coalesce(save_channel.config ->> 'allow_private', 'false') <> 'false' and not exists (
    select from core.organization o where o.organization_id = organization and o.operator)
  then
    perform sec.fail('SN403', 'notify.private|only the organisation that operates the installation may let a'
      ' channel reach private addresses');
  end if;
  insert into notify.channel as c
    (organization_id, id, kind, name, enabled, config, pattern, minimum, rate_per_minute, box)
  values (organization, channel, save_channel.kind, save_channel.name, save_channel.enabled,
    save_channel.config, save_channel.pattern, save_channel.minimum, save_channel.rate_per_minute,
    save_channel.box)
  on conflict (organization_id, id) do update set name = excluded.name, enabled = excluded.enabled,
    config = excluded.config, pattern = excluded.pattern, minimum = excluded.minimum,
    rate_per_minute = excluded.rate_per_minute,
    secret = case when (c.config - 'sender') = (excluded.config - 'sender') then c.secret end,
    box = coalesce(excluded.box,
      case when (c.config - 'sender') = (excluded.config - 'sender') then c.box end),
    last_error = null, last_error_at = null
    where c.kind = excluded.kind;
  if not found then
    perform sec.fail('SN409', 'notify.kind|a channel keeps its kind; make another one');
  end if;
end $$;

create function notify.remove_channel(channel uuid) returns void language plpgsql
security definer set search_path = '' as $$
begin
  delete from notify.channel c where c.organization_id = notify.must_manage() and c.id = channel;
  if not found then
    perform sec.fail('SN404', 'notify.channel|no such channel');
  end if;
end $$;

-- Sends a notice over one channel to the asker (or to the webhook), also while it is switched off.
create function notify.test_channel(channel uuid, texts jsonb) returns uuid language plpgsql
security definer set search_path = '' as $$
declare
  organization uuid := notify.must_manage();
  notice uuid := core.uuid7();
  made uuid := core.uuid7();
  found_kind text;
begin
  select c.kind into found_kind from notify.channel c
  where c.organization_id = organization and c.id = channel;
  if found_kind is null then
    perform sec.fail('SN404', 'notify.channel|no such channel');
  end if;
  if (select count(*) from notify.delivery d join notify.notice n
        on n.organization_id = d.organization_id and n.id = d.notice_id
      where d.organization_id = organization and d.channel_id = channel and n.topic = 'notifications.test'
        and n.created_at > clock_timestamp() - interval '1 minute') >= 5 then
    perform sec.fail('SN422', 'notify.often|five tests in a minute are enough; wait a little');
  end if;
  insert into notify.notice (organization_id, id, topic, severity, texts)
  values (organization, notice, 'notifications.test', 'info', texts);
  insert into notify.delivery (organization_id, id, notice_id, person_id, kind, channel_id)
  values (organization, made, notice, case found_kind when 'smtp' then sec.actor() end,
    case found_kind when 'smtp' then 'mail' else 'webhook' end, channel);
  return made;
end $$;

-- The organisation's public key for secrets; null until the sender has made it.
create function notify.public_key() returns bytea language plpgsql
security definer set search_path = '' as $$
declare
  organization uuid := notify.must_manage();
begin
  insert into notify.box_key (organization_id) values (organization) on conflict do nothing;
  return (select k.public from notify.box_key k where k.organization_id = organization);
end $$;

create function notify.log(before uuid, most integer, states text[], kinds text[], words text)
returns table (
  id uuid, notice_id uuid, topic text, severity text, texts jsonb, kind text, channel text, person text,
  state text, attempts integer, next_at timestamptz, reason text, created_at timestamptz,
  sent_at timestamptz
) language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := notify.must_manage();
begin
  return query
    select d.id, n.id, n.topic, n.severity, case when n.topic = 'notifications.test' then n.texts
        else jsonb_build_object('en', jsonb_build_object('title', n.topic, 'body', '')) end,
      d.kind, c.name, p.name, d.state, d.attempts, d.next_at, d.reason, d.created_at, d.sent_at
    from notify.delivery d
    join notify.notice n on n.organization_id = d.organization_id and n.id = d.notice_id
    left join notify.channel c on c.organization_id = d.organization_id and c.id = d.channel_id
    left join core.person p on p.id = d.person_id
    where d.organization_id = organization and (before is null or d.id < before)
      and (states is null or d.state = any (states)) and (kinds is null or d.kind = any (kinds))
      and (words is null or position(lower(words) in
        lower(concat_ws(' ', n.topic, c.name, p.name, d.reason))) > 0)
    order by d.id desc limit least(most, 2000);
end $$;

-- Sends dead ones again, under the same idempotency key.
create function notify.retry(deliveries uuid[]) returns bigint language plpgsql
security definer set search_path = '' as $$
declare
  organization uuid := notify.must_manage();
  changed bigint;
begin
  update notify.delivery d set state = 'pending', attempts = 0, next_at = clock_timestamp(), claim = null
  where d.organization_id = organization and d.id = any (deliveries) and d.state = 'dead';
  get diagnostics changed = row_count;
  if changed = 0 then
    perform sec.fail('SN404', 'notify.delivery|none of these is dead');
  end if;
  return changed;
end $$;

create function notify.dead() returns bigint language plpgsql stable
security definer set search_path = '' as $$
declare
  organization uuid := notify.must_manage();
begin
  return (select count(*) from (select from notify.delivery d where d.organization_id = organization
    and d.state = 'dead' limit 1000) gone);
end $$;
grant execute on function notify.channels(), notify.remove_channel(uuid), notify.public_key(),
  notify.save_channel(uuid, text, text, boolean, jsonb, text, text, integer, bytea),
  notify.test_channel(uuid, jsonb), notify.log(uuid, integer, text[], text[], text), notify.retry(uuid[]),
  notify.dead() to sent_staff, sent_app;
"""


def upgrade() -> None:
    """Make notices, inboxes, channels, preferences and deliveries."""
    op.sql("set role sent_owner")
    op.sql(
        "create schema notify; grant usage on schema notify"
        " to sent_staff, sent_app, sent_system, sent_ingest, sent_definer"
    )
    _notices()
    _channels()
    _deliveries()
    _preferences()
    for part in (INDEXES, RULES, TELL, MINE, CHANNELS):
        op.sql(part)
    for name, verb in (("channel", "select"), ("box_key", "select"), ("delivery", "select"),
                       ("delivery", "update")):  # fmt: skip
        op.sql(claimable(f"notify.{name}", verb))
    op.sql("select core.register_sealed('notify.channel', 'secret', 'notify')")
    op.sql("select core.register_sealed('notify.box_key', 'private', 'notify')")
    op.sql("reset role")


def _notices() -> None:
    op.create_tenant_table(
        "notify.notice",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("texts", pg.JSONB(), nullable=False),
        sa.Column("link", sa.Text()),
        sa.Column("permission", sa.Text()),
        sa.Column("client_id", pg.UUID()),
        sa.Column("key", sa.Text()),
        sa.Column("digest", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("count", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"topic {PATTERN} and length(topic) <= 80 and topic !~ '[*]'", name="ck_topic"),
        sa.CheckConstraint(f"severity {SEVERITIES}", name="ck_notice_severity"),
        sa.CheckConstraint(
            "jsonb_typeof(texts -> 'en') = 'object' and pg_column_size(texts) <= 65536",
            name="ck_notice_texts",
        ),
        sa.CheckConstraint("length(link) <= 500", name="ck_notice_link"),
        sa.CheckConstraint("length(key) between 1 and 200", name="ck_notice_key"),
        staff="",
        audit=False,
    )
    op.create_tenant_table(
        "notify.recipient",
        sa.Column("notice_id", pg.UUID(), nullable=False),
        sa.Column("person_id", pg.UUID(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("organization_id", "notice_id", "person_id", name="uq_recipient"),
        staff="",
        references={"notice_id": ("notify.notice", "cascade")},
        audit=False,
    )


def _channels() -> None:
    op.create_tenant_table(
        "notify.channel",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("config", pg.JSONB(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False, server_default="*"),
        sa.Column("minimum", sa.Text(), nullable=False, server_default="info"),
        sa.Column("rate_per_minute", sa.Integer(), nullable=False, server_default="60"),
        sa.Column("secret", pg.BYTEA()),
        sa.Column("box", pg.BYTEA()),
        sa.Column("last_sent_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_error_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind in ('smtp', 'webhook')", name="ck_channel_kind"),
        sa.CheckConstraint("length(name) between 1 and 80", name="ck_channel_name"),
        sa.CheckConstraint(
            "jsonb_typeof(config) = 'object' and pg_column_size(config) <= 4096", name="ck_channel_config"
        ),
        sa.CheckConstraint(f"pattern {PATTERN} and length(pattern) <= 80", name="ck_channel_pattern"),
        sa.CheckConstraint(f"minimum {MINIMA}", name="ck_channel_minimum"),
        sa.CheckConstraint("rate_per_minute between 1 and 600", name="ck_channel_rate"),
        sa.CheckConstraint("length(box) <= 2048", name="ck_channel_box"),
        sa.CheckConstraint("length(last_error) <= 500", name="ck_channel_error"),
        staff="",
        redact=("secret", "box"),
    )
    op.create_tenant_table(
        "notify.box_key",
        sa.Column("public", pg.BYTEA()),
        sa.Column("private", pg.BYTEA()),
        staff="",
        redact=("private",),
    )


def _deliveries() -> None:
    op.create_tenant_table(
        "notify.delivery",
        sa.Column("notice_id", pg.UUID(), nullable=False),
        sa.Column("person_id", pg.UUID()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel_id", pg.UUID()),
        sa.Column("round", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("state", sa.Text(), nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column(
            "next_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
        sa.Column("claim", pg.UUID()),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("attempted_at", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind in ('desktop', 'mail', 'webhook')", name="ck_delivery_kind"),
        sa.CheckConstraint(
            "state in ('pending', 'sent', 'failed', 'dead', 'lapsed')", name="ck_delivery_state"
        ),
        sa.CheckConstraint("length(reason) <= 500", name="ck_delivery_reason"),
        staff="",
        references={
            "notice_id": ("notify.notice", "cascade"),
            "channel_id": ("notify.channel", "cascade"),
        },
        audit=False,
    )


def _preferences() -> None:
    op.create_tenant_table(
        "notify.rule",
        sa.Column("person_id", pg.UUID()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("minimum", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('desktop', 'mail')", name="ck_rule_kind"),
        sa.CheckConstraint(f"pattern {PATTERN} and length(pattern) <= 80", name="ck_rule_pattern"),
        sa.CheckConstraint(f"minimum {MINIMA}", name="ck_rule_minimum"),
        staff="",
    )
    op.create_tenant_table(
        "notify.person_setting",
        sa.Column("person_id", pg.UUID(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False, server_default="en"),
        sa.Column("zone", sa.Text(), nullable=False, server_default="UTC"),
        sa.Column("quiet", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("quiet_from", sa.Time(), nullable=False, server_default="22:00"),
        sa.Column("quiet_until", sa.Time(), nullable=False, server_default="07:00"),
        sa.Column("through", sa.Boolean(), nullable=False, server_default="true"),
        sa.CheckConstraint("language in ('en', 'de')", name="ck_person_setting_language"),
        sa.CheckConstraint("length(zone) between 1 and 64", name="ck_person_setting_zone"),
        staff="",
    )


def downgrade() -> None:
    """Drop everything of notifications."""
    op.sql("set role sent_owner")
    op.sql("drop schema notify cascade; delete from core.sealed_column where table_name ~ '^notify[.]'")
    op.sql("reset role")
