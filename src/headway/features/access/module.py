"""Brings access: people, keys, organisations, and what was done by whom."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from headway.core.access import people_store, sessions_store, throttle
from headway.core.access.account import AccountService
from headway.core.access.account_passkeys import PasskeyService
from headway.core.access.audience import Audience
from headway.core.access.audit import Audit, forget_old
from headway.core.access.groups import GroupService
from headway.core.access.keys import KeyService
from headway.core.access.members import MemberService
from headway.core.access.organizations import OrganizationService
from headway.core.access.passkey_sign_in import PasskeySignIn
from headway.core.access.passkeys import Challenges
from headway.core.access.passwords import Passwords
from headway.core.access.provider_sign_in import ProviderSignIn
from headway.core.access.second_factor import SecondFactors
from headway.core.access.service import AccessService
from headway.core.access.sign_in import SignIn, SignInParts
from headway.core.access.throttle import Throttle
from headway.core.engine.poller import Poller
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.events import AccessChanged
from headway.module import Base, Module

_REST = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What callers may ask of it."""

    access: AccessService
    audience: Audience
    audit: Audit
    keys: KeyService
    members: MemberService
    organizations: OrganizationService
    account: AccountService
    passkeys: PasskeyService
    sign_in: SignIn
    passkey_sign_in: PasskeySignIn
    provider_sign_in: ProviderSignIn
    groups: GroupService
    module: Module


def install_access(base: Base, access: AccessService) -> Access:
    """All that goes on about ``access``, which was there at the panel's start."""
    db, settings = base.db, base.settings
    parts = SignInParts(
        passwords=Passwords(),
        throttle=Throttle(base.vault.derived("sign-in")),
        second_factors=SecondFactors(base.vault),
    )
    access.tell(lambda user_id: base.events.announce(AccessChanged(user_id=user_id)))
    return Access(
        access=access,
        audience=Audience(base.events, settings.streams_per_person),
        audit=Audit(db, base.events),
        keys=KeyService(db, access, settings.keys_per_person),
        members=MemberService(db, access),
        organizations=OrganizationService(db, access),
        account=AccountService(db, access, parts.passwords, parts.second_factors),
        passkeys=PasskeyService(db, access, Challenges(), settings.public_url),
        sign_in=SignIn(db, access, parts),
        passkey_sign_in=PasskeySignIn(db, parts.throttle, Challenges(), base.vault.derived("passkeys")),
        provider_sign_in=ProviderSignIn(db, access, parts.throttle, settings.provider),
        groups=GroupService(db, settings.provider),
        module=Module(loops=(Poller("access", partial(_tend, db, access, settings.keep_audit)),)),
    )


async def _tend(db: SqlDatabase, access: AccessService, keep_audit: timedelta) -> float:
    """Writes down which keys and sessions were used, and forgets what is over. Seconds to rest."""
    await access.save_uses()

    def forget(tx: Tx) -> None:
        forget_old(tx, keep_audit)
        for store in (sessions_store, people_store, throttle):
            store.remove_over(tx)

    await db.run(forget)
    return _REST
