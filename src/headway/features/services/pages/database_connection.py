"""How to connect to a database: addresses as programs take them, with a word in the place of the password."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.services.database.kinds import KINDS, url_of
from headway.features.services.database.model import DatabaseKind, DatabaseSettings
from headway.features.services.pages.attachment_forms import WITHOUT_PASSWORD
from headway.features.services.pages.service_actions import router_of
from headway.features.services.pages.service_topics import SETTINGS, action, details_of, path_of
from headway.pages.page import Visit

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow

PASSWORD, HOST = "PASSWORD", "HOST"
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - as they are set, and not listened on here


async def connection_values(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    """How one is reached; None of what is no database, and to who may not see what is set of it."""
    router = router_of(service)
    if service["kind"] != "database" or not visit.may(f"{router}.one"):
        return {"connection": None}
    row, facts = await details_of(visit, service), KINDS[DatabaseKind(router)]
    user, database, port = row["databaseUser"] or "", row["databaseName"] or "", row["externalPort"]
    given = DatabaseSettings(username=user, database=database, password=PASSWORD)
    at_all = row["externalAddress"] in _ALL_ADDRESSES
    host = HOST if at_all else row["externalAddress"]
    if elsewhere := row["connection"]:
        host, port, at_all = elsewhere["host"], elsewhere["port"], False
    settings = path_of(service, SETTINGS)
    told = {
        "inside": None if elsewhere else url_of(facts, given, row["appName"], facts.port),
        "outside": None if port is None else url_of(facts, given, host, port),
        "elsewhere": bool(elsewhere),
        "at_all": at_all,
        "user": user,
        "database": database,
        "password": PASSWORD,
        "command": f"headway databases show {shlex.quote(service['name'])}",
        "ports": f"{settings}/ports-{router}" if not elsewhere and visit.may(f"{router}.update") else None,
        "actions": ()
        if router in WITHOUT_PASSWORD
        else action(visit, f"{router}.changePassword", "Change its password", f"{settings}/password-{router}"),
    }
    return {"connection": told}
