"""Gitea and Forgejo."""

from __future__ import annotations

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.forge import Forge
from headway.drivers.forges.gitea.api import GiteaApi
from headway.drivers.forges.gitea.deliveries import GiteaDeliveries

FORGE = Forge(
    name=ForgeName.GITEA,
    url="https://gitea.com",
    api_path="/api/v1",
    make_api=GiteaApi,
    deliveries=GiteaDeliveries(),
)
