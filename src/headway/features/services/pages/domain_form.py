"""What is said of a domain in a form, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.services.pages.service_actions import COMPOSE
from headway.features.services.pages.service_fields import Setting
from headway.pages.forms import Kind
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.edge.api.rows import DomainRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

ADDED = "It is in force at once: no deploy is needed, and no request to anything else is lost."
CERTIFICATES: Mapping[str, str] = {
    "none": "One that was added to the panel and fits, else the panel's own",
    "letsencrypt": "Let's Encrypt",
    "custom": "One that was added to the panel (as other panels call it)",
}
_HOST = Setting(label="Host", hint="A name such as www.example.org.")
_PART = Setting(label="Service of its file", hint="Which container of the compose file it leads to.")
_REST: Mapping[str, Setting] = {
    "path": Setting(label="Path", hint="Leads only what is below it; empty for all.", clears=True),
    "port": Setting(kind=Kind.WHOLE, label="Port", hint="Inside; empty for the one that it listens on.", clears=True),
    "https": Setting(kind=Kind.FLAG, label="HTTPS", hint="Who comes over HTTP is sent on to HTTPS."),
    "certificateType": Setting(label="Certificate", options=tuple(CERTIFICATES.items())),
    "stripPath": Setting(kind=Kind.FLAG, label="Take the path off", hint="What is below /api arrives as below /."),
    "internalPath": Setting(label="Path inside", hint="Where what comes arrives; empty for the same.", clears=True),
}


def machine_of(service: ServiceOverviewRow) -> str:
    """What the machine is called at which requests to a service come in, which its domains have to lead to."""
    if service["serverId"] is None:
        return "the panel's own machine"
    return f"the server “{cut(service['serverName'] or service['serverId'], 80)}”"


def looked_up(service: ServiceOverviewRow) -> str:
    """Where the DNS of a name has to lead, as a sentence."""
    return (
        f"The DNS of the name has to lead to {machine_of(service)};"
        " a certificate of Let's Encrypt is asked for once it does."
    )


def fields_of(router: str) -> Mapping[str, Setting]:
    """What can be said of a domain of a service of that kind."""
    return {"host": _HOST, **({"serviceName": _PART} if router == COMPOSE else {}), **_REST}


def typed_of(row: DomainRow) -> Mapping[str, str]:
    """The fields as they are filled with what a domain is."""
    return {
        "host": row["host"],
        "serviceName": row["serviceName"] or "",
        "path": row["path"],
        "port": "" if row["port"] is None else str(row["port"]),
        "https": "true" if row["https"] else "",
        "certificateType": row["certificateType"],
        "stripPath": "true" if row["stripPath"] else "",
        "internalPath": row["internalPath"],
    }
