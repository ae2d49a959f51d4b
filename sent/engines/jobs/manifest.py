"""Background work: what waits, runs, failed, and what the clock starts."""

from __future__ import annotations

from sent.platform.manifest import Event, Manifest, Page, Permission, Service, Task

MANIFEST = Manifest(
    id="jobs",
    title="Jobs",
    area="admin",
    icon="list-checks",
    summary="Background work: what waits, runs and failed, and what the clock starts.",
    order=30,
    pages=(
        Page(
            id="jobs",
            title="Jobs",
            icon="list-checks",
            target="sent.ui.pages.jobs:JobsPage",
            permission="jobs:read",
            order=30,
            jump="j",
        ),
    ),
    permissions=(
        Permission("jobs:read", "See background jobs"),
        Permission("jobs:manage", "Run jobs again, stop them, start scheduled ones"),
    ),
    services=(Service("jobs", "Background jobs and the clock that starts them", "sent.workers.jobs:Jobs"),),
    tasks=(
        Task(
            "jobs.prune",
            "Forget jobs that ended long ago",
            "sent.engines.jobs.service:prune",
            cron="17 3 * * *",
            scope="installation",
        ),
    ),
    events=(Event("jobs.job.died", ("job", "task"), "Job failed for good"),),
    cli="sent.engines.jobs.cli:app",
)
