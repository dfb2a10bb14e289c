"""What an upgrade changes for keys of today, in sentences for whoever operates the panel."""

from __future__ import annotations

from sqlalchemy import select

from headway.core.access.model import Scope
from headway.core.access.store import terms_of
from headway.infra.db.tables.access import api_keys, organizations
from headway.infra.db.transaction import Tx


def lose_secrets(tx: Tx) -> list[str]:
    """A sentence for each key that is shown no values of variables any more, because it is only for some scopes."""
    columns = (api_keys, organizations.c.name.label("organization"))
    asked = select(*columns).join(organizations, organizations.c.organization_id == api_keys.c.organization_id)
    found = []
    for row in tx.execute(asked.order_by(api_keys.c.created_at, api_keys.c.api_key_id)):
        terms = terms_of(row)
        if not terms.hold(Scope.SECRETS) and (terms.hold(Scope.READ) or terms.hold(Scope.DEPLOY)):
            scopes = ", ".join(sorted(terms.scopes))
            found.append(
                f"The key {row.name} ({row.start or row.api_key_id}) of {row.organization} is good for {scopes} and is "
                "shown the names of variables, not their values any more. Whoever needs these makes a key with the "
                "scope secrets."
            )
    return found
