"""What the routers of many features show of the things that their rows name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.features.services.api.relations import Relations
    from headway.operations import PanelParts


def relations_of(panel: PanelParts) -> Relations:
    """What rows show of the things that they name."""
    from headway.features.services.api.relations import Relations

    features = panel.features
    return Relations(
        db=panel.base.db,
        projects=features.projects,
        servers=features.servers.service,
        registries=features.registries,
        destinations=features.destinations.service,
        ssh_keys=features.git.ssh_keys,
    )
