"""Previews of applications: what runs of one is an application with the preview's id."""

from __future__ import annotations

from dataclasses import dataclass

from headway.core.access.policy import Noun
from headway.core.deployments.model import Request, SubjectType
from headway.core.deployments.run import Owner
from headway.features.edge import domains_store
from headway.features.edge.domains_model import EdgeFacts
from headway.features.previews.base import Base, Running
from headway.features.previews.doors import open_door
from headway.features.previews.model import Preview, settings_of
from headway.features.previews.preview_spec import domain_for, settings_for, variables_for
from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.deploy import APPLICATION_DEPLOY
from headway.features.services.application.model import Application
from headway.features.services.model import APPLICATIONS, DesiredState, ServiceStatus
from headway.features.services.requests import deploy_request
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class OfApplications:
    """Fits ``base.Form``. ``creation`` makes what runs of a preview, ``facts`` are the edge's."""

    vault: Vault
    creation: ApplicationCreation
    facts: EdgeFacts
    noun: Noun = Noun.APPLICATION

    def owner(self, tx: Tx, service_id: str) -> Owner | None:
        """See ``Form.owner``."""
        return services_store.owner(tx, service_id, SubjectType.APPLICATION)

    def base(self, tx: Tx, service_id: str) -> Base:
        """See ``Form.base``."""
        return _base(store.find(tx, service_id, self.vault))

    def of_organization(self, tx: Tx, organization_id: str) -> list[Base]:
        """See ``Form.of_organization``."""
        return [_base(each) for each in store.of_organization(tx, organization_id, self.vault)]

    def running(self, tx: Tx, preview_id: str) -> Running | None:
        """See ``Form.running``."""
        try:
            found = store.find(tx, preview_id, self.vault)
        except store.ApplicationNotFound:
            return None
        front, domains = services_store.front(tx, preview_id, APPLICATIONS), []
        if front is not None:
            domains = domains_store.standing(tx, SubjectType.APPLICATION, preview_id, front, self.facts)
        own_first = tuple(sorted(domains, key=lambda each: each.generated))
        return Running(app_name=found.app_name, status=found.status, domains=own_first)

    def prepare(self, tx: Tx, preview: Preview) -> None:
        """See ``Form.prepare``."""
        parent, preview_id = store.find(tx, preview.service_id, self.vault), preview.preview_id
        try:
            running = store.find(tx, preview_id, self.vault)
        except store.ApplicationNotFound:
            name, app_name = preview.names(parent.name, parent.host_name)
            running = self.creation.add_preview(tx, parent, preview_id, name=name, app_name=app_name)
            wish = domain_for(settings_of(parent.settings.extra), preview, running.app_name)
            if wish is not None:
                open_door(tx, self.facts, (SubjectType.APPLICATION, preview_id), parent.organization_id, wish)
        hosts = domains_store.of_subject(tx, SubjectType.APPLICATION, preview_id)
        host = hosts[0].wish.host if hosts else self.facts.generated_host(running.host_name)
        settings, env = settings_for(parent.settings, preview), variables_for(parent.settings, preview, host)
        fields = {"settings": services_store.kept(settings, self.vault), "env": self.vault.seal(env)}
        # Not its host: what it has released lies there, also where the application was moved to another since.
        services_store.set_fields(tx, preview_id, **fields, build_host_id=parent.build_host_id)

    def request(self, tx: Tx, preview: Preview) -> Request:
        """See ``Form.request``."""
        # A pull request of the repository itself may come from wherever the application does; a fork's names a place.
        return deploy_request(
            store.find(tx, preview.preview_id, self.vault), APPLICATION_DEPLOY, allow_file=not preview.fork
        )

    def rest(self, tx: Tx, preview_id: str) -> None:
        """See ``Form.rest``."""
        services_store.set_fields(tx, preview_id, wanted=DesiredState.DOWN, status=ServiceStatus.IDLE)

    def begin_deletion(self, tx: Tx, preview_id: str) -> None:
        """See ``Form.begin_deletion``."""
        domains_store.forget(tx, SubjectType.APPLICATION, preview_id)
        services_store.begin_deletion(tx, preview_id)

    def ending(self, tx: Tx) -> list[str]:
        """See ``Form.ending``."""
        return services_store.ending(tx, APPLICATIONS)


def _base(application: Application) -> Base:
    return Base(
        service_type=SubjectType.APPLICATION,
        service_id=application.service_id,
        organization_id=application.organization_id,
        project_id=application.project_id,
        name=application.name,
        app_name=application.app_name,
        source_type=application.settings.source_type,
        extra=application.settings.extra,
    )
