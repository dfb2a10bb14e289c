"""What is queued for a deploy of a compose service, whoever or whatever asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.deployments.model import Lane, Request
from headway.domains.catalog.provided import provided
from headway.domains.composes.deploy import KIND, VERSION
from headway.domains.composes.model import DROP, GIT, RAW, Compose, ComposeSettings, exclusive_key
from headway.kernel.errors import InvalidInput


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
    ``allow_file`` a folder of the machine may be fetched. Raises InvalidInput where there is nothing to deploy.
    """
    _require_source(compose.settings)
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=compose.subject_type,
        subject_id=compose.compose_id,
        host_id=compose.host_id,
        organization_id=compose.organization_id,
        project_id=compose.project_id,
        exclusive_key=exclusive_key(compose.compose_id),
        lane=Lane.DEPLOY,
        title=title,
        description=description,
        input={
            "type": "redeploy" if again else "deploy",
            "commit": commit,
            "tag": tag,
            "allow_file": allow_file,
            "total_seconds": compose.settings.total_seconds,
        },
    )


def _require_source(settings: ComposeSettings) -> None:
    if settings.source_type == RAW and not settings.compose_file.strip():
        raise InvalidInput("The compose service has no file yet; set composeFile, or its git repository.")
    if settings.source_type == GIT and not settings.git_url:
        raise InvalidInput("The compose service has no source yet; set its git repository (customGitUrl).")
    if settings.source_type == DROP and settings.archive is None:
        raise InvalidInput(
            "Nothing was uploaded for this compose service yet: send an archive (compose.dropDeployment)."
        )
    if settings.source_type not in {RAW, GIT, DROP} and provided(settings.source_type, settings.extra) is None:
        raise InvalidInput(
            f"The compose service has no repository of {settings.source_type} yet; choose provider, owner, repository "
            "and branch first (compose.update)."
        )
