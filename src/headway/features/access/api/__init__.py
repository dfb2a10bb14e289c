"""The operations of access: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.features.services.api import relations_of

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {
        "account": partial(_account, panel),
        "auditLog": partial(_audit_log, panel),
        "organization": partial(_organization, panel),
        "user": partial(_user, panel),
    }


def _account(panel: PanelParts) -> Routed:
    from headway.api.router import joined
    from headway.features.access.api import account, passkeys

    access = panel.features.access
    return joined("account", (account.router.over(access.account), passkeys.router.over(access.passkeys)))


def _audit_log(panel: PanelParts) -> Routed:
    from headway.features.access.api import audit_log

    return audit_log.router.over(panel.features.access.audit)


def _organization(panel: PanelParts) -> Routed:
    from headway.api.router import joined
    from headway.features.access.api import groups, organizations

    needs = organizations.OrganizationNeeds(
        members=panel.features.access.members, organizations=panel.features.access.organizations
    )
    return joined("organization", (organizations.router.over(needs), groups.router.over(panel.features.access.groups)))


def _user(panel: PanelParts) -> Routed:
    from headway.features.access.api import users

    features = panel.features
    needs = users.UserNeeds(
        backups=features.backups.databases,
        keys=features.access.keys,
        members=features.access.members,
        relations=relations_of(panel),
        servers=features.servers.service,
    )
    return users.router.over(needs)
