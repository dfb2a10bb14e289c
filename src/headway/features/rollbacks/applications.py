"""Going back with applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from headway.core.access.allowances import NotAllowed
from headway.core.deployments import store as deployments
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.core.deployments.run import Owner
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
from headway.features.services.application import store
from headway.features.services.application.artifacts import load_artifact
from headway.features.services.application.lifecycle import ApplicationLifecycle
from headway.features.services.application.model import AppSettings, exclusive_key
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.rollback import KIND, VERSION, find_target
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.application.variables import marks_of
from headway.features.services.model import Release, ReleaseState
from headway.infra.db.transaction import Tx
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRollbacks:
    """Fits ``forms.Form``."""

    planner: ApplicationPlanner
    lifecycle: ApplicationLifecycle

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """See ``Form.owner``."""
        return services_store.owner(tx, subject_id, SubjectType.APPLICATION)

    def request(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Request:
        """See ``Form.request``."""
        application = store.find(tx, subject_id, self.planner.vault)
        target, snapshot = find_target(tx, self.planner.vault, release_id, keep=keep_configuration)
        self.planner.plan_back(tx, application, snapshot, keep_configuration=keep_configuration)
        serves = application.serving_release_id == release_id
        return Request(
            kind=KIND,
            kind_version=VERSION,
            subject_type=SubjectType.APPLICATION,
            subject_id=subject_id,
            host_id=application.host_id,
            organization_id=application.organization_id,
            project_id=application.project_id,
            exclusive_key=exclusive_key(subject_id),
            lane=Lane.ROLLBACK,
            default_title="Restart with the settings of now" if serves else f"Rollback to version {target.version}",
            input={
                "type": "rollback",
                "release_id": release_id,
                "keep_configuration": keep_configuration,
                "total_seconds": application.settings.deadlines.total_seconds,
            },
        )

    def preview(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        """See ``Form.preview``."""
        vault = self.planner.vault
        application = store.find(tx, subject_id, vault)
        target, snapshot = find_target(tx, vault, release_id, keep=keep_configuration)
        plan = self.planner.plan_back(tx, application, snapshot, keep_configuration=keep_configuration)
        serving = store.serving(tx, subject_id)
        before = None if serving is None else open_snapshot(store.spec_of(tx, serving.release_id), vault)
        differences = [] if before is None else _differences(before, plan)
        if target.domains is not None:
            restoring = Restoring(
                subject_type=SubjectType.APPLICATION,
                subject_id=subject_id,
                organization_id=application.organization_id,
                facts=self.lifecycle.tools.routing.facts,
                named=services_store.named,
            )
            changes = restoring.changes(tx, target.domains)
            taken = [each.after for each in changes if each.before is None and restoring.is_taken(tx, each.after)]
            differences += of_domains(changes, taken)
        return RollbackPreview(
            to=_made(release_id, target.version, snapshot),
            now=None if serving is None or before is None else _made(serving.release_id, serving.seq, before),
            differences=differences,
            stays=_stays(snapshot, plan),
        )

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        """See ``Form.refused``."""
        vault = self.planner.vault
        application = store.find(tx, subject_id, vault)
        try:
            _, snapshot = find_target(tx, vault, release_id, keep=keep_configuration)
            self.planner.require_back(tx, application, snapshot, keep_configuration=keep_configuration)
        except NotAllowed as not_allowed:
            return not_allowed.message
        return None

    async def missing(self, release_id: str) -> str | None:
        """See ``Form.missing``."""

        def read(tx: Tx) -> tuple[Release | None, str]:
            return store.release(tx, release_id), store.spec_of(tx, release_id)

        found, spec = await self.lifecycle.db.read(read)
        snapshot = open_snapshot(spec, self.planner.vault)
        if found is None or snapshot is None:
            return None  # which is told of by who has the row
        try:
            return await self.lifecycle.runtime(found).missing(load_artifact(snapshot.artifact))
        except Unavailable as away:
            return away.message

    def is_wanted(self, tx: Tx, subject_id: str, release_id: str) -> bool:
        """See ``Form.is_wanted``."""
        found = store.release(tx, release_id)
        if found is not None and found.state is not ReleaseState.RETIRED:
            return True
        return release_id in deployments.wanted_releases(tx, SubjectType.APPLICATION, subject_id)

    async def remove(self, release_id: str) -> None:
        """See ``Form.remove``."""
        found = await self.lifecycle.db.read(lambda tx: store.release(tx, release_id))
        if found is not None:
            await self.lifecycle.let_go(found)

    def seen(self, tx: Tx, release_id: str, missing: str | None) -> None:
        """See ``Form.seen``."""
        releases_store.seen(tx, release_id, missing)


def _differences(before: Snapshot, after: ApplicationPlan) -> list[Difference]:
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
