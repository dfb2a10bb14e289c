"""What a deploy of an application works with on its host: source, builder, runtime, edge, folders and defaults."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

from headway.core.deployments.run import Run
from headway.drivers.builders.base import BuildSpec
from headway.drivers.buildplan.toolchains.store import Store
from headway.drivers.forges.base import ForgeConnection, GitLogin
from headway.drivers.runtimes.container.exec_sessions import Visiting
from headway.drivers.runtimes.container.start_networks import StartNetworks
from headway.drivers.runtimes.contract.inner_places import InFolder, Layered
from headway.drivers.runtimes.contract.machine import Machine
from headway.drivers.runtimes.contract.runtime_set import Runtimes
from headway.drivers.runtimes.process.border import kept_from
from headway.drivers.runtimes.process.record import told_variables
from headway.drivers.sources.archive import ArchiveSource
from headway.drivers.sources.base import Source
from headway.drivers.sources.git import GitAccounts, GitSource
from headway.drivers.sources.git_commands import Git
from headway.features.git.providers import login_by
from headway.features.servers import host_contexts
from headway.features.services.application import ports_store
from headway.features.services.application.container_check import own_check_of
from headway.features.services.application.folders import AppFolders
from headway.features.services.application.image_specs import ImageSpecs, inner_port
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.routing import ApplicationRouting
from headway.features.services.application.sources import archive_spec, git_spec
from headway.features.services.disk_space import Room
from headway.features.services.edges import ServiceEdge
from headway.infra.db.engine import Database
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.kernel.artifacts import (
    Artifact,
    Bundle,
    Commit,
    Container,
    HealthCheck,
    HealthKind,
    Image,
    OwnCheck,
    ReleaseSpec,
    Workspace,
)
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase
from headway.kernel.release_facts import filled, given_secrets, known_by, secrets_of
from headway.kernel.secret import Secret

_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDefaults:
    """The panel's own settings, where an application has none. Seconds and bytes."""

    health_seconds: float
    settle_seconds: float
    drain_seconds: float
    build_memory_bytes: int | None
    application_memory_bytes: int | None
    application_disk_bytes: int | None
    layer_bytes: int
    process_limit: int


