"""The services that deliveries may deploy, as far as a delivery has to know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import partial
from typing import Any, Protocol

from headway.core.deployments.model import Request, SubjectType
from headway.drivers.forges.events import Pull
from headway.features.git import providers_store
from headway.features.git.provider_repository import Provided, provided
from headway.features.previews.lifecycle import Ask, PreviewLifecycle, PreviewStep
from headway.features.services.hooks_model import TrackedSource
from headway.features.services.kinds import ServiceKind, ServiceKinds
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound
from headway.kernel.secret import Secret


class Pulled(Protocol):
    """Does what a pull request asks for."""

    def __call__(self, tx: Tx, pull: Pull, ask: Ask, *, again: bool, unwatched: str | None) -> PreviewStep:
        """What was done; ``unwatched`` says that none of its files is watched. Raises InvalidInput."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HookedService:
    """A service that is told of pushes. ``request`` gives what is queued for it, of a tag where one is given, and
    raises InvalidInput where there is nothing to deploy; ``pulled`` does what a pull request asks for, where the
    service has previews.
    """

    subject_type: SubjectType
    subject_id: str
    organization_id: str
    project_id: str
    name: str
    tracked: TrackedSource
    newest_wins: bool
    secret: Secret | None
    request: Callable[[str | None], Request] = field(repr=False)
    pulled: Pulled | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookedServices:
    """Services of all kinds that can be told; ``lifecycle`` sees to previews."""

    kinds: ServiceKinds
    lifecycle: PreviewLifecycle

    def find(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> HookedService | None:
        """The service with this id, None where there is none."""
        kind = self.kinds.by_type.get(subject_type)
        if kind is None:
            return None
        try:
            found = self.kinds.find(tx, subject_type, subject_id)
        except NotFound:
            return None
        settings = found.settings
        tracked = kind.deliveries.tracked(settings, _provided(tx, settings.source_type, settings.extra))
        return HookedService(
            subject_type=subject_type,
            subject_id=subject_id,
            organization_id=found.organization_id,
            project_id=found.project_id,
            name=found.name,
            tracked=tracked,
            newest_wins=settings.hooks.newest_wins,
            secret=Secret(settings.hooks.secret) if settings.hooks.secret else None,
            request=partial(_request, kind, found),
            pulled=None if found.preview_of else self._pulled(subject_type, subject_id, tracked),
        )

    def _pulled(self, subject_type: SubjectType, subject_id: str, tracked: TrackedSource) -> Pulled:
        def pulled(tx: Tx, pull: Pull, ask: Ask, *, again: bool, unwatched: str | None) -> PreviewStep:
            service = self.kinds.find(tx, subject_type, subject_id)
            return self.lifecycle.take(tx, service, pull, ask, branch=tracked.branch, again=again, unwatched=unwatched)

        return pulled


def _request(kind: ServiceKind, service: Service[Any], tag: str | None) -> Request:
    kind.deliveries.require_source(service.settings)  # a push to what has none is skipped, and leaves no deployment
    # Who may change a service has set its repository, a folder of the machine too, and that pushes deploy it.
    return kind.request(service, tag=tag, allow_file=True)


def _provided(tx: Tx, source_type: str, extra: Mapping[str, Any]) -> Provided | None:
    """The repository that a service has through a provider, ``path`` as its whole address there."""
    found = provided(source_type, extra)
    if found is None:
        return None
    try:
        provider = providers_store.find(tx, found.provider_id)
    except NotFound:
        return found
    return replace(found, path=f"{provider.url}/{found.path}")
