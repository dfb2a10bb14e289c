"""The deploy of a compose service: read, pull, build, and release what came of it; else all is as before."""

from __future__ import annotations

from collections.abc import Mapping, MutableSet
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo
from headway.core.engine.background import while_standing
from headway.features.edge import first_answers
from headway.features.servers.source_checkout import Supply, checkout_undos
from headway.features.services.commits import describe
from headway.features.services.compose import engine_fetch
from headway.features.services.compose.model import DROP, RAW, STACK
from headway.features.services.compose.plan import START, ComposePlan, ComposePlanner
from headway.features.services.compose.tools import ComposeContexts
from headway.features.services.requests import DeployKind
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

if TYPE_CHECKING:
    from headway.features.services.compose.activation import ComposeActivation

KIND = "compose.deploy"
VERSION = 7  # raised with every change to the steps below: a run of another version is not resumed
COMPOSE_DEPLOY = DeployKind(name=KIND, version=VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDeploy:
    """How a compose service is deployed; fits ``core.deployments.run.Kind``."""

    planner: ComposePlanner
    contexts: ComposeContexts
    hosts: Mapping[str, Host]
    untracked_runs: MutableSet[str]
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = START

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The compose service as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planner.freeze(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        from headway.features.services.compose.swarm_stack import SwarmStack  # noqa: PLC0415 - a start performs none

        deploy = _Deploy(run, ComposePlan.load(run.plan), self)
        activation = deploy.activation(await deploy.laid_out())
        await deploy.read(activation)
        await deploy.pull(activation)
        await while_standing(deploy.build(activation), partial(activation.tools.room.watch, run))
        steps = SwarmStack.of(activation, await deploy.push(activation)) if deploy.is_stack else activation
        plan = await steps.decide()
        try:
            await steps.start(plan)
            await steps.start_beside(plan)
            finished = await steps.health_check(plan)
            answers = await steps.answers(plan)
            await steps.route(plan, answers)
        except RunFailed as failure:
            raise steps.left(plan, failure) from failure
        names = ", ".join(plan.record.services)
        success = Success(
            message=f"Deployment done: {names} of {activation.plan.app_name} are up",
            warning=answers.warning,
            settle=lambda tx: activation.settle(tx, plan, finished, answers),
            standing=None if plan.record.stack else partial(activation.standing, plan, answers),
        )
        return await first_answers.added(run, activation.tools.routing.edge, activation.plan.compose_id, success)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        from headway.features.services.compose.undos import undos  # noqa: PLC0415 - as above

        return {**undos(self.contexts), **checkout_undos(self.hosts)}


class _Deploy:
    """The steps of one deploy."""

    def __init__(self, run: Run, plan: ComposePlan, kind: ComposeDeploy) -> None:
        from headway.features.services.compose.image_distribution import ImageDistribution  # noqa: PLC0415 - as above

        self._run = run
        self._plan = plan
        self._kind = kind
        self._tools = tools = kind.contexts.at(run.deployment.host_id)
        self._root = tools.folders.release(plan.compose_id, run.deployment.deployment_id)
        self._bringing = ImageDistribution(run=run, plan=plan, tools=tools)

    def activation(self, commit: Commit | None) -> ComposeActivation:
        """The steps that follow once the images are there, and the record on which all of them work."""
        from headway.features.services.compose.activation import ComposeActivation  # noqa: PLC0415 - as above

        return ComposeActivation(run=self._run, plan=self._plan, tools=self._tools, commit=commit, folder=self._root)

    @property
    def is_stack(self) -> bool:
        """Whether a swarm is to run it."""
        return self._plan.settings.compose_type == STACK

    async def laid_out(self) -> Commit | None:
        """The files of this deploy in a folder of their own, and the commit that they are, None for a file that is
        written by hand.
        """
        if self._plan.settings.source_type == RAW:
            await self._run.step("source", self._require_engine)
            await self._run.step("check out", self._write)
            return None
        supply = self._supply()
        async with supply.under_way():
            commit = await self._source(supply)
            await supply.lay_out(commit, self._root, self._begin_there)
        return commit

    async def _source(self, supply: Supply) -> Commit:
        async def fetch() -> Json:
            await self._require_engine()
            if self._plan.commit is not None:
                await self._run.say(phrase("Deploying commit {} again, without fetching.", self._plan.commit.hash[:12]))
                return asdict(self._plan.commit)
            return asdict(await supply.fetch())

        commit = Commit(**await self._run.step("source", fetch))
        what = "Archive" if self._plan.settings.source_type == DROP else "Commit"
        await describe(self._run, commit, description=f"{what}: {commit.hash}", title=commit.subject or None)
        return commit

    async def _require_engine(self) -> Json:
        await self._tools.room.require(self._run)
        await self._tools.engine.present()

    async def _begin_there(self) -> None:
        """The folders in which its files will lie, on its host."""
        folders, host = self._tools.folders, self._run.host
        await self._run.undo("release", self.activation(None).data)
        await host.make_folder(self._tools.engine.docker.config_folder, mode=0o711)
        await host.make_folder(folders.own(self._plan.compose_id), owner=self._plan.build_account)
        await host.make_folder(folders.files(self._plan.compose_id), mode=0o755)

    async def _write(self) -> Json:
        from headway.features.services.compose.file_names import RAW_FILE  # noqa: PLC0415 - as above

        await self._begin_there()
        account, text = self._plan.build_account, self._plan.settings.compose_file.encode()
        await self._run.host.make_folder(self._root, owner=account)
        await self._run.host.write_file(f"{self._root}/{RAW_FILE}", text, owner=account)

    def _supply(self) -> Supply:
        here = self._kind.contexts.here
        return Supply(
            run=self._run,
            source=here.source(self._plan),
            here=self._kind.hosts[LOCAL_HOST],
            untracked_runs=self._kind.untracked_runs,
            bundles=here.folders.bundles,
            there=self._tools.folders.bundles,
            account=self._plan.build_account,
        )

    async def read(self, activation: ComposeActivation) -> None:
        """The file as it is to run, held against what is allowed; kept encrypted, for it holds secrets."""
        from headway.features.services.compose import file_names  # noqa: PLC0415 - as above
        from headway.features.services.compose.file_policy import Reading  # noqa: PLC0415 - as above

        async def judge() -> Json:
            settings, own = self._plan.settings, self._tools.folders.own(self._plan.compose_id)
            path = await file_names.path_there(settings, self._run.host, self._root, own)
            if path != settings.compose_path:
                lacking = settings.compose_path.removeprefix("./")
                await self._run.say(phrase("The file is {}: there is no {}.", path.removeprefix("./"), lacking))
            reading = Reading(run=self._run, plan=self._plan, tools=self._tools, root=self._root, path=path)
            record = await reading.record()
            await self._run.write(lambda tx: activation.write(tx, record))
            await self._run.say(phrase("Services: {}", ", ".join(record.file["services"])))

        await self._run.step("compose file", judge)

    async def pull(self, activation: ComposeActivation) -> None:
        """Brings the images that are not built here."""

        async def bring() -> Json:
            await self._bringing.pull(await activation.record())

        await self._run.step("pull", bring)

    async def build(self, activation: ComposeActivation) -> None:
        """Builds the images that are built."""
        from headway.features.services.compose.image_builds import build  # noqa: PLC0415 - as above

        async def make() -> Json:
            await build(self._bringing, await activation.record(), fetches=partial(self._settle, fetches=True))
            if self._plan.settings.engine_fetch is None:
                await self._settle(fetches=False)

        await self._run.step("build", make)

    async def _settle(self, *, fetches: bool) -> None:
        """Notes whether the engine fetches what the machine reaches for its builds; what is noted already stays."""
        compose_id, vault = self._plan.compose_id, self._kind.planner.vault
        await self._run.write(lambda tx: engine_fetch.settle(tx, compose_id, vault, fetches=fetches))

    async def push(self, activation: ComposeActivation) -> Json:
        """Takes images that are built to the registries that their names lead to; how others fetch them."""
        record = await activation.record()
        if not self._bringing.names_to_push(record):
            return {}

        async def take() -> Json:
            return await self._bringing.push(record)

        pushed = await self._run.step("push", take)
        await self._bringing.forget_pushed(record)
        return pushed
