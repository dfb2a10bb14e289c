"""The deploy of an application: fetch, build, and release what was made; else nothing changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableSet
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo, UndoContext
from headway.core.engine.background import while_standing
from headway.drivers.builders.engine import UNDO_BUILD
from headway.drivers.builders.engine import undo as undo_build
from headway.drivers.builders.publication import UNDO_PUSH, publish
from headway.drivers.builders.publication import undo as undo_push
from headway.drivers.buildplan.toolchains.store import UNDO as TOOLCHAIN
from headway.drivers.buildplan.toolchains.store import undo as undo_toolchain
from headway.drivers.runtimes.contract.last_output import advice
from headway.drivers.runtimes.registry import runtime_of
from headway.drivers.sources.build_path import require_left
from headway.drivers.sources.image import UNDO_PULL, digest_of, pullable_of
from headway.drivers.sources.image import undo as undo_pull
from headway.features.edge import first_answers
from headway.features.servers.auxiliary_run import AuxiliaryRun, to_be_ended
from headway.features.servers.fleet import ServerUnknown
from headway.features.servers.source_checkout import Supply, checkout_undos
from headway.features.services.application import engine_fetch
from headway.features.services.application.activation import ApplicationActivation, undos
from headway.features.services.application.artifact_transfer import UNDO as MOVE
from headway.features.services.application.artifact_transfer import undo as undo_move
from headway.features.services.application.artifacts import dump_artifact, load_artifact
from headway.features.services.application.build_server import WORKSHOP, BuildServer
from headway.features.services.application.model import is_over_machines
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.tools import ApplicationContext, ApplicationContexts
from headway.features.services.commits import describe
from headway.features.services.requests import DeployKind
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import DockerApi
from headway.infra.hosts.base import Host
from headway.kernel.artifacts import Artifact, Bundle, Commit, Image, ReleaseSpec, Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase
from headway.kernel.vault import Vault

KIND = "application.deploy"
VERSION = 9  # raised with every change to the steps below: a run of another version is not resumed
APPLICATION_DEPLOY = DeployKind(name=KIND, version=VERSION)
RELEASE_COMMAND = "release command"
_OF_IMAGES: Mapping[str, Callable[[Host, DockerApi, Json], Awaitable[None]]] = {
    UNDO_PULL: undo_pull,
    UNDO_BUILD: undo_build,
    UNDO_PUSH: undo_push,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDeploy:
    """How an application is deployed; fits ``core.deployments.run.Kind``."""

    planner: ApplicationPlanner
    contexts: ApplicationContexts
    hosts: Mapping[str, Host]
    untracked_runs: MutableSet[str]
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = RELEASE_COMMAND

    @property
    def here(self) -> Host:
        """The panel's own machine."""
        return self.hosts[LOCAL_HOST]

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The application as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planner.freeze(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        deploy = _Deploy(run, ApplicationPlan.load(run.plan), self)
        commit, built = await deploy.made()
        artifact = await deploy.arrived(built)
        activation = deploy.activation(commit, await deploy.shared(artifact))
        spec = await activation.ports(before=deploy.cleared(activation.artifact))
        await deploy.release_command(spec)
        await activation.start(spec)
        health = await activation.health_check(spec)
        success = Success(
            warning=await activation.route(spec, health),
            message=f"Deployment done: release {spec.release_id} serves{activation.where(spec)}",
            settle=lambda tx: activation.settle(tx, spec, health),
            standing=partial(activation.standing, spec, health),
        )
        return await first_answers.added(run, activation.tools.routing.edge, activation.plan.application_id, success)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        return {
            **undos(self._target),
            **checkout_undos(self.hosts),
            TOOLCHAIN: self._undo_toolchain,
            WORKSHOP: lambda undoing, data: undoing.host.remove_tree(data["folder"]),
            MOVE: lambda undoing, data: undo_move(
                undoing, self.hosts, self._api(undoing.deployment.host_ids[-1]), data
            ),
            **{name: self._of_images(undo) for name, undo in _OF_IMAGES.items()},
        }

    async def _undo_toolchain(self, _undoing: UndoContext, data: Json) -> None:
        with suppress(ServerUnknown):  # nothing is owed on a server that was removed
            await undo_toolchain(self.hosts.__getitem__, data)

    def _of_images(self, undo: Callable[[Host, DockerApi, Json], Awaitable[None]]) -> Undo:
        return lambda undoing, data: undo(undoing.host, self._api(undoing.deployment.host_id), data)

    def _target(self, undoing: UndoContext) -> tuple[ApplicationContext, Host]:
        host_id = undoing.deployment.host_ids[-1]
        return self.contexts.at(host_id), self.hosts[host_id]

    def _api(self, host_id: str) -> DockerApi:
        return self.contexts.at(host_id).imaging.api


class _Deploy:
    """The steps of one deploy."""

    def __init__(self, run: Run, plan: ApplicationPlan, kind: ApplicationDeploy) -> None:
        self._run = run
        self._plan = plan
        self._kind = kind
        self._tools: ApplicationContext = kind.contexts.at(run.deployment.host_ids[-1])
        self._builds: ApplicationContext = kind.contexts.building(run.deployment.host_id, self._tools)
        self._there: Run = run
        self._elsewhere: BuildServer | None = None
        self._vault: Vault = kind.planner.vault
        self._release_id = run.deployment.deployment_id
        self._folder = self._tools.folders.release(plan.application_id, self._release_id)

    async def made(self) -> tuple[Commit, Artifact]:
        """What is to be released, and what it was made of."""
        if self._plan.settings.source_type == "docker":
            return await self.pulled()
        supply = self._supply()
        async with supply.under_way():
            commit = await self.source(supply)
            workspace = await supply.lay_out(commit, self._folder, self._begin_there)
        return commit, await self.build(workspace, commit)

    async def pulled(self) -> tuple[Commit, Artifact]:
        """An image that somebody else has built; its digest stands for the commit."""

        async def pull() -> Json:
            await self._tools.room.require(self._run)
            await self._run.undo("release", self._data)
            digest = self._plan.commit.hash if self._plan.commit is not None else None
            source = self._tools.imaging.source(self._plan, self._run.deployment.deployment_id)
            return dump_artifact(await source.fetch(self._run, digest))

        image = load_artifact(await self._run.step("source", pull))
        assert isinstance(image, Image)  # noqa: S101 - this step gives nothing else
        digest = digest_of(image)
        await self._run.describe(description=f"Image: {image.name} ({digest[:12]})", hash=digest)
        return Commit(hash=digest, subject="", author="", branch=""), image

    async def arrived(self, built: Artifact) -> Artifact:
        """What was built elsewhere, where it is to be released."""
        run, kind = self._run, self._kind
        if run.deployment.release_host_id is None:
            return built
        self._elsewhere = BuildServer(
            run=run,
            source=self._builds,
            target=self._tools,
            here=kind.here,
            files=kind.contexts.here.folders.mover(run.deployment.deployment_id),
            untracked_runs=kind.untracked_runs,
        )
        self._there = await self._elsewhere.arrive(kind.hosts[run.deployment.release_host_id])
        artifact = await self._elsewhere.moved(self._there, built, self._folder, self._plan.build_account)
        if not isinstance(artifact, Bundle):
            return artifact

        async def seal() -> Json:
            equipped = await self._equipped(artifact)
            return dump_artifact(replace(equipped, bytes=await self._seal(self._there, equipped)))

        return load_artifact(await run.step("seal", seal))

    async def _equipped(self, bundle: Bundle) -> Bundle:
        """The bundle, and on the machine where it runs the languages that its files point at."""
        from headway.drivers.buildplan.toolchains.provision import bring  # noqa: PLC0415 - an image needs no languages of ours

        store = self._tools.store(self._release_id)
        if store is None or not bundle.toolchains:
            return bundle
        provided = await bring(self._there, bundle.toolchains, store)
        return replace(bundle, tool_path=provided.path, toolchains=provided.names)

    async def shared(self, artifact: Artifact) -> Artifact:
        """The artifact as other machines get it too, where it is to run on several."""
        settings = self._plan.settings
        if isinstance(artifact, Bundle):
            if settings.run.replicas > 1:
                await self._run.say(phrase("replicas has no effect on processes; scale says how often each runs."))
            return artifact
        if not is_over_machines(settings):
            return artifact

        async def share() -> Json:
            to = self._tools.imaging.destination(self._plan, self._release_id)
            if settings.source_type == "docker":
                return dump_artifact(replace(artifact, pullable=pullable_of(artifact)))
            if to is None:
                await self._run.say(phrase("No registry is chosen (registryId), so the image stays on this machine."))
                return dump_artifact(artifact)
            return dump_artifact(await publish(self._there, artifact, to))

        return load_artifact(await self._run.step("share", share))

    async def source(self, supply: Supply) -> Commit:
        """The commit to deploy: the newest of its branch, or for a redeploy the one that serves."""

        async def fetch() -> Json:
            await self._builds.room.require(self._run)
            if self._plan.commit is not None:
                await self._run.say(
                    phrase("Deploying {} {} again, as it was.", self._what.lower(), self._plan.commit.hash[:12])
                )
                return asdict(self._plan.commit)
            return asdict(await supply.fetch())

        commit = Commit(**await self._run.step("source", fetch))
        await describe(self._run, commit, description=f"{self._what}: {commit.hash}", title=commit.subject or None)
        return commit

    async def _begin_there(self) -> None:
        """The place of the release, where its files will stay, which is the same where it is built: what is built may
        hold its path.
        """
        await self._run.undo("release", self._data)
        if self._run.deployment.release_host_id is not None:
            await self._run.undo(WORKSHOP, {"folder": self._folder})
        if self._run.deployment.host_id == self._kind.here.host_id:
            await self._run.host.make_folder(self._tools.folders.releases(self._plan.application_id), mode=0o711)

    def _supply(self) -> Supply:
        here = self._kind.contexts.here
        return Supply(
            run=self._run,
            source=here.source(self._plan),
            here=self._kind.here,
            untracked_runs=self._kind.untracked_runs,
            bundles=here.folders.bundles,
            there=self._builds.folders.bundles,
            account=self._plan.build_account,
        )

    async def build(self, workspace: Workspace, commit: Commit) -> Artifact:
        """The artifact, made by the build account."""

        async def choose() -> Json:
            return await self._builds.builder(self._run, self._plan, workspace, commit)

        async def make() -> Json:
            plan, fetches = self._plan, partial(self._settle, fetches=True)
            building = self._builds.build(self._run, plan, workspace, commit, builder, fetches=fetches)
            artifact = await while_standing(building, partial(self._builds.room.watch, self._run))
            if plan.settings.engine_fetch is None:
                await self._settle(fetches=False)
            if isinstance(artifact, Bundle) and self._run.deployment.release_host_id is None:
                artifact = replace(artifact, bytes=await self._seal(self._run, artifact))
            return dump_artifact(artifact)

        builder: str = await self._run.step("builder", choose)
        return load_artifact(await self._run.step("build", make))

    async def _settle(self, *, fetches: bool) -> None:
        """Notes whether the engine fetches what the machine reaches for its builds; what is noted already stays."""
        application_id, vault = self._plan.application_id, self._vault
        await self._run.write(lambda tx: engine_fetch.settle(tx, application_id, vault, fetches=fetches))

    def activation(self, commit: Commit, artifact: Artifact) -> ApplicationActivation:
        """The steps that follow, whatever was made."""
        return ApplicationActivation(
            run=self._there,
            plan=self._plan,
            tools=self._tools,
            vault=self._vault,
            artifact=artifact,
            commit=commit,
            folder=self._folder,
            runtime_name=runtime_of(artifact, over_machines=is_over_machines(self._plan.settings)),
        )

    def cleared(self, artifact: Artifact) -> Callable[[], Awaitable[None]]:
        """Removes the source of an image, once its build is recorded: before that it could be repeated."""

        async def clear() -> None:
            if self._elsewhere is not None:
                await self._elsewhere.clear(self._there, artifact, self._folder)
            elif isinstance(artifact, Image):
                await self._run.host.remove_tree(self._folder)

        return clear

    async def release_command(self, spec: ReleaseSpec) -> None:
        """The Procfile's ``release`` line, once: after a crash of the panel it is never run a second time."""
        line = spec.artifact.release_command
        if line is None:
            return

        there = self._there
        if isinstance(there, AuxiliaryRun):  # a panel that goes on with it adds to the log only what is not there yet
            there.go_on_from(await self._run.step("before the release command", there.skip))

        async def release() -> Json:
            await self._run.say(phrase("Release command: {}", line))
            if isinstance(there, AuxiliaryRun):
                await to_be_ended(self._run, there.host)
            if isinstance(spec.artifact, Image):
                from headway.features.services.application import release_container  # noqa: PLC0415 - few releases have such a command

                container = release_container.RUNTIME
                await self._run.undo("running", {"new": spec.release_id, "runtime": container})
                return await release_container.carry_out(there, self._tools, self._plan, spec, line)
            await self._tools.runtimes.of("native").ensure()  # what it is started by lies there
            try:
                await there.command("release command", self._tools.release_command(self._plan, spec))
            except RunFailed as failed:
                where = advice(failed.message, spec.data_folder or "")
                raise RunFailed(f"{failed.message}{where}", failed.reason) from failed

        await self._run.step(RELEASE_COMMAND, release)

    @property
    def _data(self) -> dict[str, str]:
        return {"application_id": self._plan.application_id, "new": self._release_id}

    @property
    def _what(self) -> str:
        return "Archive" if self._plan.settings.source_type == "drop" else "Commit"

    async def _seal(self, run: Run, artifact: Bundle) -> int:
        """Closes the bundle to the build account and gives its size; beside it is the folder of the application's own
        data. Raises SourceError where the build leads out of it.
        """
        size = await self._tools.seal(run, self._folder, self._plan)
        await require_left(run, Workspace(root=self._folder, folder=artifact.folder))
        data = self._tools.folders.data(self._plan.application_id)
        await run.host.make_folder(data, owner=self._plan.run_account)
        if artifact.processes:
            told = f"DATA_DIR is {data}: what is to stay belongs there. What is written in the release itself is "
            await run.say(phrase(f"{told}thrown away with the process that wrote it."))
        return size
