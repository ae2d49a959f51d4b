"""Names and tactics of techniques out of a STIX bundle that the organisation has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog

from sent.platform.i18n import tr
from sent.ui.kit.page import Page

if TYPE_CHECKING:
    from sent.engines.radar.api import Catalogue


class AttackNames:
    """Reads and forgets them; the page is refreshed then."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def choose_bundle(self) -> None:
        """Ask for a STIX bundle of ATT&CK and read names and tactics out of it."""
        name, _ = QFileDialog.getOpenFileName(
            self._page, tr("STIX bundle of ATT&CK"), "", f"{tr('STIX bundles')} (*.json *.json.gz)"
        )
        if name:
            self.read_bundle(Path(name))

    def read_bundle(self, path: Path) -> None:
        """Read names and tactics out of a STIX bundle, as a task."""
        task = self._page.shell.tasks.start(tr("Read ATT&CK names"))

        async def read() -> Catalogue:
            found: Catalogue = await self._page.api("radar").import_attack(self._page.ctx, path)
            return found

        def done(found: Catalogue) -> None:
            said = tr("{edition}: {n} techniques named", edition=found.edition, n=len(found.techniques))
            task.finish(said)
            self._page.shell.toast(said, undo=self.forget)
            self._page.refresh()

        def failed(error: Any) -> None:
            task.fail(error.message)
            self._page.shell.report(error)

        handle = self._page.bridge().run(read, owner=self._page, done=done, failed=failed, limit=None)
        task.on_cancel(handle.cancel)

    def forget(self) -> None:
        """Show techniques by their ids again."""

        async def forget() -> None:
            await self._page.api("radar").forget_attack(self._page.ctx)

        def done(_: None) -> None:
            self._page.shell.toast(tr("Techniques are shown by their ids"), tone="info")
            self._page.refresh()

        self._page.run(forget, done=done)
