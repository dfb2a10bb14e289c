"""Use cases of single deployments: look, end, remove; each one transaction, each asked of the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments import list_queries, pending_undos, store
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.list_queries import Part
from headway.core.deployments.model import Deployment, StepRecord
from headway.core.deployments.status import Intent, Reason, Status
from headway.core.deployments.subjects import service_of
from headway.core.deployments.summary import Listed
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.logs.download import OpenedLog
from headway.infra.logs.grep import Find, Hits
from headway.infra.logs.lines import LinePlace, LinesAsked, LogLines
from headway.infra.logs.search import Found, Search
from headway.kernel.errors import Conflict


class RunsStill(Conflict):
    """A running deployment is not removed under its own feet."""

    def __init__(self) -> None:
        super().__init__("Deployment is running; kill it first")


class Stopping(Protocol):
    """What ending a deployment needs of the engine."""

    async def kill(self, deployment_id: str) -> Deployment:
        """Ends a running deployment with SIGKILL; returns when nothing is left. Raises InvalidInput when it does not
        run, Unavailable when its host does not answer.
        """
        ...

    async def cancel(self, deployment_id: str, intent: Intent = Intent.CANCEL) -> Deployment:
        """Ends a waiting or running deployment gently. Raises InvalidInput when it has ended, Unavailable."""
        ...

    async def cancel_waiting(self, deployment_ids: Sequence[str], intent: Intent) -> list[str]:
        """Ends those of them that wait, many in one statement; gives the others."""
        ...

    def hasten(self, deployment_id: str, intent: Intent) -> None:
        """Has a wish that stands on the row carried out now; it is anyway, at the next look, also after a crash."""
        ...


class LogFiles(Protocol):
    """The logs of deployments, by id and never by path."""

    async def tail(self, deployment_id: str, lines: int) -> str:
        """The last ``lines`` lines, "" when there is no log."""
        ...

    async def open(self, deployment_id: str) -> OpenedLog:
        """The log as bytes, empty when there is none; whoever asks for it closes it."""
        ...

    async def search(self, deployment_id: str, search: Search) -> Found:
        """Where a text stands in the log."""
        ...

    async def lines(self, deployment_id: str, asked: LinesAsked, *, has_ended: bool) -> LogLines:
        """Lines of the log by their numbers."""
        ...

    async def place(self, deployment_id: str, number: int, *, has_ended: bool) -> LinePlace | None:
        """Where a line of the log begins, or the last where there are fewer; None where there is no log."""
        ...

    async def find(self, deployment_id: str, wanted: Find, *, has_ended: bool) -> Hits:
        """Which lines of the log have a text."""
        ...

    async def remove(self, deployment_id: str) -> None:
        """Removes a log and what lies beside it."""
        ...


class DeploymentService:
    """What callers may ask of deployments of every type."""

    def __init__(
        self,
        *,
        db: Database,
        ledger: Ledger,
        stopping: Stopping,
        logs: LogFiles,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._stopping = stopping
        self._logs = logs

    async def one(self, actor: Actor, permission: Permission, deployment_id: str) -> Deployment:
        """The deployment. Raises NotFound where there is none that the caller may see, Forbidden where the caller may
        not do to it what ``permission`` is for.
        """
        return await self._db.read(lambda tx: permitted(tx, actor, permission, deployment_id))

    async def of_log(
        self, actor: Actor, permission: Permission, log_path: str, server_id: str | None = None
    ) -> Deployment:
        """The deployment whose row names this ``logPath``, on that server where one is named. The path is only a key:
        nothing is opened by it. Raises NotFound where the caller may see none.
        """
        found = await self.one(actor, permission, PurePosixPath(log_path).name.partition(".")[0])
        if found.log_path != log_path or server_id not in {None, found.server_id, found.host_id}:
            raise Missing(Noun.DEPLOYMENT)
        return found

    async def followed(self, deployment_id: str) -> tuple[Deployment, list[StepRecord]]:
        """A deployment and its steps so far, for whoever asks for each of those who are told of them whether they may
        see it. Raises NotFound.
        """
        return await self._db.read(lambda tx: (store.find(tx, deployment_id), store.steps_of(tx, deployment_id)))

    async def kill(self, actor: Actor, permission: Permission, deployment_id: str) -> Deployment:
        """Ends a running deployment at once; returns when nothing of its processes is left and its status says so."""
        await self.one(actor, permission, deployment_id)
        return await self._stopping.kill(deployment_id)

    async def cancel(self, actor: Actor, permission: Permission, deployment_id: str) -> Deployment:
        """Ends a waiting deployment, or a running one with SIGTERM and a grace."""
        await self.one(actor, permission, deployment_id)
        return await self._stopping.cancel(deployment_id)

    async def remove(self, actor: Actor, permission: Permission, deployment_id: str) -> Part:
        """Removes the record and the log, and gives what was removed; what the deployment released serves on, and what
        it still owes is taken back. A waiting one is cancelled first. Raises Conflict for a running one.
        """

        def delete(tx: Tx) -> Part:
            found = permitted(tx, actor, permission, deployment_id)
            if found.status is Status.PENDING:
                found = self._ledger.end_waiting(tx, found, Reason.CANCELLED, "Cancelled to be removed.") or found
            current = store.find(tx, deployment_id)
            if not current.status.ended:
                raise RunsStill
            removed = list_queries.explained(tx, Part(rows=[Listed.of(current)]))
            store.remove_all(tx, [deployment_id], undos_stay=pending_undos.keep(tx, current))
            self._ledger.lists_changed(tx, current)
            return removed

        removed = await self._db.run(delete)
        await self._logs.remove(deployment_id)
        return removed

    async def read_log(self, actor: Actor, permission: Permission, deployment_id: str, tail: int) -> str:
        """The last ``tail`` lines of a deployment's log, "" when there is none yet."""
        await self.one(actor, permission, deployment_id)
        return await self._logs.tail(deployment_id, tail)

    async def open_log(self, actor: Actor, permission: Permission, deployment_id: str) -> tuple[Deployment, OpenedLog]:
        """A deployment and its log as bytes; whoever asks for it closes it. That the deployment had ended tells that
        the log was whole.
        """
        deployment = await self.one(actor, permission, deployment_id)
        return deployment, await self._logs.open(deployment_id)

    async def search_log(self, actor: Actor, permission: Permission, deployment_id: str, search: Search) -> Found:
        """Where a text stands in a deployment's log."""
        await self.one(actor, permission, deployment_id)
        return await self._logs.search(deployment_id, search)

    async def lines(
        self, actor: Actor, permission: Permission, deployment_id: str, asked: LinesAsked
    ) -> tuple[Deployment, list[StepRecord], LogLines]:
        """Lines of a deployment's log, and of its steps the numbers of their first, with the deployment and its steps
        as they were before. That it had ended tells that the log was whole. Raises BegunAnew, Unavailable.
        """

        def look(tx: Tx) -> tuple[Deployment, list[StepRecord]]:
            return permitted(tx, actor, permission, deployment_id), store.steps_of(tx, deployment_id)

        found, steps = await self._db.read(look)
        asked = replace(asked, places=tuple(step.log_offset for step in steps))
        return found, steps, await self._logs.lines(deployment_id, asked, has_ended=found.status.ended)

    async def line_place(
        self, actor: Actor, permission: Permission, deployment_id: str, number: int
    ) -> LinePlace | None:
        """Where a line of a deployment's log begins, or the last where there are fewer; None where there is no log.
        Raises Unavailable.
        """
        found = await self.one(actor, permission, deployment_id)
        return await self._logs.place(deployment_id, number, has_ended=found.status.ended)

    async def find(self, actor: Actor, permission: Permission, deployment_id: str, wanted: Find) -> Hits:
        """Which lines of a deployment's log have a text. Raises NoExpression, BegunAnew, Unavailable."""
        found = await self.one(actor, permission, deployment_id)
        return await self._logs.find(deployment_id, wanted, has_ended=found.status.ended)


def permitted(tx: Tx, actor: Actor, permission: Permission, deployment_id: str) -> Deployment:
    """The deployment, for whoever may do this to it. Raises NotFound where there is none that the caller may see, and
    Forbidden.
    """
    found = store.find(tx, deployment_id)
    permit(
        actor,
        permission,
        found.organization_id,
        found.project_id,
        service_id=service_of(found.subject_type, found.subject_id),
        noun=Noun.DEPLOYMENT,
    )
    return found
