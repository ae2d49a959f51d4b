"""Search over stored events: one inverted index, and functions that read it for an organisation's staff.

`radar.event_terms` gives what an event is found by. Words: every value, message, host and program in lower
case, cut at spaces and marks (but not at `.`, `-` and `_`, so that addresses, hosts and GUIDs stay whole).
Pairs: `name": "value` of every field but the long texts, in lower case, as JSON writes them. Marks, which
begin with a colon as no word can: organisation, client, source, severity, host, program, and two random
digits of the id, by which a fair sample is drawn from the index itself.

One GIN index over these answers and, or, not, prefixes and equality without looking at a row; only wildcards
inside a value, comparisons and phrases are checked on the rows it leads to. A query arrives as a tree; its
texts stay parameters (`$1 #>> path`), nothing of them ever becomes SQL. The functions belong to sent_definer
and filter organisation and clients themselves, because `@@` is not leakproof (see 0002, search_clients).

Besides, sources get a time of their own for which their events are kept.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ARGUMENTS = (
    "organization_id, id, client_id, source_id, severity, host, program, channel, event_code, message, fields"
)
TEXTS = "{message,host,program,Message,msg,CommandLine,ParentCommandLine,ScriptBlockText,Payload,Details}"

INDEXED = (
    "radar.spaced(text), radar.long_terms(text, text[]), radar.event_terms(uuid, uuid, uuid, uuid, smallint,"
    " text, text, text, integer, text, jsonb)"
)
PLANNERS = (
    "radar.search_sample(radar.search, timestamptz, timestamptz, bigint),"
    " radar.search_estimate(radar.search, timestamptz, timestamptz), radar.search_plan(jsonb),"
    " radar.search_part(jsonb, text[], uuid), radar.number_of(text), radar.like_of(text),"
    " radar.pair(text, text), radar.first_word(text),"
    " radar.words_of(text, boolean), radar.term(text, boolean)"
)

TERMS = f"""
-- The words of a JSON text of values.
create function radar.spaced(given text) returns text language plpgsql immutable strict parallel safe as $$
declare
  t text := given;
