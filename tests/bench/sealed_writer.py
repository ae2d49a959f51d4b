"""A writer of the sealer's bench: `sealed_writer.py <json>` updates clients for a while, prints how many."""

from __future__ import annotations

import json
import sys
import time

import psycopg


def main() -> None:
    """Update one client after another, one transaction each."""
    told = json.loads(sys.argv[1])
    with psycopg.connect(**told["login"], autocommit=True) as connection:
        connection.execute("select set_config('sent.organization_id', %s, false)", [told["org"]])
        print("ready", flush=True)
        sys.stdin.readline()
        give_up = time.monotonic() + told["seconds"]
        number = 0
        while time.monotonic() < give_up:
            number += 1
            connection.execute(
                "update core.client set note = %s where code = %s",
                [f"note {number}", f"w{told['writer']}-{number % 50}"],
                prepare=True,
            )
        print(number, flush=True)


if __name__ == "__main__":
    main()
