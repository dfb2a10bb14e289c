"""The pages of git providers and of SSH keys, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/git-providers": _providers,
        "/git-providers/{gitProviderId}": _provider,
        "/ssh-keys": _keys,
        "/ssh-keys/{sshKeyId}": _key,
    }


def _providers() -> Page:
    from headway.features.git.pages.provider_list import PAGE

    return PAGE


def _provider() -> Page:
    from headway.features.git.pages.provider import PAGE

    return PAGE


def _keys() -> Page:
    from headway.features.git.pages.ssh_keys import LIST

    return LIST


def _key() -> Page:
    from headway.features.git.pages.ssh_keys import ONE

    return ONE
