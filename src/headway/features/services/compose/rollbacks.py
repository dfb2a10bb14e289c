"""Going back with compose services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import Any

from headway.core.access.allowances import NotAllowed
from headway.core.deployments import store as deployments
from headway.drivers.runtimes.compose.conversion import IMAGE
from headway.features.services.compose import powers, store
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.model import Compose, ComposeRelease, Record
from headway.features.services.compose.pending_changes import changes
from headway.features.services.compose.plan import variables_of
from headway.features.services.compose.rollback import ComposeRollback, find_release
from headway.features.services.model import Release
from headway.features.services.rollback_differences import (
    Difference,
    NamedRelease,
    PendingChange,
    RollbackPreview,
    as_text,
    of_values,
    of_variables,
)
from headway.features.services.routing import ServiceRouting
from headway.infra.db.transaction import Tx
from headway.infra.logs.mask import Masker
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable
from headway.kernel.variables import Marks

_SHOWN = ("command", "entrypoint", "ports", "volumes", "networks", "healthcheck", "deploy", "configs", "secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRollbacks:
    """Fits ``ServiceRollbacks``. What such a release ran with is in its file: with ``keep_configuration`` only the
    domains stay.
    """

    kind: ComposeRollback
    lifecycle: ComposeLifecycle
    begins_anew: bool = False

    @property
    def routing(self) -> ServiceRouting:
        return self.lifecycle.tools.routing

    def required(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Compose:
        del keep_configuration
        compose = store.find(tx, subject_id, self.kind.planner.vault)
        find_release(tx, self.kind.planner, release_id)
        return compose

    def compared(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        del keep_configuration
        release = find_release(tx, self.kind.planner, release_id)
        serving = store.serving(tx, subject_id, self.kind.planner.vault)
        return RollbackPreview(
            to=_made(tx, release),
            now=None if serving is None else _made(tx, serving),
            differences=[] if serving is None else _differences(serving.record, release.record),
            stays=(
                "What its containers have written to volumes stays as it is.",
                "The compose service's own file and variables stay: the next deploy works from them.",
            ),
        )

    def pending(self, tx: Tx, subject_id: str, release_id: str) -> Sequence[PendingChange]:
        compose = store.find(tx, subject_id, self.kind.planner.vault)
        release = find_release(tx, self.kind.planner, release_id)
        return changes(release.record, compose.settings, variables_of(tx, compose, self.kind.planner.vault).variables)

    def between(self, tx: Tx, before: str, after: str) -> Sequence[Difference] | None:
        was, became = (store.release(tx, each, self.kind.planner.vault) for each in (before, after))
        return None if was is None or became is None else _differences(was.record, became.record)

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        """See ``ServiceRollbacks.refused``. What its file asks for comes back whatever stays."""
        del keep_configuration
        compose = store.find(tx, subject_id, self.kind.planner.vault)
        release = find_release(tx, self.kind.planner, release_id)
        try:
            powers.require_release(tx, compose, release.record)
        except NotAllowed as not_allowed:
            return powers.with_way_out(not_allowed)
        return None

    async def missing(self, release_id: str) -> str | None:
        release = await self.lifecycle.tools.release(release_id)
        if release is None:
            return None
        try:
            return await (await self.lifecycle.driver.tools_of(release.service_id)).missing(release)
        except Unavailable as away:
            return away.message

    def keeping(self, service_id: str) -> AbstractAsyncContextManager[None]:
        """See ``ServiceRollbacks.keeping``."""
        return self.lifecycle.keeping(service_id)

    async def remove(self, release: Release) -> bool:
        """See ``ServiceRollbacks.remove``. Where no engine answers now, its images go with those of the next one."""
        is_gone = await self.lifecycle.let_go(release)
        with suppress(Unavailable):
            await self.lifecycle.driver.clear_images(release.service_id)
        return is_gone


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
