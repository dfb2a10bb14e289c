"""The page of one certificate that was brought along: what it is good for, and the ways to renew and forget it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.features.settings.pages.certificate_list import CERTIFICATES_PATH, FIELDS
from headway.pages.certificate_ends import end_of
from headway.pages.forms import Field, Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.edge.api.rows import CertificateRow

PATH = "/settings/certificates/{certificateId}"
ONE: Asked[CertificateRow] = Asked("certificates.one")
UPDATE = "certificates.update"
REMOVE = "certificates.remove"


async def show(visit: Visit) -> View:
    """What it is good for."""
    row = await visit.ask(ONE, certificateId=visit.path["certificateId"])
    where = f"{CERTIFICATES_PATH}/{row['certificateId']}"
    offered: list[Mapping[str, object]] = []
    if visit.may(UPDATE):
        offered.append({"label": "Rename or renew", "href": f"{where}/change", "icon": "redeploy"})
    if visit.may(REMOVE):
        offered.append({"label": "Remove", "href": f"{where}/remove", "icon": "remove", "danger": True})
    return View(
        template="features/settings/pages/certificate.html",
        values={"row": row, "end": end_of(row, visit.now), "actions": offered},
        title=cut(row["name"], 120),
    )


async def _ask_change(visit: Visit) -> Question:
    row = await visit.ask(ONE, certificateId=visit.path["certificateId"])
    empty = "Empty: it stays as it is. "
    return Question(
        title=f"Change “{cut(row['name'], 120)}”",
        consequences=("A new certificate and its key go together. It is shown from then on, and no connection ends.",),
        button="Save",
        values={"name": row["name"]},
        fields={name: _hinted(each, "" if name == "name" else empty) for name, each in FIELDS.items()},
    )


def _hinted(field: Field, before: str) -> Field:
    return replace(field, hint=before + field.hint)


async def _ask_remove(visit: Visit) -> Question:
    row = await visit.ask(ONE, certificateId=visit.path["certificateId"])
    return Question(
        title=f"Remove “{cut(row['name'], 120)}”?",
        consequences=(
            f"Whoever asks over HTTPS for {cut(', '.join(row['hosts']), 200)} is shown another certificate, or none.",
            "Its private key is removed.",
        ),
        button="Remove it",
        danger=True,
    )


def _given(visit: Visit) -> Mapping[str, object]:
    return {"certificateId": visit.path["certificateId"]}


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        "change": Form(
            operation=lambda _visit: UPDATE,
            given=_given,
            asks=_ask_change,
            did=lambda _visit, _answer: Flash(text="Saved: it is shown from now on."),
            then=lambda visit, _answer: f"{CERTIFICATES_PATH}/{visit.path['certificateId']}",
            fields={"name": Kind.TEXT, "certificateData": Kind.BLOCK, "privateKey": Kind.SECRET_BLOCK},
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_given,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed, with its key."),
            then=lambda _visit, _answer: CERTIFICATES_PATH,
        ),
    },
)
