"""Searching by terms leaves the planner no other way than the index of terms.

A partition that is filled has no statistics for a minute or two. Then the planner takes "this organisation,
this hour" for a single event, reads all of the hour by the primary key and computes the terms of each: 20 s
at 5,000 events a second. Written as below, the organisation cannot be looked up in the primary key; the
terms hold the organisation as well.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ARGUMENTS = (
    "organization_id, id, client_id, source_id, severity, host, program, channel, event_code, message, fields"
)

PLANS = """
create or replace function radar.search_plan(query jsonb) returns radar.search language plpgsql stable as $$
declare
  made radar.search;
  part radar.search_part;
  narrowed tsquery;
  rest text := ' and e.at >= $4 and e.at < $5 and ($6::uuid[] is null or e.client_id = any ($6))';
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
  made.by_row := 'e.organization_id = $3' || rest || ' and ' || part.condition;
  made.by_terms := '(e.organization_id = $3) is true' || rest || ' and TERMS @@ $2'
    || coalesce(' and ' || part.rest, '');
  made.by_rollup := case when part.rolled then part.condition end;
  return made;
end $$;

-- About how many events the terms lead to: those of one in 256, which the index holds apart, times 256.
create or replace function radar.search_estimate(plan radar.search, since timestamptz, until timestamptz)
returns bigint language plpgsql stable as $$
declare
  found bigint;
begin
  execute 'select count(*) from (select from ts.radar_event e where (e.organization_id = $1)'
    ' is true and e.at >= $2 and e.at < $3 and TERMS @@ $4 limit 20000) x'
    into found using plan.organization, since, until, plan.terms && radar.term(':r00');
  return found * 256;
end $$;
"""


def upgrade() -> None:
    """Replace the two functions that write conditions; their callers stay."""
    row = "radar.event_terms(" + ", ".join(f"e.{name}" for name in ARGUMENTS.split(", ")) + ")"
    op.sql("set role sent_owner")
    op.sql(PLANS.replace("TERMS @@", f"{row} @@"))
    op.sql("reset role")


def downgrade() -> None:
    """Write the organisation as a plain condition again."""
    row = "radar.event_terms(" + ", ".join(f"e.{name}" for name in ARGUMENTS.split(", ")) + ")"
    op.sql("set role sent_owner")
    op.sql(
        PLANS.replace("(e.organization_id = $3) is true", "e.organization_id = $3")
        .replace(
            "where (e.organization_id = $1)'\n    ' is true and", "where e.organization_id = $1'\n    ' and"
        )
        .replace("TERMS @@", f"{row} @@")
    )
    op.sql("reset role")
