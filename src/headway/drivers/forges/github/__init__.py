"""GitHub, in the cloud and as GitHub Enterprise."""

from __future__ import annotations

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.forge import Forge
from headway.drivers.forges.github.api import GitHubApi
from headway.drivers.forges.github.app import check_app
from headway.drivers.forges.github.deliveries import GitHubDeliveries

FORGE = Forge(
    name=ForgeName.GITHUB,
    url="https://github.com",
    api_path="/api/v3",
    api_url="https://api.github.com",
    make_api=GitHubApi,
    deliveries=GitHubDeliveries(),
    check=check_app,
)
