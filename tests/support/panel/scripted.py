"""A kind of deployment for the proofs: it runs a user's own lines on its host, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.deployments.model import Deployment, Lane, Request, SubjectType
from headway.core.deployments.run import Frozen, Json, Run, Success, Undo
from headway.infra.db.transaction import Tx
from tests.support.machines.local_hosts import shell

KIND = "scripted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedKind:
    """Fits ``core.deployments.run.Kind``; its input's ``lines`` are a shell's."""

    name: str = KIND
    version: int = 1
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        return Frozen(plan={"lines": deployment.input["lines"]})

    async def perform(self, run: Run) -> Success:
        for number, line in enumerate(run.plan["lines"]):

            async def work(name: str = f"line {number}", line: str = line) -> Json:
                await run.command(name, shell(line))

            await run.step(f"line {number}", work)
        return Success(message="All lines are done.")

    @property
    def undos(self) -> Mapping[str, Undo]:
        """There is nothing to take back."""
        return {}


def request(server_id: str, organization_id: str, *lines: str) -> Request:
    """A deployment of these lines on a server."""
    return Request(
        kind=KIND,
        kind_version=1,
        subject_type=SubjectType.SERVER,
        subject_id=server_id,
        host_id=server_id,
        organization_id=organization_id,
        project_id=None,
        exclusive_key=None,
        lane=Lane.DEPLOY,
        default_title="Scripted",
        input={"lines": list(lines)},
    )