begin
  t := replace(replace(replace(replace(replace(t,
    '\\\\', ' '), '\\n', ' '), '\\t', ' '), '\\r', ' '), '\\', ' ');
  t := replace(replace(replace(replace(replace(replace(replace(t,
    '"', ' '), '/', ' '), ':', ' '), ',', ' '), '=', ' '), '''', ' '), '(', ' ');
  t := replace(replace(replace(replace(replace(replace(replace(t,
    ')', ' '), '[', ' '), ']', ' '), ';', ' '), '|', ' '), '<', ' '), '>', ' ');
  return replace(replace(replace(replace(replace(replace(replace(replace(replace(t,
    '@', ' '), '{{', ' '), '}}', ' '), '&', ' '), '!', ' '), '?', ' '), '#', ' '), '*', ' '), '. ', ' ');
end $$;

-- Words and pairs of a long event, each cut at 200 characters; of the texts, the first 65,536 count.
create function radar.long_terms(words text, pairs text[]) returns text[] language sql immutable parallel safe
begin atomic
  select coalesce(array_agg(distinct left(w, 200)), '{{}}')
  from unnest(string_to_array(left(words, 65536), ' ') || pairs) w where w <> '';
end;

create function radar.event_terms(
  organization uuid, id uuid, client uuid, source uuid, severity smallint, host text, program text,
  channel text, code integer, message text, fields jsonb
) returns tsvector language plpgsql immutable parallel safe as $$
declare
  words text := radar.spaced(lower(jsonb_path_query_array(fields, '$.* ? (@ != null)')::text
    || ' ' || message || ' ' || host || ' ' || program || ' '));
  pairs text := lower((fields - '{TEXTS}'::text[])::text);
  whole boolean := octet_length(words) <= 2000 and octet_length(pairs) <= 2000;
  named text[];
begin
  -- Values are texts or null, which counts as an empty text. No value holds `": null`: quotes are escaped.
  if strpos(pairs, '": null') > 0 then
    pairs := replace(replace(pairs, '": null, "', '": "", "'), '": null}}', '": ""}}');
  end if;
  named := string_to_array(substr(pairs, 3, greatest(length(pairs) - 4, 0)), '", "');
  return array_to_tsvector(
    (case when whole then array_remove(string_to_array(words, ' '), '') || array_remove(named, '')
      else radar.long_terms(words, named) end)
    || array_remove(array[':o' || organization, ':r' || right(id::text, 2), ':v' || severity,
      ':h' || lower(host), ':p' || lower(program), ':c' || client, ':s' || source,
      ':n' || lower(channel), ':e' || code], null));
end $$;

-- One term as a query; nothing in it has a meaning.
create function radar.term(term text, prefix boolean default false) returns tsquery
language sql immutable strict parallel safe
begin atomic
  select ('''' || replace(replace(left(term, 200), '\\', '\\\\'), '''', '''''') || ''''
    || case when prefix or length(term) > 200 then ':*' else '' end)::tsquery;
end;

-- The words of a text as it stands in a query, all of them; the last one may be a beginning.
create function radar.words_of(given text, prefix boolean) returns tsquery
language plpgsql immutable strict parallel safe as $$
declare
  found text[] := array_remove(string_to_array(
    radar.spaced(lower(to_jsonb(given)::text) || ' '), ' '), '');
  wanted tsquery;
begin
  for n in 1 .. least(cardinality(found), 50) loop
    wanted := coalesce(wanted && radar.term(found[n], prefix and n = cardinality(found)),
      radar.term(found[n], prefix and n = cardinality(found)));
  end loop;
  return coalesce(wanted, radar.term(':none'));
end $$;

-- The first of these words, cut as the index cuts them.
create function radar.first_word(given text) returns text language sql immutable strict parallel safe
begin atomic
  select coalesce(left((array_remove(string_to_array(
    radar.spaced(lower(to_jsonb(given)::text) || ' '), ' '), ''))[1], 200), '');
end;

-- Name and value of a field, as the index holds it.
create function radar.pair(name text, given text) returns text language sql immutable parallel safe
begin atomic
  select lower(substr(j, 3, length(j) - 4))
  from (select jsonb_build_object(name, coalesce(given, ''))::text as j) x;
end;

-- A pattern with `*` as LIKE wants it.
create function radar.like_of(given text) returns text language sql immutable strict parallel safe
begin atomic
  select replace(replace(replace(replace(lower(given), '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%');
end;

create function radar.number_of(given text) returns numeric language sql immutable strict parallel safe
begin atomic
  select case when given ~ '^-?[0-9]{{1,18}}(\\.[0-9]{{1,9}})?$' then given::numeric end;
end;
"""

PLAN = """
-- What a part of a query comes to: `terms` lead to every event it wants (null: no term does), and only to
-- those when `exact`; `condition` is the whole truth about a row `e`, `rest` what is left to check of one
-- that the terms lead to. `rolled`: rollups can answer it.
create type radar.search_part as (terms tsquery, exact boolean, condition text, rest text, rolled boolean);

create function radar.search_part(query jsonb, path text[], organization uuid) returns radar.search_part
language plpgsql stable as $$
#variable_conflict use_column
declare
  node jsonb := query #> path;
  kind text := node ->> 'op';
  given text := node ->> 'value';
  ref text := format('($1 #>> %L)', path || 'value'::text);
  name text := format('($1 #>> %L)', path || 'field'::text);
  made radar.search_part;
  part radar.search_part;
  column_ text := case lower(node ->> 'field') when 'host' then 'e.host' when 'program' then 'e.program'
    when 'channel' then 'coalesce(e.channel, '''')' when 'event' then 'coalesce(e.event_code::text, '''')'
    when 'message' then 'e.message' end;
  mark text := case lower(node ->> 'field') when 'host' then ':h' when 'program' then ':p'
    when 'channel' then ':n' when 'event' then ':e' end;
  long boolean := lower(node ->> 'field') = any (lower('{TEXTS}')::text[]);
  ids uuid[];
  head text;
  -- Whether the field's text may be so, seen on the whole text at once: taking it apart costs ten times that.
  within text := format(
    'lower(e.fields::text) like ''%%"'' || radar.like_of(radar.pair(%s, %s)) || ''"%%'' and', name, ref);
begin
  made.rolled := false;
  if kind in ('and', 'or') then
    made.exact := true; made.rolled := true;
    for n in 0 .. jsonb_array_length(node -> 'parts') - 1 loop
      part := radar.search_part(query, path || array['parts', n::text], organization);
      made.rolled := made.rolled and part.rolled;
      made.exact := made.exact and part.exact;
      made.condition := coalesce(made.condition || ' ' || kind || ' ', '') || part.condition;
      if kind = 'and' and not part.exact then
        made.rest := coalesce(made.rest || ' and ', '') || part.rest;
      end if;
      if n = 0 then
        made.terms := part.terms;
      elsif kind = 'and' then
        made.terms := coalesce(made.terms && part.terms, made.terms, part.terms);
      else
        made.terms := made.terms || part.terms;
      end if;
    end loop;
    made.condition := '(' || coalesce(made.condition, 'true') || ')';
    made.rest := case when kind = 'and' then made.rest else made.condition end;
  elsif kind = 'not' then
    part := radar.search_part(query, path || 'part'::text, organization);
    made.terms := case when part.exact then !! part.terms end;
    made.exact := part.exact; made.rolled := part.rolled;
    made.condition := 'not ' || part.condition;
    made.rest := made.condition;
  elsif kind = 'severity' then
    for n in 0 .. jsonb_array_length(node -> 'values') - 1 loop
      made.terms := coalesce(made.terms || radar.term(':v' || (node #>> array['values', n::text])),
        radar.term(':v' || (node #>> array['values', n::text])));
    end loop;
    made.terms := coalesce(made.terms, radar.term(':none'));
    made.exact := true; made.rolled := true;
    made.condition := format('e.severity = any (array(select jsonb_array_elements_text($1 #> %L)::smallint))',
      path || 'values'::text);
  elsif kind = 'source' then
    select array_agg(s.id) into ids from radar.source s
    where s.organization_id = organization and sec.sees(s.client_id)
      and lower(s.name) like radar.like_of(given);
    made.terms := radar.term(':none');
    for n in 1 .. coalesce(cardinality(ids), 0) loop
      made.terms := made.terms || radar.term(':s' || ids[n]);
    end loop;
    made.exact := true; made.rolled := true;
    made.condition := format('coalesce(e.source_id = any (%L::uuid[]), false)', coalesce(ids, '{}'));
  elsif kind = 'text' then
    made.terms := radar.words_of(given, (node ->> 'prefix')::boolean);
    made.exact := not (node ->> 'phrase')::boolean;
    -- Most rows read do not have the first word at all, which is seen without taking them apart.
    made.condition := format('(strpos(lower(e.fields::text || '' '' || e.message || '' '' || e.host || '' '''
      ' || e.program), radar.first_word(%s)) > 0 and TERMS @@ radar.words_of(%s, %L))',
      ref, ref, (node ->> 'prefix')::boolean);
    if not made.exact then
      made.rest := format('(strpos(lower(e.message), lower(%1$s)) > 0'
        ' or strpos(lower(e.host), lower(%1$s)) > 0 or strpos(lower(e.program), lower(%1$s)) > 0'
        ' or exists (select from jsonb_each_text(e.fields) f'
        ' where strpos(lower(f.value), lower(%1$s)) > 0))', ref);
      made.condition := '(' || made.rest || ' and ' || made.condition || ')';
    end if;
  elsif kind = 'message' then
    made.terms := radar.words_of(given, (node ->> 'prefix')::boolean);
    made.exact := false;
    made.rest := format('strpos(lower(e.message), lower(%s)) > 0', ref);
    made.condition := format('(%s and TERMS @@ radar.words_of(%s, %L))', made.rest, ref,
      (node ->> 'prefix')::boolean);
  elsif kind = 'is' and mark is not null then
    made.exact := given <> '' and length(given) < 190;
    made.terms := case when given <> '' then radar.term(mark || lower(given)) end;
    made.condition := format('lower(%s) = lower(%s)', column_, ref);
  elsif kind = 'is' then
    made.exact := not long and length(radar.pair(node ->> 'field', given)) < 190;
    made.terms := case when long then nullif(radar.words_of(given, false), radar.term(':none'))
      else radar.term(radar.pair(node ->> 'field', given)) end;
    made.condition := format('(%s exists (select from jsonb_each_text(e.fields) f'
      ' where lower(f.key) = lower(%s) and lower(coalesce(f.value, '''')) = lower(%s)))',
      case when given <> '' then within end, name, ref);
  elsif kind = 'like' and mark is not null then
    head := split_part(given, '*', 1);
    made.terms := case when head <> '' then radar.term(mark || lower(head), true) end;
    made.exact := head <> '' and given = head || '*' and length(head) < 190;
    made.condition := case when given = '*' then column_ || ' <> '''''
      else format('lower(%s) like radar.like_of(%s)', column_, ref) end;
  elsif kind = 'like' then
    head := radar.pair(node ->> 'field', split_part(given, '*', 1));
    made.terms := case when not long then radar.term(head, true) end;
    made.exact := not long and length(head) < 190 and given = split_part(given, '*', 1) || '*';
    made.condition := format('(%s exists (select from jsonb_each_text(e.fields) f'
      ' where lower(f.key) = lower(%s) and lower(coalesce(f.value, '''')) like radar.like_of(%s)))',
      case when rtrim(given, '*') <> '' then within end, name, ref);
  elsif kind = 'compare' and node ->> 'sign' in ('<', '<=', '>', '>=') then
    made.exact := false;
    made.condition := case when column_ is not null
      then format('coalesce(radar.number_of(%s) %s radar.number_of(%s), false)',
        column_, node ->> 'sign', ref)
      else format('(lower(e.fields::text) like ''%%"'' || radar.like_of(radar.pair(%s, ''*'')) || ''"%%'''
        ' and exists (select from jsonb_each_text(e.fields) f where lower(f.key) = lower(%s)'
        ' and radar.number_of(f.value) %s radar.number_of(%s)))', name, name, node ->> 'sign', ref) end;
    if column_ is null and not long then
      made.terms := radar.term(radar.pair(node ->> 'field', ''), true);
    end if;
  else
    perform sec.fail('SN422', 'radar.search.query|the query is not one the radar understands');
  end if;
  made.rest := case when not made.exact then coalesce(made.rest, made.condition) end;
  return made;
end $$;
""".replace("{TEXTS}", TEXTS)

SEARCH = """
-- What a query comes to for the asker: terms with organisation and clients in them, and the texts of the
-- conditions for `$1` query, `$2` terms, `$3` organisation, `$4` since, `$5` until, `$6` clients.
create type radar.search as (
  terms tsquery, selective boolean, checked boolean, by_terms text, by_row text, by_rollup text,
  organization uuid, clients uuid[]
);

create function radar.search_plan(query jsonb) returns radar.search language plpgsql stable as $$
declare
  made radar.search;
  part radar.search_part;
  narrowed tsquery;
  base text := 'e.organization_id = $3 and e.at >= $4 and e.at < $5'
    ' and ($6::uuid[] is null or e.client_id = any ($6))';
begin
  if not sec.has('radar:read') then
    perform sec.fail('SN403', 'radar.read|your role may not read events');
  end if;
  if octet_length(query::text) > 20000 then
    perform sec.fail('SN422', 'radar.search.long|the query is too long');
  end if;
  made.organization := sec.org();
  made.clients := sec.clients();
  part := radar.search_part(query, '{}', made.organization);
  made.selective := part.terms is not null;
  made.checked := not part.exact;
  made.terms := radar.term(':o' || made.organization);
  if part.terms is not null then
    made.terms := made.terms && part.terms;
  end if;
  if made.clients is not null then
    narrowed := radar.term(':none');
    for n in 1 .. cardinality(made.clients) loop
      narrowed := narrowed || radar.term(':c' || made.clients[n]);
    end loop;
    made.terms := made.terms && narrowed;
  end if;
  made.by_row := base || ' and ' || part.condition;
  made.by_terms := base || ' and TERMS @@ $2' || coalesce(' and ' || part.rest, '');
  made.by_rollup := case when part.rolled then part.condition end;
  return made;
end $$;

-- About how many events the terms lead to: those of one in 256, which the index holds apart, times 256.
create function radar.search_estimate(plan radar.search, since timestamptz, until timestamptz)
returns bigint language plpgsql stable as $$
declare
  found bigint;
begin
  execute 'select count(*) from (select from ts.radar_event e where e.organization_id = $1'
    ' and e.at >= $2 and e.at < $3 and TERMS @@ $4 limit 20000) x'
    into found using plan.organization, since, until, plan.terms && radar.term(':r00');
  return found * 256;
end $$;

-- A page of events, newest first, before (before_at, before_id). The index knows no time, so all events of
-- the days in question that have the terms are sorted; where those are many it is cheaper to read the newest
-- events one by one, and where these do not fit, it sorts after all. Of what only reading finds, 200,000 are
-- read at a time: then the last row has no id, and its time says how far it looked.
create function radar.search_events(
  query jsonb, since timestamptz, until timestamptz, before_at timestamptz, before_id uuid, most integer
) returns table (
  id uuid, at timestamptz, received_at timestamptz, severity integer, source_id uuid, host text,
  program text, message text, fields jsonb
) language plpgsql stable security definer set search_path = '' set work_mem = '64MB'
set enable_seqscan = off set enable_indexscan = on set enable_bitmapscan = on as $$
#variable_conflict use_column
declare
  plan radar.search := radar.search_plan(query);
  wanted integer := greatest(1, least(most, 2000));
  cut timestamptz := least(until, before_at + interval '1 microsecond');
  floor timestamptz;
  days integer := 1;
  amount bigint;
  found integer := 0;
  got integer;
  looked integer := 0;
  here integer;
  place_at timestamptz := coalesce(before_at, until);
  place_id uuid := coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  columns constant text := 'e.id, e.at, e.received_at, e.severity::integer, e.source_id, e.host, e.program,'
    ' left(e.message, 2000), e.fields';
begin
  while found < wanted and cut > since loop
    floor := greatest(since, date_trunc('day', cut - interval '1 microsecond', 'UTC')
      - (days - 1) * interval '1 day');
    amount := radar.search_estimate(plan, date_trunc('day', floor, 'UTC'),
      date_trunc('day', cut, 'UTC') + interval '1 day');
    here := 0;
    if amount > 20000 then
      perform set_config('enable_bitmapscan', 'off', true), set_config('enable_indexscan', 'on', true);
    end if;
    while amount > 20000 and found < wanted loop
      return query execute format('select %s from (select * from ts.radar_event e'
        ' where e.organization_id = $3 and e.at >= $4 and e.at < $5 and (e.at, e.id) < ($7, $8)'
        ' order by e.at desc, e.id desc limit 5000) e where %s'
        ' order by e.at desc, e.id desc limit $9', columns, plan.by_row)
        using query, plan.terms, plan.organization, floor, cut, plan.clients, place_at, place_id,
          wanted - found;
      get diagnostics got = row_count;
      found := found + got;
      exit when found >= wanted;
      execute 'select x.at, x.id from (select e.at, e.id from ts.radar_event e where e.organization_id = $1'
        ' and e.at >= $2 and e.at < $3 and (e.at, e.id) < ($4, $5) order by e.at desc, e.id desc'
        ' limit 5000) x order by x.at, x.id limit 1'
        into place_at, place_id using plan.organization, floor, cut, place_at, place_id;
      here := here + 5000;
      looked := looked + 5000;
      if place_at is null then
        amount := -1;
      elsif plan.selective and here >= 10000
        and amount < (case when plan.checked then 100000 else 2000000 end)
      then
        amount := 0;
      elsif looked >= 200000 then
        return query select null::uuid, place_at, null::timestamptz, null::integer, null::uuid, null::text,
          null::text, null::text, null::jsonb;
        return;
      end if;
    end loop;
    if amount between 0 and 20000 and found < wanted then
      perform set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'on', true);
      return query execute format('select %s from ts.radar_event e where %s and (e.at, e.id) < ($7, $8)'
        ' order by e.at desc, e.id desc limit $9', columns, plan.by_terms)
        using query, plan.terms, plan.organization, floor, cut, plan.clients, place_at, place_id,
          wanted - found;
      get diagnostics got = row_count;
      found := found + got;
    end if;
    cut := floor;
    days := days * 2;
    place_at := cut;
    place_id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  end loop;
end $$;

-- The terms of a fair sample of at most about `most` events, and of how many it takes one (1: of all).
create function radar.search_sample(plan radar.search, since timestamptz, until timestamptz, most bigint,
  out terms tsquery, out share integer) language plpgsql stable as $$
declare
  amount bigint := radar.search_estimate(plan, since, until);
begin
  share := case when amount <= most then 1 when amount <= most * 16 then 16 else 256 end;
  terms := case share when 1 then plan.terms when 16 then plan.terms && radar.term(':r0', true)
    else plan.terms && radar.term(':r00') end;
end $$;

-- Events by bucket (from `since` on) and severity. Rollups answer what only asks for sources and severities;
-- of more than 50,000 events a sample is counted: amounts are then estimates, `share` above 1.
create function radar.search_histogram(
  query jsonb, since timestamptz, until timestamptz, step interval
) returns table (at timestamptz, severity integer, amount bigint, share integer)
language plpgsql stable security definer set search_path = '' set work_mem = '64MB'
set enable_seqscan = off set enable_indexscan = on as $$
#variable_conflict use_column
declare
  plan radar.search := radar.search_plan(query);
  sample record;
begin
  if step < interval '1 second' or (until - since) > step * 2000 then
    perform sec.fail('SN422', 'radar.search.buckets|at most 2000 buckets of at least a second');
  end if;
  if plan.by_rollup is not null and extract(epoch from step) % 60 = 0 and extract(epoch from since) % 60 = 0
    and extract(epoch from until) % 60 = 0
  then
    return query execute format('select date_bin($2, e.bucket, $3), e.severity::integer,'
      ' sum(e.events)::bigint, 1 from radar.event_minute e where e.bucket >= $3 and e.bucket < $4 and %s'
      ' group by 1, 2 order by 1, 2', plan.by_rollup) using query, step, since, until;
    return;
  end if;
  sample := radar.search_sample(plan, since, until, 50000);
  perform set_config('enable_indexscan', 'off', true);
  return query execute format('select date_bin($7, e.at, $4), e.severity::integer, count(*) * $8, $8'
    ' from ts.radar_event e where %s group by 1, 2 order by 1, 2', plan.by_terms)
    using query, sample.terms, plan.organization, since, until, plan.clients, step, sample.share;
end $$;

-- The most frequent values of a field, and how many events were looked at: all, or one in `share`.
create function radar.search_values(
  query jsonb, since timestamptz, until timestamptz, field text, most integer
) returns table (value text, amount bigint, looked bigint, share integer)
language plpgsql stable security definer set search_path = '' set work_mem = '64MB'
set enable_seqscan = off set enable_indexscan = on as $$
#variable_conflict use_column
declare
  plan radar.search := radar.search_plan(query);
  sample record;
  wanted text := case lower(field) when 'host' then 'e.host' when 'program' then 'e.program'
    when 'channel' then 'e.channel' when 'event' then 'e.event_code::text'
    when 'severity' then 'e.severity::text' when 'source' then 'coalesce((select s.name from radar.source s'
      ' where s.organization_id = e.organization_id and s.id = e.source_id), '''')'
    else 'e.fields ->> $7' end;
begin
  sample := radar.search_sample(plan, since, until, 20000);
  perform set_config('enable_indexscan', 'off', true);
  return query execute format('select x.v, x.n * $8, sum(x.n) over ()::bigint, $8 from'
    ' (select left(%s, 500) as v, count(*) as n from ts.radar_event e where $7 is not null and %s'
    ' group by 1) x'
    ' order by x.v is null, x.n desc, x.v limit $9', wanted, plan.by_terms)
    using query, sample.terms, plan.organization, since, until, plan.clients, field, sample.share,
      least(most, 200);
end $$;

-- The fields of a query's events: in how many of those looked at, with how many values.
create function radar.search_fields(query jsonb, since timestamptz, until timestamptz)
returns table (field text, amount bigint, distinct_values bigint, looked bigint, share integer)
language plpgsql stable security definer set search_path = '' set work_mem = '64MB'
set enable_seqscan = off set enable_indexscan = on as $$
#variable_conflict use_column
declare
  plan radar.search := radar.search_plan(query);
  sample record;
begin
  sample := radar.search_sample(plan, since, until, 2000);
  perform set_config('enable_indexscan', 'off', true);
  return query execute format('with looked as materialized (select e.fields from ts.radar_event e where %s'
    ' limit 4000) select f.key, count(*), count(distinct f.value), (select count(*) from looked), $7'
    ' from looked l, jsonb_each_text(l.fields) f group by 1 order by 2 desc, 1 limit 200', plan.by_terms)
    using query, sample.terms, plan.organization, since, until, plan.clients, sample.share;
end $$;

-- One event with all there is of it.
create function radar.event_whole(event uuid, happened timestamptz) returns table (
  id uuid, at timestamptz, received_at timestamptz, severity integer, source_id uuid, host text,
  program text, message text, fields jsonb
) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query select e.id, e.at, e.received_at, e.severity::integer, e.source_id, e.host, e.program,
    e.message, e.fields from ts.radar_event e
  where e.organization_id = sec.org() and sec.has('radar:read') and sec.sees(e.client_id)
    and e.at = happened and e.id = event;
end $$;
"""

KEEP = """
alter table radar.source add column keep_days integer
  constraint ck_source_keep_days check (keep_days between 1 and 3650);

-- Removes at most `most` events of the transaction's organisation that are older than their source keeps
-- them: its own days, else `default_days` (0: for as long as the series is kept). Returns how many.
create function radar.expire_events(default_days integer, most integer default 10000) returns integer
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  organization uuid := sec.org();
  s record;
  amount integer := 0;
  removed integer;
begin
  for s in select x.id, x.keep_days from radar.source x
    where x.organization_id = organization and x.keep_days is not null order by x.id
  loop
    exit when amount >= most;
    delete from ts.radar_event e using (
      select e.at, e.id from ts.radar_event e where e.organization_id = organization
        and e.at < now() - make_interval(days => s.keep_days) and e.source_id = s.id
        and TERMS @@ (radar.term(':o' || organization) && radar.term(':s' || s.id))
      limit most - amount
    ) old where e.organization_id = organization and e.at = old.at and e.id = old.id;
    get diagnostics removed = row_count;
    amount := amount + removed;
  end loop;
  if default_days > 0 and amount < most then
    delete from ts.radar_event e using (
      select e.at, e.id from ts.radar_event e where e.organization_id = organization
        and e.at < now() - make_interval(days => default_days)
        and (e.source_id is null or e.source_id not in (select x.id from radar.source x
          where x.organization_id = organization and x.keep_days is not null))
      limit most - amount
    ) old where e.organization_id = organization and e.at = old.at and e.id = old.id;
    get diagnostics removed = row_count;
    amount := amount + removed;
  end if;
  return amount;
end $$;
grant execute on function radar.expire_events(integer, integer) to sent_app, sent_system;
"""

READERS = (
    "radar.search_events(jsonb, timestamptz, timestamptz, timestamptz, uuid, integer)",
    "radar.search_histogram(jsonb, timestamptz, timestamptz, interval)",
    "radar.search_values(jsonb, timestamptz, timestamptz, text, integer)",
    "radar.search_fields(jsonb, timestamptz, timestamptz)",
    "radar.event_whole(uuid, timestamptz)",
)


def upgrade() -> None:
    """Make the functions and the index; on a filled database the index takes a minute per million events."""
    row = "radar.event_terms(" + ", ".join(f"e.{name}" for name in ARGUMENTS.split(", ")) + ")"
    op.sql("set role sent_owner")
    op.sql(TERMS)
    op.sql(PLAN.replace("TERMS @@", f"{row} @@"))
    op.sql(SEARCH.replace("TERMS @@", f"{row} @@"))
    op.sql(KEEP.replace("TERMS @@", f"{row} @@"))
    op.sql(
        f"grant execute on function {INDEXED} to sent_app, sent_system, sent_ingest;"
        f" grant execute on function {INDEXED}, {PLANNERS} to sent_definer;"
        f" grant execute on function {', '.join(READERS)} to sent_staff, sent_app, sent_system;"
        " grant usage on type radar.search, radar.search_part to sent_definer;"
        " grant select on radar.event_minute to sent_definer"
    )
    _index()
    op.sql("reset role")
    op.sql("grant create on schema radar to sent_definer")
    for function in READERS:
        op.sql(f"alter function {function} owner to sent_definer")
    op.sql("revoke create on schema radar from sent_definer")


def _index() -> None:
    """Hypertables belong to a role of their own, which must be able to compute what it indexes."""
    driver = op.get_bind().connection
    with driver.cursor() as cursor:
        found = cursor.execute("select core from ts.series where name = 'radar.event'").fetchone()
    if found is not None and found[0] == "hypertable":
        op.sql(
            f"grant usage on schema radar to sent_series; grant execute on function {INDEXED} to sent_series"
        )
        op.sql("set role sent_series")
    op.sql(f"create index ix_radar_event_terms on ts.radar_event using gin (radar.event_terms({ARGUMENTS}))")
    op.sql("set role sent_owner")


def downgrade() -> None:
    """Take index and functions away."""
    op.sql("drop index ts.ix_radar_event_terms; alter table radar.source drop column keep_days")
    op.sql(
        f"drop function {', '.join(READERS)}, {PLANNERS}, {INDEXED}, radar.expire_events(integer, integer)"
    )
    op.sql("drop type radar.search, radar.search_part; revoke select on radar.event_minute from sent_definer")
