"""Carries out a wish to end a deployment: the wish is written first, and the call returns once it is true."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from headway.core.deployments import store
from headway.core.deployments.model import Deployment
from headway.core.deployments.status import Intent, Status
from headway.core.engine import explanations
from headway.core.engine.parts import Parts
from headway.core.engine.recovery import Recovery
from headway.core.engine.worker import Worker
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput, Unavailable
from headway.kernel.events import DeploymentMoved

_LOOK_AGAIN_SECONDS = 1.0
_AT_A_TIME = 100


class NotRunning(InvalidInput):
    """A kill of something that does not run (the peer's sentence and code)."""

    def __init__(self) -> None:
        super().__init__("Deployment is not running")


class AlreadyEnded(InvalidInput):
    """A cancel of something that has ended."""

    def __init__(self) -> None:
        super().__init__("Deployment has already ended")


class Stopper:
    """Ends deployments on request; fits ``core.deployments.service.Stopping``."""

    def __init__(self, parts: Parts, worker: Worker, recovery: Recovery) -> None:
        self._parts = parts
        self._worker = worker
        self._recovery = recovery

    async def kill(self, deployment_id: str) -> Deployment:
        """Ends a running deployment with SIGKILL; returns when nothing is left. Raises NotRunning, Unavailable."""
        return await self._stop(deployment_id, Intent.KILL)

    async def cancel(self, deployment_id: str, intent: Intent = Intent.CANCEL) -> Deployment:
        """Ends a waiting or running deployment gently. Raises AlreadyEnded, Unavailable."""
        return await self._stop(deployment_id, intent)

    async def cancel_waiting(self, deployment_ids: Sequence[str], intent: Intent) -> list[str]:
        """Ends those of them that wait, some at a time: nobody else's write waits for all of them. Gives the others."""
        others: list[str] = []
        for first in range(0, len(deployment_ids), _AT_A_TIME):
            some = deployment_ids[first : first + _AT_A_TIME]
            ended = await self._parts.db.run(lambda tx, ids=some: self._end_waiting(tx, ids, intent))  # type: ignore[misc]
            others += [each for each in some if each not in ended]
        return others

    def _end_waiting(self, tx: Tx, deployment_ids: Sequence[str], intent: Intent) -> set[str]:
        return self._parts.ledger.end_waiting_all(tx, deployment_ids, intent.reason, explanations.wished(intent))

    def hasten(self, deployment_id: str, intent: Intent) -> None:
        """Tells the runner of a wish that is written. One that nobody runs is met by recovery's next round."""
        self._worker.interrupt(deployment_id, intent)

    async def _stop(self, deployment_id: str, intent: Intent) -> Deployment:
        ended = asyncio.Event()
        stop_listening = self._parts.events.listen(
            DeploymentMoved, lambda moved: _note_end(moved, deployment_id, ended)
        )
        try:
            written = await self._parts.db.run(lambda tx: self._write_wish(tx, deployment_id, intent))
            if written.status.ended:
                return written
            if not self._worker.interrupt(deployment_id, written.intent or intent):
                await self._recovery.look(deployment_id)
            return await self._await_end(deployment_id, ended)
        finally:
            stop_listening()

    def _write_wish(self, tx: Tx, deployment_id: str, intent: Intent) -> Deployment:
        while True:  # somebody else may move the row between the look and the write: then look again
            deployment = store.find(tx, deployment_id)
            match deployment.status:
                case Status.RUNNING:
                    if self._parts.ledger.intend(tx, deployment, intent):
                        return store.find(tx, deployment_id)
                case Status.PENDING if intent is not Intent.KILL:
                    ended = self._parts.ledger.end_waiting(tx, deployment, intent.reason, explanations.wished(intent))
                    if ended is not None:
                        return ended
                case _:
                    raise NotRunning if intent is Intent.KILL else AlreadyEnded

    async def _await_end(self, deployment_id: str, ended: asyncio.Event) -> Deployment:
        try:
            async with asyncio.timeout(self._parts.settings.stop_deadline.total_seconds()):
                while True:
                    current = await self._parts.db.read(lambda tx: store.find(tx, deployment_id))
                    if current.status.ended or current.out_of_reach_since is not None:
                        break
                    await _heard(ended)
                    ended.clear()
        except TimeoutError as error:
            raise Unavailable(
                "The deployment's processes could not be ended in time; the wish is kept and carried out as soon as "
                "its host answers."
            ) from error
        if not current.status.ended:
            raise Unavailable(
                "The deployment's server is out of reach. The wish is kept and carried out as soon as it answers."
            )
        if current.status is Status.DONE:
            raise NotRunning
        return current


async def _heard(ended: asyncio.Event) -> None:
    """Returns when this panel has written the end, and now and then, for another panel may."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
            await ended.wait()


def _note_end(moved: DeploymentMoved, deployment_id: str, ended: asyncio.Event) -> None:
    if moved.deployment_id == deployment_id:
        ended.set()
