"""What a deploy tells those who make and run images: names, labels, accounts and places, made from its plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Protocol

from headway.drivers.builders.base import ImageSpec
from headway.drivers.builders.base_image_names import BASES
from headway.drivers.builders.publication import Destination
from headway.drivers.runtimes.container.site_server import configuration
from headway.drivers.sources.image import ImageSource, PulledSpec, checked_name
from headway.features.services.application.container_check import own_check_of
from headway.features.services.application.folders import AppFolders
from headway.features.services.application.model import AppSettings
from headway.features.services.application.placement import placement_of
from headway.features.services.application.plan import ApplicationPlan
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi
from headway.infra.docker.cli import Docker, Typed
from headway.infra.docker.images import release_name, tag_of
from headway.kernel.artifacts import Container, Image, Mount, MountKind, PublishedPort, RegistryLogin, Restart
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret
from headway.kernel.variables import parse_variables

UNIX = "unix://"


class FileServer(Protocol):
    """What serves the files of a site in its image, as a folder of the host."""

    @property
    def folder(self) -> str:
        """Where it is."""
        ...

    async def lay_out(self) -> None:
        """Sees to it that it is there. Raises HeadwayError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpecs:
    """The engine of a host as deploys use it; ``host`` is how it is named, ``bases`` are what plans are built on."""

    api: DockerApi
    host: str
    panel_id: str
    folders: AppFolders
    file_server: FileServer
    bases: Mapping[str, str] = field(default_factory=lambda: BASES)

    @property
    def socket(self) -> str:
        """Where the engine listens."""
        return self.host.removeprefix(UNIX)

    def spec(self, plan: ApplicationPlan, deployment_id: str, builder: str) -> ImageSpec:
        """What a builder of images is told. Arguments and secrets are the build's own variables."""
        settings = plan.settings
        secrets = parse_variables(settings.variables.build_secrets or "")
        return ImageSpec(
            api=self.api,
            cli=self.cli(deployment_id),
            name=release_name(self.panel_id, plan.app_name, deployment_id),
            group=plan.application_id,
            ruled=plan.ruled,
            labels={
                labels.PANEL: self.panel_id,
                labels.PROJECT: plan.project_id,
                labels.APPLICATION: plan.application_id,
                labels.DEPLOYMENT: deployment_id,
                labels.RELEASE: deployment_id,
            },
            account=plan.build_account,
            login=self._login(plan, deployment_id),
            dockerfile=settings.tool.dockerfile or "Dockerfile",
            context=settings.tool.context or ".",
            stage=settings.tool.stage,
            arguments={name: value for name, value in plan.build_variables.items() if name not in secrets},
            secrets={name: Secret(value) for name, value in plan.build_variables.items() if name in secrets},
            registries=(plan.registry["url"],) if plan.registry is not None else (),
            may_fetch=bool(settings.engine_fetch),
            fresh=settings.tool.clean_cache,
            version=_version(settings, builder),
            bases=self.bases,
            file_server=self.file_server.folder,
            site_file=configuration,
        )

    def source(self, plan: ApplicationPlan, deployment_id: str) -> ImageSource:
        """The image that is the application's source."""
        registry = plan.registry or {}
        password = registry.get("password")
        return ImageSource(
            spec=PulledSpec(
                name=plan.settings.docker.image or "",
                kept_as=release_name(self.panel_id, plan.app_name, deployment_id),
                registry=registry.get("url", ""),
                username=registry.get("username"),
                password=None if password is None else Secret(password),
                guarded=plan.settings.docker.guarded,
            ),
            api=self.api,
            cli=self.cli(deployment_id),
            step_seconds=plan.settings.deadlines.step_seconds,
        )

    def cli(self, deployment_id: str) -> Docker:
        """The command line for one deployment, with a folder of its own for credentials."""
        return Docker(host=self.host, configuration=f"{self.folders.work}/logins/{deployment_id}")

    def destination(self, plan: ApplicationPlan, deployment_id: str) -> Destination | None:
        """Where the image of a deployment is taken to, for other machines to fetch; None where no registry is chosen.
        Raises InvalidInput.
        """
        login = self._login(plan, deployment_id)
        if plan.registry is None or login is None:
            return None
        registry = plan.registry
        parts = (registry["url"], registry.get("prefix") or registry["username"], plan.app_name)
        return Destination(
            name=checked_name(f"{'/'.join(part for part in parts if part)}:{tag_of(deployment_id)}"),
            registry=registry["url"],
            login=login,
            cli=self.cli(deployment_id),
            api=self.api,
            step_seconds=plan.settings.deadlines.step_seconds,
            guarded=plan.registry_guarded,
        )

    async def hold(self, release_id: str) -> None:
        """Whatever becomes of its containers, the engine starts them no more. Raises EngineAway."""
        mine = labels.labelled(panel=self.panel_id, release=release_id)
        for each in await self.api.get("/containers/json", all=True, filters=mine):
            await self.api.post(f"/containers/{each['Id']}/update", {"RestartPolicy": {"Name": "no"}})

    def _login(self, plan: ApplicationPlan, deployment_id: str) -> Typed | None:
        if plan.registry is None:
            return None
        url, username, password = (plan.registry[name] for name in ("url", "username", "password"))
        return self.cli(deployment_id).login(url, username, Secret(password))

    def container(self, plan: ApplicationPlan, image: Image) -> Container:
        """How the image is run."""
        settings = plan.settings
        return Container(
            port=inner_port(plan, image),
            entrypoint=_entrypoint(settings, image),
            arguments=tuple(settings.run.arguments) if settings.run.arguments else None,
            mounts=(*mounts_of(settings), *_own_mounts(settings, image)),
            published=tuple(
                PublishedPort(outer=each.outer, inner=each.inner, protocol=each.protocol, address=each.address)
                for each in settings.run.published
            ),
            cpus=settings.limits.cpus,
            restart=Restart(settings.run.restart),
            restarts=settings.run.restarts,
            check=own_check_of(settings),
            replicas=settings.run.replicas,
            placement=placement_of(settings),
            reserved_cpus=settings.limits.reserved_cpus,
            reserved_memory_bytes=settings.limits.reserved_memory_bytes,
            login=_registry_login(plan),
        )


