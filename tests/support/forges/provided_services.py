"""Applications that come from a repository by a git provider, and previews of them: as rows, without a panel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import insert

from headway.core.deployments.model import SubjectType
from headway.core.engine.troubles import Troubles
from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.registry import forge_apis
from headway.features.edge.domains_model import EdgeFacts
from headway.features.forge_outbox.deployment_statuses import DeploymentStatuses
from headway.features.forge_outbox.left_statuses import LeftStatuses
from headway.features.forge_outbox.outbox import ForgeOutbox
from headway.features.forge_outbox.preview_reports import ChangedPreview, PreviewReports
from headway.features.forge_outbox.statuses_store import UntoldDeployment
from headway.features.forge_outbox.told_store import LeftStatus
from headway.features.git import providers_store
from headway.features.git.providers import GitProviderService
from headway.features.git.providers_model import GitProvider
from headway.features.previews import store as previews_store
from headway.features.previews.lifecycle import PreviewLifecycle
from headway.features.previews.model import Preview
from headway.features.previews.services import PreviewedServices
from headway.features.services import store as services_store
from headway.features.services.application.deliveries import ApplicationDeliveries
from headway.features.services.application.model import AppSettings
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.store import APPLICATION_READER
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.kinds import ServiceKind, ServiceKinds
from headway.features.services.model import DesiredState, Service, ServiceStatus
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import organizations
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.projects import environments, projects
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.events import Events
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault
from tests.support.databases.databases import unhurried
from tests.support.forges.forge_apis import TOKEN, Api
from tests.support.panel.factories import add_host, deployment_values, ledger


@dataclass(frozen=True)
class NothingRuns:
    """Fits ``PreviewSpecs``, as far as it says that nothing may run."""

    def require_pulls(self, _settings: Any) -> None:  # noqa: ANN401 - those of its kind
        raise InvalidInput("Nothing runs here.")


@dataclass(frozen=True)
class ProvidedServices:
    """An organisation whose services come from one forge, on the loopback."""

    db: SqlDatabase
    vault: Vault
    providers: GitProviderService
    previewed: PreviewedServices
    forge: ForgeName
    events: Events
    troubles: Troubles

    @property
    def kinds(self) -> ServiceKinds:
        return self.previewed.kinds

    @property
    def lifecycle(self) -> PreviewLifecycle:
        return PreviewLifecycle(ledger=ledger(), services=self.previewed)

    def statuses(self) -> ForgeOutbox[UntoldDeployment]:
        """What tells of deployments, as the panel has it."""
        kind = DeploymentStatuses(providers=self.providers, kinds=self.kinds, log_link=lambda _id: None)
        return ForgeOutbox(db=self.db, events=self.events, providers=self.providers, kind=kind, troubles=self.troubles)

    def reports(self) -> ForgeOutbox[ChangedPreview]:
        """What tells of previews."""
        kind = PreviewReports(
            providers=self.providers,
            services=self.previewed,
            facts=self.previewed.facts,
            log_link=lambda _id: "https://panel.example/log",
        )
        return ForgeOutbox(db=self.db, events=self.events, providers=self.providers, kind=kind, troubles=self.troubles)

    def left(self) -> ForgeOutbox[LeftStatus]:
        """What takes back what is left of what was removed."""
        kind = LeftStatuses(providers=self.providers)
        return ForgeOutbox(db=self.db, events=self.events, providers=self.providers, kind=kind, troubles=self.troubles)

    async def add(
        self,
        name: str = "web",
        *,
        environment: str = "production",
        project: str = "shop",
        repository: str = "app",
        settings: AppSettings | None = None,
    ) -> Service[Any]:
        """An application in an environment of a project, which are made where they are not there."""
        place = {"Owner": "team", "Repository": repository, "Branch": "main", "Id": "provider"}
        extra = {f"{self.forge}{name}": value for name, value in place.items()}
        if self.forge is ForgeName.GITHUB:
            extra = {"owner": "team", "repository": repository, "branch": "main", "githubId": "provider"}
        given = settings or AppSettings()
        made = replace(given, source_type=self.forge, extra={**extra, **given.extra})

        def write(tx: Tx) -> Service[Any]:
            _put_environment(tx, project, environment)
            service_id = new_id()
            service: Service[Any] = Service(
                service_id=service_id,
                kind=SubjectType.APPLICATION,
                organization_id="org",
                project_id=project,
                environment_id=f"{project}.{environment}",
                host_id="here",
                name=name,
                app_name=f"web-{service_id}".lower(),
                description=None,
                status=ServiceStatus.IDLE,
                wanted=DesiredState.DOWN,
                serving_release_id=None,
                settings=made,
                env="",
                build_uid=None,
                created_at=tx.now,
            )
            services_store.add(tx, service, self.vault)
            return service

        return await self.db.run(write)

    async def preview(self, of: Service[Any], number: int = 7, *, head: str = "a" * 40, **fields: Any) -> Preview:  # noqa: ANN401
        """A preview of a pull request, opened an hour ago, of which nothing runs."""

        def write(tx: Tx) -> Preview:
            preview = Preview(
                preview_id=new_id(),
                service_type=SubjectType.APPLICATION,
                service_id=of.service_id,
                number=number,
                title="A change",
                url="https://forge.example/7",
                author="ann",
                branch="change",
                head=head,
                source_url=None,
                labels=(),
                approved_by=None,
                told_at=None,
                created_at=tx.now - timedelta(hours=1),
                expires_at=None,
                **{"fork": False, "approved_head": None, **fields},
            )
            previews_store.add(tx, preview)
            return preview

        return await self.db.run(write)

    async def runs(self, preview: Preview, of: Service[Any], status: ServiceStatus) -> None:
        """Something runs of the preview from now on, which is so."""
        made = replace(
            of,
            service_id=preview.preview_id,
            preview_of=of.service_id,
            app_name=f"web-{preview.preview_id}".lower(),
            status=status,
        )
        await self.db.run(lambda tx: services_store.add(tx, made, self.vault))

    async def deployment(self, of: Service[Any], number: int = 1, **values: Any) -> str:  # noqa: ANN401
        """A deployment of the service, asked for now; its id."""
        whose = {"subject_id": of.service_id, "organization_id": "org", "commit_hash": "a" * 40}

        def write(tx: Tx) -> str:
            made = deployment_values(number, created_at=tx.now, **{**whose, **values})
            tx.execute(insert(deployments).values(**made))
            return str(made["deployment_id"])

        return await self.db.run(write)


@contextmanager
def provided_services(database_url: str, api: Api, forge: ForgeName = ForgeName.GITHUB) -> Iterator[ProvidedServices]:
    """An organisation with a provider of this forge, and nothing else."""
    vault = Vault(Vault.new_key())
    with closing(unhurried(SqlDatabase(database_url))) as db:
        with db.writer.begin() as connection:
            _put(Tx(connection, db._clock), vault, api, forge)
        providers = GitProviderService(db=db, vault=vault, forges=forge_apis())
        facts = EdgeFacts(base_domain="apps.example", port=80, https=None)
        kinds = ServiceKinds(vault=vault, by_type={SubjectType.APPLICATION: _applications()})
        previewed = PreviewedServices(kinds=kinds, facts=facts)
        yield ProvidedServices(db, vault, providers, previewed, forge, Events(), Troubles())


async def tell_all(outbox: ForgeOutbox[Any]) -> None:
    """A round, and what it takes on a busy machine until all that it began has ended."""
    while not await outbox.tell_round():
        pass


def _applications() -> ServiceKind:
    """As much of the kind as is asked where no engine runs."""
    nothing = (cast("ApplicationPlanner", None), cast("ApplicationContext", None))
    lifecycle = SimpleNamespace(driver=SimpleNamespace(reader=APPLICATION_READER))
    deliveries = ApplicationDeliveries(planner=nothing[0], tools=nothing[1])
    return cast("ServiceKind", SimpleNamespace(lifecycle=lifecycle, deliveries=deliveries, previews=NothingRuns()))


def _put(tx: Tx, vault: Vault, api: Api, forge: ForgeName) -> None:
    tx.execute(insert(organizations).values(organization_id="org", name="org", created_at=tx.now))
    add_host(tx)
    provider = GitProvider(
        provider_id="provider",
        organization_id="org",
        forge=forge,
        name="forge",
        url="https://git.example",
        api_url=api.url,
        facts={"user": "me@example.org"} if forge is ForgeName.BITBUCKET else {},
        has=frozenset({"token"}),
        created_by="user",
        created_at=tx.now,
    )
    providers_store.add(tx, provider, vault.seal({"token": TOKEN}))


def _put_environment(tx: Tx, project: str, environment: str) -> None:
    bare = {"project_id": project, "env": "", "created_at": tx.now}
    tx.execute(insert(projects).prefix_with("OR IGNORE").values(organization_id="org", name=project, **bare))
    named = {"environment_id": f"{project}.{environment}", "name": environment, "is_default": False}
    tx.execute(insert(environments).prefix_with("OR IGNORE").values(**named, **bare))
