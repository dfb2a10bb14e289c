"""The operations of git providers and SSH keys: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from headway.drivers.forges.base import ForgeName

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router; each forge's is in the module of its name."""
    return {
        **{str(forge): partial(_forge, panel, forge) for forge in ForgeName},
        "gitProvider": partial(_git_provider, panel),
        "sshKey": partial(_ssh_key, panel),
    }


def _forge(panel: PanelParts, forge: ForgeName) -> Routed:
    routed: Routed = import_module(f"{__name__}.{forge}").router.over(panel.features.git.providers)
    return routed


def _git_provider(panel: PanelParts) -> Routed:
    from headway.api.router import joined
    from headway.features.git.api import providers
    from headway.features.services.api import users_of, uses

    own = providers.router.over(panel.features.git.providers)
    return joined("gitProvider", (own, uses.provider_router.over(users_of(panel))))


def _ssh_key(panel: PanelParts) -> Routed:
    from headway.api.router import joined
    from headway.features.git.api import ssh_keys
    from headway.features.services.api import users_of, uses

    own = ssh_keys.router.over(panel.features.git.ssh_keys)
    return joined("sshKey", (own, uses.ssh_key_router.over(users_of(panel))))