def _registry_login(plan: ApplicationPlan) -> RegistryLogin | None:
    if plan.registry is None:
        return None
    url, username, password = (plan.registry[name] for name in ("url", "username", "password"))
    return RegistryLogin(url=url, username=username, password=Secret(password))


def mounts_of(settings: AppSettings) -> tuple[Mount, ...]:
    """What is put into the container."""
    return tuple(
        Mount(
            kind=MountKind(each.kind),
            target=each.target,
            source=each.source,
            content=None if each.content is None else Secret(each.content),
        )
        for each in settings.run.mounts
    )


def inner_port(plan: ApplicationPlan, image: Image) -> int | None:
    """The port that the image's process listens on: the one that is set, the one that the user's own variable names, or
    else the first that the image declares; None where nothing says that it takes requests.
    """
    if not plan.settings.run.takes_requests:
        return None
    if plan.settings.run.image_port is not None:
        return plan.settings.run.image_port
    if plan.fixed_port is not None:
        return plan.fixed_port
    return image.ports[0] if image.ports else None


def _version(settings: AppSettings, builder: str) -> str | None:
    asked: Mapping[str, str | None] = {
        "heroku_buildpacks": settings.tool.heroku_version,
        "railpack": settings.tool.railpack_version,
    }
    return asked.get(builder)


def _own_mounts(settings: AppSettings, image: Image) -> Iterator[Mount]:
    """The volumes of an image that Headway has planned: what lies there stays, and all releases write to it."""
    taken = {each.target for each in settings.run.mounts}
    places = {image.data_folder: "data"} if image.data_folder else {}
    places |= {each: f"keep-{hashlib.sha256(each.encode()).hexdigest()[:12]}" for each in image.keep}
    for target, name in places.items():
        if target not in taken:
            yield Mount(kind=MountKind.VOLUME, target=target, source=name, is_shared=True)


def _entrypoint(settings: AppSettings, image: Image) -> tuple[str, ...] | None:
    """The user's own command line is one argument to the image's shell; in a planned image the start command is part of
    the plan.
    """
    line = settings.run.command or (None if image.data_folder else settings.build.start)
    return ("/bin/sh", "-c", line) if line and line.strip() else None
