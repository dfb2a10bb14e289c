"""``account.*``: where the caller has signed in, their password and their second factor."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.account import AccountService
from headway.core.access.model import Role, Scope
from headway.core.access.passwords import MOST
from headway.core.access.policy import Noun
from headway.core.access.session import Session
from headway.features.access.api.rows import MemberRow, member_row

router = Router[AccountService](
    "account", "Where one has signed in, and by what", resource=Noun.SESSION, in_project=False
)


class SessionRow(TypedDict):
    """A session. ``current``: the one that asks."""

    sessionId: str
    organizationId: str
    organizationName: str
    address: str
    agent: str
    createdAt: str
    seenAt: str
    endsAt: str
    current: bool


class EndedRow(TypedDict):
    """A session that counts no more."""

    sessionId: str


class SessionsRow(TypedDict):
    """The sessions, and how the caller signs in. ``signInName`` null: with no password yet."""

    sessions: list[SessionRow]
    signInName: str | None
    secondFactor: bool
    recoveryCodesLeft: int


class SecondFactorRow(TypedDict):
    """What an application of codes is given, shown this once."""

    secret: str
    otpauth: str


class RecoveryCodesRow(TypedDict):
    """Codes for when the second factor is lost, each good once; shown this once."""

    recoveryCodes: list[str]


class BySession(Input):
    session_id: Annotated[str, Field(min_length=1)]


class SetName(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]


class SetPassword(Input):
    """From 10 characters on."""

    password: Annotated[str, Field(min_length=1, max_length=MOST)]


class Confirm(Input):
    """``code`` is the one that is shown now."""

    code: Annotated[str, Field(min_length=1, max_length=32)]


@router.query("sessions", least=Role.MEMBER, scope=Scope.ADMIN)
async def sessions(account: AccountService, call: Call[Empty]) -> SessionsRow:
    """Where the caller has signed in.

    In whatever organisation, the last one that was seen first; to a key for some projects, none. And whether they have
    a second factor.
    """
    found = await account.sessions(call.actor, call.permission)
    return {
        "sessions": [_session_row(each, found.current) for each in found.sessions],
        "signInName": found.sign_in_name,
        "secondFactor": found.second_factor,
        "recoveryCodesLeft": found.recovery_codes,
    }


@router.mutation("endSession", least=Role.MEMBER, scope=Scope.ADMIN)
async def end_session(account: AccountService, call: Call[BySession]) -> EndedRow:
    """One of the caller's sessions counts no more."""
    ended = await account.end(call.actor, call.permission, call.input.session_id)
    return {"sessionId": ended.session_id}


@router.mutation("endAllSessions", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER)
async def end_all_sessions(account: AccountService, call: Call[Empty]) -> None:
    """All sessions of the caller count no more, this one too."""
    await account.end_all(call.actor, call.permission)


@router.mutation("endOtherSessions", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER)
async def end_other_sessions(account: AccountService, call: Call[Empty]) -> None:
    """All sessions of the caller count no more but the one that asks."""
    await account.end_all(call.actor, call.permission, but_this=True)


@router.mutation("setName", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER)
async def set_name(account: AccountService, call: Call[SetName]) -> MemberRow:
    """What the caller is called, in whatever organisation."""
    return member_row(await account.rename(call.actor, call.permission, call.input.name))


@router.mutation("setPassword", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def set_password(account: AccountService, call: Call[SetPassword]) -> None:
    """Another password.

    It is for who has signed in, whose other sessions end; a key sets none (409).
    """
    await account.set_password(call.actor, call.permission, call.input.password)


@router.mutation("beginSecondFactor", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def begin_second_factor(account: AccountService, call: Call[Empty]) -> SecondFactorRow:
    """The secret of a second factor, shown this once.

    It counts once ``account.confirmSecondFactor`` is given a code of it. It is for who has signed in (409 for a key).
    """
    begun = await account.begin_second_factor(call.actor, call.permission)
    return {"secret": begun.secret, "otpauth": begun.address}


@router.mutation("confirmSecondFactor", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def confirm_second_factor(account: AccountService, call: Call[Confirm]) -> RecoveryCodesRow:
    """A code of the second factor that was begun, which is asked for at each sign-in from now on.

    The answer holds the recovery codes, shown this once. The other sessions of the caller end.
    """
    codes = await account.confirm_second_factor(call.actor, call.permission, call.input.code)
    return {"recoveryCodes": codes}


@router.mutation("removeSecondFactor", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def remove_second_factor(account: AccountService, call: Call[Empty]) -> None:
    """No second factor any more.

    The other sessions of the caller end. It is for who has signed in (409 for a key).
    """
    await account.remove_second_factor(call.actor, call.permission)


@router.mutation("newRecoveryCodes", least=Role.MEMBER, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def new_recovery_codes(account: AccountService, call: Call[Empty]) -> RecoveryCodesRow:
    """Other recovery codes, shown this once; those of before are good no more."""
    return {"recoveryCodes": await account.new_recovery_codes(call.actor, call.permission)}


def _session_row(session: Session, current: str | None) -> SessionRow:
    return {
        "sessionId": session.session_id,
        "organizationId": session.organization_id,
        "organizationName": session.organization_name,
        "address": session.address,
        "agent": session.agent,
        "createdAt": moment(session.created_at),
        "seenAt": moment(session.seen_at),
        "endsAt": moment(session.ends_at),
        "current": session.session_id == current,
    }
