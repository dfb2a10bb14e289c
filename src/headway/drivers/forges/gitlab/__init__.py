"""GitLab, in the cloud and self-hosted."""

from __future__ import annotations

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.forge import Forge
from headway.drivers.forges.gitlab.api import GitLabApi
from headway.drivers.forges.gitlab.deliveries import GitLabDeliveries

FORGE = Forge(
    name=ForgeName.GITLAB,
    url="https://gitlab.com",
    api_path="/api/v4",
    make_api=GitLabApi,
    deliveries=GitLabDeliveries(),
)
