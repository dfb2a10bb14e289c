"""Brings git providers and SSH keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headway.drivers.forges.registry import forge_apis
from headway.features.git.providers import GitProviderService
from headway.features.git.ssh_keys import SshKeyService
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault
from headway.module import Base

ForgetKey = Callable[[Tx, str, str, Vault], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """What repositories are reached with."""

    ssh_keys: SshKeyService
    providers: GitProviderService


def install_git(base: Base, of: Sequence[ForgetKey]) -> Git:
    """What needs no service. A key that is removed is taken out of whatever names it by each ``of`` these."""

    def forget(tx: Tx, organization_id: str, ssh_key_id: str) -> None:
        for each in of:
            each(tx, organization_id, ssh_key_id, base.vault)

    return Git(
        ssh_keys=SshKeyService(base.db, base.vault, forget),
        providers=GitProviderService(db=base.db, vault=base.vault, forges=forge_apis()),
    )
