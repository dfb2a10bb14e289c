"""What is saved of an application otherwise than what serves was built and begun with: pure comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from headway.features.services.application.model import Application, AppSettings
from headway.features.services.rollback_differences import Difference, PendingChange, as_text, of_values, of_variables
from headway.kernel.errors import InvalidInput
from headway.kernel.variables import parse_variables
from headway.kernel.veil import veiled_addresses

_GIT: Mapping[str, str] = {
    "git.url": "customGitUrl",
    "git.branch": "customGitBranch",
    "git.path": "customGitBuildPath",
    "git.submodules": "enableSubmodules",
}
_PINNED: Mapping[str, str] = {"git.tag": "tag", "git.commit": "commit"}
_IMAGE: Mapping[str, str] = {
    "docker.image": "dockerImage",
    "docker.registry_id": "registryId",
    "docker.registry_url": "registryUrl",
    "docker.username": "username",
}
_UPLOAD: Mapping[str, str] = {"drop.path": "dropBuildPath", "drop.archive.digest": "archive"}
_OF_PROVIDERS: Mapping[str, Sequence[str]] = {
    "github": ("owner", "repository", "branch", "buildPath"),
    **{
        name: tuple(f"{name}{part}" for part in ("Owner", "Repository", "Branch", "BuildPath"))
        for name in ("gitlab", "gitea", "bitbucket")
    },
}
_BUILD: Mapping[str, str] = {
    "tool.builder": "builder",
    "tool.build_type": "buildType",
    "tool.dockerfile": "dockerfile",
    "tool.context": "dockerContextPath",
    "tool.stage": "dockerBuildStage",
    "build.provider": "language",
    "build.package": "package",
    "build.install": "installCommand",
    "build.build": "buildCommand",
    "build.release": "releaseCommand",
    "build.publish": "publishDirectory",
    "build.versions": "versions",
    "build.keep": "keptFolders",
    "run.runtime": "runtime",
    "run.scale": "scale",
}
_COPIES: Mapping[str, str] = {"run.replicas": "replicas", "run.placement": "placementSwarm"}


def of_copies(before: AppSettings, after: AppSettings) -> list[Difference]:
    """How often an image runs, and where: beside what going back compares."""
    return of_values("setting", _named(before, _COPIES), _named(after, _COPIES))


def by_deploy(before: AppSettings, application: Application) -> list[PendingChange]:
    """What only a deploy takes up: the source, how it is built, and what is fixed when it is. ``before`` are the
    settings that it was built with.
    """
    after = application.settings
    names = {**_of_source(after), **_BUILD}
    found = of_values("setting", _named(before, names), _named(after, names))
    if after.source_type in _OF_PROVIDERS:
        provided = _OF_PROVIDERS[after.source_type]
        found += of_values("setting", _extra(before, provided), _extra(after, provided))
    if before.source_type != after.source_type:
        found = of_values("setting", {"source": before.source_type}, {"source": after.source_type})
    return [PendingChange(difference=each, by_restart=False) for each in (*found, *_of_builds(before, after))]


def _of_source(after: AppSettings) -> Mapping[str, str]:
    match after.source_type:
        case "git":
            # A tag that was pushed is deployed in place of what is set.
            return _GIT if after.hooks.trigger_type == "tag" else {**_GIT, **_PINNED}
        case "docker":
            return _IMAGE
        case "drop":
            return _UPLOAD
        case _:
            return {}


def _of_builds(before: AppSettings, after: AppSettings) -> list[Difference]:
    """Variables of builds, of which no value is told."""
    was, becomes = _variables(before), _variables(after)
    return of_variables(was, becomes, {*was, *becomes})


def _variables(settings: AppSettings) -> Mapping[str, str]:
    try:
        return {
            **parse_variables(settings.variables.build_args or ""),
            **parse_variables(settings.variables.build_secrets or ""),
        }
    except InvalidInput:
        return {}


def _named(settings: AppSettings, names: Mapping[str, str]) -> dict[str, str | None]:
    return {shown: _told(_value(settings, name)) for name, shown in names.items()}


def _value(settings: AppSettings, name: str) -> object:
    if name.startswith("drop.archive"):
        return None if settings.drop.archive is None else settings.drop.archive.digest[:12]
    return attrgetter(name)(settings)


def _extra(settings: AppSettings, names: Sequence[str]) -> dict[str, str | None]:
    return {name: _told(settings.extra.get(name)) for name in names}


def _told(value: object) -> str | None:
    text = as_text(value)
    return None if text is None else veiled_addresses(text)
