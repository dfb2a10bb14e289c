"""What a deploy of a compose service works with on its host: source, engine, folders and defaults."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.core.access.machine_store import has_machine
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.drivers.forges.base import ForgeConnection, GitLogin
from headway.drivers.runtimes.compose import bounds, footing, memory
from headway.drivers.runtimes.compose.bounds import Bounds, Model
from headway.drivers.runtimes.compose.commands import Composing, Reader
from headway.drivers.runtimes.compose.conversion import IMAGES, Identity, with_inert_variables
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.policy import Path, paths_of
from headway.drivers.runtimes.compose.stacks import Stacks
from headway.drivers.sources.archive import ArchiveSource, ArchiveSpec
from headway.drivers.sources.base import Source
from headway.drivers.sources.git import GitAccounts, GitSource, GitSpec
from headway.drivers.sources.git_commands import Git
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.git.providers import login_by
from headway.features.servers import host_contexts
from headway.features.services import store as services_store
from headway.features.services.compose import store
from headway.features.services.compose.folders import ComposeFolders
from headway.features.services.compose.memory_share_store import files_beside
from headway.features.services.compose.model import DROP, ComposeRelease, ComposeSettings, Record
from headway.features.services.compose.plan import ComposePlan
from headway.features.services.compose.presence import of_release, to_make, to_start
from headway.features.services.compose.routing import ComposeRouting
from headway.features.services.disk_space import Room
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account, Limits
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault

_READING_PROCESSES = 512  # Compose's own threads


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDefaults:
    """The panel's own settings, where a compose service has none. Seconds and bytes."""

    health_seconds: float
    settle_seconds: float
    build_memory_bytes: int | None
    process_limit: int
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeContext:
    """The collaborators of compose services on one host; ``login`` gives what opens a git provider's repositories to
    git, ``beside`` tells what else an organisation may take of the panel's machine, in bytes of memory.
    """

    db: Database
    host_id: str
    vault: Vault
    panel_id: str
    folders: ComposeFolders
    engine: Engine
    stacks: Stacks
    routing: ComposeRouting
    room: Room
    defaults: ComposeDefaults
    login: Callable[[ForgeConnection], Awaitable[GitLogin]]
    beside: Callable[[Tx, str], int]

    def identity(self, compose_id: str, app_name: str) -> Identity:
        """What the containers carry."""
        return Identity(panel_id=self.panel_id, compose_id=compose_id, project=app_name)

    def source(self, plan: ComposePlan) -> Source:
        """Where the files come from, of one whose file is not written by hand. Raises InvalidInput."""
        if plan.settings.source_type == DROP:
            return ArchiveSource(
                spec=archive_spec(plan.settings),
                folder=self.folders.archives(plan.compose_id),
                account=plan.build_account,
                limits=self.limits,
                step_seconds=plan.settings.deadlines.step_seconds,
            )
        settings = plan.settings
        git = Git(
            folders=self.folders.git_of(plan.compose_id),
            limits=self.limits,
            step_seconds=settings.deadlines.step_seconds,
        )
        spec = GitSpec(
            url=settings.git.url or "",
            ref=_ref(settings),
            submodules=settings.git.submodules,
            ssh_key=Secret(plan.ssh_key) if plan.ssh_key else None,
            allow_file=plan.allow_file,
            guarded=settings.git.guarded,
        )
        return GitSource(
            spec=spec,
            accounts=GitAccounts(git=plan.git_account, build=plan.build_account),
            git=git,
            login=None if plan.provider is None else login_by(self.login, ForgeConnection.load(plan.provider)),
        )

    def composing(self, compose_id: str, app_name: str, record: Record) -> Composing:
        """The commands about the containers of a release."""
        file, variables = with_inert_variables(record.file, record.variables)
        return Composing(
            docker=self.engine.docker,
            project=app_name,
            folder=self.folders.own(compose_id),
            file=json.dumps(file).encode(),
            variables=variables,
        )

    def reader(self, account: Account | None) -> Reader:
        """How a compose file is read."""
        given = self.defaults.bounds
        limits = Limits(memory_bytes=given.read_memory_bytes, processes=_READING_PROCESSES, oom_score_adj=500)
        home = self.engine.docker.config_folder
        return Reader(home=home, account=account, limits=limits, seconds=given.read_seconds)

    async def release(self, release_id: str | None) -> ComposeRelease | None:
        """A release with what it was made of."""
        if release_id is None:
            return None
        return await self.db.read(lambda tx: store.release(tx, release_id, self.vault))

    async def missing(self, release: ComposeRelease) -> str | None:
        """What keeps a release that has served from being brought up without a build or a pull, as a sentence; None
        where nothing does. Raises EngineAway.
        """
        services = release.record.file["services"]
        there = await self.engine.images(sorted({service["image"] for service in services.values()}))
        for name, service in services.items():
            if service["image"] not in there:
                return f"The image of {name} is not on its machine any more; deploy that commit again."
        needed = _reads_from(release.folder, release.record.file)
        if needed and not await self.engine.machine.is_folder(release.folder):
            return "Its files are not on its machine any more; deploy that commit again."
        return None

    async def require_firm(self, compose_id: str, paths: Sequence[Path], *, serving: str | None) -> None:
        """Returns where no container could have the paths lead elsewhere, none of those that are there and of the
        release that is ``serving``; of one that may use the host that is not asked. Raises Exchangeable, EngineAway.
        """
        settings = await self.db.read(lambda tx: store.settings_of(tx, compose_id, self.vault))
        if not paths or settings is None or settings.host_access:
            return
        before = await self.release(serving)
        beside = footing.mounts_of(await self.engine.containers(panel=self.panel_id, compose=compose_id))
        if before is not None:
            beside += paths_of(before.record.file)
        await footing.require(self.engine.machine, self.folders.own(compose_id), paths, beside)

    async def bounded(self, compose_id: str, record: Record, *, machine: bool, again: bool = False) -> Record:
        """The record in which every container is bounded; of one that has the ``machine``, where its author does not
        say how. One that has served and serves ``again`` does not count what applications take. Raises InvalidInput
        where it asks for more than its organisation may have, and EngineAway.
        """
        limits, file = self.defaults.bounds, record.file
        too_much = [] if machine else bounds.objections(file, limits)
        file = bounds.bounded(file, limits, stack=record.stack)
        beside = await self.db.read(lambda tx: files_beside(tx, compose_id, self.vault))
        if beside is not None and not machine:
            share = await self.engine.memory_bytes() * limits.memory_percent // 100
            taken, served = await self.db.read(lambda tx: self._before(tx, compose_id))
            taken = 0 if again else taken
            too_much += memory.starved(file, share, taken=taken, served=served)
            file = memory.shared(file, share, taken=taken, served=served, stack=record.stack)
            too_much += memory.beyond(file, beside, share, taken=taken, served=served)
        if too_much:
            raise InvalidInput(f"The compose file {'; it '.join(too_much)}.")
        return replace(record, file=await self.begun(compose_id, file, machine=machine, stack=record.stack))

    def _before(self, tx: Tx, compose_id: str) -> tuple[int, Model | None]:
        """What its organisation's applications were told that they may take of this machine, and the file that
        serves.
        """
        whose, serving = store.find(tx, compose_id, self.vault), store.serving(tx, compose_id, self.vault)
        taken = self.beside(tx, whose.organization_id) if self.host_id == LOCAL_HOST else 0
        return taken, None if serving is None else serving.record.file

    async def begun(self, compose_id: str, file: Model, *, machine: bool, stack: bool) -> Model:
        """The file whose containers begin where the kernel judges them. Raises EngineAway."""
        if self.engine.beginning is None:
            return file
        ruled = not machine and await self.is_ruled(compose_id)
        if stack:
            return bounds.marked(file, await self.engine.beginning.settings(ruled=ruled), ruled=ruled)
        return bounds.begun(file, await self.engine.beginning.group(ruled=ruled), ruled=ruled)

    async def is_ruled(self, compose_id: str) -> bool:
        """Whether nobody of its organisation may use the machine. A server is its organisation's own."""
        return self.host_id == LOCAL_HOST and await self.db.read(lambda tx: _is_ruled(tx, compose_id))

    async def bring_up(self, compose_id: str, app_name: str, record: Record) -> None:
        """Starts what a release is to run for as long as it serves, and makes what of it is not there. What has done
        its work once is not run again. Raises EngineAway, EngineRefused, ComposeFailed, Exchangeable.
        """
        await self.require_firm(compose_id, paths_of(record.file), serving=None)
        await self.ready(stack=record.stack)
        if record.stack:
            await self.stacks.up(app_name, record.file)
            return
        containers = await self.engine.containers(panel=self.panel_id, compose=compose_id)
        await self.engine.start(to_start(record, containers))
        missing = to_make(record, containers)
        if missing:
            await self.engine.up_more(self.composing(compose_id, app_name, record), missing)

    async def ready(self, *, stack: bool) -> None:
        """There are gates before anything comes up that was made earlier. Raises EngineAway."""
        if self.engine.beginning is not None and stack:
            await self.engine.beginning.settings(ruled=False)
        elif self.engine.beginning is not None:
            await self.engine.beginning.ready()

    async def running(self, compose_id: str, service: str) -> list[Container]:
        """The containers of one service that run, and that the release which serves has made; what else has its labels
        is not asked. The newest is the last one. Raises EngineAway.
        """
        release = await self.db.read(lambda tx: store.serving(tx, compose_id, self.vault))
        if release is None or service not in release.record.services:
            return []
        there = await self.engine.containers(panel=self.panel_id, compose=compose_id)
        mine = of_release(release.record, service, there)
        return sorted(
            (each for each in mine if each.status == "running"), key=lambda each: (each.started_at, each.name)
        )

    async def needless_images(self, compose_id: str, app_name: str) -> list[str]:
        """The names of a compose service's images that no release of it has. Raises EngineAway."""
        names = await self.engine.names_in(f"{IMAGES}{app_name}/*")
        kept = await self.db.read(lambda tx: store.images_of_releases(tx, compose_id, self.vault))
        return [name for name in names if name not in kept]

    async def lead_to_stack(self, compose_id: str, app_name: str, release: ComposeRelease | None) -> None:
        """Sees to what leads from the edge to the services of a stack, as its domains want it."""
        if release is None or not release.record.stack:
            return
        ports = await self.db.read(lambda tx: self.routing.wanted_ports(tx, compose_id))
        networks = release.record.file["networks"]
        ways = [
            (networks[next(iter(service["networks"]))]["name"], name, port)
            for name, service in release.record.file["services"].items()
            for of, port in ports
            if of == name
        ]
        await self.stacks.lead(compose_id, app_name, ways)

    async def take_down(self, compose_id: str) -> None:
        """Stops every container of a compose service; returns when none runs. Raises EngineAway, EngineRefused."""
        await self.stacks.end(compose_id)
        found = await self.engine.containers(panel=self.panel_id, compose=compose_id)
        await self.engine.stop([each for each in found if each.status not in {"exited", "created"}])

    @property
    def limits(self) -> Limits:
        """The bounds of commands that work on users' files."""
        return Limits(
            memory_bytes=self.defaults.build_memory_bytes, processes=self.defaults.process_limit, oom_score_adj=500
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeContexts(host_contexts.HostContexts[ComposeContext]):
    """The tools of every host, for compose services."""


def archive_spec(settings: ComposeSettings) -> ArchiveSpec:
    """What was uploaded last."""
    archive = settings.drop.archive
    return ArchiveSpec(
        digest=archive.digest if archive else "",
        name=archive.name if archive else "",
        author=archive.author if archive else "",
    )


def _ref(settings: ComposeSettings) -> Ref | None:
    if settings.git.commit:
        return Ref(kind=RefKind.COMMIT, name=settings.git.commit)
    if settings.git.tag:
        return Ref(kind=RefKind.TAG, name=settings.git.tag)
    return Ref(kind=RefKind.BRANCH, name=settings.git.branch) if settings.git.branch else None


def _reads_from(folder: str, file: Mapping[str, Any]) -> bool:
    """Whether containers of the file are given something that lies in the folder."""
    return f'"{folder}' in json.dumps(file)


def _is_ruled(tx: Tx, compose_id: str) -> bool:
    """Whether nobody of its organisation may use the machine."""
    owner = services_store.owner(tx, compose_id, SubjectType.COMPOSE)
    return owner is not None and not has_machine(tx, owner.organization_id)
