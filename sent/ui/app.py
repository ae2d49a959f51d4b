"""What happens behind the window: find the database, sign in, keep the session, sign out.

Imported after the first paint. All of it is asynchronous on the bridge; the window only hears the results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from sent.platform.errors import SentError
from sent.platform.i18n import tr
from sent.platform.telemetry.log import Secret
from sent.ui.backend import Backend, LocalBackend
from sent.ui.bridge import Bridge, Handle
from sent.ui.following import Follower
from sent.ui.restarting import Restart
from sent.ui.session import Session
from sent.ui.shell.desktop import Desktop
from sent.ui.shell.notifier import Notifier
from sent.ui.shell.recoverysheet import RecoverySheet
from sent.ui.shell.shell import Person, error_text
from sent.ui.shell.tray import Tray
from sent.ui.telling import Teller
from sent.ui.theme import theme
from sent.ui.updates import Updates

if TYPE_CHECKING:
    from sent.platform.auth.client import Credential, LoginResult, MembershipChoice
    from sent.ui.shell.gate import Gate
    from sent.ui.shell.window import MainWindow


FLEET_MS = 10_000


class Console(QObject):
    """The console at work; made on the window's thread."""

    def __init__(
        self,
        window: MainWindow,
        gate: Gate,
        *,
        backend: Backend | None = None,
        sign_in_demo: bool = False,
        updates: Updates | None = None,
    ) -> None:
        super().__init__(window)
        self._window, self._gate = window, gate
        self._backend: Backend = backend or LocalBackend()
        self._demo = sign_in_demo
        self._client: Any = None
        self._secret: tuple[str, Secret] = ("", Secret(""))
        self._ticket: Secret | None = None
        self._credential: Credential | None = None
        self._must_change = False
        self._renewal: Handle | None = None
        self._accepted: set[object] = set()
        self._role = ""
        self._last_person = ""
        self.bridge = Bridge()
        self.follower = Follower(window)
        window.shell.bridge = self.bridge
        common = window.shell.common
        self._notifier = Notifier(self.bridge, lambda: common.tray.icon if common.tray is not None else None)
        common.desktop = Desktop(common, self._notifier)
        common.tray = Tray(common, window.windows, common.desktop)
        self.teller = Teller(common, self.bridge)
        common.updates = updates or Updates(common, self)
        common.restart = Restart(window.windows, common.updates)
        self._updates = common.updates
        self._fleet = QTimer(self, interval=FLEET_MS)
        self._fleet.timeout.connect(self._look_at_fleet)
        self._connect_signals()

    def start(self) -> None:
        """Start the bridge and look for the database."""
        self.bridge.start()
        self._updates.start()
        self._find()

    def stop(self) -> None:
        """End the session and the thread."""
        self._updates.stop()
        self.bridge.stop()

    def _connect_signals(self) -> None:
        gate, window, bridge = self._gate, self._window, self.bridge
        gate.retry_wanted.connect(self._find)
        gate.sign_in_wanted.connect(self._sign_in)
        gate.code_wanted.connect(self._second_factor)
        gate.membership_chosen.connect(self._enter)
        gate.setup_wanted.connect(self._setup)
        gate.password_chosen.connect(self._renew_password)
        gate.sign_out_wanted.connect(self._give_up)
        gate.invitation_answered.connect(self._answer_invitation)
        bridge.connection_changed.connect(window.windows.show_connection)
        bridge.hint.connect(window.windows.deliver_hints)
        bridge.session_ended.connect(self._ended)
        window.shell.sign_out_wanted.connect(self.sign_out)
        window.retry_wanted.connect(self._look_again)

    def run(
        self,
        make: Callable[[], Awaitable[Any]],
        done: Callable[[Any], None],
        failed: Callable[[SentError], None],
        limit: float | None = 30.0,
    ) -> Handle:
        """Await in the background."""
        return self.bridge.run(make, owner=self, done=done, failed=failed, limit=limit)

    def _find(self) -> None:
        async def find() -> Any:
            await self._backend.ensure_running(
                lambda text: self.bridge.post(lambda: self._gate.show_progress(text))
            )
            self._client = self._backend.client()
            status = await self._client.status()
            return status, await self._demo_credentials() if self._demo else None

        def failed(error: SentError) -> None:
            self._gate.show_unavailable(error_text(error))
            self._updates.prove(error)

        self._gate.show_progress(tr("Looking for the database"))
        self.run(find, self._found, failed, limit=150)

    @staticmethod
    async def _demo_credentials() -> tuple[str, Secret]:
        from importlib import import_module

        found = import_module("sent.engines.demo.api").credentials()
        found = await found if hasattr(found, "__await__") else found
        secret = found.password if isinstance(found.password, Secret) else Secret(str(found.password))
        return str(found.email), secret

    def _found(self, found: Any) -> None:
        status, demo = found
        self._updates.prove()
        if demo is not None:
            self._gate.show_ready(tr("Signing in to the demo organisation"))
            self._gate.email.set_text(demo[0])
            self._sign_in(demo[0], demo[1].reveal())
        elif status.initialised:
            self._gate.show_ready(tr("Database ready · SENT {version}", version=status.version))
        else:
            self._gate.show_setup()
            self._gate.show_ready(tr("Database ready · SENT {version}", version=status.version))

    def _sign_in(self, email: str, password: str) -> None:
        self._secret = (email, Secret(password))
        self._login(None)

    def _second_factor(self, code: str) -> None:
        self._login(code)

    def _login(self, code: str | None) -> None:
        email, password = self._secret
        self.run(lambda: self._client.login(email, password, code), self._logged_in, self._refused)

    def _logged_in(self, result: LoginResult) -> None:
        if result.status == "second_factor":
            self._gate.show_code()
            return
        self._must_change = result.must_change_password
        if not self._must_change:
            self._forget_password()
        self._ticket = result.ticket
        if len(result.memberships) == 1:
            self._enter(result.memberships[0])
        elif result.memberships:
            self._gate.show_choices(result.memberships)
        else:
            self._gate.show_sign_in()
            self._gate.show_error(tr("This account belongs to no organisation"))

    def _enter(self, choice: MembershipChoice) -> None:
        if choice.invited and choice.id not in self._accepted:
            self._gate.show_invitation(choice)
            return
        ticket = self._ticket or Secret("")

        async def enter() -> Credential:
            credential: Credential = await self._client.mint(ticket, choice.id)
            if not self._must_change:
                await self._open(credential)
            return credential

        def entered(credential: Credential) -> None:
            self._credential, self._role = credential, choice.role
            if self._must_change:
                self._gate.show_new_password()
            else:
                self._entered(credential)

        self.run(enter, entered, self._refused)

    def _answer_invitation(self, choice: MembershipChoice, code: str) -> None:
        """Accept an invitation with its code and enter, or decline it."""
        ticket = self._ticket or Secret("")

        async def answer() -> None:
            if code:
                await self._client.accept(ticket, choice.id, Secret(code))
            else:
                await self._client.decline(ticket, choice.id)

        def done(_: None) -> None:
            if code:
                self._accepted.add(choice.id)
                self._enter(choice)
            else:
                self._gate.show_sign_in()
                self._gate.show_ready(tr("You declined the invitation; sign in again"))

        self.run(answer, done, self._refused)

    async def _open(self, credential: Credential) -> None:
        """Replace the session by one with this credential (on the bridge's thread)."""
        if self.bridge.session is not None:
            await self.bridge.session.close()
        session = Session(
            self.bridge, self._client, credential, revive=self._revive, connect=self._backend.connect
        )
        await session.open()
        self.bridge.session = session

    def _renew_password(self, password: str) -> None:
        """Trade the password that somebody else knows for the person's own; then let the console through."""
        credential, given, chosen = self._credential, self._secret[1], Secret(password)
        if credential is None:
            return

        async def renew() -> Credential:
            if self._must_change:
                await self._client.change_password(credential.session, given, chosen)
                self._must_change = False
            # The one minted before lets nobody into the database.
            fresh: Credential = await self._client.renew(credential.session)
            await self._open(fresh)
            return fresh

        def done(fresh: Credential) -> None:
            self._credential = fresh
            self._forget_password()
            self._entered(fresh)

        self._renewal = self.run(renew, done, self._refused)

    def _give_up(self) -> None:
        """Leave without a new password: the session that was begun ends."""
        credential, self._credential = self._credential, None
        if self._renewal is not None:
            self._renewal.cancel()
        self._forget_password()
        if credential is not None:
            session = credential.session

            async def leave() -> None:
                with contextlib.suppress(SentError):
                    await self._client.logout(session)

            self.bridge.spawn(leave, name="console sign-out")
        self._gate.show_sign_in()
        self._gate.show_ready(tr("You are signed out"))

    def _forget_password(self) -> None:
        self._secret = (self._secret[0], Secret(""))

    async def _revive(self) -> object:
        return await self._backend.ensure_running(lambda _text: None)

    def _entered(self, credential: Credential) -> None:
        person = str(credential.person_id)
        shell = self._window.shell
        shell.prefs.use_person(person)
        theme.adopt(**shell.prefs.looks())
        if self._last_person and self._last_person != f"{person}/{credential.organization_id}":
            self._window.windows.forget_pages()
        self._last_person = f"{person}/{credential.organization_id}"
        shell.person = Person(
            id=person,
            name=credential.person_name,
            email=self._secret[0],
            organisation=credential.organization_name,
            role=self._role,
            permissions=credential.permissions,
        )
        shell.online = True
        self._gate.finished()
        shell.ranges.restore()
        shell.drafts.use_person(f"{person}/{credential.organization_id}")
        shell.person_changed.emit()
        self._learn_slug()
        self._fleet.start()
        self._look_at_fleet()

    def _learn_slug(self) -> None:
        """Learn the organisation's short name: links are written and followed from then on."""
        common = self._window.shell.common

        async def ask() -> str:
            from sent.platform.views import store

            return await store.slug(self.bridge.ctx)

        def known(slug: str) -> None:
            if common.person is not None:
                common.slug = slug
                common.slug_known.emit()

        self.run(ask, known, lambda _error: None)

    def _look_at_fleet(self) -> None:
        """Keep the status bar's count of workers true on every page."""
        shell = self._window.shell
        if not shell.online or not shell.can("overview:read") or self.bridge.session is None:
            return

        async def fleet() -> tuple[int, int]:
            seen = await self.bridge.api("overview").overview(self.bridge.ctx)
            return sum(instance.healthy for instance in seen.instances), len(seen.instances)

        def show(found: tuple[int, int]) -> None:
            if shell.online and shell.person is not None:
                shell.status.show_workers(*found)

        self.run(fleet, show, lambda _error: shell.status.forget_workers())

    def _refused(self, error: SentError) -> None:
        if error.code.startswith(("broker.", "database.")):
            self._gate.show_unavailable(error_text(error))
            return
        if error.code == "auth.expired":
            self._gate.show_sign_in()
        self._gate.show_error(error_text(error))

    def _setup(self, values: dict[str, str]) -> None:
        email, password = values["email"], Secret(values["password"])

        async def setup() -> Secret | None:
            await self._client.setup(
                values["organisation_name"], values["slug"], values["person_name"], email, password
            )
            return await self._backend.recovery_key()

        def done(words: Secret | None) -> None:
            if words is not None:
                RecoverySheet(self._window, words).open()
            self._sign_in(email, password.reveal())

        self._gate.email.set_text(email)
        self.run(setup, done, self._refused)

    def sign_out(self) -> None:
        """End the session; the pages are destroyed and their late answers dropped."""
        session, self.bridge.session = self.bridge.session, None
        if session is not None:
            self.bridge.spawn(session.logout, name="console sign-out")
        self._leave(forget=True)
        self._gate.show_ready(tr("You are signed out"))

    def _ended(self, reason: str) -> None:
        """The broker ended the session: what is on screen stays until somebody signs in again."""
        self._leave(forget=False)
        self._gate.show_ready(reason)

    def _leave(self, *, forget: bool) -> None:
        shell = self._window.shell
        self._fleet.stop()
        shell.status.forget_workers()
        self._window.windows.leave()
        shell.person = None
        shell.common.slug = ""
        shell.drafts.use_person("")
        shell.person_changed.emit()
        if forget:
            self._last_person = ""
            self._window.windows.forget_pages()
        self._gate.show_sign_in()
        self._gate.open()

    def _look_again(self) -> None:
        session = self.bridge.session
        if session is not None:

            async def look() -> None:
                session.suspect()

            self.bridge.spawn(look, name="console look again")
