"""A panel that holds too much: thousands of deployments, hundreds of services, and names that nobody should give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from headway.core.deployments.model import SubjectType
from tests.support.panel.inventory import Inventory
from tests.support.panel.panel import Panel
from tests.support.panel.past import ENDS, Place, put, values_of

SERVICES, DEPLOYMENTS, LINES = 200, 5_000, 20_000
MANY = 60
_TURNS = "\u202eturned around\u202c \u2066\x07"  # marks that turn a text around and close nothing, and controls
_MARKUP = "</title><script>alert(1)</script><img src=x onerror=alert(1)> & &amp; \"quoted\" 'so' {{ 7 * 7 }}"
_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
_ACROSS = "שלום עולם مرحبا بالعالم 你好世界 👩‍👩‍👧‍👦"
_IN_A_FIELD = 1_024  # what is longer has not come through a form


def overlong(text: str, most: int) -> str:
    """The text, and behind it as much as there may be: markup, words without an end, scripts that run the other way."""
    turns = _TURNS if most > _IN_A_FIELD else ""
    emoji = _ACROSS if most > _IN_A_FIELD else _ACROSS.partition("👩")[0]
    long = f"{text} {turns}{_MARKUP} {emoji} {_WORD * (most // len(_WORD) + 1)}"
    return long[:most].strip()


def overfill(running: Panel, inventory: Inventory) -> None:
    """More of everything than a page shows."""
    of = {"applicationId": inventory.application_id}
    variables = "\n".join(f"VARIABLE_{number}_{_WORD.upper()}={_WORD * 5}" for number in range(MANY))
    running.post("application.update", **of, env=f"NODE_ENV=production\n{variables}".replace("Ä", "AE"))
    ids = [_service(running, inventory, number) for number in range(SERVICES)]
    for number in range(MANY):
        at = {"cronExpression": "30 4 * * *", "scheduleType": "application", "command": _WORD}
        running.post("schedule.create", name=overlong(f"Schedule {number}", 200), **of, **at)
        running.post("user.createApiKey", name=overlong(f"Key {number}", 64))
        host = f"{number}.{'-'.join(_WORD[:50].lower().split('ä'))}.example.org"
        running.post("domain.create", **of, host=host, path="/" + "path/" * 30)
    _add_past(running, inventory, ids)


def _service(running: Panel, inventory: Inventory, number: int) -> str:
    name = overlong(f"Service \u202e{number}", 100 + number % 155)
    made: str = running.post("application.create", name=name, environmentId=inventory.environment_id)["applicationId"]
    return made


def _add_past(running: Panel, inventory: Inventory, ids: list[str]) -> None:
    now, rows = datetime.now(UTC), []
    for number, (reason, message) in enumerate(islice(cycle(ENDS), DEPLOYMENTS)):
        place = Place(
            subject=SubjectType.APPLICATION,
            subject_id=ids[number % len(ids)],
            project_id=inventory.project_id,
        )
        most = 10_000 if number % 40 == 0 else 100 + number % 1_000
        told = {"title": overlong(f"Deployment {number}", most), "description": overlong("Because", most)}
        of_commit = {f"commit_{name}": overlong(name, most) for name in ("message", "author", "branch")}
        created = now - timedelta(minutes=3 * number + 1)
        row = values_of(running, "application.deploy", place, created, **told, **of_commit)
        if reason is not None:
            row |= {"status": "error", "reason": reason, "error_message": overlong(message or "", most)}
        rows.append(row)
    put(running, rows[::-1], log=None)
    large = values_of(running, "application.deploy", inventory.places["application.deploy"], now, title="A long log")
    lines = [f"\x1b[3{number % 8}mline {number}\x1b[0m {_MARKUP} {_TURNS}" for number in range(LINES)]
    put(running, [large], log="\n".join([*lines, _WORD * 200, overlong("end", 10_000), ""]))
    inventory.things["deployment with a long log"] = {"{deploymentId}": str(large["deployment_id"])}
