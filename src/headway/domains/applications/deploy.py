"""The deploy of an application: fetch, build, start beside the old release, check, route; else nothing changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undoing
from headway.core.deployments.status import Reason
from headway.domains.applications import store
from headway.domains.applications.artifacts import dump_artifact, load_artifact
from headway.domains.applications.model import Release, ReleaseState
from headway.domains.applications.plan import Plan
from headway.domains.applications.planning import Planning
from headway.domains.applications.snapshot import Snapshot
from headway.domains.applications.tools import Tools
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Artifact, Bundle, Commit, Image, ReleaseSpec, Workspace
from headway.kernel.vault import Vault
from headway.seams.builders.engine import undo as undo_build
from headway.seams.runtimes.registry import RUNTIME_OF
from headway.seams.sources.git import undo as undo_source
from headway.seams.sources.image import digest_of
from headway.seams.sources.image import undo as undo_pull

KIND = "application.deploy"
VERSION = 3  # raised with every change to the steps below: a run of another version is not resumed
RELEASE_COMMAND = "release command"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployKind:
    """How an application is deployed; fits ``core.deployments.run.Kind``."""

    planning: Planning
    tools: Tools
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = RELEASE_COMMAND

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The application as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planning.freeze(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        deploy = _Deploy(run, Plan.load(run.plan), self.tools, self.planning.vault)
        commit, artifact = await deploy.made()
        ports = await deploy.ports(artifact, commit)
        spec = deploy.spec(artifact, ports)
        await deploy.release_command(spec)
        await deploy.start(spec)
        await deploy.health_check(spec)
        await deploy.route(spec)
        return deploy.success(spec)

    async def undo(self, undoing: Undoing, name: str, data: Json) -> None:
        """Takes back one effect."""
        host, api = undoing.host, self.tools.imaging.api
        if await undo_source(host, name, data) or await undo_pull(host, api, name, data):
            return
        if not await undo_build(host, api, name, data):
            await _UNDOS[name](self.tools, undoing, data)


class _Deploy:
    """The steps of one deploy."""

    def __init__(self, run: Run, plan: Plan, tools: Tools, vault: Vault) -> None:
        self._run = run
        self._plan = plan
        self._tools = tools
        self._vault = vault
        self._release_id = run.deployment.deployment_id
        self._folder = tools.folders.release(plan.application_id, self._release_id)

    async def made(self) -> tuple[Commit, Artifact]:
        """What is to be released, and what it was made of."""
        if self._plan.settings.source_type == "docker":
            return await self.pulled()
        commit = await self.source()
        workspace = await self.check_out(commit)
        return commit, await self.build(workspace, commit)

    async def pulled(self) -> tuple[Commit, Artifact]:
        """An image that somebody else has built; its digest stands for the commit."""

        async def pull() -> Json:
            await self._require_space()
            await self._run.undo("release", self._release_data)
            digest = self._plan.commit.hash if self._plan.commit is not None else None
            source = self._tools.imaging.source(self._plan, self._run.deployment.deployment_id)
            return dump_artifact(await source.fetch(self._run, digest))

        image = load_artifact(await self._run.step("source", pull))
        assert isinstance(image, Image)  # noqa: S101 - this step gives nothing else
        digest = digest_of(image)
        await self._run.describe(description=f"Image: {image.name} ({digest[:12]})", hash=digest)
        return Commit(hash=digest, subject="", author="", branch=""), image

    async def source(self) -> Commit:
        """The commit to deploy: the newest of its branch, or for a redeploy the one that serves."""

        async def fetch() -> Json:
            await self._require_space()
            if self._plan.commit is not None:
                await self._run.say(f"Deploying {self._what.lower()} {self._plan.commit.hash[:12]} again, as it was.")
                return asdict(self._plan.commit)
            return asdict(await self._tools.source(self._plan).fetch(self._run))

        commit = Commit(**await self._run.step("source", fetch))
        await self._run.describe(
            title=commit.subject or None,
            description=f"{self._what}: {commit.hash}",
            hash=commit.hash,
            message=commit.subject,
            author=commit.author,
            branch=commit.branch,
        )
        return commit

    async def check_out(self, commit: Commit) -> Workspace:
        """The commit's files, at the place where the release will stay."""

        async def lay_out() -> Json:
            await self._run.undo("release", self._release_data)
            await self._run.host.make_folder(self._tools.folders.releases(self._plan.application_id), mode=0o711)
            return asdict(await self._tools.source(self._plan).check_out(self._run, commit, self._folder))

        return Workspace(**await self._run.step("check out", lay_out))

    async def build(self, workspace: Workspace, commit: Commit) -> Artifact:
        """The artifact, made by the build account."""

        async def choose() -> Json:
            return await self._tools.builder(self._run, self._plan, workspace, commit)

        async def make() -> Json:
            artifact = await self._tools.build(self._run, self._plan, workspace, commit, builder)
            if isinstance(artifact, Bundle):
                artifact = replace(artifact, bytes=await self._seal())
            return dump_artifact(artifact)

        builder: str = await self._run.step("builder", choose)
        return load_artifact(await self._run.step("build", make))

    async def ports(self, artifact: Artifact, commit: Commit) -> tuple[int, ...]:
        """The release's row, and the ports that its requests come in on; none where it takes none."""

        async def take() -> Json:
            if isinstance(artifact, Image):
                await self._run.host.remove_tree(self._folder)  # not before the build is recorded: it could be repeated
            ports = await self._wanted_ports(artifact)
            release = self._release(artifact, commit, ports)
            if self._in_place(artifact):
                handed_over = ports[0] if ports and ports[0] in self._plan.serving_ports else None
                await self._run.undo("restart", {"old": self._plan.serving, "port": handed_over, **self._release_data})
            await self._run.undo("running", {"new": self._release_id, "runtime": release.runtime})
            hosts = await self._tools.routing.hosts(self._plan.application_id)
            spec = self._snapshot(artifact, commit, hosts).seal(self._vault)
            return await self._run.write(lambda tx: self._take_ports(tx, release, spec))

        return tuple(await self._run.step("port", take))

    def spec(self, artifact: Artifact, ports: tuple[int, ...]) -> ReleaseSpec:
        """All that the runtime needs."""
        return self._tools.release_spec(self._plan, self._release_id, artifact, ports)

    async def release_command(self, spec: ReleaseSpec) -> None:
        """The Procfile's ``release`` line, once: after a crash of the panel it is never run a second time."""
        line = spec.artifact.release_command if isinstance(spec.artifact, Bundle) else None
        if line is None:
            return

        async def release() -> Json:
            await self._run.say(f"Release command: {line}")
            await self._run.command("release command", self._tools.release_command(self._plan, spec))

        await self._run.step(RELEASE_COMMAND, release)

    async def start(self, spec: ReleaseSpec) -> None:
        """The new release beside the old one; where both need one port or one volume, the old one stops first."""

        async def begin() -> Json:
            runtime = self._tools.runtime(spec.artifact)
            await runtime.prepare(self._run, spec)
            if self._in_place(spec.artifact):
                what = "Its volumes or ports are" if spec.container.is_alone else f"Port {spec.port} is"
                await self._run.say(f"{what} for one release at a time: the old one stops before the new one starts.")
                async with self._run.fence():
                    await self._tools.runtimes.of(self._plan.serving_runtime).stop(self._plan.serving or "")
            await runtime.start(self._run, spec)

        await self._run.step("start", begin)

    async def health_check(self, spec: ReleaseSpec) -> None:
        """Waits until the new release answers, or raises with what it did instead."""

        async def check() -> Json:
            await self._tools.runtime(spec.artifact).healthy(self._run, spec)
            await self._run.say("The new release is healthy.")

        await self._run.step("health check", check)

    async def route(self, spec: ReleaseSpec) -> None:
        """Moves the requests to the new release and proves that they arrive there."""

        async def move() -> Json:
            before = None if self._plan.serving is None else {"release_id": self._plan.serving}
            await self._run.undo("route", {"route": before, "id": self._plan.application_id})
            async with self._run.fence():
                route = await self._tools.routing.lead(self._plan.application_id, spec.release_id)
            if route is not None:
                await self._tools.routing.proven(route)

        await self._run.step("route", move)

    def success(self, spec: ReleaseSpec) -> Success:
        """The new release serves; the old one retires after its drain."""
        drain = timedelta(seconds=spec.drain_seconds)
        where = f" at {self._tools.address(self._plan.app_name)}" if spec.port is not None else ""
        return Success(
            message=f"Deployment done: release {spec.release_id} serves{where}",
            settle=lambda tx: store.make_serving(tx, self._plan.application_id, spec.release_id, drain),
        )

    @property
    def _what(self) -> str:
        return "Archive" if self._plan.settings.source_type == "drop" else "Commit"

    @property
    def _release_data(self) -> dict[str, str]:
        return {"application_id": self._plan.application_id, "new": self._release_id}

    def _in_place(self, artifact: Artifact) -> bool:
        """Whether the new release needs what the old one holds: its very port, or a place that it writes to."""
        if self._plan.serving is None:
            return False
        if isinstance(artifact, Image):
            return self._tools.imaging.container(self._plan, artifact).is_alone
        return self._plan.fixed_port is not None and self._plan.fixed_port in self._plan.serving_ports

    async def _seal(self) -> int:
        """Closes the bundle to the build account and gives its size; beside it is the folder of the application's own
        data.
        """
        size = await self._tools.seal(self._run, self._folder, self._plan)
        data = self._tools.folders.data(self._plan.application_id)
        await self._run.host.make_folder(data, owner=self._plan.run_account)
        return size

    async def _require_space(self) -> None:
        free = await self._run.host.free_bytes(self._tools.folders.work)
        if free < self._tools.least_free_bytes:
            raise RunFailed(
                f"Only {free >> 20} MiB are free on the disk, and a deploy needs {self._tools.least_free_bytes >> 20} "
                "MiB. Remove old deployments or files, then deploy again.",
                Reason.REFUSED,
            )

    async def _wanted_ports(self, artifact: Artifact) -> list[int]:
        count = self._tools.copies(self._plan, artifact)
        fixed = self._plan.fixed_port if isinstance(artifact, Bundle) else None
        if count and fixed is not None:
            return [fixed]
        free = await self._tools.free_ports(count)
        if len(free) < count:
            raise RunFailed(
                "All ports for applications are taken on this host. Remove an application, then deploy again."
            )
        return free

    def _take_ports(self, tx: Tx, release: Release, spec: str) -> Sequence[int]:
        known = store.release(tx, release.release_id)
        if known is not None:
            return known.ports  # a run that is taken up again
        host_id = self._run.deployment.host_id
        for port in release.ports:
            if not store.take_port(tx, host_id, release.application_id, release.release_id, port):
                raise RunFailed(
                    f"Port {port} is taken by another application. Choose another value for PORT, or remove the "
                    "variable: Headway then gives the application a port of its own."
                )
        store.add_release(tx, release, spec)
        return release.ports

    def _release(self, artifact: Artifact, commit: Commit, ports: Sequence[int]) -> Release:
        return Release(
            release_id=self._release_id,
            seq=0,
            application_id=self._plan.application_id,
            deployment_id=self._run.deployment.deployment_id,
            state=ReleaseState.STARTING,
            folder=self._folder,
            runtime=RUNTIME_OF[type(artifact)],
            port=ports[0] if ports else None,
            more_ports=ports[1:],
            bytes=artifact.bytes,
            commit_hash=commit.hash,
            retire_at=None,
            created_at=self._run.deployment.created_at,
        )

    def _snapshot(self, artifact: Artifact, commit: Commit, hosts: Sequence[str]) -> Snapshot:
        return Snapshot(
            commit=commit,
            artifact=dump_artifact(artifact),
            settings=self._plan.settings,
            variables=self._plan.variables,
            mask=self._plan.mask,
            hosts=hosts,
        )


