"""The page of one delivery: what came, what was done about it and why, and the way to take it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.webhooks.pages.delivery_list import DELIVERIES_PATH
from headway.features.webhooks.pages.verdicts import SIGNATURES, outcome_state, sender
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.webhooks.api.rows import DecisionRow, DeliveryDetails

PATH = "/webhooks/{deliveryId}"
ONE: Asked[DeliveryDetails] = Asked("webhook.one")
SIMULATE: Asked[DecisionRow] = Asked("webhook.simulate")
REPLAY = "webhook.replay"
_MOST_PAYLOAD = 20_000  # characters; the operation gives all that came
_MOST_FILES = 50
_SECONDS = 5.0


async def show(visit: Visit) -> View:
    """All of it."""
    row = await visit.ask(ONE, deliveryId=visit.path["deliveryId"])
    payload = row["payload"]
    again = {"label": "Take it again", "href": f"{address(row)}/replay", "icon": "redeploy"}
    return View(
        template="features/webhooks/pages/delivery.html",
        values={
            "row": row,
            "state": outcome_state(row["outcome"]),
            "done": [{"row": each, "state": outcome_state(each["outcome"])} for each in row["services"]],
            "sender": sender(row["sender"]),
            "signature": SIGNATURES.get(row["signature"], row["signature"]),
            "payload": payload,
            "payload_left_out": max(len(payload or "") - _MOST_PAYLOAD, 0),
            "most_payload": _MOST_PAYLOAD,
            "most_files": _MOST_FILES,
            "actions": (again,) if payload is not None and visit.may(REPLAY) else (),
        },
        title=_title(row),
    )


def address(row: DeliveryDetails) -> str:
    """Where a delivery is shown."""
    return f"{DELIVERIES_PATH}/{row['deliveryId']}"


def _title(row: DeliveryDetails) -> str:
    return cut(f"{row['event']} from {sender(row['sender'])}", 120)


async def _ask(visit: Visit) -> Question:
    row = await visit.ask(ONE, deliveryId=visit.path["deliveryId"])
    would = await visit.ask_within(_SECONDS, SIMULATE, deliveryId=visit.path["deliveryId"])
    return Question(
        title=f"Take “{_title(row)}” again?",
        consequences=(
            "It is taken as if it came now, as the settings of the service are now, and is kept as one more delivery.",
            "You vouch for it: its signature is not looked at.",
            _said(would),
        ),
        button="Take it again",
    )


def _said(would: DecisionRow | Unknown) -> str:
    if isinstance(would, Unknown):
        return f"What it would do now is not known. {would.why}"
    if would["outcome"] == "queued":
        return f"As things are it starts a deployment. {would['message']}"
    return f"As things are it starts nothing. {would['message']}"


def _did(_visit: Visit, answer: object) -> Flash:
    told = answer if isinstance(answer, Mapping) else {}
    done: Mapping[str, object] = next(iter(told.get("services", ())), {})
    words = {"queued": "It has started a deployment.", "skipped": "It has started nothing."}
    word = words.get(str(done.get("outcome")), "Taken.")
    return Flash(text=f"{word} {cut(str(told.get('message', '')), 400)}".strip())


def _then(_visit: Visit, answer: object) -> str:
    return f"{DELIVERIES_PATH}/{answer['deliveryId']}" if isinstance(answer, dict) else DELIVERIES_PATH


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        "replay": Form(
            operation=lambda _visit: REPLAY,
            given=lambda visit: {"deliveryId": visit.path["deliveryId"]},
            asks=_ask,
            did=_did,
            then=_then,
        )
    },
)
