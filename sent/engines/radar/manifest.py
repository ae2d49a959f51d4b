"""The radar, as the rest of SENT sees it."""

from __future__ import annotations

from sent.platform.manifest import Event, Manifest, Page, Permission, Service, Setting, Task

MANIFEST = Manifest(
    id="radar",
    title="Radar",
    area="security",
    icon="radar",
    summary="Takes logs in, runs Sigma rules over them and raises alerts",
    order=10,
    pages=(
        Page("radar", "Radar", "radar", "sent.ui.pages.radar:RadarPage", "radar:read", order=10, jump="r"),
        Page("coverage", "Coverage", "layers", "sent.ui.pages.coverage:CoveragePage", "radar:read", 14, "c"),
        Page(
            "sources",
            "Sources",
            "inbox",
            "sent.ui.pages.sources:SourcesPage",
            "radar:read",
            order=16,
            jump="e",
        ),
        Page(
            "rules", "Rules", "scroll-text", "sent.ui.pages.rules:RulesPage", "radar:read", order=12, jump="l"
        ),
    ),
    permissions=(
        Permission("radar:read", "See events and alerts"),
        Permission("radar:triage", "Acknowledge, close and assign alerts"),
        Permission("radar:manage", "Change rules and sources of the radar"),
    ),
    services=(Service("radar", "Log radar", "sent.workers.radar:RadarWorker"),),
    settings=(
        Setting(
            "group_minutes",
            "Group repeated alerts for",
            "int",
            15,
            help="Minutes within which one rule on one host counts up one alert instead of raising another",
            minimum=1,
            maximum=1440,
        ),
        Setting(
            "keep_days",
            "Days that events are kept",
            "int",
            0,
            help="0: for as long as the installation keeps them; a source may have days of its own",
            minimum=0,
            maximum=3650,
        ),
    ),
    tasks=(
        Task(
            "radar.expire",
            "Remove events that are no longer kept",
            "sent.engines.radar.keep:expire",
            cron="17 * * * *",
        ),
    ),
    events=(
        Event("radar.alert.raised", ("alert_id",), "Alert raised"),
        Event("radar.alert.changed", ("alert_id",), "Alert changed"),
        Event("radar.sources.changed", (), "Sources changed"),
        Event("radar.rules.changed", (), "Rules changed"),
    ),
    search="sent.engines.radar.search:search",
    cli="sent.engines.radar.cli:app",
)
