"""Settings of an organisation: what the engines' manifests declare, kept in `core.setting`.

A key is `"<engine>.<key>"`. What nobody has set has the manifest's default; a value that the manifest
would not allow is refused before it is stored, and a stored one that has become impossible counts as unset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from sent.platform import registry
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound
from sent.platform.manifest import Manifest, Setting

Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Current:
    """A setting with its value; `is_default` when nobody has set it."""

    engine: Manifest
    setting: Setting
    value: Value
    is_default: bool

    @property
    def key(self) -> str:
        """The full key, `"<engine>.<key>"`."""
        return f"{self.engine.id}.{self.setting.key}"


def declared(key: str) -> tuple[Manifest, Setting]:
    """Return the declaration of a full key; raises NotFound."""
    for manifest in registry.manifests():
        for setting in manifest.settings:
            if f"{manifest.id}.{setting.key}" == key:
                return manifest, setting
    raise NotFound("setting.unknown", f"there is no setting {key!r}", key=key)


async def get(ctx: Ctx, key: str) -> Value:
    """Return the value of a setting."""
    _, setting = declared(key)
    async with uow(ctx) as tx:
        stored = await _stored(tx, [key])
    return _valid_or_default(setting, stored.get(key))


async def get_all(ctx: Ctx) -> list[Current]:
    """Return all settings of all engines in the order of the rail."""
    places = [(manifest, setting) for manifest in registry.manifests() for setting in manifest.settings]
    async with uow(ctx) as tx:
        stored = await _stored(tx, [f"{manifest.id}.{setting.key}" for manifest, setting in places])
    found = []
    for manifest, setting in places:
        raw = stored.get(f"{manifest.id}.{setting.key}")
        value = _valid_or_default(setting, raw)
        found.append(Current(manifest, setting, value, raw is None))
    return found


async def put(ctx: Ctx, key: str, value: Value, *, expected: Value | None = None) -> None:
    """Store a value; raises Invalid (the manifest does not allow it), Denied (settings:write).

    With `expected`, raises Conflict with the present value as `data["now"]` when it is not that any more.
    """
    _, setting = declared(key)
    check(setting, value)
    async with uow(ctx) as tx:
        if expected is not None:
            await _replace(tx, setting, key, value, expected)
            return
        await tx.execute(
            "insert into core.setting (organization_id, key, value) values (sec.org(), %s, %s)"
            " on conflict (organization_id, key) do update set value = excluded.value",
            [key, Jsonb(value)],
        )


async def _replace(tx: Tx, setting: Setting, key: str, value: Value, expected: Value) -> None:
    """Store a value over the one that was read; of two at once the later one finds the row changed."""
    stored = (await _stored(tx, [key])).get(key)
    now = _valid_or_default(setting, stored)
    changed = 0
    if now == expected and stored is None:
        done = await tx.execute(
            "insert into core.setting (organization_id, key, value) values (sec.org(), %s, %s)"
            " on conflict (organization_id, key) do nothing",
            [key, Jsonb(value)],
        )
        changed = done.rowcount
    elif now == expected:
        done = await tx.execute(
            "update core.setting set value = %s where key = %s and value = %s",
            [Jsonb(value), key, Jsonb(stored)],
        )
        changed = done.rowcount
    if not changed:
        now = _valid_or_default(setting, (await _stored(tx, [key])).get(key))
        raise Conflict("setting.changed", "somebody else changed this setting first", now=now)


async def reset(ctx: Ctx, key: str) -> None:
    """Go back to the default."""
    declared(key)
    async with uow(ctx) as tx:
        await tx.execute("delete from core.setting where key = %s", [key])


def check(setting: Setting, value: object) -> None:
    """Raise Invalid unless the declaration allows `value`."""
    kinds: dict[str, type] = {"text": str, "choice": str, "int": int, "bool": bool}
    wanted = kinds[setting.kind]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise Invalid("setting.kind", f"{setting.title}: expected {setting.kind}", key=setting.key)
    if setting.kind == "choice" and value not in setting.choices:
        choices = ", ".join(setting.choices)
        raise Invalid("setting.choice", f"{setting.title}: choose one of {choices}", key=setting.key)
    if isinstance(value, int) and not isinstance(value, bool):
        low, high = setting.minimum, setting.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise Invalid("setting.range", f"{setting.title}: from {low} to {high}", key=setting.key)
    if isinstance(value, str) and len(value) > 10_000:
        raise Invalid("setting.length", f"{setting.title}: too long", key=setting.key)


def _valid_or_default(setting: Setting, raw: Any) -> Value:
    if raw is None:
        return setting.default
    try:
        check(setting, raw)
    except Invalid:
        return setting.default
    checked: Value = raw
    return checked


async def _stored(tx: Tx, keys: list[str]) -> dict[str, Any]:
    found = await tx.execute("select key, value from core.setting where key = any (%s)", [keys])
    return {str(key): value for key, value in await found.fetchall()}
