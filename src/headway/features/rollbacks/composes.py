"""Going back with compose services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headway.core.access.allowances import NotAllowed
from headway.core.deployments import store as deployments
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.core.deployments.run import Owner
from headway.drivers.runtimes.compose.conversion import IMAGE
from headway.features.edge.domain_snapshots import Restoring
from headway.features.rollbacks.differences import (
    Difference,
    NamedRelease,
    RollbackPreview,
    as_text,
    of_domains,
    of_values,
    of_variables,
)
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.lifecycle import ComposeLifecycle
from headway.features.services.compose.model import ComposeRelease, Record, exclusive_key
from headway.features.services.compose.plan import ComposePlanner
from headway.features.services.compose.rollback import KIND, VERSION, find_release
from headway.features.services.model import ReleaseState
from headway.infra.db.transaction import Tx
from headway.infra.logs.mask import Masker
from headway.kernel.errors import Unavailable
from headway.kernel.variables import Marks

_SHOWN = ("command", "entrypoint", "ports", "volumes", "networks", "healthcheck", "deploy", "configs", "secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRollbacks:
    """Fits ``forms.Form``. What such a release ran with is in its file: with ``keep_configuration`` only the domains
    stay.
    """

    planner: ComposePlanner
    lifecycle: ComposeLifecycle

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """See ``Form.owner``."""
        return services_store.owner(tx, subject_id, SubjectType.COMPOSE)

    def request(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Request:
        """See ``Form.request``."""
        compose = store.find(tx, subject_id, self.planner.vault)
        release = find_release(tx, self.planner, release_id)
        return Request(
            kind=KIND,
            kind_version=VERSION,
            subject_type=SubjectType.COMPOSE,
            subject_id=subject_id,
            host_id=compose.host_id,
            organization_id=compose.organization_id,
            project_id=compose.project_id,
            exclusive_key=exclusive_key(subject_id),
            lane=Lane.ROLLBACK,
            default_title=f"Rollback to version {release.seq}",
            input={
                "type": "rollback",
                "release_id": release_id,
                "keep_configuration": keep_configuration,
                "total_seconds": compose.settings.deadlines.total_seconds,
            },
        )

    def preview(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        """See ``Form.preview``."""
        compose = store.find(tx, subject_id, self.planner.vault)
        release = find_release(tx, self.planner, release_id)
        serving = store.serving(tx, subject_id, self.planner.vault)
        differences = [] if serving is None else _differences(serving.record, release.record)
        if release.domains is not None and not keep_configuration:
            restoring = Restoring(
                subject_type=SubjectType.COMPOSE,
                subject_id=subject_id,
                organization_id=compose.organization_id,
                facts=self.lifecycle.tools.routing.facts,
                named=services_store.named,
            )
            changes = restoring.changes(tx, release.domains)
            taken = [each.after for each in changes if each.before is None and restoring.is_taken(tx, each.after)]
            differences += of_domains(changes, taken)
        return RollbackPreview(
            to=_made(tx, release),
            now=None if serving is None else _made(tx, serving),
            differences=differences,
            stays=(
                "What its containers have written to volumes stays as it is.",
                "The compose service's own file and variables stay: the next deploy works from them.",
            ),
        )

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        """See ``Form.refused``. What its file asks for comes back whatever stays."""
        del keep_configuration
        compose = store.find(tx, subject_id, self.planner.vault)
        release = find_release(tx, self.planner, release_id)
        try:
            powers.require_release(tx, compose, release.record)
        except NotAllowed as not_allowed:
            return powers.with_way_out(not_allowed)
        return None

    async def missing(self, release_id: str) -> str | None:
        """See ``Form.missing``."""
        release = await self.lifecycle.tools.release(release_id)
        if release is None:
            return None
        try:
            return await (await self.lifecycle.tools_of(release.service_id)).missing(release)
        except Unavailable as away:
            return away.message

    def is_wanted(self, tx: Tx, subject_id: str, release_id: str) -> bool:
        """See ``Form.is_wanted``."""
        found = store.release(tx, release_id, self.planner.vault)
        if found is not None and found.state is not ReleaseState.RETIRED:
            return True
        return release_id in deployments.wanted_releases(tx, SubjectType.COMPOSE, subject_id)

    async def remove(self, release_id: str) -> None:
        """See ``Form.remove``."""
        found = await self.lifecycle.tools.release(release_id)
        if found is not None:
            await self.lifecycle.let_go(found.service_id, release_id, found.folder)

    def seen(self, tx: Tx, release_id: str, missing: str | None) -> None:
        """See ``Form.seen``."""
        releases_store.seen(tx, release_id, missing)


def _differences(before: Record, after: Record) -> list[Difference]:
    now, then = before.file["services"], after.file["services"]
    found = of_values("service", dict.fromkeys(now, "runs"), dict.fromkeys(then, "runs"))
    masker = Masker({*before.secrets, *after.secrets})
    for name in sorted(now.keys() & then.keys()):
        found += of_values(f"service {name}", _shown(now[name], masker), _shown(then[name], masker))
        was, becomes = (_environment(service) for service in (now[name], then[name]))
        secret = {each for each in {*was, *becomes} if Marks().is_secret(each)}
        found += [replace(each, name=f"{name}.{each.name}") for each in of_variables(was, becomes, secret)]
    return found


def _shown(service: Mapping[str, Any], masker: Masker) -> dict[str, str | None]:
    image = (service.get("labels") or {}).get(IMAGE, service.get("image"))
    texts = {"image": image, "image id": service.get("image"), **{key: as_text(service.get(key)) for key in _SHOWN}}
    return {key: None if text is None else masker.mask_text(text) for key, text in texts.items()}


def _environment(service: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in (service.get("environment") or {}).items()}


def _made(tx: Tx, release: ComposeRelease) -> NamedRelease:
    commit = deployments.commit_of(tx, release.deployment_id) or {}
    return NamedRelease(
        release_id=release.release_id,
        version=release.seq,
        image=None,
        commit_hash=release.commit_hash,
        commit_subject=commit.get("subject") or None,
    )
