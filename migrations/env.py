"""Where alembic starts: runs the revisions on the connection that `sent.platform.db.migrate` hands over.

Everything a revision makes belongs to `sent_owner`, which nobody can log in as; what only a superuser
may do stands between `reset role` and `set role sent_owner` in the revision itself.
"""

from __future__ import annotations

from alembic import context

import sent.platform.db.operations  # noqa: F401  (registers the operations)

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations run through `sent db migrate`, which knows the server and its password")

context.configure(
    connection=connection,
    target_metadata=None,
    version_table="revision",
    version_table_schema="public",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
