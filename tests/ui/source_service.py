"""The radar's sources, dead letters and placeholders with state in memory, for tests of the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sent.engines.radar import desk, letterbox, sources
from sent.engines.radar.desk import SourceRow
from sent.engines.radar.fieldmap import preview as mappreview
from sent.engines.radar.fieldmap.applied import Mapped
from sent.engines.radar.fieldmap.draft import TooMuch
from sent.engines.radar.fieldmap.pipelines import imported
from sent.engines.radar.fieldmap.presets import presets
from sent.engines.radar.fieldmap.steps import FieldMapping, checked, step_json
from sent.engines.radar.model import Event, Route
from sent.engines.radar.receiving.access import new_token
from sent.engines.radar.rulebook.placeholderuse import PlaceholderUse
from sent.engines.radar.store.states import SourceCounts, SourceState
from sent.platform.errors import Conflict, NotFound

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ECS: dict[str, str | None] = {"event.code": "1", "process.command_line": "whoami /all", "host.name": "pc7"}


def a_source(number: int, **changes: Any) -> SourceRow:
    """Return the source with this number."""
    made = SourceRow(
        UUID(int=number + 1), f"source {number}", "syslog_tcp", f"0.0.0.0:{5514 + number}", "linux", None,
        None, True, None, None, NOW, 1,
    )  # fmt: skip
    return replace(made, **changes)


def a_state(number: int, **changes: Any) -> SourceState:
    """Return how that source fares."""
    made = SourceState(
        UUID(int=number + 1), "UTC", None, False, 0, NOW, NOW, 1, False, "", NOW, 5514 + number, 0, 0, 0,
        12.5, datetime.now(UTC),
    )  # fmt: skip
    return replace(made, **changes)


def a_letter(number: int, **changes: Any) -> desk.DeadLetter:
    """Return the dead letter with this number; higher is older."""
    payload = b'{"user": "anna", "n": nul}'
    at = NOW - timedelta(minutes=number)
    made = desk.DeadLetter(
        UUID(int=1000 - number), at, at, UUID(int=1), "source 0", "http", "is no JSON object", "dead", 0,
        len(payload), b"\0" * 32, payload,
    )  # fmt: skip
    return replace(made, **changes)


class FakeSources:
    """The parts of the radar's api that the Sources page uses."""

    LetterFilter = letterbox.LetterFilter
    PlaceholderUse = PlaceholderUse
    new_token = staticmethod(new_token)
    presets = staticmethod(presets)
    imported_mapping = staticmethod(imported)
    step_json = staticmethod(step_json)

    def __init__(self) -> None:
        self.sources: dict[UUID, SourceRow] = {}
        self.fares: dict[UUID, SourceState] = {}
        self.mappings: dict[UUID, FieldMapping] = {}
        self.letters: dict[UUID, desk.DeadLetter] = {}
        self.uses: dict[str, PlaceholderUse] = {}
        self.asked: list[tuple[str, Any]] = []
        self.meddle: Callable[[], object] | None = None
        """What somebody else does just before the next change."""
        self.samples = [Event(NOW, dict(ECS)), Event(NOW, {"message": "hello"})]

    def stock(self) -> None:
        """Have three sources, two letters and two placeholders."""
        rows = [
            a_source(0, kind="http"),
            a_source(1),
            a_source(2, name="edge", enabled=False, client_name="Harbour"),
        ]
        self.sources = {row.id: row for row in rows}
        self.fares = {row.id: a_state(n) for n, row in enumerate(rows)}
        self.fares[rows[0].id] = a_state(0, letters=2, has_token=True)
        self.fares[rows[1].id] = a_state(1, problem="port 5515 is in use")
        self.letters = {one.id: one for one in (a_letter(0), a_letter(1, reason="no reader takes it"))}
        self.uses = {
            "admins": PlaceholderUse("admins", (), 2, 2, ("Recon", "Login")),
            "hosts": PlaceholderUse("hosts", ("dc1", "dc2"), 1, 0, ("Move",)),
        }

    async def source_board(self, _ctx: Any) -> list[sources.SourceHealth]:
        self.check()
        now = datetime.now(UTC)
        return [
            sources.SourceHealth(
                row,
                self.fares[row.id],
                sources.health(row, replace(self.fares[row.id], told_version=row.version), now),
                (*range(23), 50),
            )
            for row in self.sources.values()
        ]

    async def source_counts(self, ctx: Any) -> SourceCounts:
        board = await self.source_board(ctx)
        return SourceCounts(
            sum(one.source.enabled for one in board), sum(one.state == "problem" for one in board)
        )

    def check(self) -> None:
        """Fail as a database that does not answer."""

    async def source_clients(self, _ctx: Any) -> list[tuple[UUID, str]]:
        return [(UUID(int=500), "Harbour")]

    async def add_source(
        self, _ctx: Any, name: str, kind: Any, address: str, *, token: str | None = None, **more: Any
    ) -> SourceRow:
        number = len(self.sources)
        made = a_source(number, name=name, kind=kind, address=address, tls=more.get("tls"))
        self.sources[made.id], self.fares[made.id] = made, a_state(number)
        self.asked.append(("add", (name, kind, address, token, more)))
        return made

    def _change(self, id: UUID, expected: int, **values: Any) -> None:
        if self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            meddle()
        if id not in self.sources:
            raise NotFound("radar.source.missing", "the source is not there")
        if self.sources[id].version != expected:
            raise Conflict("radar.source.changed", "somebody else changed the source first; look again")
        self.sources[id] = replace(self.sources[id], version=expected + 1, **values)

    async def edit_source(self, _ctx: Any, id: UUID, expected: int, **values: Any) -> None:
        zone, days = values.pop("zone"), values.pop("keep_days")
        self._change(id, expected, **values)
        self.fares[id] = replace(self.fares[id], zone=zone, keep_days=days)
        self.asked.append(("edit", (id, expected)))

    async def keep_source(self, _ctx: Any, id: UUID, days: int | None) -> None:
        self.fares[id] = replace(self.fares[id], keep_days=days)

    async def enable_source(self, _ctx: Any, id: UUID, on: bool) -> None:
        self.sources[id] = replace(self.sources[id], enabled=on)

    async def remove_source(self, _ctx: Any, id: UUID) -> None:
        del self.sources[id]

    async def rotate_token(self, _ctx: Any, id: UUID, expected: int) -> str:
        self._change(id, expected)
        return "fresh-token"

    async def source_mapping(self, _ctx: Any, id: UUID) -> tuple[FieldMapping, int]:
        return self.mappings.get(id, FieldMapping()), self.sources[id].version

    async def set_mapping(self, _ctx: Any, id: UUID, steps: Any, expected: int) -> int:
        mapping = checked(steps)
        self._change(id, expected)
        self.mappings[id] = mapping
        self.fares[id] = replace(self.fares[id], steps=len(mapping.steps))
        return expected + 1

    async def preview_mapping(
        self, _ctx: Any, _id: UUID, steps: Any, *, pasted: str = ""
    ) -> mappreview.Preview:
        ready = Mapped(checked(steps).steps)
        events = [Event(NOW, {"message": pasted})] if pasted else self.samples
        found = []
        for event in events:
            try:
                after = ready.apply(event, event.at)
            except TooMuch as error:
                after = event
                self.asked.append(("failed", str(error)))
            rules = 7 if "CommandLine" in after.fields else 2
            source = mappreview.written(after.route)
            found.append(
                mappreview.Looked(
                    NOW, dict(event.fields), dict(after.fields), mappreview.written(Route()), source, 2, rules
                )
            )
        return mappreview.Preview(tuple(found), went_through=False)

    async def find_letters(
        self, _ctx: Any, wanted: letterbox.LetterFilter, *, before: UUID | None = None, limit: int = 200
    ) -> list[desk.DeadLetter]:
        self.asked.append(("letters", wanted))
        rows = sorted(self._passing(wanted), key=lambda one: one.id, reverse=True)
        return [replace(one, payload=b"") for one in rows if before is None or one.id < before][:limit]

    def _passing(self, wanted: letterbox.LetterFilter) -> list[desk.DeadLetter]:
        return [
            one
            for one in self.letters.values()
            if one.state in wanted.states
            and (not wanted.sources or one.source_name in wanted.sources)
            and all(word in one.reason for word in wanted.words)
        ]

    async def letter_of(self, _ctx: Any, id: UUID) -> tuple[desk.DeadLetter, letterbox.Damage | None]:
        letter = self.letters[id]
        return letter, letterbox.damage_in(letter.kind, letter.payload)

    def _decide(self, ids: Any, state: Any) -> int:
        for id in ids:
            self.letters[id] = replace(self.letters[id], state=state)
        return len(ids)

    async def replay_letters(self, _ctx: Any, ids: Any) -> None:
        self._decide(ids, "replay")

    async def discard_letters(self, _ctx: Any, ids: Any) -> None:
        self._decide(ids, "discarded")

    async def decide_letters(self, _ctx: Any, wanted: letterbox.LetterFilter, target: Any) -> int:
        return self._decide([one.id for one in self._passing(replace(wanted, states=("dead",)))], target)

    async def decided(self, _ctx: Any, ids: Any) -> Mapping[str, int]:
        states = [self.letters[id].state for id in ids]
        return {state: states.count(state) for state in states}

    async def placeholder_uses(self, _ctx: Any) -> list[PlaceholderUse]:
        return list(self.uses.values())

    async def set_placeholder(self, _ctx: Any, name: str, values: Any) -> None:
        known = self.uses.get(name, PlaceholderUse(name, (), 0, 0, ()))
        self.uses[name] = replace(known, values=tuple(values), waiting=0)

    async def unset_placeholder(self, _ctx: Any, name: str) -> None:
        self.uses[name] = replace(self.uses[name], values=(), waiting=self.uses[name].rules)
