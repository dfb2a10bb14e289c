"""Services as far as their previews go. What runs of a preview is one of the same kind, with the preview's id."""

from __future__ import annotations

from typing import Any

from headway.core.deployments.model import Request, SubjectType
from headway.features.edge import domains_store
from headway.features.edge.domains import LOCK
from headway.features.edge.domains_model import Domain, DomainRequest, EdgeFacts, checked_wish
from headway.features.previews.model import Preview
from headway.features.services import store
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import DesiredState, Service, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs of a preview, and where it is reached, the domains of its own first."""

    app_name: str
    status: ServiceStatus
    domains: tuple[Domain, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedServices:
    """All of it happens within the caller's transaction. ``facts`` are the edge's."""

    kinds: ServiceKinds
    facts: EdgeFacts

    def of(self, tx: Tx, preview: Preview) -> Service[Any]:
        """The service that a preview is of. Raises NotFound."""
        return self.kinds.find(tx, preview.service_type, preview.service_id)

    def running(self, tx: Tx, preview: Preview) -> Running | None:
        """What runs of a preview, None where nothing may yet."""
        kind, preview_id = preview.service_type, preview.preview_id
        try:
            found = self.kinds.find(tx, kind, preview_id)
        except NotFound:
            return None
        domains = domains_store.of_subject(tx, kind, preview_id)
        front = store.front(tx, preview_id, frozenset({found.kind})) if found.host_name else None
        if front is not None:
            domains = domains_store.standing(tx, kind, preview_id, front, self.facts)
        own_first = tuple(sorted(domains, key=lambda each: each.generated))
        return Running(app_name=found.app_name, status=found.status, domains=own_first)

    def prepare(self, tx: Tx, preview: Preview) -> None:
        """Sets what runs of a preview as its service is set now; makes it, with its domains, where there is none.
        Raises InvalidInput.
        """
        kind, preview_id = preview.service_type, preview.preview_id
        specs, pull = self.kinds.by_type[kind].previews, preview.revision
        parent = self.of(tx, preview)
        specs.require_pulls(parent.settings)
        try:
            running = self.kinds.find(tx, kind, preview_id)
        except NotFound:
            running = specs.add(tx, parent, preview_id, pull)
            self._open_doors(tx, parent, running, preview)
        hosts, own = domains_store.of_subject(tx, kind, preview_id), ""
        if running.host_name:
            own = self.facts.generated_host(running.host_name)
        settings = specs.settings(parent.settings, pull)
        env = specs.variables(parent.settings, pull, hosts[0].wish.host if hosts else own)
        fields = {"settings": store.kept(settings, self.kinds.vault), "env": self.kinds.vault.seal(env)}
        # Not its host: what it has released lies there, also where the service was moved to another since.
        store.set_fields(tx, preview_id, **fields, build_host_id=parent.build_host_id)

    def _open_doors(self, tx: Tx, parent: Service[Any], running: Service[Any], preview: Preview) -> None:
        kind = preview.service_type
        specs, led = self.kinds.by_type[kind].previews, domains_store.of_subject(tx, kind, parent.service_id)
        wishes = specs.domains(
            parent.settings,
            preview.revision,
            running.app_name,
            [each.wish for each in led if each.wish.enabled],
            self.facts.generated_host,
        )
        for wish in wishes:
            name = self.facts.name_in(wish.host) if specs.below else None
            if name not in {None, running.app_name} and (
                store.app_name_is_taken(tx, name or "") or store.named(tx, name or "")
            ):
                raise InvalidInput(f"{wish.host} is the name of another service; give previewWildcard.")
            subject = (kind, running.service_id)
            open_door(tx, self.facts, subject, parent.organization_id, wish, below=specs.below)

    def request(self, tx: Tx, preview: Preview) -> Request:
        """What is queued to deploy it. Raises InvalidInput where there is nothing to deploy."""
        running = self.kinds.find(tx, preview.service_type, preview.preview_id)
        # A pull request of the repository itself may come from wherever the service does; a fork's names a place.
        return self.kinds.by_type[preview.service_type].request(running, allow_file=not preview.fork)


def rest(tx: Tx, preview_id: str) -> None:
    """Nothing of a preview runs from now on, until it is deployed again."""
    store.set_fields(tx, preview_id, wanted=DesiredState.DOWN, status=ServiceStatus.IDLE)


def begin_deletion(tx: Tx, subject_type: SubjectType, preview_id: str) -> None:
    """From here on it is gone for everybody; the rest is cleared after the commit, or by the next panel."""
    domains_store.forget(tx, subject_type, preview_id)
    store.begin_deletion(tx, preview_id)


def open_door(
    tx: Tx,
    facts: EdgeFacts,
    subject: tuple[SubjectType, str],
    organization_id: str,
    wish: DomainRequest,
    *,
    below: bool = False,
) -> None:
    """Adds a domain of what runs of a preview (type and id); ``below``: it may lie below the base domain. Raises
    InvalidInput where it is taken.
    """
    tx.lock(LOCK)
    domain = Domain(
        domain_id=new_id(),
        organization_id=organization_id,
        subject_type=subject[0],
        subject_id=subject[1],
        wish=checked_wish(wish, facts),
        created_at=tx.now,
    )
    host = domain.wish.host
    foreign = facts.whose_name(host) is not None or domains_store.is_foreign(tx, host, subject[1])
    named = not below and facts.name_in(host) is not None
    if foreign or named or not domains_store.put(tx, domain):
        raise InvalidInput(f"The pattern of previews gives {host}, which is taken; let it hold a *.")
