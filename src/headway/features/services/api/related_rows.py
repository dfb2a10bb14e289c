"""Services as the rows of what belongs to them name them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from typing_extensions import TypedDict

from headway.api.rows import server_id_of
from headway.features.deployments.api.rows import EnvironmentNameRow, environment_name
from headway.features.projects.model import ListedService, ServicePlace


class RelatedRow(TypedDict):
    """A service by name, and what it lies in. It has its id by the name of its kind (``applicationId``,
    ``postgresId``).
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's way of saying so

    name: str
    appName: str
    serverId: str | None
    environment: EnvironmentNameRow


def related_row(found: tuple[ListedService, ServicePlace] | None, kind: str) -> RelatedRow | None:
    """The service of this kind that was found; null where none was."""
    if found is None:
        return None
    service, place = found
    row: Any = {
        f"{kind}Id": service.service_id,
        "name": service.name,
        "appName": service.app_name,
        "serverId": server_id_of(service.host_id),
        "environment": environment_name(place),
    }
    return row  # type: ignore[no-any-return]  # one key is called by the kind
