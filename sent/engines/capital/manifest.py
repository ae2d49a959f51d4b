"""Capital, as the rest of SENT sees it."""

from __future__ import annotations

from sent.platform.manifest import Event, Manifest, Page, Permission, Service, Task

BOOKED = "capital.entries.booked"
"""Once for all entries of about a second, when they are sealed; `until` is the last one's number."""

MANIFEST = Manifest(
    id="capital",
    title="Capital",
    area="business",
    icon="landmark",
    summary="The ledger: double entry that cannot be changed, reservations, floors, periods, sealed journals",
    order=10,
    pages=(
        Page(
            id="capital",
            title="Capital",
            icon="landmark",
            target="sent.ui.pages.capital.dashboard:DashboardPage",
            permission="capital:read",
            order=10,
        ),
        Page(
            id="accounts",
            title="Accounts",
            icon="list",
            target="sent.ui.pages.capital.accounts:AccountsPage",
            permission="capital:read",
            order=20,
            jump="a",
        ),
        Page(
            id="journal",
            title="Journal",
            icon="square-pen",
            target="sent.ui.pages.capital.journal:JournalPage",
            permission="capital:read",
            order=30,
        ),
        Page(
            id="invoices",
            title="Invoices",
            icon="file-text",
            target="sent.ui.pages.capital.invoices:InvoicesPage",
            permission="capital:read",
            order=40,
            jump="y",
        ),
        Page(
            id="bank",
            title="Bank",
            icon="arrow-left-right",
            target="sent.ui.pages.capital.bank:BankPage",
            permission="capital:read",
            order=50,
            jump="b",
        ),
        Page(
            id="reports",
            title="Reports",
            icon="scale",
            target="sent.ui.pages.capital.reports:ReportsPage",
            permission="capital:read",
            order=60,
            jump="p",
        ),
        Page(
            id="close",
            title="Closing",
            icon="calendar-check",
            target="sent.ui.pages.capital.close:ClosePage",
            permission="capital:read",
            order=70,
        ),
    ),
    permissions=(
        Permission("capital:read", "See the books"),
        Permission("capital:post", "Book entries, reserve and release money"),
        Permission("capital:manage", "Open, rename and close accounts and journals"),
        Permission("capital:close", "Close periods and book in softly closed ones"),
    ),
    services=(
        Service(
            "capital", "Counts and seals the ledgers, frees reservations", "sent.workers.capital:Capital"
        ),
    ),
    tasks=(
        Task(
            "capital.recurring",
            "Book what comes again",
            "sent.engines.capital.schedules.api:run_daily",
            cron="20 4 * * *",
        ),
    ),
    events=(Event(BOOKED, ("until",), "Entries booked"),),
    cli="sent.engines.capital.cli:app",
)
