"""What one is told where: rules, quiet hours, language; for managers the organisation's defaults, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import TextField, line_of, required
from sent.ui.kit.widgets import button, clear, column, label, row, tool
from sent.ui.pages.notifications.lists import kind_name, minima

if TYPE_CHECKING:
    from sent.engines.notifications.api import Preferences, Rule
    from sent.ui.pages.notifications.page import NotificationsPage

LANGUAGES = (("en", "English"), ("de", "Deutsch"))


class PreferencesView(QScrollArea):
    """Cards below each other."""

    def __init__(self, page: NotificationsPage) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self._page = page
        self.quiet = QuietCard(page)
        self.rules = RulesCard(page, defaults=False)
        self.defaults = RulesCard(page, defaults=True)
        inner = QWidget()
        inner.setObjectName("canvas")
        inner.setLayout(column(self.rules, self.quiet, self.defaults, None, gap=12, margins=(0, 0, 8, 0)))
        self.setWidget(inner)

    def load(self) -> None:
        """Read everything again."""
        self.defaults.setVisible(self._page.shell.can("notifications:manage"))
        self.quiet.load()
        self.rules.load()
        if not self.defaults.isHidden():
            self.defaults.load()


class _Card(QFrame):
    def __init__(self, page: NotificationsPage, heading: str, help: str) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.page = page
        self.box = column(gap=12)
        head = label(heading, weight="bold")
        said = label(help, tone="3", type="s", wrap=True)
        self.setLayout(column(head, said, self.box, gap=8, margins=(20, 16, 20, 18)))

    def do(self, make: Callable[[Any], Any], then: Callable[[], object]) -> None:
        """Await `make(api)`, then go on."""

        async def work() -> None:
            await make(self.page.api("notifications"))

        def done(_none: None) -> None:
            then()

        self.page.run(work, done=done)


class QuietCard(_Card):
    """Language, quiet hours, test."""

    def __init__(self, page: NotificationsPage) -> None:
        super().__init__(page, tr("Quiet hours"), tr("Mail and desktop wait until they are over."))
        self.own: Preferences | None = None

    def load(self) -> None:
        """Read what the person chose."""

        async def read() -> Preferences:
            found: Preferences = await self.page.api("notifications").preferences(self.page.ctx)
            return found

        self.page.run(read, done=self.show_own)

    def show_own(self, own: Preferences) -> None:
        """Show what the person chose."""
        self.own = own
        clear(self.box)
        yes_no = (("yes", tr("Yes")), ("no", tr("No")))
        for title, help, name in (
            (tr("Keep quiet"), "", "quiet"),
            (tr("Critical matters come also then"), "", "through"),
        ):
            chosen = "yes" if getattr(own, name) else "no"
            on = partial(self._choose, name)
            self.box.addWidget(line_of(title, help, Segments(title, yes_no, chosen, on)))
        self.hours = TextField(tr("From - to"), check=hours_problem, help=tr("Such as 22:00-07:00"))
        self.hours.set_text(f"{own.quiet_from:%H:%M}-{own.quiet_until:%H:%M}")
        self.zone = TextField(tr("Time zone"), check=required, help=tr("Such as Europe/Vienna"))
        self.zone.set_text(own.zone)
        for made in (self.hours, self.zone):
            made.edit.editingFinished.connect(self._typed)
            self.box.addWidget(made)
        title = tr("Language of mails")
        self.box.addWidget(line_of(title, "", Segments(title, LANGUAGES, own.language, self._speak)))
        test = button(tr("Send me a test"), self.page.test_me, icon_name="radio")
        self.box.addLayout(row(test, None))

    def _choose(self, name: str, value: str) -> None:
        if self.own is not None:
            yes = value == "yes"
            quiet, through = (yes, self.own.through) if name == "quiet" else (self.own.quiet, yes)
            self._save(replace(self.own, quiet=quiet, through=through))

    def _speak(self, language: str) -> None:
        if self.own is not None:
            self._save(replace(self.own, language=language))

    def _typed(self) -> None:
        if self.own is None or not (self.hours.valid() and self.zone.valid()):
            return
        start, until = (
            datetime.strptime(part.strip(), "%H:%M").time()  # noqa: DTZ007  # a time of day has no zone
            for part in self.hours.text().split("-")
        )
        self._save(replace(self.own, quiet_from=start, quiet_until=until, zone=self.zone.text()))

    def _save(self, wanted: Preferences) -> None:
        if wanted == self.own:
            return
        self.own = wanted
        self.do(lambda api: api.save_preferences(self.page.ctx, wanted), lambda: None)


class RulesCard(_Card):
    """From which severity on topics come over which way."""

    def __init__(self, page: NotificationsPage, *, defaults: bool) -> None:
        heading = tr("What everybody gets") if defaults else tr("What I get")
        help = tr("Defaults of the organisation; each person's own rules come first.")
        own = tr("The closest topic counts. Without a rule: everything on the desktop, critical by mail.")
        super().__init__(page, heading, help if defaults else own)
        self._defaults = defaults
        self._kind, self._minimum = "mail", "warning"
        self.lines = column(gap=8)
        self.pattern = TextField(tr("Topic"), check=required, hint="radar.*")
        kinds = (("mail", tr("Mail")), ("desktop", tr("Desktop")))
        self.box.addLayout(self.lines)
        choices = (
            Segments(tr("Over"), kinds, "mail", partial(setattr, self, "_kind")),
            Segments(tr("From severity"), minima(), "warning", partial(setattr, self, "_minimum")),
            button(tr("Add"), self.add, icon_name="plus"),
        )
        adding = row(self.pattern, *choices)
        for choice in choices:
            # Beside the field, not beside the field and its title.
            adding.setAlignment(choice, Qt.AlignmentFlag.AlignBottom)
        self.box.addLayout(adding)
        self.pattern.edit.returnPressed.connect(self.add)

    def load(self) -> None:
        """Read the rules."""

        async def read() -> Sequence[Rule]:
            found = self.page.api("notifications").rules(self.page.ctx, defaults=self._defaults)
            return list(await found)

        self.page.run(read, done=self.show_rules)

    def show_rules(self, rules: Sequence[Rule]) -> None:
        """Show the rules, each with its choice and the way to take it away."""
        clear(self.lines)
        if not rules:
            self.lines.addWidget(label(tr("No rules yet."), tone="2"))
        for rule in rules:
            made = Segments(rule.pattern, minima(), rule.minimum, partial(self._set, rule.kind, rule.pattern))
            gone = tool("x", tr("Take away {topic}", topic=rule.pattern), partial(self._drop, rule))
            self.lines.addLayout(
                row(label(rule.pattern), None, label(kind_name(rule.kind), tone="2"), made, gone)
            )

    def add(self) -> None:
        """Add what was typed."""
        if self.pattern.valid():
            self._set(self._kind, self.pattern.text(), self._minimum)
            self.pattern.set_text("")

    def _drop(self, rule: Rule) -> None:
        self._set(rule.kind, rule.pattern, None)

    def _set(self, kind: str, pattern: str, minimum: str | None) -> None:
        self.do(
            lambda api: api.set_rule(self.page.ctx, kind, pattern, minimum, defaults=self._defaults),
            self.load,
        )


def hours_problem(hours: str) -> str:
    """Return what is wrong with quiet hours that were typed, or an empty text."""
    try:
        parts = [datetime.strptime(part.strip(), "%H:%M") for part in hours.split("-")]  # noqa: DTZ007
    except ValueError:
        parts = []
    return "" if len(parts) == 2 else tr("Two times such as 22:00-07:00")
