"""Where an application's files come from, as its settings say it."""

from __future__ import annotations

from headway.drivers.forges.base import ForgeName
from headway.drivers.sources.archive import ArchiveSpec
from headway.drivers.sources.git import GitSpec
from headway.drivers.sources.image import checked_name
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.git.provider_repository import provided
from headway.features.registries.model import checked_url
from headway.features.services.application.container_check import own_check_of
from headway.features.services.application.model import AppSettings
from headway.features.services.application.placement import placement_of
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret


def check_settings(settings: AppSettings) -> None:
    """Everything about a source that can be told without asking anybody. Raises InvalidInput. Whether it may be a
    folder of the machine is judged with what else reaches that.
    """
    if settings.git.url:
        git_spec(settings, ssh_key=None, allow_file=True).check()
    if settings.run.scale.get("web") == 0:
        raise InvalidInput("The process web runs at least once: stop the application to have it serve nothing.")
    if settings.run.runtime == "container" and settings.run.replicas > 1:
        raise InvalidInput(
            f"A container runs once, not {settings.run.replicas} times. Let the runtime be auto or swarm, or set "
            "replicas to 1."
        )
    placement_of(settings)
    own_check_of(settings)
    if settings.drop.archive:
        archive_spec(settings).check()
    if settings.docker.image:
        checked_name(settings.docker.image)
    checked_url(settings.docker.registry_url or "")


def require_source(settings: AppSettings) -> None:
    """Raises InvalidInput where there is nothing that could be deployed."""
    if settings.source_type == "drop" and settings.drop.archive is None:
        raise InvalidInput(
            "Nothing was uploaded for this application yet: send an archive (headway deploy FOLDER --name APP, or "
            "application.dropDeployment)."
        )
    if settings.source_type == "docker" and not settings.docker.image:
        raise InvalidInput(
            "The application has no image yet; set the name of one first (headway deploy --image IMAGE --name APP)."
        )
    if settings.source_type in set(ForgeName):
        if provided(settings.source_type, settings.extra) is None:
            raise InvalidInput(
                "The application has no repository of a git provider yet; choose provider, owner, repository and "
                f"branch first (application.save{settings.source_type.capitalize()}Provider)."
            )
        return
    if settings.source_type not in {"drop", "docker"} and not settings.git.url:
        raise InvalidInput(
            "The application has no source yet; set its git repository first (headway deploy URL --name APP)."
        )


def git_spec(settings: AppSettings, *, ssh_key: str | None, allow_file: bool) -> GitSpec:
    """What to fetch. Raises InvalidInput for a ref that git could not hold."""
    return GitSpec(
        url=settings.git.url or "",
        ref=_ref(settings),
        build_path=settings.git.path,
        submodules=settings.git.submodules,
        ssh_key=Secret(ssh_key) if ssh_key else None,
        allow_file=allow_file,
        guarded=settings.git.guarded,
    )


def archive_spec(settings: AppSettings) -> ArchiveSpec:
    """What was uploaded last."""
    archive = settings.drop.archive
    return ArchiveSpec(
        digest=archive.digest if archive else "",
        name=archive.name if archive else "",
        author=archive.author if archive else "",
        build_path=settings.drop.path,
    )


def _ref(settings: AppSettings) -> Ref | None:
    if settings.git.commit:
        return Ref(kind=RefKind.COMMIT, name=settings.git.commit)
    if settings.git.tag:
        return Ref(kind=RefKind.TAG, name=settings.git.tag)
    return Ref(kind=RefKind.BRANCH, name=settings.git.branch) if settings.git.branch else None
