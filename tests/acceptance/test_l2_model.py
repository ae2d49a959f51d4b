"""L2: the ledger agrees with a small model in memory, whatever is asked of it in whatever order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sent.engines.capital import api
from sent.engines.capital.model import Fault
from sent.platform.errors import SentError

if TYPE_CHECKING:
    from tenants import OrgFixture

DAY = date(2026, 5, 1)
CENTS = st.integers(1, 3000).map(lambda n: Decimal(n) / 100)
NAMES = st.sampled_from(["bank", "sales", "ann", "bob"])
SIGN = {"bank": 1, "sales": -1, "ann": -1, "bob": -1}
FLOORS = {"ann": Decimal(0), "bob": Decimal(-10)}


@dataclass
class Reserved:
    """A pending entry of the model."""

    moves: dict[str, Decimal]
    open: bool = True
    late: bool = False


@dataclass
class Model:
    """Balances (debits positive), what is reserved, and which keys were used for what."""

    posted: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(SIGN, Decimal(0)))
    reserved: dict[UUID, Reserved] = field(default_factory=dict)
    keys: dict[str, tuple[object, UUID]] = field(default_factory=dict)
    floors: dict[str, Decimal] = field(default_factory=lambda: dict(FLOORS))
    early: Decimal = Decimal(0)
    """What the bank got on the early day, which has a period of its own."""
    period: str = "open"
    remembered: tuple[datetime, dict[str, Decimal]] | None = None

    def available(self, name: str) -> Decimal:
        held = sum(
            (
                min(SIGN[name] * one.moves.get(name, Decimal(0)), Decimal(0))
                for one in self.reserved.values()
                if one.open
            ),
            Decimal(0),
        )
        return SIGN[name] * self.posted[name] + held

    def fits(self, moves: dict[str, Decimal]) -> bool:
        """Say whether the moves leave every account above its floor."""
        return all(
            SIGN[name] * moved >= 0 or self.available(name) + SIGN[name] * moved >= self.floors[name]
            for name, moved in moves.items()
            if name in self.floors
        )

    def book(self, moves: dict[str, Decimal]) -> None:
        for name, moved in moves.items():
            self.posted[name] += moved


class Ledger(RuleBasedStateMachine):
    """Asks ledger and model for the same."""

    loop: asyncio.AbstractEventLoop
    org: OrgFixture
    days = itertools.count()
    pendings = Bundle("pendings")
    booked = Bundle("booked")

    def __init__(self) -> None:
        super().__init__()
        self.model, self.ctx = Model(), self.org.ctx
        mark = uuid4().hex[:8]
        self.mark = mark
        self.early = date(2020, 1, 1) + timedelta(days=next(Ledger.days))
        self.period = self.run(api.set_period(self.ctx, self.early, self.early, "open"))
        self.journal = self.run(api.open_journal(self.ctx, mark, "Model"))
        kinds: dict[str, Any] = {"bank": "asset", "sales": "income", "ann": "liability", "bob": "liability"}
        self.ids = {
            name: self.run(
                api.open_account(self.ctx, f"{mark} {name}", name, kinds[name], floor=FLOORS.get(name))
            )
            for name in SIGN
        }

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def draft(self, giver: str, taker: str, amount: Decimal, **more: Any) -> api.Draft:
        lines = [api.Line(self.ids[taker], amount, "EUR"), api.Line(self.ids[giver], -amount, "EUR")]
        return api.Draft(self.journal, DAY, lines, **more)

    @staticmethod
    def moves(giver: str, taker: str, amount: Decimal) -> dict[str, Decimal]:
        return {taker: amount, giver: -amount} if giver != taker else {}

    @rule(target=booked, giver=NAMES, taker=NAMES, amount=CENTS, one=st.booleans())
    def post(self, giver: str, taker: str, amount: Decimal, one: bool) -> tuple[UUID, dict[str, Decimal]]:
        draft, moves = self.draft(giver, taker, amount), self.moves(giver, taker, amount)
        if one:
            try:
                self.run(api.post(self.ctx, draft))
                taken = True
            except SentError as error:
                assert error.code == "capital.floor"
                taken = False
        else:
            (outcome,) = self.run(api.post_batch(self.ctx, [draft]))
            assert outcome.fault in (Fault.NONE, Fault.FLOOR)
            taken = outcome.booked
        assert taken == self.model.fits(moves)
        if taken:
            self.model.book(moves)
        return draft.id, moves if taken else {}

    @rule(
        asked=st.lists(
            st.tuples(NAMES, NAMES, CENTS, st.sampled_from([None, "g1", "g2"])), min_size=2, max_size=6
        )
    )
    def post_batch(self, asked: list[tuple[str, str, Decimal, str | None]]) -> None:
        groups = {"g1": uuid4(), "g2": uuid4(), None: None}
        drafts = [self.draft(giver, taker, amount, group=groups[g]) for giver, taker, amount, g in asked]
        outcomes = self.run(api.post_batch(self.ctx, drafts))
        units: dict[object, list[int]] = {}
        for n, (_, _, _, group) in enumerate(asked):
            units.setdefault(group or n, []).append(n)
        for members in units.values():
            moves: dict[str, Decimal] = {}
            for n in members:
                for name, moved in self.moves(*asked[n][:3]).items():
                    moves[name] = moves.get(name, Decimal(0)) + moved
            taken = self.model.fits(moves)
            assert {outcomes[n].booked for n in members} == {taken}
            if taken:
                self.model.book(moves)

    @rule(
        key=st.sampled_from(["k1", "k2"]), amount=st.sampled_from([Decimal(1), Decimal(2)]), one=st.booleans()
    )
    def post_with_key(self, key: str, amount: Decimal, one: bool) -> None:
        draft = self.draft("sales", "bank", amount, key=f"{self.mark} {key}")
        former = self.model.keys.get(key)
        if one:
            try:
                entry = self.run(api.post(self.ctx, draft))
                assert former is None or former == (amount, entry)
            except SentError as error:
                assert error.code == "capital.key_reused"
                assert former is not None and former[0] != amount
        else:
            (outcome,) = self.run(api.post_batch(self.ctx, [draft]))
            expected = (
                Fault.NONE if former is None else Fault.DUPLICATE if former[0] == amount else Fault.KEY_REUSED
            )
            assert outcome.fault == expected
        if former is None:
            self.model.keys[key] = (amount, draft.id)
            self.model.book(self.moves("sales", "bank", amount))

    @rule(target=pendings, giver=NAMES, taker=NAMES, amount=CENTS, late=st.booleans())
    def reserve(self, giver: str, taker: str, amount: Decimal, late: bool) -> UUID:
        expires = datetime.now(UTC) + (timedelta(milliseconds=-1) if late else timedelta(hours=1))
        draft = self.draft(giver, taker, amount, kind="pending", expires_at=expires)
        moves = self.moves(giver, taker, amount)
        (outcome,) = self.run(api.post_batch(self.ctx, [draft]))
        parts = {name: min(SIGN[name] * moved, Decimal(0)) * SIGN[name] for name, moved in moves.items()}
        assert outcome.booked == self.model.fits(parts)
        if outcome.booked:
            self.model.reserved[draft.id] = Reserved(moves, late=late)
        return draft.id

    @rule(id=pendings, share=st.sampled_from([None, Decimal("0.5"), Decimal(2)]))
    def post_pending(self, id: UUID, share: Decimal | None) -> None:
        known = self.model.reserved.get(id)
        lines, moves = None, {} if known is None else dict(known.moves)
        if known is not None and share is not None and known.moves:
            moves = {name: (moved * share).quantize(Decimal("0.01")) for name, moved in known.moves.items()}
            if 0 in moves.values():
                return
            lines = [api.Line(self.ids[name], moved, "EUR") for name, moved in moves.items()]
        try:
            self.run(api.post_pending(self.ctx, id, DAY, lines=lines))
        except SentError as error:
            more = lines is not None and share == 2
            assert known is None or not known.open or known.late or more, error.code
            return
        assert known is not None and known.open and not known.late and (lines is None or share != 2)
        known.open = False
        self.model.book(moves)

    @rule(id=pendings)
    def void(self, id: UUID) -> None:
        known = self.model.reserved.get(id)
        try:
            freed = self.run(api.void_pending(self.ctx, id))
        except SentError:
            assert known is None or known.late or not known.open
            return
        assert known is not None
        assert freed == known.open
        known.open = False

    @rule()
    def expire(self) -> None:
        due = [one for one in self.model.reserved.values() if one.open and one.late]
        assert self.run(api.expire(self.ctx)) >= len(due)
        for one in due:
            one.open = False

    @rule(made=booked)
    def reverse(self, made: tuple[UUID, dict[str, Decimal]]) -> None:
        id, moves = made
        back = {name: -moved for name, moved in moves.items()}
        try:
            self.run(api.reverse(self.ctx, id, DAY))
        except SentError as error:
            assert not moves or not self.model.fits(back) or error.code == "capital.reversed", error.code
            return
        self.model.book(back)

    @rule(amount=CENTS)
    def post_early(self, amount: Decimal) -> None:
        lines = [api.Line(self.ids["bank"], amount, "EUR"), api.Line(self.ids["sales"], -amount, "EUR")]
        draft = api.Draft(self.journal, self.early, lines)
        (outcome,) = self.run(api.post_batch(self.ctx, [draft]))
        assert outcome.fault == (Fault.PERIOD if self.model.period == "hard" else Fault.NONE)
        if outcome.booked:
            self.model.early += amount
            self.model.book({"bank": amount, "sales": -amount})

    @rule(state=st.sampled_from(["open", "soft", "soft", "hard"]))
    def set_period(self, state: Any) -> None:
        try:
            self.run(api.set_period(self.ctx, self.early, self.early, state, period=self.period))
        except SentError as error:
            assert error.code == "capital.period.hard" and self.model.period == "hard" and state != "hard"
            return
        assert self.model.period != "hard" or state == "hard"
        self.model.period = state

    @rule(
        name=st.sampled_from(["ann", "bob"]),
        floor=st.sampled_from([None, Decimal(-10), Decimal(0), Decimal(5)]),
    )
    def set_floor(self, name: str, floor: Decimal | None) -> None:
        try:
            self.run(api.set_floor(self.ctx, self.ids[name], floor))
        except SentError as error:
            assert error.code == "capital.floor.below" and floor is not None
            assert self.model.available(name) < floor
            return
        assert floor is None or self.model.available(name) >= floor or self._untouched(name)
        if floor is None:
            self.model.floors.pop(name, None)
        else:
            self.model.floors[name] = floor

    def _untouched(self, name: str) -> bool:
        """Say whether nothing was ever booked or reserved: an account may begin below its floor."""
        return self.model.available(name) == 0

    @rule()
    def remember(self) -> None:
        self.model.remembered = (datetime.now(UTC), dict(self.model.posted))

    @rule()
    def as_it_was_known(self) -> None:
        if self.model.remembered is not None:
            moment, posted = self.model.remembered
            found = {one.account: one.amount for one in self.run(api.balances(self.ctx, None, moment))}
            assert {name: found.get(id, Decimal(0)) for name, id in self.ids.items()} == posted

    @rule()
    def upkeep(self) -> None:
        self.run(api.upkeep(self.ctx))

    @invariant()
    def balances_agree(self) -> None:
        found = self.run(api.balances(self.ctx))
        mine = {one.account: one.amount for one in found}
        for name, id in self.ids.items():
            assert mine.get(id, Decimal(0)) == self.model.posted[name], name
        assert sum(one.amount for one in found) == 0
        past = {one.account: one.amount for one in self.run(api.balances(self.ctx, self.early))}
        assert past.get(self.ids["bank"], Decimal(0)) == self.model.early
        for name, floor in self.model.floors.items():
            holding = self.run(api.holding(self.ctx, self.ids[name], "EUR"))
            assert holding.posted == SIGN[name] * self.model.posted[name]
            assert holding.available == self.model.available(name)
            assert self.model.available(name) >= floor or self._untouched(name)


@pytest.fixture
def loop() -> Any:
    """Return an event loop of the machine's own."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


def test_l2_the_ledger_agrees_with_a_model(server: Any, loop: asyncio.AbstractEventLoop) -> None:
    from tenants import make_org

    from sent.platform.config.secrets import role_password
    from sent.platform.db.engine import Database, fixed

    async def opened(role: str) -> Database:
        db = Database(server, role, fixed(role_password(role)), trusted=True)
        await db.__aenter__()
        return db

    app, system = loop.run_until_complete(opened("sent_app")), loop.run_until_complete(opened("sent_system"))
    try:
        Ledger.loop, Ledger.org = loop, loop.run_until_complete(make_org(system, app, "alpha"))
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=12,
                phases=[Phase.generate],
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        found = loop.run_until_complete(api.verify(Ledger.org.ctx))
        assert found.findings == ()
        assert found.entries > 0
    finally:
        for db in (app, system):
            loop.run_until_complete(db.__aexit__(None, None, None))
