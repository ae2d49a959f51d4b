"""What the notifications engine says of itself."""

from __future__ import annotations

from sent.platform.manifest import Event, Manifest, Page, Permission, Setting, Task

MANIFEST = Manifest(
    id="notifications",
    title="Notifications",
    area="command",
    icon="bell",
    summary="Your inbox, what you are told where, channels, and what became of each delivery",
    order=40,
    pages=(
        Page(
            id="notifications",
            title="Notifications",
            icon="bell",
            target="sent.ui.pages.notifications:NotificationsPage",
            order=40,
            jump="n",
        ),
    ),
    permissions=(
        Permission("notifications:manage", "Manage channels, defaults and the log of notifications"),
    ),
    tasks=(
        Task(
            "notifications.prune",
            "Forget old notices",
            "sent.engines.notifications.service:prune",
            cron="23 * * * *",
        ),
    ),
    settings=(
        Setting(
            "keep_days",
            "Days that notices and their deliveries are kept",
            "int",
            90,
            "Older ones are forgotten every hour.",
            minimum=7,
            maximum=730,
        ),
    ),
    events=(Event("notify.notice.raised", ("notice",)),),
    cli="sent.engines.notifications.cli:app",
)
