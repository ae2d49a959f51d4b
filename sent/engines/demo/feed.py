"""The feeder: a process that sends live traffic to the demo's syslog ports, with attacks now and then.

`python -m sent.engines.demo.feed [--seconds N]`: ends by itself after N seconds, on SIGTERM, or when the
process that started it is gone. Its rate is bounded.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from sent.engines.demo import attacks, traffic
from sent.engines.demo.company import SITES, Site
from sent.engines.demo.history import LIVE_RATE
from sent.engines.demo.messages import Sent
from sent.platform.errors import SentError
from sent.platform.tasks import spawn
from sent.platform.telemetry.log import configure, get_logger

TICK_S = 0.25
FIRST_ATTACK_S = 3.0
ATTACK_EVERY_S = (20.0, 55.0)
MOST_WAITING = 1000
CONNECT_TIMEOUT_S = 5.0

_log = get_logger("feeder")


class Sender:
    """Speaks syslog to the sources: datagrams, or octet-counted frames over a connection."""

    def __init__(self, addresses: Mapping[str, tuple[str, str, int]]) -> None:
        self._addresses = addresses
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.setblocking(False)
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self.sent = 0
        self.failed = 0

    async def send(self, message: Sent) -> None:
        """Send one message; a source that does not answer costs it the message, not us the process."""
        kind, host, port = self._addresses[message.site]
        try:
            if kind == "syslog_udp":
                self._datagrams.sendto(message.data, (host, port))
            else:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._stream(message, host, port)
            self.sent += 1
        except (OSError, TimeoutError):
            self.failed += 1
            self._forget(message.site)

    def close(self) -> None:
        """Close all sockets."""
        self._datagrams.close()
        for site in list(self._writers):
            self._forget(site)

    async def _stream(self, message: Sent, host: str, port: int) -> None:
        writer = self._writers.get(message.site)
        if writer is None or writer.is_closing():
            _, writer = await asyncio.open_connection(host, port)
            self._writers[message.site] = writer
        writer.write(b"%d %s" % (len(message.data), message.data))
        await writer.drain()

    def _forget(self, site: str) -> None:
        writer = self._writers.pop(site, None)
        if writer is not None:
            writer.close()


class Generator:
    """Decides what is said when: ordinary traffic at a steady mean, attacks between."""

    def __init__(self, random: Random, start: datetime, *, rate: float = LIVE_RATE) -> None:
        self._random = random
        self._rate = rate
        self._next = start
        self._attack = start + timedelta(seconds=FIRST_ATTACK_S)
        self._planned: list[Sent] = []
        # Whoever opens the demo sees a whole intrusion first.
        self._first: attacks.Attack = attacks.macro_to_ransomware

    def until(self, now: datetime) -> list[Sent]:
        """Return what is said up to `now`, in order; at most MOST_WAITING messages at once."""
        said: list[Sent] = []
        while self._next <= now and len(said) < MOST_WAITING:
            said.append(traffic.message(self._random, self._site(), self._next))
            self._next += timedelta(seconds=self._random.expovariate(self._rate))
        self._next = max(self._next, now - timedelta(seconds=TICK_S))
        if self._attack <= now:
            self._planned += self._first(self._random, self._site(), now)
            self._first = attacks.attack
            self._attack = now + timedelta(seconds=self._random.uniform(*ATTACK_EVERY_S))
        said += [message for message in self._planned if message.at <= now]
        self._planned = [message for message in self._planned if message.at > now]
        return sorted(said, key=lambda message: message.at)

    def _site(self) -> Site:
        return self._random.choices(SITES, (5, 3, 2))[0]


async def feed(sender: Sender, generator: Generator, stopping: asyncio.Event, seconds: float | None) -> None:
    """Send until told to stop, for at most `seconds`."""
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    supervisor = os.environ.get("SENT_SUPERVISOR_PID")
    while not stopping.is_set() and (end is None or loop.time() < end):
        for message in generator.until(datetime.now(UTC)):
            await sender.send(message)
        if supervisor and os.getppid() != int(supervisor):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TICK_S)


async def addresses() -> dict[str, tuple[str, str, int]]:
    """Return kind, host and port of each site's source, as the demo organisation has them."""
    from sent.engines.demo.api import context
    from sent.engines.radar import api as radar
    from sent.platform.config.secrets import role_password
    from sent.platform.db.embedded import endpoint
    from sent.platform.db.engine import Database, fixed

    password = fixed(role_password("sent_app"))
    async with Database(endpoint.find(), "sent_app", password, trusted=True, name="sent feeder") as app:
        sources = {source.name: source for source in await radar.sources(await context(app))}
    found: dict[str, tuple[str, str, int]] = {}
    for site in SITES:
        host, _, port = sources[site.source].address.rpartition(":")
        found[site.key] = (site.kind, host, int(port))
    return found


async def _run(seconds: float | None) -> None:
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    sender = Sender(await addresses())
    try:
        random = Random()  # noqa: S311 (made-up traffic)
        generator = Generator(random, datetime.now(UTC))
        await spawn(feed(sender, generator, stopping, seconds), name="feed")
    finally:
        sender.close()
        _log.info("feeder.ended", sent=sender.sent, failed=sender.failed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the feeder and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sent.engines.demo.feed")
    parser.add_argument("--seconds", type=float, default=None, help="end after so many seconds")
    options = parser.parse_args(arguments)
    configure("feeder")
    try:
        asyncio.run(_run(options.seconds))
    except SentError as error:
        print(f"feeder: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
