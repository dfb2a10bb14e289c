"""The owner's key made anew by whoever has the machine, where the one that was given first is lost."""

from __future__ import annotations

from sqlalchemy import insert

from headway.core.access import keys_store, store
from headway.core.access.model import Role, Terms
from headway.core.access.policy import Noun
from headway.core.access.service import OWNER
from headway.infra.db.tables.access import audit_log
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict
from headway.kernel.ids import new_id

PROCEDURE = "keys.reset"
_WHO = "headway keys reset"


class NoOwner(Conflict):
    """The panel was never started."""

    def __init__(self) -> None:
        super().__init__(
            "This panel has no owner yet: its first start makes one, with a key. There is none to replace."
        )


def reset(tx: Tx, key: str) -> list[str]:
    """Gives the first owner this key, without any bound, and takes away those that were made as this one is; what these
    began with. The audit log tells of it. Raises NoOwner.
    """
    owner = store.first_owner(tx)
    if owner is None:
        raise NoOwner
    user_id, organization_id = owner
    former = [each for each in keys_store.keys_of(tx, organization_id, user_id) if each.name == OWNER]
    for each in former:
        keys_store.remove_key(tx, each.api_key_id)
    made = store.add_key(tx, key, name=OWNER, user_id=user_id, organization_id=organization_id, terms=Terms())
    tx.execute(
        insert(audit_log).values(
            audit_log_id=new_id(),
            organization_id=organization_id,
            user_id=user_id,
            user_name=_WHO,
            user_email=None,
            user_role=Role.OWNER.word,
            api_key_id=made,
            api_key_name=_WHO,
            procedure=PROCEDURE,
            subject_type=Noun.API_KEY.field.removesuffix("Id"),
            subject_id=made,
            subject_name=OWNER,
            project_id=None,
            details={"given": [], "removed": [each.api_key_id for each in former]},
            created_at=tx.now,
        )
    )
    return [each.start or each.api_key_id for each in former]
