"""What is queued for a deploy of a compose service, whoever or whatever asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments.model import Lane, Request
from headway.features.services.compose.deploy import KIND, VERSION
from headway.features.services.compose.model import Compose, exclusive_key


def deploy_request(
    compose: Compose,
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
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=compose.subject_type,
        subject_id=compose.service_id,
        host_id=compose.host_id,
        organization_id=compose.organization_id,
        project_id=compose.project_id,
        exclusive_key=exclusive_key(compose.service_id),
        lane=Lane.DEPLOY,
        title=title,
        description=description,
        input={
            "type": "redeploy" if again else "deploy",
            "commit": commit,
            "tag": tag,
            "allow_file": allow_file,
            "total_seconds": compose.settings.deadlines.total_seconds,
        },
    )
