"""The rows of the table of access that are about git providers, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from headway.drivers.forges.base import ForgeName
from tests.integration.http.access_rows import ADMIN, MUTATION, ORGANISATION, OWN, QUERY, READ, SET, Row
from tests.integration.http.world import World

NOWHERE = {"apiUrl": "http://nowhere.invalid", "accessToken": "t"}
FORGES = {each: {"gitProviderId": f"{{{each}}}"} for each in map(str, ForgeName)}


def _rows(forge: str) -> dict[str, Row]:
    one, word = FORGES[forge], forge.capitalize()
    place = {"owner": "team", "repositoryName" if forge == "gitea" else "repo": "app"}
    saved = {"applicationId": "{application}", **_saved(forge)}
    return {
        f"{forge}.one": Row(QUERY, one, ADMIN, READ, ORGANISATION),
        f"{forge}.{forge}Providers": Row(QUERY, {}, ADMIN, READ, OWN),
        f"{forge}.get{word}Repositories": Row(QUERY, one, ADMIN, READ, ORGANISATION),
        f"{forge}.get{word}Branches": Row(QUERY, one | place, ADMIN, READ, ORGANISATION),
        f"{forge}.testConnection": Row(MUTATION, one, ADMIN, SET, ORGANISATION),
        f"{forge}.create": Row(MUTATION, {"name": "g", **NOWHERE}, ADMIN, SET, OWN),
        f"{forge}.update": Row(MUTATION, one | {"name": "h"}, ADMIN, SET, ORGANISATION),
        f"application.save{word}Provider": Row(MUTATION, saved, ADMIN, SET),
    }


def _saved(forge: str) -> dict[str, str]:
    names = ("owner", "repository") if forge == "github" else (f"{forge}Owner", f"{forge}Repository")
    return {f"{forge}Id": f"{{{forge}}}", names[0]: "team", names[1]: "app"}


PROVIDER_ROWS: Mapping[str, Row] = {
    "gitProvider.getAll": Row(QUERY, {}, ADMIN, READ, OWN),
    "gitProvider.allForPermissions": Row(QUERY, {}, ADMIN, READ, OWN),
    "gitProvider.toggleShare": Row(
        MUTATION, FORGES["gitea"] | {"sharedWithOrganization": False}, ADMIN, SET, ORGANISATION
    ),
    "gitProvider.usedBy": Row(QUERY, FORGES["gitea"], ADMIN, READ, ORGANISATION),
    "gitProvider.remove": Row(MUTATION, FORGES["gitea"], ADMIN, SET, ORGANISATION),
    "gitea.getGiteaUrl": Row(QUERY, FORGES["gitea"], ADMIN, READ, ORGANISATION),
    **{name: row for forge in FORGES for name, row in _rows(forge).items()},
}


def _maker(forge: str) -> Callable[[World], Awaitable[tuple[str, ...]]]:
    async def make(world: World) -> tuple[str, ...]:
        return ((await world.post(f"{forge}.create", name="g", **NOWHERE))["gitProviderId"],)

    return make


PROVIDER_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    (forge,): _maker(forge) for forge in FORGES
}
