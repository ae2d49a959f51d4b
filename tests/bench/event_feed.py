"""Feeds events straight into the database: `python event_feed.py HOST PORT DBNAME ORG PER_SECOND SECONDS`.

A process of its own, so that the console under measurement shares no interpreter with it. The password of
`sent_ingest` comes in on stdin.
"""

from __future__ import annotations

import sys
import time

import psycopg

INSERT = (
    "insert into radar.event (id, at, received_at, severity, host, program, message, fields)"
    " select core.uuid7(), clock_timestamp(), clock_timestamp(), n %% 8, 'host' || n %% 50, 'sshd',"
    " 'Accepted publickey for user' || n || ' from 10.0.0.' || n %% 250 || ' port ' || n, '{}'::jsonb"
    " from generate_series(1, %s) n"
)
TICK_S = 0.1


def main() -> None:
    """Insert until the time is over."""
    host, port, dbname, org, rate, seconds = sys.argv[1:]
    password = sys.stdin.readline().strip()
    with psycopg.connect(
        host=host, port=port, dbname=dbname, user="sent_ingest", password=password
    ) as connection:
        connection.execute("select set_config('sent.organization_id', %s, false)", [org])
        began = time.monotonic()
        done = 0
        while (now := time.monotonic() - began) < float(seconds):
            due = int(now * int(rate)) - done
            if due > 0:
                connection.execute(INSERT, [due])
                connection.commit()
                done += due
            time.sleep(TICK_S)
        print(done, flush=True)


if __name__ == "__main__":
    main()
