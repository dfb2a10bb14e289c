"""Fixes what a deploy works from: settings, variables, key, accounts and what serves, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from headway.core.access import accounts_store
from headway.core.access.machine_store import has_machine, is_guarded
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.forges.base import ForgeConnection
from headway.drivers.sources.image import registry_of
from headway.drivers.sources.remote import credentials_in
from headway.features.git.providers import OpenedRepository
from headway.features.git.ssh_keys import OpenKey, key_of_source
from headway.features.registries.model import Credentials, checked_url
from headway.features.services.application import detection_rules, engine_fetch, memory_share_store, powers, store
from headway.features.services.application.memory_share_store import MemoryShare
from headway.features.services.application.model import Application, AppSettings, from_provider
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.application.sources import require_source
from headway.features.services.application.variables import Variables, variables_of
from headway.features.services.powers import may_fetch
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.vault import Vault

OpenRegistry = Callable[[Tx, str, str], Credentials]
FindRepository = Callable[[Tx, str, Mapping[str, Any], str], OpenedRepository | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationPlanner:
    """``open_key`` gives the private SSH key of an id within an organisation, ``open_registry`` what opens a registry,
    ``repository`` the one that a git provider opens; ``uid_base`` is where the accounts begin, None
    where there are none; ``memory_share`` is what one organisation may take of the machine's memory.
    """

    vault: Vault
    open_key: OpenKey
    open_registry: OpenRegistry
    repository: FindRepository
    uid_base: int | None
    memory_share: MemoryShare

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The plan of a deployment's application. Raises RunFailed with reason refused where it cannot be made."""
        try:
            found = engine_fetch.asked(tx, store.find(tx, deployment.subject_id, self.vault), self.vault)
            application = _at_tag(found, deployment.input.get("tag"))
            given = deployment.input.get("commit")
            commit = Commit(**given) if given else None
            allow_file = bool(deployment.input.get("allow_file"))
            plan = self.plan(tx, application, commit=commit, allow_file=allow_file)
            powers.require_start(tx, application, plan.settings, self.vault)
            memory_share_store.require_room(tx, application, plan.settings, self.memory_share, self.vault)
            _require_ports(plan)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        return Frozen(plan=plan.dump(), mask=(*plan.mask, *_credentials(plan)))

    def plan(self, tx: Tx, application: Application, *, commit: Commit | None, allow_file: bool) -> ApplicationPlan:
        """What a deploy of the application would work from now; ``commit`` None is the newest. Raises InvalidInput."""
        settings, opened = detection_rules.planned(tx, application), None
        require_source(settings)
        if settings.source_type not in {"git", "docker", "drop"}:
            opened = self.repository(tx, settings.source_type, settings.extra, application.organization_id)
        if opened is not None:
            settings = from_provider(
                *(settings, opened.url, opened.branch, opened.build_path), guarded=opened.connection.guarded
            )
        guarded = is_guarded(tx, application.organization_id, settings.git.guarded)
        settings = replace(
            settings,
            git=replace(settings.git, guarded=guarded),
            docker=replace(settings.docker, guarded=self._image_guarded(tx, application)),
        )
        key = None
        if settings.source_type not in {"docker", "drop"}:
            named = (settings.git.ssh_key_id, application.organization_id)
            key = key_of_source(tx, self.open_key, *named, settings.git.url)
        return replace(
            self._to_run(tx, application, settings, variables_of(tx, application, self.vault)),
            ssh_key=key,
            allow_file=allow_file and may_fetch(tx, application, settings.git.url),
            commit=commit,
            registry=self._registry(tx, application),
            registry_guarded=self._registry_guarded(tx, application),
            provider=None if opened is None else opened.connection.dump(),
        )

    def plan_back(
        self, tx: Tx, application: Application, snapshot: Snapshot, *, keep_configuration: bool
    ) -> ApplicationPlan:
        """What a release of an earlier artifact would run with: what it ran with then, or with ``keep_configuration``
        what the application is set to now. Nothing opens a source. Raises InvalidInput.
        """
        settings = application.settings if keep_configuration else snapshot.settings
        settings = replace(
            settings, run=replace(settings.run, loopback=application.settings.run.loopback)
        )  # what is open now, whatever was then
        then = Variables(run=snapshot.variables, build={}, mask=tuple(snapshot.mask))
        variables = variables_of(tx, application, self.vault) if keep_configuration else then
        plan = replace(self._to_run(tx, application, settings, variables), commit=snapshot.commit)
        _require_ports(plan)
        return plan

    def require_back(self, tx: Tx, application: Application, snapshot: Snapshot, *, keep_configuration: bool) -> None:
        """Whether what such a release needs of its machine is allowed now. Raises NotAllowed."""
        settings = application.settings if keep_configuration else None
        powers.require_release(tx, application, snapshot, self.vault, settings)

    def _to_run(self, tx: Tx, application: Application, settings: AppSettings, variables: Variables) -> ApplicationPlan:
        serving = store.serving(tx, application.service_id)
        snapshot = None if serving is None else open_snapshot(store.spec_of(tx, serving.release_id), self.vault)
        image = {} if snapshot is None else snapshot.artifact.get("image") or {}
        return ApplicationPlan(
            application_id=application.service_id,
            app_name=application.app_name,
            host_name=application.host_name,
            settings=settings,
            variables=variables.run,
            build_variables=variables.build,
            ssh_key=None,
            build_uid=application.build_uid,
            run_uid=application.run_uid,
            git_uid=self._git_uid(tx, application.service_id),
            allow_file=False,
            commit=None,
            serving=serving.release_id if serving else None,
            serving_ports=serving.ports if serving else (),
            serving_runtime=serving.runtime if serving else "native",
            serving_stays=bool(image.get("stays")),
            answers=bool(serving and serving.health and serving.health.answers),
            project_id=application.project_id,
            organization_id=application.organization_id,
            ruled=self._is_ruled(tx, application, settings),
            mask=variables.mask,
        )

    def _git_uid(self, tx: Tx, application_id: str) -> int | None:
        return None if self.uid_base is None else self.uid_base + accounts_store.of_git(tx, application_id)

    def _is_ruled(self, tx: Tx, application: Application, settings: AppSettings) -> bool:
        """Whether its containers reach of the panel's machine what is open to all only. A server is its organisation's
        own.
        """
        is_here = application.host_id == LOCAL_HOST
        return is_here and not settings.run.loopback and not has_machine(tx, application.organization_id)

    def _image_guarded(self, tx: Tx, application: Application) -> bool:
        """Whether the image comes from the internet only: not on a server, which is its organisation's own, and not
        from a registry that who may use the machine has given to the organisation.
        """
        settings = application.settings
        guarded = is_guarded(tx, application.organization_id, settings.docker.guarded)
        if not guarded or application.host_id != LOCAL_HOST or settings.docker.registry_id is None:
            return guarded and application.host_id == LOCAL_HOST
        found = self.open_registry(tx, settings.docker.registry_id, application.organization_id)
        return found.guarded or registry_of(settings.docker.image or "") != found.url.partition("/")[0]

    def _registry_guarded(self, tx: Tx, application: Application) -> bool:
        """Whether images are taken to its registry only while that is one of the internet: nobody who may use the
        machine has given it. A server is its organisation's own.
        """
        if application.host_id != LOCAL_HOST:
            return False
        registry_id = application.settings.docker.registry_id
        if registry_id is None:
            return not has_machine(tx, application.organization_id)
        return self.open_registry(tx, registry_id, application.organization_id).guarded

    def _registry(self, tx: Tx, application: Application) -> dict[str, str] | None:
        """The credentials for images: of the registry that is chosen, else those that the application has itself."""
        settings = application.settings
        if settings.docker.registry_id is not None:
            found = self.open_registry(tx, settings.docker.registry_id, application.organization_id)
            opened = {"url": found.url, "username": found.username, "password": found.password.reveal()}
            return {**opened, "prefix": found.image_prefix} if found.image_prefix else opened
        if not settings.docker.username or not settings.docker.password:
            return None
        url = checked_url(settings.docker.registry_url or "")
        return {"url": url, "username": settings.docker.username, "password": settings.docker.password}


def _at_tag(application: Application, tag: str | None) -> Application:
    """The application as it is deployed from a tag that was pushed."""
    if tag is None:
        return application
    return replace(
        application, settings=replace(application.settings, git=replace(application.settings.git, tag=tag, commit=None))
    )


def _credentials(plan: ApplicationPlan) -> tuple[str, ...]:
    key = () if plan.ssh_key is None else (plan.ssh_key,)
    password = () if plan.registry is None else (plan.registry["password"],)
    provider = () if plan.provider is None else ForgeConnection.load(plan.provider).secrets
    return (*key, *password, *provider, *credentials_in(plan.settings.git.url or ""))


def _require_ports(plan: ApplicationPlan) -> None:
    times = plan.settings.run.scale.get("web", 1)
    if times > 1 and plan.fixed_port is not None:
        raise InvalidInput(
            f"The port {plan.fixed_port} is fixed, and web is to run {times} times, each on a port of its own. Remove "
            "the port (and the variable PORT), or let web run once."
        )
