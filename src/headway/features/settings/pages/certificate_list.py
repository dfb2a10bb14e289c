"""The page of certificates that are brought along, and the way to add one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.settings.pages.panel import CERTIFICATES
from headway.pages.certificate_ends import end_of
from headway.pages.forms import Field, Flash, Form, Kind, Question
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.edge.api.rows import CertificateRow

CERTIFICATES_PATH = "/settings/certificates"
CREATE = "certificates.create"
FIELDS: Mapping[str, Field] = {
    "name": Field(label="Name", hint="What it is called here."),
    "certificateData": Field(label="Certificate", hint="PEM, with what vouches for it behind it."),
    "privateKey": Field(label="Private key", hint="PEM; it is kept encrypted, and not shown again."),
}


async def show(visit: Visit) -> View:
    """All of them."""
    rows: list[CertificateRow] = await visit.ask(CERTIFICATES)
    add = {"label": "Add a certificate", "href": f"{CERTIFICATES_PATH}/create", "icon": "new", "main": True}
    return View(
        template="features/settings/pages/certificate_list.html",
        values={
            "rows": rows,
            "ends": {each["certificateId"]: end_of(each, visit.now) for each in rows},
            "actions": (add,) if visit.may(CREATE) else (),
        },
        title="Certificates",
    )


async def _ask(_visit: Visit) -> Question:
    return Question(
        title="Add a certificate",
        consequences=("It is shown at once to whoever asks over HTTPS for a name that it is good for.",),
        button="Add it",
        fields=FIELDS,
    )


PAGE = Page(
    path=CERTIFICATES_PATH,
    permission=CERTIFICATES.name,
    show=show,
    forms={
        "create": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="Added: it is shown from now on."),
            then=lambda _visit, answer: (
                f"{CERTIFICATES_PATH}/{answer['certificateId']}" if isinstance(answer, dict) else CERTIFICATES_PATH
            ),
            fields={"name": Kind.TEXT, "certificateData": Kind.BLOCK, "privateKey": Kind.SECRET_BLOCK},
        )
    },
)
