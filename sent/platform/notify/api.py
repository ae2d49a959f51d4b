"""Telling people of something, in the transaction that caused it.

    async with uow(ctx) as tx:
        ...
        await notify(tx, "jobs.job.died", title="A job died", body="...", link="jobs",
                     severity="warning", permission="jobs:manage", key=f"job:{task}")

The notice, the inboxes and the deliveries commit or vanish with the cause. Who gets it where follows from
each person's rules (`notify.wanted`, revision 0013); mails and webhooks are sent by `sender.Sender`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.db.uow import Tx, scalar
from sent.platform.errors import Invalid
from sent.platform.ids import uuid7
from sent.platform.links import parse_inside
from sent.platform.notify.template import GATHERED, LANGUAGES, Language, Text, cleaned

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
PEOPLE, KEY, TOPIC = 500, 200, 80
MANAGERS = "notifications:manage"


async def notify(
    tx: Tx,
    topic: str,
    *,
    title: str = "",
    body: str = "",
    texts: Mapping[Language, Text] | None = None,
    link: str | None = None,
    severity: Severity = "info",
    people: Sequence[UUID] = (),
    permission: str | None = None,
    key: str | None = None,
    client: UUID | None = None,
) -> UUID:
    """Raise a notice for `people` and everybody who holds `permission`; return its id.

    `texts` (of a `Template`) speak several languages, else title and body are for all. Without people and
    permission it is for who manages notifications. While a notice with `key` is open (somebody has not read
    it, for a day at most) another one counts up on it instead; more than ten of a topic within a minute
    gather in one digest. `client` is whom it is about: people limited to other clients hear nothing of it.
    Raises Invalid for what cannot be taken; Denied for memberships, who notify through what they do.
    """
    words: dict[Language, Text] = {"en": Text(title, body)}
    if texts is not None:
        words = dict(texts)
    _check(topic, words, link, severity, people, key)
    found = await scalar(
        tx,
        "select notify.tell(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            uuid7(),
            topic,
            severity,
            Jsonb({language: _cleaned(text) for language, text in words.items()}),
            Jsonb({language: _cleaned(text) for language, text in _gathered(words).items()}),
            link,
            sorted(set(people)),
            permission if people or permission else MANAGERS,
            key,
            client,
        ],
    )
    return UUID(str(found))


async def close(tx: Tx, key: str) -> bool:
    """Close the open notice with this key, so that the next one is told anew; False when there is none."""
    return bool(await scalar(tx, "select notify.close(%s)", [key]))


def _check(
    topic: str,
    texts: Mapping[Language, Text],
    link: str | None,
    severity: str,
    people: Sequence[UUID],
    key: str | None,
) -> None:
    if "en" not in texts or not all(cleaned(text.title, 1) for text in texts.values()):
        raise Invalid("notify.title", "a notice needs a title, in English at least")
    if severity not in SEVERITIES:
        raise Invalid("notify.severity", f"a severity is {', '.join(SEVERITIES)}; not {severity!r}")
    if len(set(people)) > PEOPLE:
        raise Invalid("notify.people", f"a notice is for at most {PEOPLE} people; name a permission instead")
    if key is not None and not 0 < len(key) <= KEY:
        raise Invalid("notify.key", f"a key has 1 to {KEY} characters")
    if not 0 < len(topic) <= TOPIC:
        raise Invalid("notify.topic", f"a topic has 1 to {TOPIC} characters such as radar.alert.raised")
    if link is not None:
        parse_inside(link)


def _gathered(words: Mapping[Language, Text]) -> dict[Language, Text]:
    """Return how a digest begins that these words open, in every language."""
    return {
        language: GATHERED.render(title=words.get(language, words["en"]).title)[language]
        for language in LANGUAGES
    }


def _cleaned(text: Text) -> dict[str, str]:
    return {"title": text.title_line(), "body": text.body_lines()}