ClosePorts = Callable[[Collection[int]], Awaitable[None]]
Note = Callable[[], Awaitable[None]]
_PORTS_ASKED = 64  # at a time, since most of them are free


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedContext:
    """What deploys work with on whichever host they run: ``address`` names where an application is reached, ``login``
    gives what opens a git provider's repositories to git.
    """

    db: Database
    routing: ApplicationRouting
    defaults: ApplicationDefaults
    address: Callable[[str], str]
    login: Callable[[ForgeConnection], Awaitable[GitLogin]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationContext:
    """The collaborators of deploys on one host; ``close`` keeps applications of processes from ports that lead to
    containers, ``beginning`` is where containers begin, ``visits`` lead into its containers, ``toolchains`` is where
    languages are kept.
    """

    shared: SharedContext
    host_id: str
    folders: AppFolders
    runtimes: Runtimes
    imaging: ImageSpecs
    edge: ServiceEdge
    room: Room
    machine: Machine
    close: ClosePorts
    beginning: StartNetworks | None = None
    toolchains: Store | None = None
    visits: Visiting

    @property
    def defaults(self) -> ApplicationDefaults:
        """See SharedContext."""
        return self.shared.defaults

    @property
    def routing(self) -> ApplicationRouting:
        """See SharedContext."""
        return self.shared.routing

    async def close_ports_of_containers(self) -> None:
        """Keeps applications of processes from the ports that lead to containers, as the rows say when it ends: of two
        who do this at a time, the one with older rows may be the later.
        """
        closed: list[int] | None = None
        while (
            ports := await self.shared.db.read(lambda tx: ports_store.leading_to_containers(tx, self.host_id))
        ) != closed:
            await self.close(ports)
            closed = ports

    def source(self, plan: ApplicationPlan) -> Source:
        """Where the application's files come from."""
        settings = plan.settings
        if settings.source_type == "drop":
            return ArchiveSource(
                spec=archive_spec(settings),
                folder=self.folders.archives(plan.application_id),
                account=plan.build_account,
                limits=self._limits(None),
                step_seconds=settings.deadlines.step_seconds,
            )
        spec = git_spec(settings, ssh_key=plan.ssh_key, allow_file=plan.allow_file)
        git = Git(
            folders=self.folders.git_of(plan.application_id),
            limits=self._limits(None),
            step_seconds=settings.deadlines.step_seconds,
        )
        return GitSource(
            spec=spec,
            accounts=GitAccounts(git=plan.git_account, build=plan.build_account),
            git=git,
            login=None if plan.provider is None else login_by(self.shared.login, ForgeConnection.load(plan.provider)),
        )

    async def builder(self, run: Run, plan: ApplicationPlan, workspace: Workspace, commit: Commit) -> str:
        """The builder that the application asks for, or that what is there asks for; the log says why."""
        from headway.drivers.builders.choice import choose, is_undecided, look_around  # noqa: PLC0415 - the first build loads them

        spec = self.build_spec(plan, commit, run.deployment.deployment_id)
        settings = plan.settings
        # What is served by processes stays with them: its data folder is theirs.
        is_open = is_undecided(settings.tool.builder, settings.tool.build_type) and not (
            plan.serving and plan.serving_runtime == "native"
        )
        seen = await look_around(run, workspace, spec, whether_lacking=is_open, stays=plan.serving_stays)
        choice = choose(settings.tool.builder, settings.tool.build_type, seen)
        await run.say(phrase(f"Builder {choice.builder}: {choice.reason}."))
        return choice.builder

    async def build(
        self, run: Run, plan: ApplicationPlan, workspace: Workspace, commit: Commit, builder: str, *, fetches: Note
    ) -> Artifact:
        """Builds the workspace with that builder; ``fetches`` notes that the engine fetches what the machine reaches,
        where nobody knows yet.
        """
        from headway.drivers.builders.choice import BY_LACK, is_undecided  # noqa: PLC0415 - as above
        from headway.drivers.builders.registry import BUILDERS, BY_CONTAINERS, SITE_IMAGES  # noqa: PLC0415 - as above

        spec = self.build_spec(plan, commit, run.deployment.deployment_id)
        account, group, settings = plan.build_account, await self.machine.group_of(self.imaging.socket), plan.settings
        if spec.image is not None and account is not None and group is not None:
            # With the group of the engine's socket it may speak to it.
            spec = replace(spec, image=replace(spec.image, account=Account(uid=account.uid, gid=group)))
        if spec.image is not None and settings.engine_fetch is None:
            spec = replace(spec, image=replace(spec.image, fetches=fetches))
        if spec.image is not None and builder in BY_CONTAINERS and self.beginning is not None:
            within = await self.beginning.group(ruled=plan.ruled)
            spec = replace(spec, image=replace(spec.image, within=within))
        if builder in SITE_IMAGES:
            await self.imaging.file_server.lay_out()
        async with self._apart(run, plan):
            built = await BUILDERS[builder].build(run, workspace, spec)
        if (
            isinstance(built, Image)
            and builder == BY_LACK
            and is_undecided(settings.tool.builder, settings.tool.build_type)
        ):
            built = replace(built, stays=True)
        return built

    @asynccontextmanager
    async def _apart(self, run: Run, plan: ApplicationPlan) -> AsyncIterator[None]:
        """Keeps the build account to the ports of the loopback that the application names; the log says what it was
        kept from.
        """
        if self.beginning is None:
            yield
            return
        named = tuple(plan.settings.run.loopback or ())
        await self.beginning.build(plan.build_uid, named)
        try:
            yield
        finally:
            for port in await self.beginning.kept_from(plan.build_uid):
                await run.say(phrase(kept_from(port, named)))

    def build_spec(self, plan: ApplicationPlan, commit: Commit, deployment_id: str) -> BuildSpec:
        """How the application is built."""
        settings = plan.settings
        return BuildSpec(
            cache_folder=self.folders.cache(plan.application_id),
            settings=settings.build,
            variables={name: Secret(value) for name, value in {**plan.variables, **plan.build_variables}.items()},
            account=plan.build_account,
            limits=replace(self._limits(plan.settings.limits.memory_bytes), confined=True),
            step_seconds=settings.deadlines.step_seconds,
            inactivity_seconds=settings.deadlines.inactivity_seconds,
            scale=settings.run.scale,
            commit_hash=commit.hash,
            image=self.imaging.spec(plan, deployment_id, settings.tool.builder or settings.tool.build_type),
            toolchains=self.store(deployment_id),
            fresh=settings.tool.clean_cache,
        )

    def store(self, deployment_id: str) -> Store | None:
        """Where the languages of this host are kept, for one run."""
        return None if self.toolchains is None else replace(self.toolchains, attempt=deployment_id)

    async def seal(self, run: Run, folder: str, plan: ApplicationPlan) -> int:
        """Closes a built release to the build account and opens it, for reading only, to the run account; gives what it
        holds on the disk, in bytes.
        """
        from headway.drivers.builders.native import seal  # noqa: PLC0415 - as above

        closing = seal(folder, build=plan.build_account, run=plan.run_account)
        # A stage more, where a command of its own would take as long as starting the application.
        counting = Stage(argv=("xargs", "du", "--summarize", "--block-size=1", "--", folder))
        command = replace(closing, stages=(*closing.stages, counting), capture=True)
        return int((await run.command("seal", command)).output.split()[0])

    def release_spec(
        self,
        plan: ApplicationPlan,
        release_id: str,
        artifact: Artifact,
        ports: tuple[int, ...],
        *,
        told: Mapping[str, str] = MappingProxyType({}),
        hosts: Sequence[str] = (),
    ) -> ReleaseSpec:
        """All that the runtime needs to start a release; ``told`` are variables of ours that it is to have, ``hosts``
        the names that lead to it.
        """
        data, secrets = self.folders.data(plan.application_id), dict[str, str]()
        if artifact.run_env:
            secrets = given_secrets(artifact.run_env, secrets_of(self.routing.vault, plan.application_id))
        if isinstance(artifact, Bundle):
            found = filled(artifact.run_env, known_by(told, hosts, data))
            artifact = replace(artifact, env={**found, **artifact.env})
        else:
            told = {**told, **filled(artifact.run_env, known_by(told, hosts, artifact.data_folder))}
        return ReleaseSpec(
            release_id=release_id,
            deployment_id=release_id,
            application_id=plan.application_id,
            app_name=plan.app_name,
            artifact=artifact,
            project_id=plan.project_id,
            organization_id=plan.organization_id,
            container=self.imaging.container(plan, artifact) if isinstance(artifact, Image) else Container(),
            uid=plan.run_uid,
            gid=plan.run_uid,
            port=ports[0] if ports else None,
            more_ports=ports[1:],
            ruled=plan.ruled,
            loopback=None if plan.settings.run.loopback is None else tuple(plan.settings.run.loopback),
            env={name: Secret(value) for name, value in {**secrets, **plan.variables}.items()},
            health=self._health(plan, artifact, takes_requests=bool(ports)),
            memory_bytes=plan.settings.limits.memory_bytes or self.defaults.application_memory_bytes,
            process_limit=self.defaults.process_limit,
            disk_bytes=self.defaults.application_disk_bytes,
            data_folder=data,
            keep=tuple(plan.settings.build.keep) or (artifact.keep if isinstance(artifact, Bundle) else ()),
            layer_bytes=self.defaults.layer_bytes,
            told=told,
            drain_seconds=_given(plan.settings.health.drain_seconds, self.defaults.drain_seconds),
            before=plan.serving,
        )

    def release_command(self, plan: ApplicationPlan, spec: ReleaseSpec) -> Command:
        """The Procfile's release line under the run account, with the variables that the release will have."""
        bundle = spec.bundle
        home = spec.data_folder or "/"
        env = {
            "HOME": home,
            "DATA_DIR": home,
            "LANG": "C.UTF-8",
            **told_variables(spec),
            **bundle.env,
            **{name: value.reveal() for name, value in spec.env.items()},
            "PATH": ":".join([*bundle.programs, plan.variables.get("PATH") or _PATH]),
        }
        inside = InFolder(
            folder=bundle.folder,
            account=plan.run_account,
            env=env,
            limits=replace(self._limits(plan.settings.limits.memory_bytes), confined=True),
            layer=Layered(
                root=self.folders.native,
                release_id=spec.release_id,
                home=home,
                bytes=spec.layer_bytes,
                keep=spec.keep,
            ),
        )
        return inside.command(
            ("/bin/sh", "-c", bundle.release_command or ":"),
            seconds=plan.settings.deadlines.step_seconds,
            silent_seconds=plan.settings.deadlines.inactivity_seconds,
        )

    async def free_ports(self, count: int) -> list[int]:
        """So many ports that no release holds and nobody listens on, fewer when there are no more. Any of them: two
        panels of one machine that both began with the first would meet there.
        """
        ports = await self.shared.db.read(lambda tx: ports_store.free_ports(tx, self.host_id))
        found = list[int]()
        while ports and len(found) < count:
            asked = random.sample(ports, min(_PORTS_ASKED, len(ports)))  # to shuffle all of them takes milliseconds
            found += await self.machine.free(asked)
            if len(found) < count:
                ports = sorted({*ports} - {*asked})
        return found[:count]

    def copies(self, plan: ApplicationPlan, artifact: Artifact) -> int:
        """How many ports a release takes."""
        match artifact:
            case Image():
                return 0 if inner_port(plan, artifact) is None else 1
            case Bundle():
                web = next((process.scale for process in artifact.processes if process.name == "web"), 0)
                return 1 if artifact.static_root is not None else web

    def _health(self, plan: ApplicationPlan, artifact: Artifact, *, takes_requests: bool) -> HealthCheck:
        path = plan.settings.health.path
        kind = HealthKind.SETTLE if not takes_requests else HealthKind.HTTP if path else HealthKind.TCP
        if isinstance(artifact, Image) and not path and _is_checked(artifact, own_check_of(plan.settings)):
            kind = HealthKind.OWN
        return HealthCheck(
            kind=kind,
            expected=plan.answers,
            path=path or "/",
            deadline_seconds=_given(plan.settings.health.deadline_seconds, self.defaults.health_seconds),
            settle_seconds=_given(plan.settings.health.settle_seconds, self.defaults.settle_seconds),
        )

    def _limits(self, memory_bytes: int | None) -> Limits:
        return Limits(
            memory_bytes=memory_bytes or self.defaults.build_memory_bytes,
            processes=self.defaults.process_limit,
            oom_score_adj=500,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationContexts(host_contexts.HostContexts[ApplicationContext]):
    """The tools of every host, for applications."""

    def building(self, host_id: str, released: ApplicationContext) -> ApplicationContext:
        """The tools of a host as they build what is ``released`` on the other's: images are named as those there, and
        languages lie where they do there, for what is built points at them.
        """
        tools, store = self.at(host_id), released.toolchains
        if tools.toolchains is not None and store is not None:
            tools = replace(tools, toolchains=replace(tools.toolchains, folder=store.folder))
        return replace(tools, imaging=replace(tools.imaging, panel_id=released.imaging.panel_id))


def _is_checked(image: Image, own: OwnCheck | None) -> bool:
    return image.is_checked if own is None or not own.test else own.test != ("NONE",)


def _given(own: float | None, default: float) -> float:
    return default if own is None else own
