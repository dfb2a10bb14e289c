"""What the features beside services ask of each kind of them. What a kind answers lies in a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from typing import Any, Protocol

from headway.core.deployments.model import Request, SubjectType
from headway.core.deployments.run import Kind
from headway.drivers.runtimes.contract.inner_places import Inside
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.drivers.sources.base import Source
from headway.features.edge.domains_model import DomainRequest
from headway.features.edge.route_target import RouteTarget
from headway.features.git.provider_repository import Provided
from headway.features.services.downtime import DowntimeOf
from headway.features.services.folders import ServiceFolders
from headway.features.services.hooks_model import TrackedSource
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import Release, Service
from headway.features.services.previews_model import PullRevision
from headway.features.services.rollback_differences import Difference, PendingChange, RollbackPreview
from headway.features.services.routing import ServiceRouting
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.vault import Vault


class PreviewSpecs(Protocol):
    """What runs of pull requests: a service of the same kind. All of it happens within the caller's transaction."""

    @property
    def below(self) -> bool:
        """Whether domains of its own may lie below the base domain."""
        ...

    def require_pulls(self, settings: Any, /) -> None:  # noqa: ANN401 - those of its kind, here and below
        """Raises InvalidInput where pull requests have nothing of the service."""
        ...

    def add(self, tx: Tx, parent: Service[Any], preview_id: str, pull: PullRevision, /) -> Service[Any]:
        """Makes what runs of a preview of the ``parent``, with nothing set yet but what is the parent's."""
        ...

    def domains(
        self,
        settings: Any,  # noqa: ANN401
        pull: PullRevision,
        app_name: str,
        led: Sequence[DomainRequest],
        generated_host: Callable[[str], str],
        /,
    ) -> list[DomainRequest]:
        """The domains that what runs of a preview is to have under this name, where ``led`` lead to its service."""
        ...

    def settings(self, settings: Any, pull: PullRevision, /) -> Any:  # noqa: ANN401
        """The service's settings as its preview has them. Raises InvalidInput."""
        ...

    def variables(self, settings: Any, pull: PullRevision, host: str, /) -> str:  # noqa: ANN401
        """The variables of a preview that is reached at this host, as a user would write them."""
        ...


class DeployRequest(Protocol):
    """Says what is queued for a deploy of a service."""

    def __call__(self, service: Service[Any], /, *, tag: str | None = None, allow_file: bool) -> Request:
        """A deploy of the newest state, or of this tag; with ``allow_file`` a folder of the machine may be fetched."""
        ...


class Deliveries(Protocol):
    """What deliveries of webhooks need to know of a service, and to ask of its git host."""

    def tracked(self, settings: Any, repository: Provided | None, /) -> TrackedSource:  # noqa: ANN401
        """What they are held against; ``repository`` is the one that a git provider has for it."""
        ...

    def require_source(self, settings: Any, /) -> None:  # noqa: ANN401
        """Raises InvalidInput where there is nothing that could be deployed."""
        ...

    def source(self, tx: Tx, service: Service[Any], /) -> Callable[[str], Source]:
        """Gives, for the id of a look, where its files come from, to be asked and not fetched. Raises InvalidInput."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPlace:
    """Where in a service a script runs: what its kind finds the place by again, as fields of the run's ``plan``, and
    what must not show of it.
    """

    plan: Mapping[str, Any]
    mask: tuple[str, ...] = field(repr=False)


class ScriptPlaces(Protocol):
    """Leads scripts into services."""

    @property
    def of_several(self) -> bool:
        """Whether one has to say inside which of a service's own services it is to run."""
        ...

    def place(self, tx: Tx, service_id: str, service_name: str | None, /) -> ScriptPlace:
        """The place as it is now. Raises RunFailed where nothing serves, NotFound."""
        ...

    async def enter(self, host_id: str, plan: Mapping[str, Any], /) -> Inside:
        """What runs there by the plan of a run. Raises RunFailed, NotRunning, EngineAway, HostUnreachable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unneeded:
    """Something of a service that nobody needs and why: a release, or the name of an image. ``bytes`` is what it alone
    holds, None where that is not known.
    """

    name: str
    why: str
    bytes: int | None
    is_image: bool = False


class ServiceDisk(Protocol):
    """What services hold on the disks of hosts."""

    def folders(self, host_id: str, /) -> ServiceFolders:
        """Where their files lie on a host. Raises HostUnreachable."""
        ...

    def repository(self, panel_id: str, app_name: str, /) -> str:
        """What an engine, to which the panel is known by this id, calls the images that were made for one."""
        ...

    def clear(
        self, host: Host, service_id: str, repository: str, /, *, freeing: Callable[[str], int] | None, dry: bool
    ) -> AsyncIterator[Unneeded]:
        """Removes what nobody needs of a service on its host (``dry``: only tells of it), while nobody else acts on it;
        ``freeing`` says what is gained by the name of an image, None where no engine answers. Raises NotFound,
        Unavailable.
        """
        ...


class NoSuchVolume(InvalidInput):
    """A service has no such volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFolder:
    """A folder in which a service keeps files, and the account that all of it belongs to: None where there are no
    accounts.
    """

    path: str
    uid: int | None


