"""Brings access: people, keys, organisations, and what was done by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from headway.core.access.audience import Audience
from headway.core.access.audit import Audit, forget_old
from headway.core.access.keys import KeyService
from headway.core.access.members import MemberService
from headway.core.access.organizations import OrganizationService
from headway.core.access.service import AccessService
from headway.core.engine.poller import Poller
from headway.infra.db.engine import SqlDatabase
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
    module: Module


def install_access(base: Base, access: AccessService) -> Access:
    """All that goes on about ``access``, which was there at the panel's start."""
    db, settings = base.db, base.settings
    access.tell(lambda user_id: base.events.announce(AccessChanged(user_id=user_id)))
    return Access(
        access=access,
        audience=Audience(base.events, settings.streams_per_person),
        audit=Audit(db),
        keys=KeyService(db, access, settings.keys_per_person),
        members=MemberService(db, access),
        organizations=OrganizationService(db, access),
        module=Module(loops=(Poller("access", partial(_tend, db, access, settings.keep_audit)),)),
    )


async def _tend(db: SqlDatabase, access: AccessService, keep_audit: timedelta) -> float:
    """Writes down which keys were used, and forgets what is too old in the audit log. Seconds to rest."""
    await access.save_uses()
    await db.run(lambda tx: forget_old(tx, keep_audit))
    return _REST
