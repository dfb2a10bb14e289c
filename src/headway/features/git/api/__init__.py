"""The operations of git providers and SSH keys: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {
        "bitbucket": partial(_bitbucket, panel),
        "gitProvider": partial(_git_provider, panel),
        "gitea": partial(_gitea, panel),
        "github": partial(_github, panel),
        "gitlab": partial(_gitlab, panel),
        "sshKey": partial(_ssh_key, panel),
    }


def _bitbucket(panel: PanelParts) -> Routed:
    from headway.features.git.api import bitbucket

    return bitbucket.router.over(panel.features.git.providers)


def _git_provider(panel: PanelParts) -> Routed:
    from headway.features.git.api import providers

    return providers.router.over(panel.features.git.providers)


def _gitea(panel: PanelParts) -> Routed:
    from headway.features.git.api import gitea

    return gitea.router.over(panel.features.git.providers)


def _github(panel: PanelParts) -> Routed:
    from headway.features.git.api import github

    return github.router.over(panel.features.git.providers)


def _gitlab(panel: PanelParts) -> Routed:
    from headway.features.git.api import gitlab

    return gitlab.router.over(panel.features.git.providers)


def _ssh_key(panel: PanelParts) -> Routed:
    from headway.features.git.api import ssh_keys

    return ssh_keys.router.over(panel.features.git.ssh_keys)
