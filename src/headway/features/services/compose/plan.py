"""What a deploy works from, fixed when its run is let in, as JSON that is kept encrypted; and how it is fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, field, replace
from typing import Any

from headway.core.access import accounts_store
from headway.core.access.machine_store import is_guarded
from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.forges.base import ForgeConnection
from headway.drivers.sources.remote import credentials_in
from headway.features.git.provider_repository import provided
from headway.features.git.providers import OpenedRepository
from headway.features.git.ssh_keys import OpenKey, key_of_source
from headway.features.registries.model import Credentials
from headway.features.services.compose import engine_fetch, powers, store
from headway.features.services.compose.model import DROP, GIT, RAW, Compose, ComposeRelease, ComposeSettings
from headway.features.services.model import DesiredState
from headway.features.services.powers import may_fetch
from headway.features.services.variables import layers_of
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.layers import Layer, Resolved, resolve
from headway.kernel.variables import Marks, parse_variables, secrets_among
from headway.kernel.vault import Vault

START = "start"  # the step by which containers are exchanged

OpenRegistry = Callable[[Tx, str, str], Credentials]
FindRepository = Callable[[Tx, str, Mapping[str, Any], str], OpenedRepository | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePlan:
    """The compose service as it was when the run began. ``again`` is set for a redeploy, which fetches and pulls
    nothing; ``commit`` is then the one that serves; ``serving`` is the release that does. ``registries`` are the
    credentials for images: ``url``, ``username`` and ``password`` each, of which who may use the machine has ``given``
    these, by their hosts; its other images are of the internet where it is ``guarded``.
    """

    compose_id: str
    app_name: str
    settings: ComposeSettings
    variables: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    ssh_key: str | None = field(repr=False)
    registries: Sequence[Mapping[str, str]] = field(repr=False)
    build_uid: int | None
    git_uid: int | None
    allow_file: bool
    again: bool
    commit: Commit | None
    serving: str | None
    was_up: bool
    provider: Mapping[str, str] | None = field(default=None, repr=False)
    given: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> ComposePlan:
        """The plan that ``dump`` wrote."""
        commit = values["commit"]
        rest = {
            **values,
            "secrets": tuple(values["secrets"]),
            "given": tuple(values.get("given", ())),
            "settings": ComposeSettings.load(values["settings"]),
            "commit": Commit(**commit) if commit else None,
        }
        return ComposePlan(**rest)

    @property
    def guarded(self) -> bool:
        """Whether whoever said what its file is may not use the machine."""
        settings = self.settings
        by_hand = settings.source_type in {RAW, DROP}
        return not settings.host_access and (settings.file_guarded if by_hand else settings.git.guarded)

    @property
    def build_account(self) -> Account | None:
        """Who owns the files and reads the compose file; None where the panel is not root and does it itself."""
        return None if self.build_uid is None else Account(uid=self.build_uid, gid=self.build_uid)

    @property
    def git_account(self) -> Account | None:
        """Who keeps the mirrors."""
        return None if self.git_uid is None else Account(uid=self.git_uid, gid=self.git_uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposePlanner:
    """``open_key`` gives the private SSH key of an id within an organisation, ``open_registry`` what opens a registry,
    ``repository`` the one that a git provider opens; ``uid_base`` is where the accounts begin, None
    where there are none.
    """

    vault: Vault
    open_key: OpenKey
    open_registry: OpenRegistry
    repository: FindRepository
    uid_base: int | None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The plan of a deployment's compose service. Raises RunFailed (refused) where it cannot be made."""
        try:
            compose = engine_fetch.asked(tx, store.find(tx, deployment.subject_id, self.vault), self.vault)
            plan = self.plan(tx, compose, deployment.input)
            powers.require_start(tx, compose, plan.settings)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error
        key = () if plan.ssh_key is None else (plan.ssh_key,)
        passwords = (each["password"] for each in plan.registries)
        provider = () if plan.provider is None else ForgeConnection.load(plan.provider).secrets
        mask = (*plan.secrets, *provider, *key, *passwords, *credentials_in(plan.settings.git.url or ""))
        return Frozen(plan=plan.dump(), mask=mask)

    def plan(self, tx: Tx, compose: Compose, given: Mapping[str, Any]) -> ComposePlan:
        """What a deploy that was ``given`` this would work from now. Raises InvalidInput."""
        settings = replace(compose.settings, git=replace(compose.settings.git, tag=given.get("tag")))
        require_file(settings)
        opened = self.repository(tx, settings.source_type, settings.extra, compose.organization_id)
        if opened is not None:
            led = replace(settings.git, url=opened.url, branch=opened.branch, guarded=opened.connection.guarded)
            settings = replace(settings, git=replace(led, ssh_key_id=None))
        settings = _guarded(tx, compose, settings)
        resolved = variables_of(tx, compose, self.vault)
        key = None
        if settings.source_type not in {RAW, DROP}:
            key = key_of_source(tx, self.open_key, settings.git.ssh_key_id, compose.organization_id, settings.git.url)
        commit = given.get("commit")
        return ComposePlan(
            compose_id=compose.service_id,
            app_name=compose.app_name,
            settings=settings,
            variables=resolved.variables,
            secrets=resolved.secrets(Marks()),
            ssh_key=key,
            registries=[self._registry(tx, each, compose.organization_id) for each in settings.registry_ids],
            given=self._given(tx, compose),
            build_uid=compose.build_uid,
            git_uid=self._git_uid(tx, compose.service_id),
            allow_file=bool(given.get("allow_file")) and may_fetch(tx, compose, settings.git.url),
            again=given.get("type") == "redeploy",
            commit=Commit(**commit) if commit else None,
            serving=compose.serving_release_id,
            was_up=compose.wanted is DesiredState.UP,
            provider=None if opened is None else opened.connection.dump(),
        )

    def plan_back(self, tx: Tx, compose: Compose, release: ComposeRelease) -> ComposePlan:
        """What going back to a release works from: its record has all that its containers are made of."""
        commit = deployments.commit_of(tx, release.deployment_id)
        bare = {"hash": release.commit_hash, "subject": "", "author": "", "branch": ""}
        return ComposePlan(
            compose_id=compose.service_id,
            app_name=compose.app_name,
            settings=_guarded(tx, compose, compose.settings),
            variables={},
            secrets=release.record.secrets,
            ssh_key=None,
            registries=[],
            build_uid=compose.build_uid,
            git_uid=self._git_uid(tx, compose.service_id),
            allow_file=False,
            again=True,
            commit=Commit(**(commit or bare)) if release.commit_hash is not None else None,
            serving=compose.serving_release_id,
            was_up=compose.wanted is DesiredState.UP,
        )

    def _git_uid(self, tx: Tx, compose_id: str) -> int | None:
        return None if self.uid_base is None else self.uid_base + accounts_store.of_git(tx, compose_id)

    def _given(self, tx: Tx, compose: Compose) -> tuple[str, ...]:
        found = (self.open_registry(tx, each, compose.organization_id) for each in compose.settings.registry_ids)
        return tuple(each.url.partition("/")[0] for each in found if not each.guarded)

    def _registry(self, tx: Tx, registry_id: str, organization_id: str) -> Mapping[str, str]:
        found = self.open_registry(tx, registry_id, organization_id)
        return {"url": found.url, "username": found.username, "password": found.password.reveal()}