class ServiceVolumes(Protocol):
    """What services keep in volumes of an engine, and in folders."""

    @property
    def label(self) -> str:
        """The label that a volume has with the id of the service whose own it is."""
        ...

    @property
    def hint(self) -> str:
        """What can be named beside volumes, as the end of a sentence that begins with those; "" for nothing."""
        ...

    def names(self, app_name: str, volume: str, /) -> tuple[str, ...]:
        """What the engine may call a volume. A new one is to be called by the first, for its service can be given it by
        the name ``volume`` then.
        """
        ...

    async def meant(self, service_id: str, volume: str, /) -> str:
        """The volume that is meant by a name. Raises NoSuchVolume where it has nothing yet of what that stands for."""
        ...

    async def own_folder(self, host_id: str, service_id: str, volume: str, /) -> OwnFolder | None:
        """The folder of its own on its host that is meant by a name, None where that is a volume. Raises NotFound,
        HostUnreachable.
        """
        ...


class DatabaseContainers(Protocol):
    """Finds the containers of database servers."""

    async def find(self, host_id: str, service_id: str, name: str, at: str, /) -> str:
        """The id of the container that runs now of the server with this name: of the service, where that is one, else
        of one of its own services. ``at`` is where it is, as words that follow its name. Raises RunFailed where none
        does, EngineAway, HostUnreachable.
        """
        ...


class ServiceRollbacks(Protocol):
    """Releases of one kind of service. Each is named by its id, and has served."""

    @property
    def kind(self) -> Kind:
        """What the deployment is that goes back to one."""
        ...

    @property
    def begins_anew(self) -> bool:
        """Whether what serves may be gone back to as well, with the configuration of now."""
        ...

    @property
    def routing(self) -> ServiceRouting:
        """What leads to services of the kind."""
        ...

    def required(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Service[Any]:
        """The service, which could be taken back to the release. Raises InvalidInput where it could not."""
        ...

    def compared(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        """What that would change, but for the domains. Raises InvalidInput."""
        ...

    def pending(self, tx: Tx, subject_id: str, release_id: str) -> Sequence[PendingChange]:
        """What is saved otherwise than the release runs with, which serves. Raises InvalidInput where that is not known
        of it, or what is saved cannot run.
        """
        ...

    def between(self, tx: Tx, before: str, after: str) -> Sequence[Difference] | None:
        """What two releases ran with that is not the same, but for the domains; None where it was not kept of both."""
        ...

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        """What of it reaches its machine and is not allowed now, as a sentence; None where nothing is."""
        ...

    async def missing(self, release_id: str) -> str | None:
        """What keeps anybody from going back to it, as the machine is now; None where nothing does."""
        ...

    def keeping(self, service_id: str) -> AbstractAsyncContextManager[None]:
        """Nothing of the service's releases is removed for as long as the block lasts."""
        ...

    async def remove(self, release: Release) -> bool:
        """Removes it with what nothing else needs of it; no error when it is gone. Its deployment stays. False where
        something needs it by now.
        """
        ...


class WrittenLogsOf(Protocol):
    """Finds what the processes or containers of a service of one kind write."""

    async def __call__(self, service_id: str, /) -> Sequence[WrittenLog]:
        """The logs of what serves of it, none where nothing is kept. Raises HeadwayError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKind:
    """One kind of services, by what it is asked for."""

    lifecycle: ServiceLifecycle[Any, Any]
    routing: RouteTarget
    request: DeployRequest
    previews: PreviewSpecs
    deliveries: Deliveries
    scripts: ScriptPlaces
    disk: ServiceDisk
    volumes: ServiceVolumes
    databases: DatabaseContainers
    downtime: DowntimeOf
    rollbacks: ServiceRollbacks
    written_logs: WrittenLogsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKinds:
    """All kinds of services, by what domains and webhooks call them: a database is an application."""

    vault: Vault
    by_type: Mapping[SubjectType, ServiceKind]

    @staticmethod
    def of(vault: Vault, *kinds: ServiceKind) -> ServiceKinds:
        """These, in this order wherever all are listed."""
        return ServiceKinds(vault=vault, by_type={each.lifecycle.driver.reader.kind: each for each in kinds})

    @property
    def routing(self) -> Mapping[SubjectType, RouteTarget]:
        """How those of each type are reached."""
        return {name: each.routing for name, each in self.by_type.items()}

    def find(self, tx: Tx, subject_type: SubjectType, service_id: str) -> Service[Any]:
        """The service of this type with this id, or what runs of such a preview. Raises NotFound."""
        found: Service[Any] = self.by_type[subject_type].lifecycle.driver.reader.find(tx, service_id, self.vault)
        return found
