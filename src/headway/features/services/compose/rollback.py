"""The rollback of a compose service: the file of an earlier release, down to its images; else all is as before.
Nothing is read, built or pulled, and nobody is asked but its machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo, UndoContext
from headway.core.deployments.status import Reason
from headway.features.edge import domain_snapshots, first_answers
from headway.features.services import releases_store
from headway.features.services.commits import describe
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import ComposeRelease, Record
from headway.features.services.compose.plan import START, ComposePlan, ComposePlanner
from headway.features.services.compose.tools import ComposeContext, ComposeContexts
from headway.features.services.rollback import ReleaseGone, unusable
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.phrase import phrase

if TYPE_CHECKING:
    from headway.features.services.compose.activation import ComposeActivation

KIND = "compose.rollback"
VERSION = 2  # raised with every change to the steps below: a run of another version is not resumed


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRollback:
    """How a compose service goes back; fits ``core.deployments.run.Kind``."""

    planner: ComposePlanner
    contexts: ComposeContexts
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = START

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The release and the compose service as they are now. Raises RunFailed (refused) where one is gone."""
        try:
            compose = store.find(tx, deployment.subject_id, self.planner.vault)
            release = find_release(tx, self.planner, deployment.input["release_id"])
            powers.require_release(tx, compose, release.record)
            plan = self.planner.plan_back(tx, compose, release)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        keep = bool(deployment.input.get("keep_configuration"))
        frozen = {
            "plan": plan.dump(),
            "release_id": release.release_id,
            "domains": None if keep else release.domains,
            "led": None if keep else domain_snapshots.wishes_of(tx, SubjectType.COMPOSE, compose.service_id),
            "organization_id": compose.organization_id,
        }
        return Frozen(plan=frozen, mask=plan.secrets)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        from headway.features.services.compose.swarm_stack import SwarmStack  # noqa: PLC0415 - a start performs none

        back = _Rollback(run, self.contexts.at(run.deployment.host_id), ComposePlan.load(run.plan["plan"]))
        release = await back.release()
        activation, domains = back.activation(release), run.plan["domains"]
        mine = activation.tools.routing.restoring(activation.plan.compose_id, run.plan["organization_id"])
        await back.find(activation, release)
        steps = SwarmStack.of(activation) if release.record.stack else activation
        plan = await steps.decide(led=domains is None)
        try:
            await steps.start(plan)
            await steps.start_beside(plan)
            finished = await steps.health_check(plan)
            await domain_snapshots.restore(run, mine, domains)
            answers = await steps.answers(plan)
            await steps.route(plan, answers)
        except RunFailed as failure:
            raise steps.left(plan, failure) from failure

        def settle(tx: Tx) -> None:
            if activation.plan.serving is not None:
                releases_store.rolled_back(tx, activation.plan.serving, by=activation.release_id)
            activation.settle(tx, plan, finished, answers, run.plan["led"])

        success = Success(
            warning=answers.warning,
            message=f"Rolled back: version {release.seq} of {activation.plan.app_name} runs again, as release "
            f"{activation.release_id}. Its file and variables are as they were: the next deploy works from them.",
            settle=settle,
            standing=None if plan.record.stack else partial(activation.standing, plan, answers),
        )
        return await first_answers.added(run, activation.tools.routing.edge, activation.plan.compose_id, success)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        from headway.features.services.compose.undos import undos  # noqa: PLC0415 - as above

        return {**undos(self.contexts), domain_snapshots.UNDO: self._domains}

    async def _domains(self, undoing: UndoContext, data: Json) -> None:
        await domain_snapshots.undo(undoing, self.contexts.at(undoing.deployment.host_id).routing, data)


class _Rollback:
    """The steps of a rollback that a deploy has not."""

    def __init__(self, run: Run, tools: ComposeContext, plan: ComposePlan) -> None:
        self._run = run
        self._tools = tools
        self._plan = plan

    async def release(self) -> ComposeRelease:
        """The release that is gone back to."""
        found = await self._tools.release(self._run.plan["release_id"])
        if found is None:
            raise RunFailed(ReleaseGone().message, Reason.REFUSED)
        return found

    def activation(self, release: ComposeRelease) -> ComposeActivation:
        """The steps that it shares with a deploy."""
        from headway.features.services.compose.activation import ComposeActivation  # noqa: PLC0415 - as above

        return ComposeActivation(
            run=self._run,
            plan=self._plan,
            tools=self._tools,
            commit=self._plan.commit,
            folder=release.folder,
            origin=release.origin or release.release_id,
        )

    async def find(self, activation: ComposeActivation, release: ComposeRelease) -> None:
        """Writes the record down as that of a release of its own, if all of it is there."""

        async def look() -> Json:
            missing = await self._tools.missing(release)
            if missing is not None:
                raise unusable(release.seq, missing)
            record = await self._bounded(release)
            await self._run.undo("release", activation.data)
            await self._run.write(lambda tx: activation.write(tx, record))
            await self._run.say(phrase("Going back to version {}, release {}.", release.seq, release.release_id))

        await self._run.step("release", look)
        await describe(self._run, self._plan.commit, description=f"Release: version {release.seq}")

    async def _bounded(self, release: ComposeRelease) -> Record:
        """What it was made of, within the bounds of now. Raises RunFailed where it asks for more."""
        try:
            machine = self._plan.settings.host_access
            return await self._tools.bounded(self._plan.compose_id, release.record, machine=machine, again=True)
        except InvalidInput as error:
            raise unusable(release.seq, error.message) from error


def find_release(tx: Tx, planner: ComposePlanner, release_id: str) -> ComposeRelease:
    """The release. Raises InvalidInput where it is gone."""
    found = store.release(tx, release_id, planner.vault)
    if found is None:
        raise ReleaseGone
    return found