def _guarded(tx: Tx, compose: Compose, settings: ComposeSettings) -> ComposeSettings:
    """The settings with where their addresses may lead now."""
    marks = (settings.git.guarded, settings.file_guarded)
    guarded, file_guarded = (is_guarded(tx, compose.organization_id, each) for each in marks)
    return replace(settings, git=replace(settings.git, guarded=guarded), file_guarded=file_guarded)


def variables_of(tx: Tx, compose: Compose, vault: Vault) -> Resolved:
    """The variables with those of the project and the environment that they refer to. Raises InvalidInput where a
    reference leads nowhere.
    """
    return resolve(layers_of(tx, compose, vault), Layer.OWN)


def known_secrets(tx: Tx, compose: Compose, vault: Vault) -> tuple[str, ...]:
    """The values that must not show; while a reference leads nowhere, all that any of them could be."""
    with suppress(InvalidInput):
        return variables_of(tx, compose, vault).secrets(Marks())
    with suppress(InvalidInput):
        layers = layers_of(tx, compose, vault)
        return tuple(secret for variables in layers.values() for secret in secrets_among(variables))
    return secrets_among(parse_variables(compose.env))  # what they may refer to cannot be read


def check_variables(env: str) -> None:
    """What can be told of the variables alone. Raises InvalidInput."""
    resolve({Layer.OWN: parse_variables(env)}, Layer.OWN)


def require_file(settings: ComposeSettings) -> None:
    """Raises InvalidInput where there is no file, or nothing that could hold one."""
    if settings.source_type == RAW and not settings.compose_file.strip():
        raise InvalidInput(
            "The compose service has no file yet; give it one, or its git repository (headway composes set "
            "NAME --file FILE, or --git URL)."
        )
    if settings.source_type == GIT and not settings.git.url:
        raise InvalidInput(
            "The compose service has no source yet; set its git repository (headway composes set NAME --git URL)."
        )
    if settings.source_type == DROP and settings.drop.archive is None:
        raise InvalidInput(
            "Nothing was uploaded for this compose service yet: send an archive (compose.dropDeployment)."
        )
    if settings.source_type not in {RAW, GIT, DROP} and provided(settings.source_type, settings.extra) is None:
        raise InvalidInput(
            f"The compose service has no repository of {settings.source_type} yet; choose provider, owner, repository "
            "and branch first (compose.update)."
        )
