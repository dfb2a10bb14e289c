"""What deployments belong to, as far as the heart must know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Subject
from headway.domains.applications import store as applications
from headway.domains.applications.subject import ApplicationSubject, RunSubject
from headway.domains.composes import store as composes
from headway.domains.composes.subject import ComposeSubject
from headway.domains.databases.subject import DatabaseSubject
from headway.domains.previews.subject import PreviewSubject
from headway.domains.servers import store as servers
from headway.domains.servers.subject import ServerSubject
from headway.infra.db.transaction import Tx
from headway.infra.logs.paths import LogPaths
from headway.kernel.events import Events
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault

SUBJECTS: Mapping[SubjectType, Subject] = MappingProxyType(
    {
        SubjectType.APPLICATION: ApplicationSubject(),
        SubjectType.COMPOSE: ComposeSubject(),
        SubjectType.DATABASE: DatabaseSubject(),
        SubjectType.PREVIEW: PreviewSubject(),
        SubjectType.RUN: RunSubject(),
        SubjectType.SERVER: ServerSubject(),
    }
)


def ledger_of(settings: Settings, events: Events, subjects: Mapping[SubjectType, Subject], logs: LogPaths) -> Ledger:
    """The book of all deployments, of these subjects."""
    return Ledger(
        events=events,
        subjects=subjects,
        log_path=lambda deployment_id: str(logs.log(deployment_id)),
        lease_duration=settings.lease_time,
        most_pending=settings.pending_deployments,
        note_unstarted=logs.note_unstarted,
    )


def key_forgetting(vault: Vault) -> Callable[[Tx, str, str], None]:
    """Takes an organisation's SSH key out of the services and servers that name it."""

    def forget(tx: Tx, organization_id: str, ssh_key_id: str) -> None:
        for application in applications.of_organization(tx, organization_id, vault):
            for each in (application, *applications.previews_of(tx, application.application_id, vault)):
                if each.settings.ssh_key_id == ssh_key_id:
                    bare = applications.kept(replace(each.settings, ssh_key_id=None), vault)
                    applications.set_fields(tx, each.application_id, settings=bare)
        for compose in composes.of_organization(tx, organization_id, vault):
            for one in (compose, *composes.previews_of(tx, compose.compose_id, vault)):
                if one.settings.ssh_key_id == ssh_key_id:
                    kept = composes.kept(replace(one.settings, ssh_key_id=None), vault)
                    composes.set_fields(tx, one.compose_id, settings=kept)
        servers.forget_key(tx, ssh_key_id)

    return forget
