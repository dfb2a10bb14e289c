"""What is queued for a deploy of a service, whoever or whatever asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.deployments import store
from headway.core.deployments.model import Lane, Request
from headway.features.services import releases_store
from headway.features.services.model import Service, type_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployKind:
    """The kind of deployment by which services of one kind are deployed, and the version of its steps."""

    name: str
    version: int


def deploy_request(
    service: Service[Any],
    deploys: DeployKind,
    *,
    title: str | None = None,
    description: str | None = None,
    commit: Mapping[str, str] | None = None,
    tag: str | None = None,
    again: bool = False,
    allow_file: bool,
) -> Request:
    """A deploy of the newest state, of this ``tag``, or ``again`` of this ``commit`` where there is one. With
    ``allow_file`` a folder of the machine may be fetched. Where there is nothing to deploy it ends by saying so.
    """
    host_id = built_on(service)
    return Request(
        kind=deploys.name,
        kind_version=deploys.version,
        subject_type=service.subject_type,
        subject_id=service.service_id,
        host_id=host_id,
        release_host_id=service.host_id if host_id != service.host_id else None,
        organization_id=service.organization_id,
        project_id=service.project_id,
        exclusive_key=exclusive_key(service),
        lane=Lane.DEPLOY,
        title=title,
        description=description,
        input={
            "type": "redeploy" if again else "deploy",
            "commit": commit,
            "tag": tag,
            "allow_file": allow_file,
            "total_seconds": service.settings.deadlines.total_seconds,
        },
    )


def built_on(service: Service[Any]) -> str:
    """The host that makes what is released; what somebody else has made is fetched where it is released."""
    is_made = service.settings.source_type != "docker"
    return service.build_host_id if is_made and service.build_host_id else service.host_id


def exclusive_key(service: Service[Any]) -> str:
    """What one deployment at a time may hold. What runs of a database holds what an application does."""
    return f"{type_of(service.kind)}:{service.service_id}"


def serving_commit(tx: Tx, service_id: str) -> dict[str, str] | None:
    """The commit that serves, also where the deployment that brought it was removed since."""
    release = releases_store.serving(tx, service_id)
    if release is None or release.commit_hash is None:
        return None
    bare = {"hash": release.commit_hash, "subject": "", "author": "", "branch": ""}
    return store.commit_of(tx, release.deployment_id) or bare
