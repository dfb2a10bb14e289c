"""A panel's people who sign in, on a database whose clock a test sets."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import Row, select

from headway.core.access import links, store, tokens
from headway.core.access.account import AccountService
from headway.core.access.account_passkeys import PasskeyService
from headway.core.access.audit import Audit
from headway.core.access.members import MemberService
from headway.core.access.model import Actor, Role
from headway.core.access.passkey_sign_in import PasskeySignIn
from headway.core.access.passkeys import Challenges
from headway.core.access.passwords import Passwords
from headway.core.access.second_factor import SecondFactors
from headway.core.access.service import AccessService
from headway.core.access.sign_in import Opened, SignIn, SignInParts, Stage, Visitor
from headway.core.access.throttle import Throttle
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import audit_log
from headway.infra.db.transaction import Tx
from headway.kernel.events import Events
from headway.kernel.vault import Vault
from tests.support.panel.permissions import permission

T = TypeVar("T")

PASSWORD, ANOTHER = "a stone in the brook", "the brook has a stone"
HERE = Visitor(address="192.0.2.7", agent="A browser")
ELSEWHERE = Visitor(address="198.51.100.9", agent="Another browser")
BEGIN, CONFIRM = permission("account.beginSecondFactor"), permission("account.confirmSecondFactor")


@dataclass
class SetClock:
    """A clock that a test sets, for transactions of both databases and for what is remembered in memory."""

    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


@dataclass
class People:
    """Signing in, over a database with an owner."""

    db: SqlDatabase
    clock: SetClock
    access: AccessService
    vault: Vault = field(default_factory=lambda: Vault(Vault.new_key()))

    def __post_init__(self) -> None:
        self.second_factors = SecondFactors(self.vault)
        self.throttle = Throttle(self.vault.derived("sign-in"), monotonic=self.clock.monotonic)
        self.passwords = Passwords()
        parts = SignInParts(passwords=self.passwords, throttle=self.throttle, second_factors=self.second_factors)
        self.sign_in = SignIn(self.db, self.access, parts)
        made, shown = (Challenges(monotonic=self.clock.monotonic) for _ in range(2))
        self.passkeys = PasskeyService(self.db, self.access, made)
        self.by_passkey = PasskeySignIn(self.db, self.throttle, shown, self.vault.derived("passkeys"))
        self.members = MemberService(self.db, self.access)
        self.audit = Audit(self.db, Events())

    @classmethod
    async def on(cls, db: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> People:
        """Over this database, which has nobody yet."""
        clock = SetClock()
        monkeypatch.setattr(Tx, "now", property(lambda _tx: clock.at))
        people = cls(db, clock, AccessService(db, monotonic=clock.monotonic))
        await people.access.bootstrap("the-first-key")
        return people

    async def run(self, work: Callable[[Tx], T]) -> T:
        return await self.db.run(work)

    async def link(self) -> str:
        """The token of the first link."""
        token = await self.run(links.first)
        assert token is not None
        return token

    async def owner(self, visitor: Visitor = HERE) -> Opened:
        """The session of the owner, who has a password from now on."""
        return await self.sign_in.take_link(await self.link(), "ona", PASSWORD, visitor)

    async def actor(self, opened: Opened) -> Actor:
        found = await self.sign_in.by_session(opened.token)
        assert found is not None
        return found

    async def somebody(self, name: str, role: Role = Role.MEMBER) -> str:
        """The user id of another person in the owner's organisation, who signs in with this name."""

        def add(tx: Tx) -> tuple[str, str]:
            owner = store.first_owner(tx)
            assert owner is not None
            user_id = store.add_user(tx, name)
            store.add_member(tx, owner[1], user_id, role)
            token, _ = links.for_person(tx, user_id, second_factor=False)
            return user_id, token

        user_id, token = await self.run(add)
        opened = await self.sign_in.take_link(token, name, PASSWORD, ELSEWHERE)
        await self.sign_in.sign_out(opened.token)
        return user_id

    async def log(self) -> list[Row[Any]]:
        """The audit log."""
        return await self.db.read(lambda tx: list(tx.execute(select(audit_log).order_by(audit_log.c.seq))))

    async def procedures(self) -> list[str]:
        return [row.procedure for row in await self.log()]


def digest(opened: Opened) -> str:
    return tokens.digest(opened.token)


def account_of(people: People) -> AccountService:
    return AccountService(people.db, people.access, people.passwords, people.second_factors)


def code(people: People, secret: str, steps: int = 0) -> str:
    """What an application of codes shows, so many half minutes from now: made as RFC 6238 has it by the library."""
    shown = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - as RFC 6238 has it
    return shown.generate(int(people.clock.at.timestamp()) + 30 * steps).decode()


async def with_factor(people: People) -> tuple[Opened, str, list[str]]:
    """The owner's session, the secret of the second factor, and the recovery codes."""
    opened = await people.owner()
    actor = await people.actor(opened)
    begun = await account_of(people).begin_second_factor(actor, BEGIN)
    codes = await account_of(people).confirm_second_factor(actor, CONFIRM, code(people, begun.secret))
    people.clock.pass_(seconds=30)
    return opened, begun.secret, codes


async def half(people: People) -> Opened:
    opened = await people.sign_in.sign_in("ona", PASSWORD, ELSEWHERE)
    assert opened.stage is Stage.HALF
    return opened
