"""``account.*``, of passkeys: what one signs in by at a device of one's own, instead of a password."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.account_passkeys import PasskeyService
from headway.core.access.model import Role, Scope
from headway.core.access.passkeys import LONGEST_ANSWER, Passkey
from headway.core.access.policy import Noun

router = Router[PasskeyService]("account", resource=Noun.PASSKEY, in_project=False)

Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Origin = Annotated[str, Field(min_length=1, max_length=300)]


class PasskeyRow(TypedDict):
    """A passkey. ``host`` is the name of the panel at which it is good; ``synced``: other devices have it too."""

    passkeyId: str
    name: str
    host: str
    synced: bool
    createdAt: str
    lastUsedAt: str | None


class PasskeyOptionsRow(TypedDict):
    """What ``navigator.credentials.create`` takes, as JSON (``PublicKeyCredential.parseCreationOptionsFromJSON``)."""

    options: str


class BeginPasskey(Input):
    """``origin`` is that of the page that asks for it, as ``https://panel.example.org``."""

    origin: Origin


class AddPasskey(Input):
    """``answer`` is the credential that the browser has made, as JSON (its ``toJSON``)."""

    name: Name
    origin: Origin
    answer: Annotated[str, Field(max_length=LONGEST_ANSWER)]


class ByPasskey(Input):
    passkey_id: Id


class RenamePasskey(ByPasskey):
    name: Name


@router.query("passkeys", least=Role.MEMBER, scope=Scope.ADMIN)
async def passkeys(service: PasskeyService, call: Call[Empty]) -> list[PasskeyRow]:
    """The caller's passkeys, the first that was made first; to a key for some projects, none."""
    return [_row(each) for each in await service.all(call.actor, call.permission)]


@router.mutation("beginPasskey", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def begin_passkey(service: PasskeyService, call: Call[BeginPasskey]) -> PasskeyOptionsRow:
    """What a browser is asked for a new passkey, good once within five minutes.

    It is for who has signed in (409 for a key), at a page of the panel's that has a host name and HTTPS, or localhost.
    """
    return {"options": await service.begin(call.actor, call.permission, call.input.origin)}


@router.mutation("addPasskey", least=Role.MEMBER, scope=Scope.ADMIN, careful=True)
async def add_passkey(service: PasskeyService, call: Call[AddPasskey]) -> PasskeyRow:
    """The passkey that a browser has made when it was asked by ``account.beginPasskey``.

    From now on it opens a session at that host name, without password or code. It is for who has signed in (409 for a
    key).
    """
    given = call.input
    return _row(await service.add(call.actor, call.permission, given.name, given.origin, given.answer))


@router.mutation("renamePasskey", least=Role.MEMBER, scope=Scope.ADMIN)
async def rename_passkey(service: PasskeyService, call: Call[RenamePasskey]) -> PasskeyRow:
    """What one of the caller's passkeys is called."""
    return _row(await service.rename(call.actor, call.permission, call.input.passkey_id, call.input.name))


@router.mutation("removePasskey", least=Role.MEMBER, scope=Scope.ADMIN, careful=True)
async def remove_passkey(service: PasskeyService, call: Call[ByPasskey]) -> PasskeyRow:
    """One of the caller's passkeys opens nothing any more.

    The other sessions of the caller end.
    """
    return _row(await service.remove(call.actor, call.permission, call.input.passkey_id))


def _row(passkey: Passkey) -> PasskeyRow:
    return {
        "passkeyId": passkey.passkey_id,
        "name": passkey.name,
        "host": passkey.host,
        "synced": passkey.synced,
        "createdAt": moment(passkey.created_at),
        "lastUsedAt": moment(passkey.last_used_at),
    }
