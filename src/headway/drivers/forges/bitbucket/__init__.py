"""Bitbucket, in the cloud and, as far as deliveries go, on one's own servers."""

from __future__ import annotations

from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.bitbucket.api import BitbucketApi
from headway.drivers.forges.bitbucket.deliveries import BitbucketDeliveries
from headway.drivers.forges.forge import Forge

FORGE = Forge(
    name=ForgeName.BITBUCKET,
    url="https://bitbucket.org",
    api_path="/2.0",
    api_url="https://api.bitbucket.org/2.0",
    make_api=BitbucketApi,
    deliveries=BitbucketDeliveries(),
)
