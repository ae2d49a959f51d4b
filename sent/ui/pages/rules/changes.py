"""What is changed about rules, each with its Undo: switched on and off, saved, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.errors import Conflict, SentError
from sent.platform.i18n import tr, trn
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.radar.api import ListedRule, RemovedRule, RuleText, SavedRule
    from sent.ui.pages.rules.editor import Opened
    from sent.ui.pages.rules.page import RulesPage

MANAGE = "radar:manage"


class Changes:
    """Works on the page's chosen rules and on the rule in its editor."""

    def __init__(self, page: RulesPage) -> None:
        self._page = page

    # On and off.

    def toggle(self) -> None:
        """Switch the chosen rules on or off: off only when all of them are on."""
        chosen = self._page.chosen()
        if chosen and self._page.shell.can(MANAGE):
            self.enable(chosen, not all(rule.enabled for rule in chosen))

    def enable(self, rules: Sequence[ListedRule], enabled: bool) -> None:
        """Switch rules on or off; the message offers to switch back those that changed."""
        ids = [rule.id for rule in rules]

        def done(changed: list[UUID]) -> None:
            said = (
                trn("Switched on {n} rule", "Switched on {n} rules", n=len(changed))
                if enabled
                else trn("Switched off {n} rule", "Switched off {n} rules", n=len(changed))
            )
            undo = partial(self._switch, changed, not enabled, self._undone)
            self._page.shell.toast(said, undo=undo if changed else None)
            self._page.load()

        self._page.table.clear_marks()
        self._switch(ids, enabled, done)

    def _switch(self, ids: Sequence[UUID], enabled: bool, done: Any) -> None:
        async def work() -> list[UUID]:
            found: list[UUID] = await self._page.api("radar").enable_rules(self._page.ctx, ids, enabled)
            return found

        self._page.run(work, done=done, failed=self._failed)

    def _undone(self, _changed: Any) -> None:
        self._page.shell.toast(tr("Undone"), tone="info")
        self._page.load()

    def _failed(self, error: SentError) -> None:
        self._page.shell.report(error)
        self._page.load()

    # Delete.

    def remove(self) -> None:
        """Delete the chosen rules of the organisation's own."""
        chosen = self._page.chosen()
        own = [rule.id for rule in chosen if rule.own]
        if not own or not self._page.shell.can(MANAGE):
            if chosen:
                text = tr("Only rules of your own can be deleted; switch others off")
                self._page.shell.toast(text, tone="warn")
            return

        async def work() -> list[RemovedRule]:
            gone: list[RemovedRule] = await self._page.api("radar").remove_rules(self._page.ctx, own)
            return gone

        def done(gone: list[RemovedRule]) -> None:
            said = trn("Deleted {n} rule", "Deleted {n} rules", n=len(gone))
            self._page.shell.toast(said, undo=partial(self._bring_back, gone))
            self._page.split.close_detail()
            self._page.table.clear_marks()
            self._page.load()

        self._page.run(work, done=done, failed=self._failed)

    def _bring_back(self, gone: Sequence[RemovedRule]) -> None:
        async def work() -> None:
            for rule in gone:
                await self._page.api("radar").save_rule(self._page.ctx, rule.text, enabled=rule.enabled)

        self._page.run(work, done=self._undone, failed=self._failed)

    # Save.

    def save(self) -> None:
        """Save the rule in the editor; of a copy ask what becomes of the original."""
        editor = self._page.editor
        opened, check = editor.opened, editor.check
        if opened is None or not self._page.shell.can(MANAGE) or not self._page.writes():
            return
        if check is not None and not (check.runs or check.waits):
            self._page.shell.toast(tr("It would not run: {reason}", reason=check.reason), tone="bad")
            return
        if opened.own:
            self._send(opened)
            return
        entries = [
            Entry("off", tr("Save as a copy and switch the original off"), icon="check",
                  run=partial(self._send, opened, switch_off=True)),
            Entry("on", tr("Save as a copy and leave the original on"), icon="copy",
                  run=partial(self._send, opened)),
        ]  # fmt: skip
        self._page.shell.choose(tr("{rule} belongs to another set", rule=opened.title), entries)

    def _send(self, opened: Opened, *, switch_off: bool = False, over: str | None = None) -> None:
        editor = self._page.editor
        text, enabled = editor.sending(), editor.on.isChecked()
        expected = over or opened.version

        async def work() -> SavedRule:
            saved: SavedRule = await self._page.api("radar").save_rule(
                self._page.ctx, text, rule=opened.id, expected=expected, enabled=enabled,
                switch_off=switch_off,
            )  # fmt: skip
            return saved

        def done(saved: SavedRule) -> None:
            if editor.opened is opened:
                editor.show_saved(saved, enabled=enabled)
            self._tell(saved, enabled=enabled, was_enabled=opened.enabled)
            self._page.load()

        def failed(error: SentError) -> None:
            if isinstance(error, Conflict) and error.code == "radar.rule.changed":
                self._ask_conflict(opened)
            else:
                self._page.shell.report(error)

        self._page.run(work, done=done, failed=failed)

    def _tell(self, saved: SavedRule, *, enabled: bool, was_enabled: bool) -> None:
        said = (
            tr("{rule} is saved; it waits: {reason}", rule=saved.title, reason=saved.reason)
            if saved.reason
            else tr("{rule} is saved; workers take it up within seconds", rule=saved.title)
            if enabled
            else tr("{rule} is saved and switched off", rule=saved.title)
        )
        self._page.shell.toast(said, undo=partial(self._unsave, saved, was_enabled))

    def _unsave(self, saved: SavedRule, was_enabled: bool) -> None:
        async def work() -> SavedRule | None:
            radar, ctx = self._page.api("radar"), self._page.ctx
            if saved.before is not None:
                again: SavedRule = await radar.save_rule(
                    ctx, saved.before, rule=saved.id, expected=saved.version, enabled=was_enabled
                )
                return again
            await radar.remove_rules(ctx, [saved.id])
            if saved.switched_off is not None:
                await radar.enable_rules(ctx, [saved.switched_off], True)
            return None

        def done(again: SavedRule | None) -> None:
            editor = self._page.editor
            shown = editor.opened is not None and editor.opened.id == saved.id and self._page.writes()
            if shown and again is not None and not editor.dirty():
                editor.sending()
                editor.show_saved(again, enabled=was_enabled)
            elif shown and again is None:
                editor.forget_draft()
                self._page.show_list()
            self._undone(None)

        self._page.run(work, done=done, failed=self._failed)

    def _ask_conflict(self, opened: Opened) -> None:
        """Somebody else saved the rule meanwhile: look at theirs, or save over it."""
        if opened.id is None:
            return
        rule_id = opened.id

        async def load() -> RuleText:
            found: RuleText = await self._page.api("radar").rule_text(self._page.ctx, rule_id)
            return found

        def ask(theirs: RuleText) -> None:
            entries = [
                Entry("mine", tr("Save mine over it"), icon="check",
                      run=partial(self._send, opened, over=theirs.version)),
                Entry("theirs", tr("Take theirs; my changes go"), icon="rotate-ccw",
                      run=partial(self._take_theirs, theirs)),
                Entry("on", tr("Go on editing"), icon="square-pen"),
            ]  # fmt: skip
            self._page.shell.choose(tr("Somebody else changed {rule} meanwhile", rule=theirs.title), entries)

        self._page.run(load, done=ask)

    def _take_theirs(self, theirs: RuleText) -> None:
        self._page.editor.forget_draft()
        self._page.editor.open_text(theirs)

    # Leave.

    def leave(self) -> None:
        """Go back to the list; of unsaved changes ask first."""
        editor = self._page.editor
        if not editor.dirty():
            self._page.show_list()
            return
        entries = [
            Entry(
                "keep", tr("Leave, and keep the changes as a draft"), icon="clock", run=self._page.show_list
            ),
            Entry("save", tr("Save"), icon="check", run=self.save),
            Entry("discard", tr("Discard the changes"), icon="x", run=self._discard),
            Entry("stay", tr("Go on editing"), icon="square-pen", run=editor.code.setFocus),
        ]
        self._page.shell.choose(tr("The rule has unsaved changes"), entries)

    def _discard(self) -> None:
        editor = self._page.editor
        text, opened = editor.text(), editor.opened
        editor.revert()
        self._page.show_list()
        if opened is not None:
            version = opened.version or ""
            keep = partial(self._page.shell.drafts.put, opened.draft, {"text": text, "version": version})
            self._page.shell.toast(tr("The changes are discarded"), undo=keep)
