"""PostgreSQL: the embedded server, connections, tenancy, migrations."""

from __future__ import annotations
