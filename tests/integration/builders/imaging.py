"""What tests of builders of images share: their spec, and a look at what was built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headway.drivers.builders.base import BuildSpec, ImageSpec
from headway.drivers.runtimes.container.site_server import configuration, lay_out
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.docker.cli import Docker
from headway.infra.hosts.command import Account
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from tests.integration.builders.workspaces import spec_of
from tests.integration.worksite import Worksite
from tests.support.docker.docker_engine import Engine


def image_spec_of(
    site: Worksite,
    engine: Engine,
    secrets: Mapping[str, str] | None = None,
    **options: Any,  # noqa: ANN401 - fields
) -> BuildSpec:
    """The spec of a build of an image; ``options`` are fields of ImageSpec, or of BuildSpec below ``build``."""
    build = options.pop("build", {})
    group = engine.socket.stat().st_gid
    image = ImageSpec(
        api=DockerApi(unix_socket(str(engine.socket))),
        cli=Docker(host=engine.host, configuration=str(site.folder / "docker-configuration")),
        name=f"headway-test/built-{hash(site.folder.name) % 10**12}:r-one",
        group="group-" + new_id(),
        account=None if site.build is None else Account(uid=site.build.uid, gid=group),
        secrets={name: Secret(value) for name, value in (secrets or {}).items()},
        file_server=str(file_server(site.folder)),
        site_file=configuration,
    )
    return replace(spec_of(site, **build), image=replace(image, **options))


def file_server(folder: Path) -> Path:
    """A folder with a file server, as a panel lays one out."""
    made = folder / "server"
    if not made.exists():
        lay_out(made)
    return made


def run_image(engine: Engine, name: str, *command: str) -> str:
    """What a command says in a container of an image."""
    return engine.docker("run", "--rm", "--network=none", name, *command)
