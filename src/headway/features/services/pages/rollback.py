"""The page that says what going back to a release would change, and the two ways to do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.services.pages.service_actions import ONE, address
from headway.pages.forms import Flash, Form, Question, Started
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut, plural

if TYPE_CHECKING:
    from headway.features.rollbacks.api.rows import DifferenceRow, PreviewRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/rollback/{releaseId}"
PREVIEW: Asked[PreviewRow] = Asked("rollback.preview")
_MOST_SAID = 12


async def show(visit: Visit) -> View:
    """What would change, of all that the release ran with and of what was built alone."""
    service = await _service(visit)
    whole = await _preview(visit, keeps=False)
    artifact = await _preview(visit, keeps=True)
    path = f"{address(service)}/rollback/{visit.path['releaseId']}"
    may = visit.may("rollback.rollback")
    return View(
        template="features/services/pages/rollback.html",
        values={
            "service": service,
            "whole": whole,
            "artifact": artifact,
            "is_same": whole["changes"] == artifact["changes"],
            "go_whole": f"{path}/back" if may and whole["usable"] else None,
            "go_artifact": f"{path}/back-keeping-configuration" if may and artifact["usable"] else None,
        },
        title=f"Roll back {cut(service['name'], 120)}",
    )


async def _service(visit: Visit) -> ServiceOverviewRow:
    """The service whose release it is. Raises Missing."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    if all(each["rollbackId"] != visit.path["releaseId"] for each in service["releases"]):
        raise Missing(Noun.RELEASE)
    return service


async def _preview(visit: Visit, *, keeps: bool) -> PreviewRow:
    return await visit.ask(PREVIEW, rollbackId=visit.path["releaseId"], keepConfiguration=keeps)


def _form(*, keeps: bool) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await _service(visit)
        return question_of(service, await _preview(visit, keeps=keeps), keeps=keeps)

    def given(visit: Visit) -> Mapping[str, object]:
        return {"rollbackId": visit.path["releaseId"], "keepConfiguration": keeps}

    return Form(operation=lambda _visit: "rollback.rollback", given=given, asks=ask, did=_did, then=_then)


def question_of(service: ServiceOverviewRow, preview: PreviewRow, *, keeps: bool) -> Question:
    """What is asked before going back."""
    now, to, changes = preview["now"], preview["to"], preview["changes"]
    obstacle = preview["whyNot"]
    said = [_difference(each) for each in changes[:_MOST_SAID]]
    if len(changes) > _MOST_SAID:
        said.append(f"{plural(len(changes) - _MOST_SAID, 'further difference')}; the page before lists all.")
    stays = "Its variables, mounts, ports, limits and domains stay as they are." if keeps else ""
    return Question(
        title=f"Roll “{cut(service['name'], 120)}” back to version {to['version']}?",
        consequences=(
            *((f"It cannot be done now: {obstacle}",) if obstacle else ()),
            f"Version {to['version']} is started again beside version {now['version']}, and takes over when it answers."
            if now is not None
            else f"Version {to['version']} is started again.",
            *((stays,) if stays else ()),
            *said,
            *preview["stays"],
            "It goes before all that waits; what runs of this service is superseded.",
        ),
        button="Roll back",
    )


def _difference(each: DifferenceRow) -> str:
    what = f"{each['what'].capitalize()} {cut(each['name'], 80)}".strip()
    if each["secret"]:
        return f"{what} is another secret."
    before, after = each["before"], each["after"]
    if before is None:
        return f"{what} is there again: {cut(after, 120)}"
    return f"{what} is gone: {cut(before, 120)}" if after is None else f"{what}: {cut(before, 80)} → {cut(after, 80)}"


def _did(_visit: Visit, answer: object) -> Flash:
    again = isinstance(answer, Started) and answer.again
    return Flash(text="It was begun already." if again else "The rollback is under way.")


def _then(visit: Visit, answer: object) -> str:
    return f"/deployments/{answer.deployment_id}" if isinstance(answer, Started) else _back(visit)


def _back(visit: Visit) -> str:
    return f"/services/{visit.path['serviceId']}"


PAGE = Page(
    path=PATH,
    permission=PREVIEW.name,
    show=show,
    forms={"back": _form(keeps=False), "back-keeping-configuration": _form(keeps=True)},
)
