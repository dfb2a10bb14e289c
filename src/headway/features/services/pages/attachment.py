"""The pages of one mount and of one published port of an application, each with the way to take it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headway.core.access.policy import Missing, Noun
from headway.features.services.pages.service_actions import APPLICATION, ONE, address, router_of
from headway.features.services.pages.service_topics import SETTINGS, action, back_to, details_of, framed, service_of
from headway.features.services.pages.settings_topics import BY_RESTART
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut

MOUNT, PORT = "mount", "port"
_ROUTERS: Mapping[str, str] = {MOUNT: "mounts.remove", PORT: "port.delete"}
_NOUNS: Mapping[str, Noun] = {MOUNT: Noun.MOUNT, PORT: Noun.PORT}


def rows_of(row: Mapping[str, Any], path: str) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """The mounts and ports of a service, each with where it is shown."""
    return {
        "mounts": [
            {"words": mount_words(each), "at": each["mountPath"], "href": f"{path}/{MOUNT}/{each['mountId']}"}
            for each in row.get("mounts") or ()
        ],
        "ports": [
            {"words": port_words(each), "href": f"{path}/{PORT}/{each['portId']}"} for each in row.get("ports") or ()
        ],
    }


def mount_words(each: Mapping[str, Any]) -> str:
    """What a mount is of."""
    if each["type"] == "file":
        return f"file {each['filePath'] or ''}".strip()
    return f"folder {each['hostPath']}" if each["type"] == "bind" else f"volume {each['volumeName']}"


def port_words(each: Mapping[str, Any]) -> str:
    """Where a port leads."""
    return f"{each['publishedPort']} of the machine to {each['targetPort']} inside, {str(each['protocol']).upper()}"


def _words(what: str, each: Mapping[str, Any]) -> str:
    return f"{mount_words(each)} at {each['mountPath']}" if what == MOUNT else port_words(each)


async def _found(visit: Visit, what: str) -> Mapping[str, Any]:
    """The one that the address names. Raises Missing."""
    service = await service_of(visit)
    row = await details_of(visit, service) if router_of(service) == APPLICATION else {}
    for each in row.get(f"{what}s") or ():
        if each[f"{what}Id"] == visit.path[f"{what}Id"]:
            found: Mapping[str, Any] = each
            return found
    raise Missing(_NOUNS[what])


def _page(what: str) -> Page:
    async def show(visit: Visit) -> View:
        service = await service_of(visit)
        words = _words(what, await _found(visit, what))
        path = f"{address(service)}/{what}/{visit.path[f'{what}Id']}"
        remove = action(visit, _ROUTERS[what], "Remove", f"{path}/remove", icon="remove", danger=True)
        values = {"words": words[:1].upper() + words[1:], "actions": remove, "takes": BY_RESTART}
        return framed(visit, service, SETTINGS, "attachment.html", values)

    async def ask(visit: Visit) -> Question:
        words = _words(what, await _found(visit, what))
        stays = ("What is in a volume or in a folder of the machine stays there.",) if what == MOUNT else ()
        return Question(
            title=f"Remove {cut(words, 200)}?",
            consequences=(BY_RESTART, *stays),
            button="Remove it",
            danger=True,
        )

    return Page(
        path=f"/services/{{serviceId}}/{what}/{{{what}Id}}",
        permission=ONE.name,
        show=show,
        forms={
            "remove": Form(
                operation=lambda _visit: _ROUTERS[what],
                given=lambda visit: {f"{what}Id": visit.path[f"{what}Id"]},
                asks=ask,
                did=lambda _visit, _answer: Flash(text=f"Removed. {BY_RESTART}"),
                then=lambda visit, _answer: back_to(visit, SETTINGS),
            )
        },
    )


MOUNT_PAGE, PORT_PAGE = _page(MOUNT), _page(PORT)
