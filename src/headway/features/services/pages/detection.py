"""The page of what a deploy would build of an application: what was detected, what was set, and how each is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from headway.api.secret_values import veiled
from headway.core.access.policy import Missing, Noun
from headway.features.services.pages.service_actions import APPLICATION, router_of
from headway.features.services.pages.service_topics import SETTINGS, action, framed, path_of, service_of
from headway.kernel.errors import Code, HeadwayError
from headway.pages.page import Asked, Page, Unknown, View, Visit

if TYPE_CHECKING:
    from headway.features.services.application.api.detection_rows import DetectedRow

PATH = "/services/{serviceId}/detected"
DETECT: Asked[DetectedRow] = Asked("application.detect")
_SECONDS = 20.0  # its source is fetched for it


async def show(visit: Visit) -> View:
    """What its source was taken for; a source that cannot be fetched is told as such. Raises Missing."""
    service = await service_of(visit)
    if router_of(service) != APPLICATION:
        raise Missing(Noun.APPLICATION)
    found = await _looked(visit, service["serviceId"])
    path = path_of(service, SETTINGS)
    is_unknown = isinstance(found, Unknown)
    return framed(
        visit,
        service,
        SETTINGS,
        "detection.html",
        {
            "found": None if is_unknown else found,
            "found_unknown": found if is_unknown else None,
            "actions": [
                *action(visit, "application.update", "Change how it is built", f"{path}/build-application"),
                *action(visit, "application.update", "Change how it is started", f"{path}/start-application"),
            ],
            "back": path,
        },
    )


async def _looked(visit: Visit, application_id: str) -> DetectedRow | Unknown:
    """What was found; a source that cannot be fetched, or is none, is told as why nothing was."""
    try:
        found = await visit.ask_within(_SECONDS, DETECT, applicationId=application_id)
    except HeadwayError as error:
        if error.code is not Code.BAD_REQUEST:
            raise
        return Unknown(why=error.message)
    return found if isinstance(found, Unknown) else cast("DetectedRow", veiled(found))


PAGE = Page(path=PATH, permission=DETECT.name, show=show)
