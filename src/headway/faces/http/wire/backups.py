"""Destinations as the wire shows them."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.domains.catalog.destinations_model import Destination
from headway.faces.http.wire.base import moment


class DestinationRow(TypedDict):
    """A destination; its secrets are never shown, so ``secretAccessKey`` is always empty."""

    destinationId: str
    name: str
    type: str
    provider: str | None
    accessKey: str
    secretAccessKey: str
    bucket: str
    region: str
    endpoint: str
    additionalFlags: list[str]
    optionNames: list[str]
    serverId: str | None
    createdAt: str
    organizationId: str


def destination_row(destination: Destination) -> DestinationRow:
    """The destination without its secrets; of options only the names."""
    reach = destination.reach
    return {
        "destinationId": destination.destination_id,
        "name": destination.name,
        "type": reach.type,
        "provider": reach.provider,
        "accessKey": reach.access_key,
        "secretAccessKey": "",
        "bucket": reach.bucket,
        "region": reach.region,
        "endpoint": reach.endpoint,
        "additionalFlags": list(reach.additional_flags),
        "optionNames": sorted(reach.options),
        "serverId": reach.server_id,
        "createdAt": moment(destination.created_at),
        "organizationId": destination.organization_id,
    }
