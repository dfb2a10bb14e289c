"""What a service says of a repository that it has through a git provider, in the words of clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from headway.drivers.forges.base import ForgeName
from headway.kernel.dataclass import dataclass

_WHOLE_PATH = "gitlabPathNamespace"  # groups within groups, which owner and name do not tell
_SLUG = "bitbucketRepositorySlug"  # a repository's name in addresses, where people call it otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A repository by the provider that opens it; ``path`` is owner and name, ``branch`` None its default one."""

    forge: ForgeName
    provider_id: str
    path: str
    branch: str | None
    build_path: str


def provided(source_type: str, extra: Mapping[str, Any]) -> Provided | None:
    """The repository of a service whose source is a provider's, None where it is not, or none was chosen yet."""
    if source_type not in set(ForgeName):
        return None
    forge = ForgeName(source_type)
    provider_id, owner, name, branch, build_path = (_text(extra, each) for each in _fields(forge))
    if forge is ForgeName.BITBUCKET:
        name = _text(extra, _SLUG) or name
    path = f"{owner}/{name}" if owner and name else ""
    if forge is ForgeName.GITLAB:
        path = _text(extra, _WHOLE_PATH) or path
    if not provider_id or not path:
        return None
    return Provided(
        forge=forge,
        provider_id=provider_id,
        path=path.strip("/"),
        branch=branch or None,
        build_path=build_path or "/",
    )


class Sourced(Protocol):
    """The settings of a service, as far as they may name a provider."""

    @property
    def source_type(self) -> str:
        """Where its files come from."""
        ...

    @property
    def extra(self) -> Mapping[str, Any]:
        """The fields in the words of clients."""
        ...


def newly_named(before: Sourced, after: Sourced) -> Mapping[str, ForgeName]:
    """The providers that a change of settings names first, or has open another repository, with the forge that each
    is named as.
    """
    found = {
        provider_id: forge
        for forge, (field, *_) in ((each, _fields(each)) for each in ForgeName)
        if (provider_id := _text(after.extra, field)) and provider_id != _text(before.extra, field)
    }
    had, has = (provided(each.source_type, each.extra) for each in (before, after))
    if has is not None and (had is None or (had.provider_id, had.path) != (has.provider_id, has.path)):
        found[has.provider_id] = has.forge
    return found


def _fields(forge: ForgeName) -> tuple[str, str, str, str, str]:
    """The fields that name provider, owner, repository, branch and folder; GitHub's came first and have plain names."""
    if forge is ForgeName.GITHUB:
        return "githubId", "owner", "repository", "branch", "buildPath"
    return f"{forge}Id", f"{forge}Owner", f"{forge}Repository", f"{forge}Branch", f"{forge}BuildPath"


def _text(extra: Mapping[str, Any], name: str) -> str:
    found = extra.get(name)
    return found if isinstance(found, str) else ""


def with_branch(source_type: str, extra: Mapping[str, Any], branch: str) -> dict[str, Any]:
    """The fields of a service whose source is a provider's, with another branch."""
    return {**extra, _fields(ForgeName(source_type))[3]: branch}


def without_provided(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without any that name a repository of a provider."""
    forgotten = {name for forge in ForgeName for name in _fields(forge)} | {_WHOLE_PATH, _SLUG, "gitlabProjectId"}
    return {name: value for name, value in extra.items() if name not in forgotten}
