"""Whether the ports that domains lead to answer HTTP, asked before anybody is led there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from headway.core.deployments.run import Run, RunFailed
from headway.drivers.runtimes.compose import stacks
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.contract.machine import Asked, Port
from headway.drivers.runtimes.contract.patience import SECONDS_UNTIL_TOLD, Patience
from headway.features.services.compose.model import Record
from headway.features.services.compose.routing import servers_of
from headway.features.services.compose.tools import ComposeContext
from headway.kernel.artifacts import Upstream
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase, plain

_EXPECTED_SECONDS = 5.0  # at a time, until the deadline
_PAUSE = 0.1
_SECONDS = 12.0  # what says nothing for ten seconds is no server of HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The ports (SERVICE:PORT) that answer, a warning of those that do not, and the containers that were asked, each as
    this one start of it.
    """

    ports: tuple[str, ...] = ()
    warning: str | None = None
    containers: tuple[str, ...] = ()

    @staticmethod
    def load(values: Mapping[str, Any]) -> Answers:
        """Those that a step has recorded."""
        return Answers(ports=tuple(values["ports"]), warning=values["warning"], containers=tuple(values["containers"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCheck:
    """Asks for a release. ``before`` is the record of the one that serves: a port that answered there has to again."""

    run: Run
    tools: ComposeContext
    compose_id: str
    before: Record | None
    within_seconds: float

    async def of(self, record: Record) -> Answers:
        """What answers. Raises RunFailed where a port does not that did before."""
        containers = await self._containers()
        wanted = await self.tools.db.read(lambda tx: self.tools.routing.wanted_ports(tx, self.compose_id))
        ways = [(name, port) for name, port in wanted if name in record.services]
        found = await asyncio.gather(*(self._answer(record, name, port, containers) for name, port in ways))
        silent = [sentence for sentence in found if sentence]
        for sentence in silent:
            await self.run.say(phrase("Warning: {}", sentence))
        asked = [each for name, port in ways for _, each in servers_of(record, name, port, containers)]
        return Answers(
            ports=tuple(_key(*way) for way, sentence in zip(ways, found, strict=True) if not sentence),
            warning=plain(" ".join(silent)) or None,
            containers=tuple(sorted({start_of(each) for each in asked if each is not None})),
        )

    async def require_standing(self, answers: Answers) -> None:
        """Whether the very containers that were asked still run. Raises RunFailed."""
        now = {start_of(each): each for each in await self._containers() if each.runs}
        if set(answers.containers) - now.keys():
            raise RunFailed("A container ended by itself after it was up; look at its last lines, then deploy again.")

    async def _answer(self, record: Record, name: str, port: int, containers: Sequence[Container]) -> str:
        """What to warn of, "" where every container of the service answers there. Raises RunFailed."""
        expected = self._is_expected(name, port)
        servers = servers_of(record, name, port, containers)
        patience = Patience(say=self.run.say, deadline_seconds=self.within_seconds if expected else _SECONDS)
        end = time.monotonic() + (self.within_seconds if expected else 0.0)
        seconds = SECONDS_UNTIL_TOLD  # at first: whoever follows is told of a wrong port long before it is given up
        while True:
            asked = await asyncio.gather(
                *(self._ask(*each, port, expected=expected, seconds=seconds) for each in servers)
            )
            silent = next((each for each in asked if not each.answers), None)
            if silent is None and asked:
                return ""
            why = silent.lacking or silent.other if silent is not None else "none of its containers has an address."
            if time.monotonic() >= end and (seconds > SECONDS_UNTIL_TOLD or not (silent and silent.lacking)):
                break
            await patience.tell(f"{name} does not answer on port {port}: {why}")
            seconds = _EXPECTED_SECONDS if expected else _SECONDS
            await asyncio.sleep(_PAUSE)
        if expected:
            raise RunFailed(f"The service {name} does not answer at port {port}, as it did before: {why}")
        return phrase(
            "Nobody is served at the domains of {}:{}, which does not answer: {}.", name, port, why.rstrip(".")
        )

    async def _ask(
        self, server: Upstream, container: Container | None, number: int, *, expected: bool, seconds: float
    ) -> Asked:
        if container is None:  # of a stack: what leads there takes connections, and answers, for whatever is behind it
            return await stacks.ask(server, number, seconds)
        port, machine = Port(number=server.port, address=server.address), self.tools.engine.machine
        return await machine.ask(port, pid=container.pid, expected=expected, within_seconds=seconds)

    def _is_expected(self, name: str, port: int) -> bool:
        """Before it was written down what answers, nothing came to serve that did not."""
        if self.before is None or name not in self.before.services:
            return False
        return self.before.answers is None or _key(name, port) in self.before.answers

    async def _containers(self) -> list[Container]:
        return await self.tools.engine.containers(panel=self.tools.panel_id, compose=self.compose_id)


def start_of(container: Container) -> str:
    """A container as this one start of it."""
    return f"{container.container_id} {container.started_at}"


def _key(name: str, port: int) -> str:
    return f"{name}:{port}"
