"""Moving an installation to another server, which may keep its time series in the other core.

A dump cannot do that: it would bring partitions where hypertables belong. So the schema is made by the
revisions on the target, where each series chooses its core, and only rows travel: every table of one
snapshot, in one transaction of the target. Whatever goes wrong, the target is as empty as before.

The source writes no more from the snapshot on, also after the move: two installations that both go on
would be two truths. `abandon` lets it write again.

Rollups keep buckets whose rows are long gone. These travel as they are; for what there are still rows, a
continuous aggregate is refreshed from them, and a plain rollup brings its buckets and notes along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sent.platform.db import hypertable, schema
from sent.platform.db.admin import Login, admin_connection, admin_login
from sent.platform.db.audithead import audit_head
from sent.platform.db.embedded import endpoint
from sent.platform.db.timeseries import ORIGIN, TimeSeries, from_json
from sent.platform.errors import Conflict, Invalid, Unavailable
from sent.platform.telemetry.log import Secret

Progress = Callable[[float | None, str], None]
Connection = psycopg.Connection[Any]

# The target's own: what its revisions wrote, and which core it chose.
_STAYS = ("public.revision", "ts.series", "ts.rollup", "core.component_version")

_TABLES = """
select format('%I.%I', n.nspname, c.relname),
  array(select quote_ident(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
        and not a.attisdropped and a.attgenerated = '' order by a.attnum)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname !~ '^(pg_|_?timescaledb_)' and n.nspname <> 'information_schema'
  and not exists (select from ts.series s where n.nspname = 'ts' and c.relname ~
    ('^' || split_part(s.storage, '.', 2) || '_p[0-9]{8}$'))
  and not exists (select from ts.rollup r where format('%I.%I', n.nspname, c.relname) = r.storage)
order by 1
"""


@dataclass(frozen=True, slots=True)
class Series:
    """A series as one server has it."""

    spec: TimeSeries
    core: str
    retention: str


def move(url: str, progress: Progress) -> dict[str, Any]:
    """Copy this installation to the database of `url`, which is empty or freshly migrated.

    Returns {"moved": rows, "tables", "cores"}. Raises Conflict when the target has an organisation already,
    Invalid when the source is not at head, Unavailable when counts or the audit trail differ afterwards.
    """
    target = _login(url)
    here = admin_login()
    if (here.server.host, here.server.port, here.server.dbname) == (
        target.server.host,
        target.server.port,
        target.server.dbname,
    ):
        raise Invalid("move.same", "that is the database this installation has already")
    with admin_connection() as source, _connect(target) as there:
        source.execute("set default_transaction_read_only = off; set timezone = 'UTC'")
        _ready(source, there, target, progress)
        progress(None, "settling rollups")
        _settle(source)
        try:
            _close(source)
            found = _copy(source, there, progress)
        except BaseException:
            _open(source)
            raise
    return found


def abandon() -> None:
    """Let this installation write again after a move from it."""
    with admin_connection() as source:
        source.execute("set default_transaction_read_only = off")
        _open(source)


def _login(url: str) -> Login:
    user, password = endpoint.url_credentials(url)
    return Login(endpoint.parse_url(url), user, Secret(password))


@contextmanager
def _connect(login: Login) -> Iterator[Connection]:
    try:
        connection = psycopg.connect(autocommit=True, connect_timeout=10, **login.parameters())
    except psycopg.OperationalError as error:
        raise Unavailable("move.unreachable", f"the target does not answer: {error}") from error
    with connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def _ready(source: Connection, there: Connection, target: Login, progress: Progress) -> None:
    """Bring the target to head and see that both ends fit."""
    from sent.platform.db.migrate import upgrade

    if schema.current(source) != schema.head():
        raise Invalid("move.revision", "the schema is not up to date; run `sent db migrate` first")
    if schema.current(there) is not None and _one(there, "select exists (select from core.organization)"):
        raise Conflict("move.not_empty", "the target has organisations already; name an empty database")
    progress(None, "making the schema")
    upgrade(target.server, target.role, target.password)
    mine, its = _series(source), _series(there)
    if mine.keys() != its.keys():
        odd = sorted(mine.keys() ^ its.keys())
        raise Conflict("move.series", f"only one of the two has the series {', '.join(odd)}")
    known = {name for name, _ in there.execute(_TABLES)}
    strange = [name for name, _ in source.execute(_TABLES) if name not in known]
    if strange:
        raise Invalid("move.strange", f"{strange[0]} is no table of SENT; keep it elsewhere and drop it here")


def _series(connection: Connection) -> dict[str, Series]:
    found = connection.execute("select name, spec, core, retention::text from ts.series").fetchall()
    return {name: Series(from_json(spec), core, retention) for name, spec, core, retention in found}


def _settle(source: Connection) -> None:
    while _one(source, "select ts.refresh()"):
        pass


def _close(source: Connection) -> None:
    """Let nobody else write, now and later."""
    _default(source, "set default_transaction_read_only = on")
    source.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )


def _open(source: Connection) -> None:
    _default(source, "reset default_transaction_read_only")


def _default(source: Connection, what: str) -> None:
    name = sql.Identifier(source.info.dbname)
    source.execute(sql.SQL("alter database {} " + what).format(name))


def _copy(source: Connection, there: Connection, progress: Progress) -> dict[str, Any]:
    with source.transaction():
        source.execute("set transaction isolation level repeatable read, read only")
        head = audit_head(source)
        with there.transaction():
            # Triggers have done their work where the rows come from.
            there.execute("set local session_replication_role = replica")
            rows = _tables(source, there, progress)
            _rollups(source, there)
            _sequences(source, there)
        _refresh(there, progress)
        progress(None, "comparing")
        _compare(source, there, rows)
        if audit_head(there) != head:
            raise Unavailable("move.audit", "the target's audit trail does not end where this one does")
    return {
        "moved": sum(rows.values()),
        "tables": len(rows),
        "cores": {name: series.core for name, series in sorted(_series(there).items())},
    }


def _tables(source: Connection, there: Connection, progress: Progress) -> dict[str, int]:
    """Copy all tables; return how many rows each has here."""
    its = _series(there)
    hyper = any(series.core == "hypertable" for series in its.values())
    stays = {*_STAYS, *(["ts.dirty"] if hyper else [])}
    tables = [(name, columns) for name, columns in source.execute(_TABLES) if name not in stays]
    there.execute(f"truncate {', '.join(name for name, _ in tables)}")
    for name, series in _series(source).items():
        if its[name].retention != series.retention:
            there.execute("select ts.set_retention(%s, %s::interval)", [name, series.retention])
        if its[name].core == "plain":
            _partitions(source, there, name, series.spec)
    rows = {}
    for number, (name, columns) in enumerate(tables):
        progress(number / len(tables), f"copying {name}")
        _stream(source, there, f"select {', '.join(columns)} from {name}", name, columns)
        rows[name] = int(_one(source, f"select count(*) from {name}"))
    return rows


def _partitions(source: Connection, there: Connection, name: str, spec: TimeSeries) -> None:
    """Make the partitions that the rows belong in."""
    moments = source.execute(
        f"select distinct date_trunc(%s, at, 'UTC') from {spec.storage}"
        " where at < now() + make_interval(days => 40)",
        [spec.chunk],
    ).fetchall()
    for (moment,) in moments:
        there.execute("select ts.make_partition(%s, %s)", [name, moment])


def _stream(source: Connection, there: Connection, query: str, into: str, columns: list[str]) -> None:
    with (
        source.cursor() as reading,
        there.cursor() as writing,
        reading.copy(f"copy ({query}) to stdout") as out,
        writing.copy(f"copy {into} ({', '.join(columns)}) from stdin") as to,
    ):
        for data in out:
            to.write(data)


def _rollups(source: Connection, there: Connection) -> None:
    """Copy stored buckets: all of them where the target is plain, else those older than the rows."""
    its = _series(there)
    for series in _series(source).values():
        spec = series.spec
        for rollup in spec.rollups:
            columns = rollup.columns(spec)
            into, where = rollup.storage, ""
            if its[spec.name].core == "hypertable":
                into = _one(
                    there,
                    "select format('%%I.%%I', h.schema_name, h.table_name)"
                    " from _timescaledb_catalog.continuous_agg c"
                    " join _timescaledb_catalog.hypertable h on h.id = c.mat_hypertable_id"
                    " where format('%%I.%%I', c.user_view_schema, c.user_view_name) = %s",
                    [rollup.storage],
                )
                where = f" where bucket < '{_first(there, spec, rollup.name).isoformat()}'"
            query = f"select {', '.join(columns)} from {rollup.storage}{where}"
            _stream(source, there, query, into, columns)


def _first(there: Connection, spec: TimeSeries, name: str) -> Any:
    """Return the first bucket that can be computed on the target."""
    rollup = spec.rollup(name)
    # Rows are there from the floor on, finer buckets from whenever.
    up = "" if rollup.of else f" + case when f = b then interval '0' else interval '{rollup.every}' end"
    return _one(
        there,
        f"select b{up} from (select f, date_bin(interval '{rollup.every}', f, {ORIGIN}) as b"
        f" from (select ts.floor(%s) as f) x) y",
        [spec.name],
    )


def _refresh(there: Connection, progress: Progress) -> None:
    """Fill the continuous aggregates from the rows, finer ones first."""
    found = hypertable.extension(there)
    for series in _series(there).values():
        if series.core != "hypertable" or found is None:
            continue
        for rollup in series.spec.rollups:
            progress(None, f"computing {rollup.name}")
            since = _first(there, series.spec, rollup.name).isoformat()
            there.execute(
                f"call {found.schema}.refresh_continuous_aggregate('{rollup.storage}', '{since}', null,"
                " force => true)"
            )


def _compare(source: Connection, there: Connection, rows: dict[str, int]) -> None:
    for name, wanted in rows.items():
        if (found := _one(there, f"select count(*) from {name}")) != wanted:
            raise Unavailable("move.mismatch", f"{name} has {found} rows on the target and {wanted} here")
    for series in _series(source).values():
        for rollup in series.spec.rollups:
            count = f"select count(*) from {rollup.storage}"
            if (mine := _one(source, count)) != (its := _one(there, count)):
                raise Unavailable(
                    "move.mismatch", f"{rollup.name} has {its} buckets on the target and {mine} here"
                )


def _sequences(source: Connection, there: Connection) -> None:
    for name, value in source.execute(
        "select format('%I.%I', schemaname, sequencename), last_value from pg_sequences"
        " where last_value is not null and schemaname !~ '^_?timescaledb_'"
    ):
        there.execute("select setval(%s::regclass, %s)", [name, value])


def _one(connection: Connection, query: str, values: list[Any] | None = None) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
