"""The services that deliveries may deploy: applications and compose services, as far as a delivery has to know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from headway.core.deployments.model import Request, SubjectType
from headway.drivers.forges.events import Pull
from headway.features.git import providers_store
from headway.features.git.provider_repository import Provided, provided
from headway.features.previews.lifecycle import Ask, PreviewLifecycle, PreviewStep
from headway.features.services.application import store as applications
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.requests import deploy_request as request_for_application
from headway.features.services.application.sources import require_source
from headway.features.services.compose import store as composes
from headway.features.services.compose.model import RAW, Compose, ComposeSettings
from headway.features.services.compose.plan import require_file
from headway.features.services.compose.requests import deploy_request as request_for_compose
from headway.features.services.hooks_model import TAG
from headway.features.webhooks.policy import SourceKind, TrackedSource
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault


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


class HookedServices(Protocol):
    """Finds services of one type."""

    def __call__(self, tx: Tx, subject_id: str) -> HookedService | None:
        """The service with this id, None where there is none."""
        ...


def services(vault: Vault, acting: PreviewLifecycle) -> Mapping[SubjectType, HookedServices]:
    """All types of services that can be told."""
    return {
        SubjectType.APPLICATION: lambda tx, subject_id: _application(tx, subject_id, vault, acting),
        SubjectType.COMPOSE: lambda tx, subject_id: _compose(tx, subject_id, vault, acting),
    }


def _application(tx: Tx, application_id: str, vault: Vault, acting: PreviewLifecycle) -> HookedService | None:
    try:
        found = applications.find(tx, application_id, vault)
    except NotFound:
        return None
    tracked = _tracked_application(found.settings, _provided(tx, found.settings.source_type, found.settings.extra))

    return HookedService(
        subject_type=SubjectType.APPLICATION,
        subject_id=application_id,
        organization_id=found.organization_id,
        project_id=found.project_id,
        name=found.name,
        tracked=tracked,
        newest_wins=found.settings.hooks.newest_wins,
        secret=_secret(found.settings.hooks.secret),
        request=lambda tag: _request_application(found, tag),
        pulled=None if found.preview_of else _pulled(acting, SubjectType.APPLICATION, application_id, tracked),
    )


def _request_application(application: Application, tag: str | None) -> Request:
    require_source(application.settings)  # a push to what has none is skipped, and leaves no deployment
    # Who may change an application has set its repository, a folder of the machine too, and that pushes deploy it.
    return request_for_application(application, tag=tag, allow_file=True)


def _tracked_application(settings: AppSettings, repository: Provided | None) -> TrackedSource:
    kinds = {"docker": SourceKind.IMAGE, "drop": SourceKind.OTHER}
    return TrackedSource(
        source=kinds.get(settings.source_type, SourceKind.GIT),
        git_url=settings.git.url if repository is None else repository.path,
        branch=settings.git.branch if repository is None else repository.branch,
        tag=settings.git.tag,
        commit=settings.git.commit,
        image=settings.docker.image,
        auto_deploy=settings.hooks.auto_deploy,
        by_tags=settings.hooks.trigger_type == TAG,
        watch_paths=tuple(settings.hooks.watch_paths or ()),
    )


def _compose(tx: Tx, compose_id: str, vault: Vault, acting: PreviewLifecycle) -> HookedService | None:
    try:
        found = composes.find(tx, compose_id, vault)
    except NotFound:
        return None
    tracked = _tracked_compose(found.settings, _provided(tx, found.settings.source_type, found.settings.extra))
    return HookedService(
        subject_type=SubjectType.COMPOSE,
        subject_id=compose_id,
        organization_id=found.organization_id,
        project_id=found.project_id,
        name=found.name,
        tracked=tracked,
        newest_wins=found.settings.hooks.newest_wins,
        secret=_secret(found.settings.hooks.secret),
        request=lambda tag: _request_compose(found, tag),
        pulled=None if found.preview_of else _pulled(acting, SubjectType.COMPOSE, compose_id, tracked),
    )


def _request_compose(compose: Compose, tag: str | None) -> Request:
    require_file(compose.settings)
    return request_for_compose(compose, tag=tag, allow_file=True)  # as for applications


def _tracked_compose(settings: ComposeSettings, repository: Provided | None) -> TrackedSource:
    kinds = {RAW: SourceKind.OTHER, "drop": SourceKind.OTHER}
    return TrackedSource(
        source=kinds.get(settings.source_type, SourceKind.GIT),
        git_url=settings.git.url if repository is None else repository.path,
        branch=settings.git.branch if repository is None else repository.branch,
        any_image=True,
        auto_deploy=settings.hooks.auto_deploy,
        by_tags=settings.hooks.trigger_type == TAG,
        watch_paths=tuple(settings.hooks.watch_paths or ()),
    )


def _pulled(acting: PreviewLifecycle, service_type: SubjectType, service_id: str, tracked: TrackedSource) -> Pulled:
    def pulled(tx: Tx, pull: Pull, ask: Ask, *, again: bool, unwatched: str | None) -> PreviewStep:
        base = acting.forms[service_type].base(tx, service_id)
        return acting.take(tx, base, pull, ask, branch=tracked.branch, again=again, unwatched=unwatched)

    return pulled


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


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None
