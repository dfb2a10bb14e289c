"""The containers of callers, whoever made them for them: found by the labels that say whose they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, admit, permit, sees
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner, Subject
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.placement import Placed, placed
from headway.drivers.runtimes.compose.written_log import log_of
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.labels import NAME, PANEL
from headway.infra.logs.mask import masker_of
from headway.kernel.dataclass import dataclass

SecretsOf = Callable[[str], Awaitable[Iterable[str]]]
RequireFirm = Callable[[Container], Awaitable[None]]
_MOST_OUTPUT = 128 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEngine:
    """The engine of a machine, and by what this panel's containers are known there."""

    engine: Engine
    panel_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedContainer:
    """A container, and the service whose it is."""

    container: Container
    subject_type: SubjectType
    subject_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastOutput:
    """The last lines that a container wrote, masked; ``is_cut``: they were too long to be given whole."""

    text: str
    is_cut: bool


Engines = Callable[[str], MachineEngine]  # by the ids of hosts
EngineAt = Callable[[Actor, str | None], Awaitable[MachineEngine]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerService:
    """What callers may ask of containers: of the panel's machine, or of the server that they name. ``engine_at`` gives
    its engine and raises Missing for a server that is not theirs, ``types`` are the types of subjects by the labels
    that name them, ``secrets_of`` gives what must not show of the output of a subject, ``was_asked_for`` says whether
    there can be any, and ``require_start`` raises where what serves of one may not be started now; ``require_firm``, by
    label, where others could have a container mount anything.
    """

    db: Database
    engine_at: EngineAt
    subjects: Mapping[SubjectType, Subject]
    types: Mapping[str, SubjectType]
    secrets_of: Mapping[SubjectType, SecretsOf]
    was_asked_for: Callable[[Tx], bool]
    require_start: Mapping[SubjectType, Callable[[Tx, str], None]]
    require_firm: Mapping[str, RequireFirm]

    async def all(self, actor: Actor, permission: Permission, server_id: str | None = None) -> list[Container]:
        """Every container that the caller may see, by name. Raises EngineAway."""
        admit(actor, permission)
        found = await self._every(await self.engine_at(actor, server_id))
        owners = await self.db.read(lambda tx: {each.container_id: self._owner(tx, each) for each in found})
        mine = [each for each in found if self._sees(actor, each, owners[each.container_id])]
        return sorted(mine, key=lambda each: each.name)

    async def owned(self, actor: Actor, permission: Permission, server_id: str | None = None) -> list[OwnedContainer]:
        """The same, each with the service whose it is."""
        found = ((each, self._subject_of(each)) for each in await self.all(actor, permission, server_id))
        return [_owned(each, subject) for each, subject in found if subject is not None]

    async def one(
        self, actor: Actor, permission: Permission, container_id: str, server_id: str | None = None
    ) -> OwnedContainer:
        """A container that the caller may see. Raises Missing."""
        container = await self._one(actor, permission, await self.engine_at(actor, server_id), container_id)
        subject = self._subject_of(container)
        if subject is None:
            raise Missing(Noun.CONTAINER)
        return _owned(container, subject)

    async def last_output(
        self, actor: Actor, permission: Permission, container_id: str, server_id: str | None = None, *, tail: int
    ) -> LastOutput:
        """The last lines that a container wrote, masked. Raises Missing."""
        there = await self.engine_at(actor, server_id)
        container = await self._one(actor, permission, there, container_id)
        subject = self._subject_of(container)
        if subject is None:
            raise Missing(Noun.CONTAINER)
        masker = await masker_of(await self.secrets_of[subject[0]](subject[1]))
        output = await there.engine.logs(container, tail=tail)
        # First masked, then cut: half a secret would not be known for one.
        masked = await asyncio.to_thread(masker.mask, output)
        text = masked[-_MOST_OUTPUT:].decode("utf-8", "ignore")
        return LastOutput(text=text, is_cut=len(masked) > _MOST_OUTPUT)

    async def written(
        self, actor: Actor, permission: Permission, container_id: str, server_id: str | None = None
    ) -> WrittenLog:
        """What a container writes, masked, to be read by its lines or as a whole. Raises Missing."""
        there = await self.engine_at(actor, server_id)
        container = await self._one(actor, permission, there, container_id)
        subject = self._subject_of(container)
        if subject is None:
            raise Missing(Noun.CONTAINER)
        masker = await masker_of(await self.secrets_of[subject[0]](subject[1]))
        return log_of(container, there.engine.api, masker.mask_text, name=container.name)

    async def of_app(
        self, actor: Actor, permission: Permission, app_name: str, server_id: str | None = None
    ) -> list[Container]:
        """Those that belong to the service of this name, as far as the caller may see it."""
        return [each for each in await self.all(actor, permission, server_id) if _is_of(each, app_name)]

    async def of_stack(
        self, actor: Actor, permission: Permission, app_name: str, server_id: str | None = None
    ) -> list[Placed]:
        """The same on all machines of a swarm, where it runs in one; else those of the machine. Raises SwarmAway."""
        admit(actor, permission)
        there = await self.engine_at(actor, server_id)
        if not await self.db.read(self.was_asked_for):
            return []
        every = await placed(there.engine.api, there.panel_id)
        called = [each for each in every if _is_of(each.container, app_name)]
        owners = await self.db.read(lambda tx: [self._owner(tx, each.container) for each in called])
        mine = [each for each, owner in zip(called, owners, strict=True) if self._sees(actor, each.container, owner)]
        if mine:
            return sorted(mine, key=lambda each: each.container.name)
        here = await self.of_app(actor, permission, app_name, server_id)
        return [Placed(container=each, node="", wanted="running", error="") for each in here]

    async def restart(
        self, actor: Actor, permission: Permission, container_id: str, server_id: str | None = None
    ) -> None:
        """Stops and starts a container. Raises Missing where it is none that the caller may see, NotAllowed."""
        there = await self.engine_at(actor, server_id)
        container = await self._one(actor, permission, there, container_id)
        await self.db.read(lambda tx: self._require_start(tx, container))
        for label, require_firm in self.require_firm.items():
            if label in container.labels:
                await require_firm(container)
        await there.engine.restart(container)

    async def follow(
        self,
        actor: Actor,
        permission: Permission,
        container_id: str,
        server_id: str | None = None,
        *,
        tail: int,
        since: datetime | None,
        require: Callable[[str], None],
    ) -> AsyncIterator[str]:
        """What a container writes, from its last lines on, masked. ``require`` is asked last before it is told, of its
        service, and raises where it may not be. Raises Missing.
        """
        there = await self.engine_at(actor, server_id)
        container = await self._one(actor, permission, there, container_id)
        found = self._subject_of(container)
        if found is None:
            raise Missing(Noun.CONTAINER)
        subject, subject_id = found
        stream = (await masker_of(await self.secrets_of[subject](subject_id))).stream()
        require(subject_id)

        async def masked() -> AsyncIterator[str]:
            async for piece in there.engine.follow(container, tail=tail, since=since):
                yield stream.feed(piece).decode()
            yield stream.finish().decode()

        return masked()

    def _require_start(self, tx: Tx, container: Container) -> None:
        found = self._subject_of(container)
        if found is not None:
            subject, subject_id = found
            self.require_start[subject](tx, subject_id)

    async def _one(self, actor: Actor, permission: Permission, there: MachineEngine, container_id: str) -> Container:
        """A container by its id, its beginning or its name: looked up among those of this panel, never asked for so."""
        found = next((each for each in await self._every(there) if each.is_called(container_id)), None)
        if found is None:
            raise Missing(Noun.CONTAINER)
        container = found
        owner = await self.db.read(lambda tx: self._owner(tx, container))
        if owner is None:
            raise Missing(Noun.CONTAINER)
        _, subject_id = self._subject_of(container) or (None, None)
        permit(actor, permission, owner.organization_id, owner.project_id, service_id=subject_id, noun=Noun.CONTAINER)
        return container

    async def _every(self, there: MachineEngine) -> list[Container]:
        """Those of this panel on a machine. Where none was ever asked for, no engine is needed to know that."""
        if not await self.db.read(self.was_asked_for):
            return []
        return await there.engine.containers(panel=there.panel_id)

    def _owner(self, tx: Tx, container: Container) -> Owner | None:
        found = self._subject_of(container)
        subject = self.subjects.get(found[0]) if found is not None else None
        return subject.owner(tx, found[1]) if subject is not None and found is not None else None

    def _subject_of(self, container: Container) -> tuple[SubjectType, str] | None:
        labels = container.labels
        found = [(subject, labels[label]) for label, subject in self.types.items() if labels.get(label)]
        return found[0] if len(found) == 1 else None  # nobody's, where an image has given it another's as well

    def _sees(self, actor: Actor, container: Container, owner: Owner | None) -> bool:
        found = self._subject_of(container)
        return (
            PANEL in container.labels
            and owner is not None
            and found is not None
            and sees(actor, owner.organization_id, owner.project_id, service_id=found[1])
        )


def _is_of(container: Container, app_name: str) -> bool:
    """Whether its service is called so, or so with the random ending behind it: clients look for both."""
    names = (container.project, container.labels.get(NAME, ""))
    return app_name in names or any(each.rpartition("-")[0] == app_name for each in names)


def _owned(container: Container, subject: tuple[SubjectType, str]) -> OwnedContainer:
    return OwnedContainer(container=container, subject_type=subject[0], subject_id=subject[1])
