"""What an upgrade changes for keys of today, in lines for whoever operates the panel."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from headway.core.access.model import Scope
from headway.core.access.store import terms_of
from headway.core.access.survey import Line
from headway.infra.db.tables.access import api_keys, organizations
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def survey(tx: Tx, _vault: Vault) -> Iterator[Line]:
    """A line for each key that is shown no values of variables any more, because it is only for some scopes."""
    columns = (api_keys, organizations.c.name.label("organization"))
    asked = select(*columns).join(organizations, organizations.c.organization_id == api_keys.c.organization_id)
    for row in tx.execute(asked.order_by(api_keys.c.created_at, api_keys.c.api_key_id)):
        terms = terms_of(row)
        if not terms.hold(Scope.SECRETS) and (terms.hold(Scope.READ) or terms.hold(Scope.DEPLOY)):
            yield Line(
                what=f"The key {row.name} ({row.start or row.api_key_id}) of {row.organization}",
                setting="values of variables",
                why=f"are shown to it no more: it is good for {', '.join(sorted(terms.scopes))}, not for secrets",
                refused=True,
            )
