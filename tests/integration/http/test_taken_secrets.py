"""No write says yes and drops a secret: what nobody is shown afterwards is kept, sealed, or was refused."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import bcrypt
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from sqlalchemy import select

from headway.infra.db.tables.base import metadata
from headway.infra.db.transaction import Tx
from tests.integration.http.field_values import keys
from tests.integration.http.test_access_table import given_to, things_of
from tests.integration.http.test_ignored_fields import IGNORED
from tests.integration.http.test_nothing_in_silence import PROCEDURES, secret_fields
from tests.integration.http.world import World, as_it_was
from tests.support.panel.today import today, turn

Json = Any
TAKERS = sorted(
    name
    for name, procedure in PROCEDURES.items()
    if secret_fields(procedure) and procedure.kind == "mutation" and ".test" not in name
)
DAYS = 8  # in which each has its turn
SEALED = re.compile(r"gAAAA[\w-]+=*")
# How a word is sent in what takes certain words only, by the field's name or by its procedure's too.
SENT: Mapping[str, Json] = {
    "botToken": "123456789:AAbbC{}",
    "connection": {"host": "203.0.113.9", "port": 1, "username": "u", "password": "{}"},
    "endpoint": "https://a.example/{}",
    "headers": {"X-A": "{}"},
    "metadata": {"postgres": {"databaseUser": "u", "databasePassword": "{}"}},
    "options": {"session_token": "{}"},
    "url": "json://a.example/{}",
    "notification.createDiscord webhookUrl": "https://discord.com/api/webhooks/1234/{}",
    "notification.createLark webhookUrl": "https://open.larksuite.com/open-apis/bot/v2/hook/{}",
    "notification.createMattermost webhookUrl": "https://chat.example.org/hooks/{}",
    "notification.createSlack webhookUrl": "https://hooks.slack.com/services/T1/B2/{}",
    "notification.createTeams webhookUrl": "https://a.logic.azure.com:443/workflows/b/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={}",
}
# What is no word but a key, and what is told of it beside it.
KEYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "certificates": ("certificate_key", {"certificateData": "certificate_pem"}),
    "sshKey": ("ssh_private", {}),
}
# What is not to be sent beside it.
WITHOUT: Mapping[str, str] = {"notification.create url": "endpoint"}


def _is_hash_of(word: str, kept: str) -> bool:
    return len(kept) == 60 and kept.startswith("$2") and bcrypt.checkpw(word.encode(), kept.encode())


def _is_same_key(private: str, kept: str) -> bool:
    if "OPENSSH PRIVATE KEY" not in kept:
        return False
    halves = [load_ssh_private_key(each.encode(), None).public_key() for each in (private, kept)]
    return halves[0] == halves[1]


# How a word is known again that is not kept as it came.
FOUND: Mapping[str, Callable[[str, str], bool]] = {"security": _is_hash_of, "sshKey": _is_same_key}


@pytest.mark.slow
async def test_a_secret_that_is_taken_is_kept_and_sealed(world: World) -> None:
    """One that is refused fails it too, for then nothing is seen: a table says how it is sent."""
    things = {**await things_of(world), **keys()}
    todays = turn(TAKERS, DAYS)
    print(f"{today()}: {', '.join(todays)}")
    places = [(name, field) for name in todays for field in secret_fields(PROCEDURES[name])]
    lost = {f"{name} {field}" for name, field in places if not await _keeps(world, name, field, things)}
    assert lost == set()


async def _keeps(world: World, name: str, field: str, things: Mapping[str, str]) -> bool:
    """Whether a word that is new is afterwards among what is sealed, and nowhere else."""
    sent, word = _sent(name, field, things)
    with as_it_was(world):
        answer = await world.owner.post(f"/{name}", json=sent)
        assert answer.status_code == 200, (name, field, answer.text)
        assert field not in answer.headers.get(IGNORED, ""), (name, field)
        stored = await _stored(world)
        opened = _opened(world, stored)
    if found := FOUND.get(name.partition(".")[0]):
        return word not in stored and any(found(word, each) for each in opened if isinstance(each, str))
    return word not in stored and any(json.dumps(word)[1:-1] in json.dumps(each) for each in opened)


def _sent(name: str, field: str, things: Mapping[str, str]) -> tuple[Json, str]:
    """What is sent, and the word in it that is to be kept."""
    router, place = name.partition(".")[0], f"{name} {field}".replace(".update", ".create")
    given: dict[str, Json] = {**given_to(name, things)}
    given.pop(WITHOUT.get(f"{name} {field}", ""), None)
    if router in KEYS:
        key, beside = KEYS[router]
        return given | {field: things[key]} | {of: things[thing] for of, thing in beside.items()}, things[key]
    word = secrets.token_hex(15)
    return given | {field: _with(word, SENT.get(place) or SENT.get(field, "{}"))}, word


def _with(word: str, form: Json) -> Json:
    if isinstance(form, dict):
        return {name: _with(word, value) for name, value in form.items()}
    return form.replace("{}", word) if isinstance(form, str) else form


async def _stored(world: World) -> str:
    """All that is in the database, as it lies there."""

    def read(tx: Tx) -> str:
        rows = (row for table in metadata.sorted_tables for row in tx.execute(select(table)))
        return "\n".join(str(value) for row in rows for value in row)

    return await world.services.db.read(read)


def _opened(world: World, stored: str) -> list[Json]:
    """What is sealed of it."""
    vault = world.platform.data_dir.vault
    return [vault.open(sealed) for sealed in set(SEALED.findall(stored))]
