"""Whether a container serves: by an answer or a connection from outside, by its image's own check, or by having stayed
up; and why not, in a sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from headway.drivers.runtimes.container.state import ContainerState, how_it_ended
from headway.drivers.runtimes.contract.answer import AskedPort, mend
from headway.drivers.runtimes.contract.last_output import LAST_LINES, explained, quoted
from headway.drivers.runtimes.contract.patience import CRASHES, Patience
from headway.drivers.runtimes.contract.runtime import Health, ReleaseStatus, Unhealthy
from headway.infra.hosts import processes, sockets
from headway.kernel.artifacts import HealthKind, ReleaseSpec
from headway.kernel.errors import OutOfMemory


class RanOutOfMemory(Unhealthy, OutOfMemory):
    """The release was ended for the memory that it used while it was starting."""


class Watched(Protocol):
    """What has to be known of a release to judge it."""

    async def found(self) -> ContainerState | None:
        """Its container, None where there is none any more."""
        ...

    async def ran_out_of_memory(self, found: ContainerState) -> bool:
        """Whether what has ended so was ended for the memory that it used."""
        ...

    async def last_lines(self, count: int) -> list[str]:
        """The last lines that it wrote, masked as the run's log is."""
        ...


async def wait_until_healthy(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> Health:
    """Returns when the release is healthy. Raises Unhealthy with the sentence; the last lines are said before."""
    try:
        return await _wait(spec, watched, say)
    except Unhealthy as error:
        lines = await watched.last_lines(LAST_LINES)
        for line in lines:
            await say(f"web | {line}")
        raise await explained(error, lines) from error.__cause__


async def _wait(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> Health:
    patience = Patience(say=say, deadline_seconds=spec.health.deadline_seconds)
    asked: AskedPort | None = None
    while True:
        found = await watched.found()
        if found is None:
            raise Unhealthy("The container is gone: somebody has removed it. Deploy again.")
        await _give_up_on_ends(found, watched)
        asked = _asked(spec, found, asked)
        lacking = await _lacking(spec, found, asked)
        if lacking is None:
            await say(_good_news(spec, asked, patience.seconds))
            copies = ReleaseStatus(release_id=spec.release_id, processes=(found.status(),)).copies
            return Health(answers=asked is not None and asked.answers, copies=copies)
        await patience.pause(lacking)


def _asked(spec: ReleaseSpec, found: ContainerState, before: AskedPort | None) -> AskedPort | None:
    """Its port from outside, at its own address: what the engine publishes on the loopback takes connections for
    whatever is behind it. Where it was started again, it is another's.
    """
    port = spec.container.port
    if port is None:
        return None
    host, outer = (found.address, port) if found.address else ("127.0.0.1", spec.port or 0)
    if before is not None and (before.host, before.port, before.pid) == (host, outer, found.pid):
        return before
    return AskedPort(
        host=host,
        port=outer,
        number=port,
        pid=found.pid,
        expected=spec.health.expected or not found.address,  # the engine's own proxy takes connections for nobody
        living=lambda: processes.with_descendants([found.pid] if found.pid else []),
        untaken=lambda: None if found.pid is None else sockets.untaken(port, found.pid),
    )


async def _lacking(spec: ReleaseSpec, found: ContainerState, asked: AskedPort | None) -> str | None:
    """What is lacking, None when nothing is."""
    if not found.runs:
        ended = f", last with {_how(found)}" if found.exits else ""
        return f"its container is {found.state.replace('_', ' ')}{ended}."
    match spec.health.kind:
        case HealthKind.OWN:
            return _by_its_own_check(found) or (None if asked is None else await asked.lacking())
        case HealthKind.SETTLE:
            up = (datetime.now(UTC) - found.since).total_seconds() if found.since else 0.0
            wanted = spec.health.settle_seconds
            return None if up >= wanted else f"it has to stay up for {wanted:g} s."
        case HealthKind.HTTP | HealthKind.TCP:
            return await _by_its_port(spec, found, asked)


def _by_its_own_check(found: ContainerState) -> str | None:
    told = f' It says: "{found.told[:300]}".' if found.told else ""
    if found.health == "unhealthy":
        raise Unhealthy(f"The health check of the image fails.{told} Mend what it reports, then deploy again.")
    return None if found.health == "healthy" else f"the health check of its image has not passed yet.{told}"


async def _by_its_port(spec: ReleaseSpec, found: ContainerState, asked: AskedPort | None) -> str | None:
    if asked is None:
        return "it has no port."
    lacking = await asked.lacking_by(spec.health)
    if lacking is None or asked.takes_connections:
        return lacking
    return f"{lacking}{await asyncio.to_thread(listening_instead, found.pid, asked.number)}"


def listening_instead(pid: int | None, port: int) -> str:
    """Where the processes of a container listen, as far as this machine can see into it; the end of a sentence."""
    others = None if pid is None else sockets.listening_in(pid)
    if others is None:
        return ""
    wanted = f" It has to listen on port {port} of 0.0.0.0 (the variable PORT can name another)"
    where = f"{', '.join(others)} instead" if others else "no port"
    return f"{wanted}; it listens on {where}. {mend(others, port)}"


async def _give_up_on_ends(found: ContainerState, watched: Watched) -> None:
    is_over = found.has_exited and found.state.value == "stopped"
    if found.exits < CRASHES and not is_over:
        return
    if found.has_exited and not found.out_of_memory and await watched.ran_out_of_memory(found):
        found = replace(found, out_of_memory=True)
    last = await quoted(await watched.last_lines(LAST_LINES))
    if found.error:
        last = f" Docker says: {found.error}."
    times = "once" if found.exits == 1 else f"{found.exits} times"
    sentence = (
        f"The container ended {times} while it was starting, last with {_how(found)}.{last} Mend what it reports (the "
        "deployment's log ends with more of it) and deploy again."
    )
    raise RanOutOfMemory(sentence) if found.out_of_memory else Unhealthy(sentence)


def _how(found: ContainerState) -> str:
    return how_it_ended(found.exit_code, out_of_memory=found.out_of_memory)


def _good_news(spec: ReleaseSpec, asked: AskedPort | None, seconds: float) -> str:
    after = f"(after {seconds:.2f} s)"
    if asked is not None and asked.other:
        return f"Healthy, and no server of HTTP as the edge asks it: {asked.other}, on port {asked.number} {after}."
    match spec.health.kind:
        case HealthKind.OWN:
            also = "" if asked is None else f", and port {asked.number} answers HTTP"
            return f"Healthy: the health check of its image passes{also} {after}."
        case HealthKind.SETTLE:
            return f"Healthy: its container has stayed up for {spec.health.settle_seconds:g} s."
        case HealthKind.HTTP:
            return f"Healthy: GET {spec.health.path} is answered on port {spec.container.port} {after}."
        case HealthKind.TCP:
            return f"Healthy: it answers HTTP on port {spec.container.port} {after}."
