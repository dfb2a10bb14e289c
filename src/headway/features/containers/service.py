"""The containers of callers, whoever made them for them: found by the labels that say whose they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, admit, permit, sees
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner, Subject
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.swarm.placement import Placed, placed
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.labels import APPLICATION, COMPOSE, NAME, PANEL
from headway.infra.logs.mask import Masker

SecretsOf = Callable[[str], Awaitable[Iterable[str]]]
# The mark of compose services first: what else their containers are labelled with is in their files.
_LABELS: Mapping[str, SubjectType] = {COMPOSE: SubjectType.COMPOSE, APPLICATION: SubjectType.APPLICATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEngine:
    """The engine of a machine, and by what this panel's containers are known there."""

    engine: Engine
    panel_id: str


EngineAt = Callable[[Actor, str | None], Awaitable[MachineEngine]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerService:
    """What callers may ask of containers: of the panel's machine, or of the server that they name. ``engine_at`` gives
    its engine and raises Missing for a server that is not theirs, ``secrets_of`` gives what must not show of the output
    of a subject, ``was_asked_for`` says whether there can be any, and ``require_start`` raises where what serves of one
    may not be started now; ``require_firm`` where others could have one of a compose service mount anything.
    """

    db: Database
    engine_at: EngineAt
    subjects: Mapping[SubjectType, Subject]
    secrets_of: Mapping[SubjectType, SecretsOf]
    was_asked_for: Callable[[Tx], bool]
    require_start: Mapping[SubjectType, Callable[[Tx, str], None]]
    require_firm: Callable[[Container], Awaitable[None]]

    async def all(self, actor: Actor, permission: Permission, server_id: str | None = None) -> list[Container]:
        """Every container that the caller may see, by name. Raises EngineAway."""
        admit(actor, permission)
        found = await self._every(await self.engine_at(actor, server_id))
        owners = await self.db.read(lambda tx: {each.container_id: self._owner(tx, each) for each in found})
        mine = [each for each in found if _sees(actor, each, owners[each.container_id])]
        return sorted(mine, key=lambda each: each.name)

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
        mine = [each for each, owner in zip(called, owners, strict=True) if _sees(actor, each.container, owner)]
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
        if COMPOSE in container.labels:
            await self.require_firm(container)
        await there.engine.restart(container.container_id)

    async def follow(
        self,
        actor: Actor,
        permission: Permission,
        container_id: str,
        server_id: str | None = None,
        *,
        tail: int,
        since: datetime | None,
    ) -> AsyncIterator[str]:
        """What a container writes, from its last lines on, masked. Raises Missing."""
        there = await self.engine_at(actor, server_id)
        container = await self._one(actor, permission, there, container_id)
        subject, subject_id = _subject_of(container) or (SubjectType.COMPOSE, "")
        secrets_of = self.secrets_of.get(subject)
        if secrets_of is None:
            raise Missing(Noun.CONTAINER)
        stream = Masker(await secrets_of(subject_id)).stream()

        async def masked() -> AsyncIterator[str]:
            async for piece in there.engine.follow(container, tail=tail, since=since):
                yield stream.feed(piece).decode()
            yield stream.finish().decode()

        return masked()

    def _require_start(self, tx: Tx, container: Container) -> None:
        subject, subject_id = _subject_of(container) or (SubjectType.COMPOSE, "")
        require = self.require_start.get(subject)
        if require is not None:
            require(tx, subject_id)

    async def _one(self, actor: Actor, permission: Permission, there: MachineEngine, container_id: str) -> Container:
        """A container by its id, its beginning or its name: looked up among those of this panel, never asked for so."""
        found = next((each for each in await self._every(there) if each.is_called(container_id)), None)
        if found is None:
            raise Missing(Noun.CONTAINER)
        container = found
        owner = await self.db.read(lambda tx: self._owner(tx, container))
        if owner is None:
            raise Missing(Noun.CONTAINER)
        _, subject_id = _subject_of(container) or (None, None)
        permit(actor, permission, owner.organization_id, owner.project_id, service_id=subject_id, noun=Noun.CONTAINER)
        return container

    async def _every(self, there: MachineEngine) -> list[Container]:
        """Those of this panel on a machine. Where none was ever asked for, no engine is needed to know that."""
        if not await self.db.read(self.was_asked_for):
            return []
        return await there.engine.containers(panel=there.panel_id)

    def _owner(self, tx: Tx, container: Container) -> Owner | None:
        found = _subject_of(container)
        subject = self.subjects.get(found[0]) if found is not None else None
        return subject.owner(tx, found[1]) if subject is not None and found is not None else None


def _is_of(container: Container, app_name: str) -> bool:
    """Whether its service is called so, or so with the random ending behind it: clients look for both."""
    names = (container.project, container.labels.get(NAME, ""))
    return app_name in names or any(each.rpartition("-")[0] == app_name for each in names)


def _subject_of(container: Container) -> tuple[SubjectType, str] | None:
    labels = container.labels
    found = [(subject, labels[label]) for label, subject in _LABELS.items() if labels.get(label)]
    return found[0] if len(found) == 1 else None  # nobody's, where an image has given it another's as well


def _sees(actor: Actor, container: Container, owner: Owner | None) -> bool:
    found = _subject_of(container)
    return (
        PANEL in container.labels
        and owner is not None
        and found is not None
        and sees(actor, owner.organization_id, owner.project_id, service_id=found[1])
    )
