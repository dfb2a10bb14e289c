"""The rollback of an application: an artifact that was released before, with what it ran with; else nothing changes.
Nothing is built or fetched, and nobody is asked but this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo, UndoContext
from headway.core.deployments.status import Reason
from headway.features.edge import domain_snapshots, first_answers
from headway.features.edge.domain_snapshots import Domains
from headway.features.services import releases_store
from headway.features.services.application import health_store, store
from headway.features.services.application.activation import ApplicationActivation, undos
from headway.features.services.application.artifacts import dump_artifact, load_artifact
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.application.tools import ApplicationContext, ApplicationContexts
from headway.features.services.commits import describe
from headway.features.services.rollback import ReleaseGone, unusable
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Artifact, Commit
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.phrase import phrase
from headway.kernel.vault import Vault

KIND = "application.rollback"
VERSION = 2  # raised with every change to the steps below: a run of another version is not resumed


class NothingKept(InvalidInput):
    """A release about which too little is known to go back to it."""

    def __init__(self) -> None:
        super().__init__("What it ran with was not kept: it was made by an earlier version of Headway.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTarget:
    """The release that is gone back to, fixed when the run is let in. ``origin`` is the one whose artifact it has,
    ``domains`` are those that are to lead to it again (None: those of now stay).
    """

    release_id: str
    origin: str
    version: int
    folder: str
    runtime: str
    artifact: Mapping[str, Any]
    domains: Domains | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRollback:
    """How an application goes back; fits ``core.deployments.run.Kind``."""

    planner: ApplicationPlanner
    contexts: ApplicationContexts
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The release and the application as they are now. Raises RunFailed (refused) where one is gone."""
        keep = bool(deployment.input.get("keep_configuration"))
        try:
            application = store.find(tx, deployment.subject_id, self.planner.vault)
            target, snapshot = find_target(tx, self.planner.vault, deployment.input["release_id"], keep=keep)
            self.planner.require_back(tx, application, snapshot, keep_configuration=keep)
            plan = self.planner.plan_back(tx, application, snapshot, keep_configuration=keep)
            plan = replace(plan, answers=health_store.answered(tx, deployment.input["release_id"], plan.answers))
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        frozen = {
            "plan": plan.dump(),
            "target": {name: getattr(target, name) for name in target.__slots__},
            "organization_id": application.organization_id,
            "led": None if keep else domain_snapshots.wishes_of(tx, SubjectType.APPLICATION, application.service_id),
        }
        return Frozen(plan=frozen, mask=(*plan.mask, *snapshot.mask))

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        tools = self.contexts.at(run.deployment.host_id)
        back = _Rollback(run, ApplicationPlan.load(run.plan["plan"]), RollbackTarget(**run.plan["target"]), tools)
        activation = back.activation(await back.artifact(), self.planner.vault)
        spec = await activation.ports()
        await activation.start(spec)
        health = await activation.health_check(spec)
        mine = tools.routing.restoring(activation.plan.application_id, run.plan["organization_id"])
        await domain_snapshots.restore(run, mine, back.target.domains)
        warning = await activation.route(spec, health)

        def settle(tx: Tx) -> None:
            if activation.plan.serving is not None and not back.begins_anew:
                releases_store.rolled_back(tx, activation.plan.serving, by=activation.release_id)
            activation.settle(tx, spec, health, run.plan["led"])

        success = Success(
            warning=warning,
            message=f"{back.what_it_did} serves again{activation.where(spec)}, as release {spec.release_id}. The "
            "application's settings are as they were: the next deploy works from them.",
            settle=settle,
            standing=partial(activation.standing, spec, health),
        )
        return await first_answers.added(run, tools.routing.edge, activation.plan.application_id, success)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        return {
            **undos(lambda undoing: (self._tools(undoing), undoing.host)),
            domain_snapshots.UNDO: lambda undoing, data: domain_snapshots.undo(
                undoing, self._tools(undoing).routing, data
            ),
            "kept": lambda undoing, data: self._tools(undoing).runtimes.of(data["runtime"]).discard(data["new"]),
        }

    def _tools(self, undoing: UndoContext) -> ApplicationContext:
        return self.contexts.at(undoing.deployment.host_id)


class _Rollback:
    """The steps of a rollback that a deploy has not."""

    def __init__(self, run: Run, plan: ApplicationPlan, target: RollbackTarget, tools: ApplicationContext) -> None:
        self._run = run
        self._plan = plan
        self.target = target
        self._tools = tools

    async def artifact(self) -> Artifact:
        """What was released then, if it is there; kept for this release too."""

        async def find() -> Json:
            runtime, found = self._tools.runtimes.of(self.target.runtime), load_artifact(self.target.artifact)
            missing = await runtime.missing(found)
            if missing is not None:
                raise unusable(self.target.version, missing)
            new = self._run.deployment.deployment_id
            await self._run.undo("release", {"application_id": self._plan.application_id, "new": new})
            await self._run.undo("kept", {"new": new, "runtime": self.target.runtime})
            words = "Going back to version {}, release {}."
            if self.begins_anew:
                words = "Beginning anew version {}, release {}, with the settings of now."
            await self._run.say(phrase(words, self.target.version, self.target.release_id))
            if found.release_command:
                await self._run.say(phrase("Its release command is not run again; what later ones did to data stays."))
            return dump_artifact(await runtime.keep(found, self._plan.app_name, new))

        artifact = load_artifact(await self._run.step("release", find))
        await describe(self._run, self._commit, description=f"Release: version {self.target.version}")
        return artifact

    def activation(self, artifact: Artifact, vault: Vault) -> ApplicationActivation:
        """The steps that it shares with a deploy."""
        return ApplicationActivation(
            run=self._run,
            plan=self._plan,
            tools=self._tools,
            vault=vault,
            artifact=artifact,
            commit=self._commit,
            folder=self.target.folder,
            runtime_name=self.target.runtime,
            origin=self.target.origin,
        )

    @property
    def begins_anew(self) -> bool:
        """Whether it is what serves that serves again: with other settings than before, and nothing is gone back to."""
        return self.target.release_id == self._plan.serving

    @property
    def what_it_did(self) -> str:
        """For the beginning of a sentence."""
        how = "Restarted with the settings of now" if self.begins_anew else "Rolled back"
        return f"{how}: version {self.target.version}"

    @property
    def _commit(self) -> Commit:
        assert self._plan.commit is not None  # noqa: S101 - a plan back has that of its release
        return self._plan.commit


def find_target(tx: Tx, vault: Vault, release_id: str, *, keep: bool) -> tuple[RollbackTarget, Snapshot]:
    """A release as one goes back to it; with ``keep`` the domains of now stay. Raises InvalidInput."""
    found = store.release(tx, release_id)
    if found is None:
        raise ReleaseGone
    snapshot = open_snapshot(store.spec_of(tx, release_id), vault)
    if snapshot is None:
        raise NothingKept
    target = RollbackTarget(
        release_id=found.release_id,
        origin=found.origin or found.release_id,
        version=found.seq,
        folder=found.folder,
        runtime=found.runtime,
        artifact=snapshot.artifact,
        domains=None if keep else found.domains,
    )
    return target, snapshot
