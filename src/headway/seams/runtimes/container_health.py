"""Whether a container serves: by an answer or a connection from outside, by its image's own check, or by having stayed
up; and why not, in a sentence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from headway.kernel.artifacts import HealthKind, ReleaseSpec
from headway.kernel.errors import OutOfMemory
from headway.seams.runtimes import ports, processes, requests
from headway.seams.runtimes.base import Unhealthy
from headway.seams.runtimes.container_state import Found, how_it_ended
from headway.seams.runtimes.last_lines import LAST_LINES, explained, quoted
from headway.seams.runtimes.patience import Patience

CRASHES = 3

_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.25
_GROWTH = 1.1
_TRY_SECONDS = 5.0


class RanOutOfMemory(Unhealthy, OutOfMemory):
    """The release was ended for the memory that it used while it was starting."""


class Watched(Protocol):
    """What has to be known of a release to judge it."""

    async def found(self) -> Found | None:
        """Its container, None where there is none any more."""
        ...

    async def last_lines(self, count: int) -> list[str]:
        """The last lines that it wrote, masked as the run's log is."""
        ...


async def wait_until_healthy(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> None:
    """Returns when the release is healthy. Raises Unhealthy with the sentence; the last lines are said before."""
    try:
        await _wait(spec, watched, say)
    except Unhealthy as error:
        lines = await watched.last_lines(LAST_LINES)
        for line in lines:
            await say(f"web | {line}")
        raise explained(error, lines) from error.__cause__


async def _wait(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> None:
    begun = time.monotonic()
    patience = Patience(say=say, deadline_seconds=spec.health.deadline_seconds)
    pause = _FIRST_PAUSE
    while True:
        found = await watched.found()
        if found is None:
            raise Unhealthy("The container is gone: somebody has removed it. Deploy again.")
        await _give_up_on_ends(found, watched)
        lacking = await _lacking(spec, found)
        if lacking is None:
            await say(_good_news(spec, time.monotonic() - begun))
            return
        if time.monotonic() - begun > spec.health.deadline_seconds:
            raise Unhealthy(f"The release did not become healthy within {spec.health.deadline_seconds:g} s: {lacking}")
        await patience.tell(lacking)
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


async def _lacking(spec: ReleaseSpec, found: Found) -> str | None:
    """What is lacking, None when nothing is."""
    if not found.runs:
        ended = f", last with {_how(found)}" if found.exits else ""
        return f"its container is {found.state.replace('_', ' ')}{ended}."
    match spec.health.kind:
        case HealthKind.OWN:
            return _by_its_own_check(found)
        case HealthKind.SETTLE:
            up = (datetime.now(UTC) - found.since).total_seconds() if found.since else 0.0
            wanted = spec.health.settle_seconds
            return None if up >= wanted else f"it has to stay up for {wanted:g} s."
        case HealthKind.HTTP | HealthKind.TCP:
            return await _by_its_port(spec, found)


def _by_its_own_check(found: Found) -> str | None:
    told = f' It says: "{found.told[:300]}".' if found.told else ""
    if found.health == "unhealthy":
        raise Unhealthy(f"The health check of the image fails.{told} Mend what it reports, then deploy again.")
    return None if found.health == "healthy" else f"the health check of its image has not passed yet.{told}"


async def _by_its_port(spec: ReleaseSpec, found: Found) -> str | None:
    """From outside, at its own address: what the engine publishes on the loopback takes connections for whatever is
    behind it.
    """
    port = spec.container.port or 0
    host, asked_port = (found.address, port) if found.address else ("127.0.0.1", spec.port or 0)
    try:
        if spec.health.kind is HealthKind.HTTP:
            headers = {"Host": f"127.0.0.1:{port}", "User-Agent": "Headway-Health", "Accept": "*/*"}
            answer = await requests.get(
                host, asked_port, spec.health.path, headers=headers, timeout_seconds=_TRY_SECONDS
            )
            if not 200 <= answer.status < 400:
                return (
                    f"GET {spec.health.path} on port {port} answers {answer.status}, which is not 2xx or 3xx. Mend "
                    "what it reports, or set the health check's path to one that answers."
                )
        else:
            await requests.connect(host, asked_port, timeout_seconds=_TRY_SECONDS)
    except requests.NoAnswer as silence:
        asked = f"GET {spec.health.path} on port" if spec.health.kind is HealthKind.HTTP else "a connection to port"
        return f"{asked} {port} got no answer: {silence}.{await asyncio.to_thread(listening_instead, found.pid, port)}"
    return None


def listening_instead(pid: int | None, port: int) -> str:
    """Where the processes of a container listen, as far as this machine can see into it; the end of a sentence."""
    listening: list[ports.Listener] = []
    for table in ("tcp", "tcp6"):
        try:
            listening += ports.read_table((Path(processes.PROC) / str(pid) / "net" / table).read_text())
        except OSError:
            return ""
    wanted = f" It has to listen on port {port} of 0.0.0.0 (the variable PORT can name another)"
    # The engine's own name server listens there in every container.
    others = sorted(
        {f"{each.address}:{each.port}" for each in listening if not str(each.address).startswith("127.0.0.11")}
    )
    return f"{wanted}; it listens on {', '.join(others)} instead." if others else f"{wanted}; it listens on no port."


async def _give_up_on_ends(found: Found, watched: Watched) -> None:
    is_over = found.has_exited and found.state.value == "stopped"
    if found.exits < CRASHES and not is_over:
        return
    last = quoted(await watched.last_lines(LAST_LINES))
    if found.error:
        last = f" Docker says: {found.error}."
    times = "once" if found.exits == 1 else f"{found.exits} times"
    sentence = (
        f"The container ended {times} while it was starting, last with {_how(found)}.{last} Mend what it reports (the "
        "deployment's log ends with more of it) and deploy again."
    )
    raise RanOutOfMemory(sentence) if found.out_of_memory else Unhealthy(sentence)


def _how(found: Found) -> str:
    return how_it_ended(found.exit_code, out_of_memory=found.out_of_memory)


def _good_news(spec: ReleaseSpec, seconds: float) -> str:
    port = spec.container.port
    match spec.health.kind:
        case HealthKind.OWN:
            return f"Healthy: the health check of its image passes (after {seconds:.2f} s)."
        case HealthKind.SETTLE:
            return f"Healthy: its container has stayed up for {spec.health.settle_seconds:g} s."
        case HealthKind.HTTP:
            return f"Healthy: GET {spec.health.path} is answered on port {port} (after {seconds:.2f} s)."
        case HealthKind.TCP:
            return f"Healthy: it takes connections on port {port} (after {seconds:.2f} s)."
