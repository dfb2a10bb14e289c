"""Runs: a command that is carried out once inside the release of an application that serves."""

from __future__ import annotations

import json
from collections.abc import Sequence

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments import store
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.model import Lane, Request, SubjectType, asked_by
from headway.features.services.application.model import Application
from headway.features.services.application.service import ApplicationService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.vault import Vault

KIND = "application.run"
VERSION = 1
COMMAND = "command"
LONGEST_COMMAND = 128 << 10  # of one argument Linux takes no more
LONGEST_RUN_SECONDS = 7 * 86_400.0
_AROUND_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunService:
    """What callers may do with runs inside applications."""

    db: Database
    vault: Vault
    applications: ApplicationService

    async def run(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        command: Sequence[str],
        *,
        title: str | None = None,
        timeout_seconds: float | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a run of a program and its arguments, which no shell reads. Raises InvalidInput, KeyReused."""
        check(command, timeout_seconds)
        sealed = self.vault.seal(list(command))  # people give passwords as arguments, whatever they were told

        def request(_: Tx, application: Application) -> Request:
            return asked_by(actor, _request(application, sealed, title, timeout_seconds))

        return await self.applications.enqueue(actor, permission, application_id, once, request)

    async def exit_status(self, deployment_id: str) -> int | None:
        """How the command of a run has ended, for whoever was let through to it; minus the signal's number where one
        has ended it. None where it has not ended by itself.
        """
        steps = await self.db.read(lambda tx: store.steps_of(tx, deployment_id))
        told = (json.loads(step.result) for step in steps if step.name == COMMAND and step.result is not None)
        return next((result.get("exitStatus") for result in told if isinstance(result, dict)), None)


def check(command: Sequence[str], timeout_seconds: float | None) -> None:
    """Raises InvalidInput with what is wrong with a command."""
    if not command or not command[0]:
        raise InvalidInput("Say what is to run: a program and its arguments.")
    if any("\0" in each for each in command):
        raise InvalidInput("An argument cannot hold a NUL character.")
    if sum(len(each.encode()) + 1 for each in command) > LONGEST_COMMAND:
        raise InvalidInput(f"A command has at most {LONGEST_COMMAND >> 10} KiB; put what is longer into a file.")
    if timeout_seconds is not None and not 1 <= timeout_seconds <= LONGEST_RUN_SECONDS:
        raise InvalidInput(f"timeoutSeconds is between 1 and {LONGEST_RUN_SECONDS:.0f}.")


def _request(application: Application, sealed: str, title: str | None, timeout_seconds: float | None) -> Request:
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=SubjectType.RUN,
        subject_id=application.service_id,
        host_id=application.host_id,
        organization_id=application.organization_id,
        project_id=application.project_id,
        exclusive_key=None,  # one may look around while another migrates
        lane=Lane.DEPLOY,  # somebody sits before it
        title=title,
        default_title="Run",
        input={
            "type": "run",
            "command": sealed,
            "timeout_seconds": timeout_seconds,
            "total_seconds": None if timeout_seconds is None else timeout_seconds + _AROUND_SECONDS,
        },
    )
