"""Going back with applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from operator import attrgetter

from headway.core.access.allowances import NotAllowed
from headway.core.deployments.model import SubjectType
from headway.features.services.application import store
from headway.features.services.application.artifacts import load_artifact
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.pending_changes import by_deploy, of_copies
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.rollback import ApplicationRollback, find_target
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.application.variables import marks_of
from headway.features.services.model import Release
from headway.features.services.rollback_differences import (
    Difference,
    NamedRelease,
    PendingChange,
    RollbackPreview,
    as_text,
    masked,
    of_values,
    of_variables,
)
from headway.features.services.routing import ServiceRouting
from headway.infra.db.transaction import Tx
from headway.infra.logs.mask import Masker
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable

_LIMITS: Mapping[str, str] = {"limits.memory_bytes": "memoryLimit", "limits.cpus": "cpuLimit"}
_WAYS_OF_RUNNING: Mapping[str, str] = {
    "run.command": "command",
    "run.arguments": "args",
    "build.start": "startCommand",
    "run.restart": "restart",
    "run.restarts": "restarts",
    "health.own_check": "healthCheckSwarm",
    "health.path": "healthPath",
    "health.deadline_seconds": "healthDeadline",
    "health.settle_seconds": "settleTime",
    "health.drain_seconds": "drainTime",
}
_SOURCES: Mapping[str, str] = {
    "source_type": "sourceType",
    "git.url": "customGitUrl",
    "git.branch": "customGitBranch",
    "git.tag": "tag",
    "git.path": "buildPath",
    "docker.image": "dockerImage",
}
_BUILDS: Mapping[str, str] = {
    "build.provider": "language",
    "build.install": "installCommand",
    "build.build": "buildCommand",
    "build.release": "releaseCommand",
    "build.publish": "publishDirectory",
    "build.versions": "versions",
    "build.keep": "keep",
    "build.package": "package",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRollbacks:
    """Fits ``ServiceRollbacks``."""

    kind: ApplicationRollback
    lifecycle: ApplicationLifecycle
    begins_anew: bool = True

    @property
    def routing(self) -> ServiceRouting:
        return self.lifecycle.tools.routing

    def required(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Application:
        application = store.find(tx, subject_id, self.kind.planner.vault)
        _, snapshot = find_target(tx, self.kind.planner.vault, release_id, keep=keep_configuration)
        self.kind.planner.plan_back(tx, application, snapshot, keep_configuration=keep_configuration)
        return application

    def compared(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        vault = self.kind.planner.vault
        application = store.find(tx, subject_id, vault)
        target, snapshot = find_target(tx, vault, release_id, keep=keep_configuration)
        plan = self.kind.planner.plan_back(tx, application, snapshot, keep_configuration=keep_configuration)
        serving = store.serving(tx, subject_id)
        before = None if serving is None else open_snapshot(store.spec_of(tx, serving.release_id), vault)
        return RollbackPreview(
            to=_made(release_id, target.version, snapshot),
            now=None if serving is None or before is None else _made(serving.release_id, serving.seq, before),
            differences=[] if before is None else _differences(before, plan),
            stays=_stays(snapshot, plan),
        )

    def pending(self, tx: Tx, subject_id: str, release_id: str) -> Sequence[PendingChange]:
        """See ``ServiceRollbacks.pending``. What runs of a database is set up anew by its deploys only."""
        vault = self.kind.planner.vault
        application = store.find(tx, subject_id, vault)
        target, snapshot = find_target(tx, vault, release_id, keep=True)
        plan = self.kind.planner.plan_back(tx, application, snapshot, keep_configuration=True)
        differences = [*_differences(snapshot, plan), *of_copies(snapshot.settings, plan.settings)]
        restarts = application.subject_type is SubjectType.APPLICATION
        now = [PendingChange(difference=each, by_restart=restarts) for each in differences]
        # One that was begun anew with the settings of then has not been built with those.
        built = open_snapshot(store.spec_of(tx, target.origin), vault) or snapshot
        return [*now, *by_deploy(built.settings, application)]

    def between(self, tx: Tx, before: str, after: str) -> Sequence[Difference] | None:
        """See ``ServiceRollbacks.between``: also what each was fetched from and how it was built."""
        vault = self.kind.planner.vault
        was, became = (open_snapshot(store.spec_of(tx, each), vault) for each in (before, after))
        if was is None or became is None:
            return None
        found = [
            *_differences(was, became),
            *of_values("source", _named(was.settings, _SOURCES), _named(became.settings, _SOURCES)),
            *of_values("build", _named(was.settings, _BUILDS), _named(became.settings, _BUILDS)),
        ]
        masker = Masker({*was.mask, *became.mask})
        return [masked(each, masker.mask_text) for each in found]

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        vault = self.kind.planner.vault
        application = store.find(tx, subject_id, vault)
        try:
            _, snapshot = find_target(tx, vault, release_id, keep=keep_configuration)
            self.kind.planner.require_back(tx, application, snapshot, keep_configuration=keep_configuration)
        except NotAllowed as not_allowed:
            return not_allowed.message
        return None

    async def missing(self, release_id: str) -> str | None:
        def read(tx: Tx) -> tuple[Release | None, str]:
            return store.release(tx, release_id), store.spec_of(tx, release_id)

        found, spec = await self.lifecycle.db.read(read)
        snapshot = open_snapshot(spec, self.kind.planner.vault)
        if found is None or snapshot is None:
            return None  # which is told of by who has the row
        try:
            return await self.lifecycle.driver.runtime(found).missing(load_artifact(snapshot.artifact))
        except Unavailable as away:
            return away.message

    def keeping(self, service_id: str) -> AbstractAsyncContextManager[None]:
        return self.lifecycle.keeping(service_id)

    async def remove(self, release: Release) -> bool:
        return await self.lifecycle.let_go(release)


def _differences(before: Snapshot, after: ApplicationPlan | Snapshot) -> list[Difference]:
    secret = {
        name
        for settings, variables, mask in (
            (before.settings, before.variables, before.mask),
            (after.settings, after.variables, after.mask),
        )
        for name, value in variables.items()
        if marks_of(settings).is_secret(name) or any(hidden in value for hidden in mask)
    }
    contents: dict[str, int] = {}
    return [
        *of_variables(before.variables, after.variables, secret),
        *of_values("mount", _mounts(before.settings, contents), _mounts(after.settings, contents)),
        *of_values("port", _ports(before.settings), _ports(after.settings)),
        *of_values("limit", _named(before.settings, _LIMITS), _named(after.settings, _LIMITS)),
        *of_values("setting", _named(before.settings, _WAYS_OF_RUNNING), _named(after.settings, _WAYS_OF_RUNNING)),
    ]


def _named(settings: AppSettings, names: Mapping[str, str]) -> dict[str, str | None]:
    return {shown: as_text(attrgetter(name)(settings)) for name, shown in names.items()}


def _mounts(settings: AppSettings, contents: dict[str, int]) -> dict[str, str | None]:
    """What a file holds may be a secret: of it is told only, by a number, whether it is the same."""
    return {
        each.target: f"{each.kind} {each.source}"
        if each.content is None
        else f"file {contents.setdefault(each.content, len(contents) + 1)}"
        for each in settings.run.mounts
    }


def _ports(settings: AppSettings) -> dict[str, str | None]:
    published = {f"{each.outer}/{each.protocol}": f"to {each.inner}" for each in settings.run.published}
    return {"inside": as_text(settings.run.port), **published}


def _made(release_id: str, version: int, snapshot: Snapshot) -> NamedRelease:
    image = snapshot.artifact.get("image") or {}
    return NamedRelease(
        release_id=release_id,
        version=version,
        image=image.get("name"),
        commit_hash=snapshot.commit.hash or None,
        commit_subject=snapshot.commit.subject or None,
    )


def _stays(snapshot: Snapshot, plan: ApplicationPlan) -> list[str]:
    artifact = load_artifact(snapshot.artifact)
    found = ["What the application has written to its volumes, its data folder and databases stays as it is."]
    if artifact.release_command:
        found.append("The release command is not run again: what later ones did to data is not undone.")
    if plan.settings is snapshot.settings:
        found.append("The application's own settings stay: the next deploy works from them.")
    return found
