"""`--service=radar`: takes logs in, runs the rules, stores events and alerts (see `engines.radar.intake`)."""

from __future__ import annotations

from sent.engines.radar.intake import Intake
from sent.workers.base import Worker
from sent.workers.host import Host


class RadarWorker(Worker):
    """The radar as a service; idle it holds neither rules nor sockets."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        url = host.settings.nats_url
        nats = None if url is None else (url, host.settings.nats_credentials)
        self._intake = Intake(host.system, host.ctx, host.instance_id, nats=nats)

    async def start(self) -> None:
        """Open the sources of all organisations."""
        await self._intake.start()

    async def run(self) -> None:
        """Store what arrives."""
        await self._intake.run()

    async def drain(self) -> None:
        """Close the sources and store what was taken in."""
        await self._intake.drain()

    async def stop(self) -> None:
        """Close what is still open."""
        await self._intake.stop()

    def metrics(self) -> dict[str, float]:
        """Return counters and gauges."""
        return self._intake.metrics()

    def ready(self) -> list[str]:
        """Return which sources cannot be read."""
        return self._intake.problems()
