"""Previews of compose services: what runs of one is a compose service with the preview's id, a project of its own."""

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
from headway.features.previews.preview_spec import compose_domains_for, compose_settings_for, compose_variables_for
from headway.features.services import store as services_store
from headway.features.services.compose import store
from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.deploy import COMPOSE_DEPLOY
from headway.features.services.compose.model import DROP, RAW, Compose
from headway.features.services.model import COMPOSES, DesiredState, ServiceStatus
from headway.features.services.requests import deploy_request
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import slug
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class OfComposes:
    """Fits ``base.Form``. ``creation`` makes what runs of a preview, ``facts`` are the edge's."""

    vault: Vault
    creation: ComposeCreation
    facts: EdgeFacts
    noun: Noun = Noun.COMPOSE

    def owner(self, tx: Tx, service_id: str) -> Owner | None:
        """See ``Form.owner``."""
        return services_store.owner(tx, service_id, SubjectType.COMPOSE)

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
        except store.ComposeNotFound:
            return None
        domains = tuple(domains_store.of_subject(tx, SubjectType.COMPOSE, preview_id))
        return Running(app_name=found.app_name, status=found.status, domains=domains)

    def prepare(self, tx: Tx, preview: Preview) -> None:
        """See ``Form.prepare``."""
        parent, preview_id = store.find(tx, preview.service_id, self.vault), preview.preview_id
        if parent.settings.source_type in {RAW, DROP}:
            raise InvalidInput("The compose service comes from no git repository, so pull requests have nothing of it.")
        try:
            running = store.find(tx, preview_id, self.vault)
        except store.ComposeNotFound:
            name, app_name = preview.names(parent.name, slug(parent.name) or parent.app_name)
            running = self.creation.add_preview(tx, parent, preview_id, name=name, app_name=app_name)
            self._open_doors(tx, parent, running, preview)
        hosts = domains_store.of_subject(tx, SubjectType.COMPOSE, preview_id)
        settings = compose_settings_for(parent.settings, preview)
        env = compose_variables_for(parent.settings, preview, hosts[0].wish.host if hosts else "")
        services_store.set_fields(
            tx, preview_id, settings=services_store.kept(settings, self.vault), env=self.vault.seal(env)
        )

    def _open_doors(self, tx: Tx, parent: Compose, running: Compose, preview: Preview) -> None:
        """A domain of the preview for each way into the service: what somebody may open there, they may open here."""
        led = domains_store.of_subject(tx, SubjectType.COMPOSE, parent.service_id)
        wishes = compose_domains_for(
            settings_of(parent.settings.extra),
            preview,
            running.app_name,
            [each.wish for each in led if each.wish.enabled],
            self.facts.generated_host,
        )
        for wish in wishes:
            name = self.facts.name_in(wish.host)
            if name not in {None, running.app_name} and (
                services_store.app_name_is_taken(tx, name or "") or services_store.named(tx, name or "")
            ):
                raise InvalidInput(f"{wish.host} is the name of another service; give previewWildcard.")
            subject = (SubjectType.COMPOSE, running.service_id)
            open_door(tx, self.facts, subject, parent.organization_id, wish, below=True)

    def request(self, tx: Tx, preview: Preview) -> Request:
        """See ``Form.request``."""
        return deploy_request(
            store.find(tx, preview.preview_id, self.vault), COMPOSE_DEPLOY, allow_file=not preview.fork
        )

    def rest(self, tx: Tx, preview_id: str) -> None:
        """See ``Form.rest``."""
        services_store.set_fields(tx, preview_id, wanted=DesiredState.DOWN, status=ServiceStatus.IDLE)

    def begin_deletion(self, tx: Tx, preview_id: str) -> None:
        """See ``Form.begin_deletion``. Its volumes are nobody else's."""
        domains_store.forget(tx, SubjectType.COMPOSE, preview_id)
        services_store.begin_deletion(tx, preview_id, delete_volumes=True)

    def ending(self, tx: Tx) -> list[str]:
        """See ``Form.ending``."""
        return services_store.ending(tx, COMPOSES)


def _base(compose: Compose) -> Base:
    return Base(
        service_type=SubjectType.COMPOSE,
        service_id=compose.service_id,
        organization_id=compose.organization_id,
        project_id=compose.project_id,
        name=compose.name,
        app_name=compose.app_name,
        source_type=compose.settings.source_type,
        extra=compose.settings.extra,
    )
