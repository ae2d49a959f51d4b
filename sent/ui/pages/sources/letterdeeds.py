"""What is done with dead letters: open, read again, give up, all of a filter at once, export."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr, trn
from sent.ui.kit.export import export_csv
from sent.ui.kit.table import Source
from sent.ui.pages.sources.lists import LETTERS, letter_columns
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from uuid import UUID

    from sent.engines.radar.api import Damage, DeadLetter
    from sent.ui.pages.sources.page import SourcesPage

MANAGE = "radar:manage"


class LetterDeeds:
    """Works on the dead letters that are chosen on `page`, or that pass its filter."""

    def __init__(self, page: SourcesPage) -> None:
        self._page = page
        self._shown: UUID | None = None

    def wanted(self) -> dict[str, tuple[str, ...]]:
        """Return the api's filter; states that are left out leave the others, without any the open ones."""
        terms = self._page.filters["letters"].terms()

        def of(field: str) -> tuple[str, ...]:
            return tuple(term.value for term in terms if term.field == field and not term.out)

        out = {term.value for term in terms if term.field == "state" and term.out}
        states = of("state") or (LETTERS if out else ("dead", "replay"))
        words = tuple(t.value for t in terms if t.field not in ("state", "source", "kind") and not t.out)
        left = tuple(state for state in states if state not in out)
        return {"states": left, "sources": of("source"), "kinds": of("kind"), "words": words}

    def source(self) -> Source:
        """Return the letters that pass the filter."""
        page, wanted = self._page, self.wanted()

        async def load(before: Any, limit: int) -> Sequence[Any]:
            api = page.api("radar")
            found = await api.find_letters(page.ctx, api.LetterFilter(**wanted), before=before, limit=limit)
            page.bridge().post(page.shell.mark_fresh)
            return list(found)

        return Source(load=load, cursor=lambda letter: letter.id, key=lambda letter: letter.id)

    def show(self, letter: DeadLetter) -> None:
        """Show a letter with its payload."""
        page, self._shown = self._page, letter.id

        async def load() -> tuple[DeadLetter, Damage | None]:
            found: tuple[DeadLetter, Damage | None] = await page.api("radar").letter_of(page.ctx, letter.id)
            return found

        def done(found: tuple[DeadLetter, Damage | None]) -> None:
            if page.view == "letters" and self._shown == found[0].id and page.split.is_open():
                one = [found[0]]
                page.panel.show_letter(
                    *found,
                    may=page.shell.can(MANAGE),
                    again=lambda: self._decide(one, "replay"),
                    discard=lambda: self._decide(one, "discarded"),
                )

        page.run(load, done=done)

    def _dead(self) -> list[DeadLetter]:
        page = self._page
        chosen = page.chosen() if page.view == "letters" and page.shell.can(MANAGE) else []
        return [letter for letter in chosen if letter.state == "dead"]

    def replay(self) -> None:
        """Have the chosen letters read again."""
        self._decide(self._dead(), "replay")

    def discard(self) -> None:
        """Give the chosen letters up, once that is confirmed: their payloads go."""
        chosen = self._dead()
        if not chosen:
            return
        self._page.shell.choose(
            trn("Give {n} letter up? What arrived is deleted.",
                "Give {n} letters up? What arrived is deleted.", n=len(chosen)),
            [
                Entry("keep", tr("Keep them"), icon="undo-2"),
                Entry("discard", tr("Give up"), icon="x", run=partial(self._decide, chosen, "discarded")),
            ],
        )  # fmt: skip

    def _decide(self, chosen: Sequence[DeadLetter], target: str) -> None:
        page, ids = self._page, [letter.id for letter in chosen]
        if not ids:
            return

        async def decide() -> None:
            api = page.api("radar")
            await (api.replay_letters if target == "replay" else api.discard_letters)(page.ctx, ids)

        def done(_: None) -> None:
            page.tables["letters"].clear_marks()
            self._said(len(ids), target, ids)

        page.run(decide, done=done)

    def _said(self, amount: int, target: str, ids: Sequence[UUID] = ()) -> None:
        page = self._page
        if target == "discarded":
            page.shell.toast(trn("Gave {n} letter up", "Gave {n} letters up", n=amount))
        else:
            text = trn("{n} letter is read again", "{n} letters are read again", n=amount)
            page.shell.toast(text)
            if ids:
                page.later(partial(self._tell, list(ids)))
        page.back()
        page.refresh()

    def _tell(self, ids: Sequence[UUID]) -> None:
        """Say what became of letters that were to be read again."""
        page = self._page

        async def ask() -> dict[str, int]:
            found: dict[str, int] = await page.api("radar").decided(page.ctx, ids)
            return found

        def done(found: dict[str, int]) -> None:
            stored, again = found.get("done", 0), found.get("dead", 0)
            if stored or again:
                text = tr("Read again: {stored} stored, {dead} dead again", stored=stored, dead=again)
                page.shell.toast(text, tone="warn" if again else "ok")
            else:
                page.shell.toast(tr("They wait for a radar worker"), tone="info")
            page.refresh()

        page.run(ask, done=done)

    def all_of_filter(self) -> None:
        """Read all dead letters of the filter again, or give them up."""
        page = self._page
        if page.view != "letters" or not page.shell.can(MANAGE):
            return
        again = partial(self._decide_all, "replay")
        gone = partial(self._decide_all, "discarded")
        page.shell.choose(
            tr("All dead letters of this filter"),
            [
                Entry("keep", tr("Leave them"), icon="undo-2"),
                Entry("again", tr("Read all of them again"), icon="rotate-ccw", run=again),
                Entry("discard", tr("Give all of them up; what arrived is deleted"), icon="x", run=gone),
            ],
        )

    def _decide_all(self, target: str) -> None:
        page, wanted = self._page, self.wanted()

        async def decide() -> int:
            api = page.api("radar")
            return int(await api.decide_letters(page.ctx, api.LetterFilter(**wanted), target))

        page.run(decide, done=lambda amount: self._said(amount, target))

    def export(self) -> None:
        """Write what the filter shows into a CSV file."""
        page = self._page
        if page.view != "letters":
            page.copy_rows("csv")
            return
        source = self.source()
        if source.load is not None:
            export_csv(page, tr("Dead letters"), letter_columns(), source.load, source.cursor, None)
