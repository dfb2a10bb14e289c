"""The table of forges, and where each of them is when nothing else is said."""

from __future__ import annotations

from collections.abc import Mapping

from headway.drivers.forges.base import Forge, ForgeName
from headway.drivers.forges.bitbucket import Bitbucket
from headway.drivers.forges.gitea import Gitea
from headway.drivers.forges.github import GitHub
from headway.drivers.forges.gitlab import GitLab

URLS: Mapping[ForgeName, str] = {
    ForgeName.GITHUB: "https://github.com",
    ForgeName.GITLAB: "https://gitlab.com",
    ForgeName.GITEA: "https://gitea.com",
    ForgeName.BITBUCKET: "https://bitbucket.org",
}


def forges() -> Mapping[ForgeName, Forge]:
    """All of them."""
    return {
        ForgeName.GITHUB: GitHub(),
        ForgeName.GITLAB: GitLab(),
        ForgeName.GITEA: Gitea(),
        ForgeName.BITBUCKET: Bitbucket(),
    }


def api_of(forge: ForgeName, url: str) -> str:
    """Where programs ask a forge whose people go to ``url``."""
    bare = url.rstrip("/")
    match forge:
        case ForgeName.GITHUB:
            return "https://api.github.com" if bare == URLS[forge] else f"{bare}/api/v3"
        case ForgeName.GITLAB:
            return f"{bare}/api/v4"
        case ForgeName.GITEA:
            return f"{bare}/api/v1"
        case ForgeName.BITBUCKET:
            return "https://api.bitbucket.org/2.0" if bare == URLS[forge] else f"{bare}/2.0"
