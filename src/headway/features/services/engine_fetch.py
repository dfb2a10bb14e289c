"""Whether builds of before have the engine fetch what the machine reaches. Only their repositories say so, and nobody
has looked there: the first build that is not let do it tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic

from headway.core.access import allowances
from headway.core.access.machine import Need, Power
from headway.core.access.machine_store import least_role
from headway.core.access.survey import Line, of_fetching
from headway.features.services import store
from headway.features.services.model import S, Service
from headway.features.services.store import ServiceReader
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.records import replaced
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFetch(Generic[S]):
    """Asks it of the services that ``reader`` reads. ``needs_of`` tells what settings need of a host, and
    ``is_open`` tells whether something that was built for a service serves, and nobody has
    looked what the next build of it fetches.
    """

    reader: ServiceReader[S]
    needs_of: Callable[[S, str], set[Need]]
    is_open: Callable[[Tx, Service[S], Vault], bool]

    def asked(self, tx: Tx, service: Service[S], vault: Vault) -> Service[S]:
        """The service as a deploy begins: of one that has never served, or whose organisation has no machine, it is
        settled that it fetches nothing.
        """
        if service.settings.engine_fetch is not None or service.preview_of is not None:
            return service
        if service.serving_release_id is not None and least_role(tx, service.organization_id) is not None:
            return service
        self.settle(tx, service.service_id, vault, fetches=False)
        return self.reader.find(tx, service.service_id, vault)

    def settle(self, tx: Tx, service_id: str, vault: Vault, *, fetches: bool) -> None:
        """Notes what the first build has shown, unless somebody has said so meanwhile.
        Raises NotAllowed where the organisation has no machine.
        """
        store.lock_settings(tx, service_id)
        service = self.reader.find(tx, service_id, vault)
        if service.settings.engine_fetch is not None:
            return
        settings = replaced(service.settings, {"engine_fetch": fetches})
        needs = {each for each in self.needs_of(settings, service.host_id) if each.power is Power.FETCH}
        if needs and least_role(tx, service.organization_id) is None:
            raise allowances.NotAllowed(next(iter(needs)), withdrawn=True)
        allowances.adopt(tx, service.organization_id, service_id, needs)
        store.set_fields(tx, service_id, settings=store.kept(settings, vault))

    def survey(self, tx: Tx, vault: Vault) -> Iterator[Line]:
        found = (each for each in self.reader.every(tx, vault) if self.is_open(tx, each, vault))
        yield from of_fetching(tx, ((each.organization_id, each.name) for each in found))
