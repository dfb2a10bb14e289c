"""What an upgrade changes for keys and people of today, in lines for whoever operates the panel."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from headway.core.access.model import Role, Scope
from headway.core.access.store import terms_of
from headway.core.access.survey import Line
from headway.infra.db.tables.access import api_keys, members, organizations, users
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_SETTING = "values of variables"


def keys_survey(tx: Tx, _vault: Vault) -> Iterator[Line]:
    """A line for each key that is shown no values of variables any more, because it is only for some scopes, and for
    each member with other keys, who is shown none because members change none.
    """
    columns = (api_keys, organizations.c.name.label("organization"))
    asked = select(*columns).join(organizations, organizations.c.organization_id == api_keys.c.organization_id)
    shown: set[tuple[str, str]] = set()
    for row in tx.execute(asked.order_by(api_keys.c.created_at, api_keys.c.api_key_id)):
        terms = terms_of(row)
        if terms.hold(Scope.SECRETS):
            shown.add((row.organization_id, row.user_id))
        elif terms.hold(Scope.READ) or terms.hold(Scope.DEPLOY):
            yield Line(
                what=f"The key {row.name} ({row.start or row.api_key_id}) of {row.organization}",
                setting=_SETTING,
                why=f"are shown to it no more: it is good for {', '.join(sorted(terms.scopes))}, not for secrets",
                refused=True,
            )
    yield from _members(tx, shown)


def _members(tx: Tx, shown: set[tuple[str, str]]) -> Iterator[Line]:
    asked = (
        select(members, users.c.name, users.c.email, organizations.c.name.label("organization"))
        .join(users, users.c.user_id == members.c.user_id)
        .join(organizations, organizations.c.organization_id == members.c.organization_id)
        .where(members.c.role == Role.MEMBER.word)
    )
    for row in tx.execute(asked.order_by(members.c.created_at, members.c.member_id)):
        if (row.organization_id, row.user_id) in shown:
            yield Line(
                what=f"{row.email or row.name}, a member of {row.organization}",
                setting=_SETTING,
                why="are shown to no member any more, but to admins and owners, who may change them: names stay",
                refused=True,
            )
