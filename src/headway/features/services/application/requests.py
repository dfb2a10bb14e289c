"""What is queued for a deploy of an application, whoever or whatever asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments import store as deployments
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.features.services.application import store
from headway.features.services.application.deploy import KIND, VERSION
from headway.features.services.application.model import Application, exclusive_key
from headway.infra.db.transaction import Tx


def built_on(application: Application) -> str:
    """The host that makes what is released; what somebody else has made is fetched where it is released."""
    is_made = application.settings.source_type != "docker"
    return application.build_host_id if is_made and application.build_host_id else application.host_id


def deploy_request(
    application: Application,
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
    host_id = built_on(application)
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=SubjectType.APPLICATION,
        subject_id=application.service_id,
        host_id=host_id,
        release_host_id=application.host_id if host_id != application.host_id else None,
        organization_id=application.organization_id,
        project_id=application.project_id,
        exclusive_key=exclusive_key(application.service_id),
        lane=Lane.DEPLOY,
        title=title,
        description=description,
        input={
            "type": "redeploy" if again else "deploy",
            "commit": commit,
            "tag": tag,
            "allow_file": allow_file,
            "total_seconds": application.settings.deadlines.total_seconds,
        },
    )


def serving_commit(tx: Tx, application_id: str) -> dict[str, str] | None:
    """The commit that serves, also where the deployment that brought it was removed since."""
    release = store.serving(tx, application_id)
    if release is None or release.commit_hash is None:
        return None
    bare = {"hash": release.commit_hash, "subject": "", "author": "", "branch": ""}
    return deployments.commit_of(tx, release.deployment_id) or bare
