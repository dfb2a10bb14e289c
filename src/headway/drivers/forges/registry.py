"""The table of forges, and that of all whose deliveries are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headway.drivers.forges import bitbucket, gitea, github, gitlab
from headway.drivers.forges.base import ForgeApi, ForgeName
from headway.drivers.forges.deliveries import DeliveryForm
from headway.drivers.forges.forge import Forge
from headway.drivers.forges.image_registries import ImageRegistryDeliveries
from headway.drivers.forges.plain_call import PlainCall

# In the order in which they are asked whether a delivery is theirs: Gitea sends GitHub's headers beside its own.
FORGES: Mapping[ForgeName, Forge] = {
    each.name: each for each in (gitea.FORGE, github.FORGE, gitlab.FORGE, bitbucket.FORGE)
}
# A plain call is what is left.
DELIVERIES: Sequence[DeliveryForm] = (
    *(each.deliveries for each in FORGES.values()),
    ImageRegistryDeliveries(),
    PlainCall(),
)


def forge_apis() -> Mapping[ForgeName, ForgeApi]:
    """What asks each of them; it keeps in memory what is good for a while."""
    return {name: forge.make_api() for name, forge in FORGES.items()}