async def _undo_release(tools: Tools, undoing: Undoing, data: Mapping[str, str]) -> None:
    await tools.runtimes.of("native").remove(data["new"])  # of a run that recorded no more than this
    await undoing.host.remove_tree(tools.folders.release(data["application_id"], data["new"]))
    await undoing.write(lambda tx: store.remove_release(tx, data["new"]))


async def _undo_running(tools: Tools, _undoing: Undoing, data: Mapping[str, str]) -> None:
    await tools.runtimes.of(data["runtime"]).remove(data["new"])


async def _undo_restart(tools: Tools, undoing: Undoing, data: Mapping[str, Json]) -> None:
    await tools.runtimes.of("native").remove(data["new"])  # as above
    wanted, old = await undoing.write(lambda tx: _handed_back(tx, data))
    if wanted and old is not None:
        async with undoing.fence():
            await tools.runtimes.of(old.runtime).start_again(old.release_id)


def _handed_back(tx: Tx, data: Mapping[str, Json]) -> tuple[bool, Release | None]:
    if data["port"] is not None:
        store.hand_back_port(tx, data["application_id"], data["old"], int(data["port"]))
    return store.is_wanted(tx, data["application_id"]), store.release(tx, data["old"])


async def _undo_route(tools: Tools, undoing: Undoing, data: Mapping[str, Json]) -> None:
    async with undoing.fence():
        before = data["route"]
        await tools.routing.lead(data["id"], None if before is None else before["release_id"])


_UNDOS: Mapping[str, Callable[[Tools, Undoing, Json], Awaitable[None]]] = {
    "release": _undo_release,
    "running": _undo_running,
    "restart": _undo_restart,
    "route": _undo_route,
}
