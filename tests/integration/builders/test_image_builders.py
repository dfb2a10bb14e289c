"""The other builders of images: a site with its file server, and programs that this host does not have."""

from __future__ import annotations

import json

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.registry import BUILDERS
from headway.drivers.builders.static_image import StaticImageBuilder
from headway.infra import http_request
from tests.integration.builders.imaging import image_spec_of
from tests.integration.builders.workspaces import lay_out
from tests.integration.runtimes.bench import free_port, until_async
from tests.integration.worksite import Worksite
from tests.support.docker.docker_engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(180)]


async def test_a_site_becomes_an_image_that_serves_it(site: Worksite, docker_engine: Engine) -> None:
    files = {"index.html": "<h1>hello</h1>", "404.html": "nothing here", ".env": "SECRET=1"}
    spec = image_spec_of(site, docker_engine)
    image = await StaticImageBuilder().build(site, lay_out(site, files), spec)
    assert image.ports == (80,)
    port = free_port()
    container = docker_engine.docker("run", "--detach", f"--publish=127.0.0.1:{port}:80", image.reference).strip()
    try:

        async def status(path: str) -> int:
            try:
                return (
                    await http_request.get("127.0.0.1", port, path, headers={"Host": "x"}, timeout_seconds=2)
                ).status
            except http_request.NoAnswer:
                return 0

        async def serves() -> bool:
            return await status("/") == 200

        await until_async(serves)
        assert [await status(path) for path in ("/missing", "/.env")] == [404, 404]
        user = json.loads(docker_engine.docker("inspect", "--format={{json .Config.User}}", container))
        assert user == "65534:65534"
    finally:
        docker_engine.docker("rm", "--force", container)


async def test_what_is_no_site_is_not_made_one(site: Worksite, docker_engine: Engine) -> None:
    workspace = lay_out(site, {"Procfile": "web: ./run\n"})
    with pytest.raises(BuildError, match="no static site"):
        await StaticImageBuilder().build(site, workspace, image_spec_of(site, docker_engine))


@pytest.mark.parametrize(
    ("builder", "program"),
    [("heroku_buildpacks", "pack"), ("paketo_buildpacks", "pack")],
)
async def test_a_program_that_is_not_installed_is_named_with_what_to_do(
    site: Worksite, docker_engine: Engine, builder: str, program: str
) -> None:
    workspace = lay_out(site, {"app.py": ""})
    with pytest.raises(BuildError, match=f"program {program} is not installed on this host .* See https://"):
        await BUILDERS[builder].build(site, workspace, image_spec_of(site, docker_engine))


async def test_a_language_that_no_builder_here_has_is_refused_with_what_would_have_it(
    site: Worksite, docker_engine: Engine
) -> None:
    workspace = lay_out(site, {"Gemfile": ""})
    sentence = "has a container engine, which builds a Dockerfile; .* with railpack in /usr/local/bin"
    with pytest.raises(BuildError, match=sentence):
        await BUILDERS["railpack"].build(site, workspace, image_spec_of(site, docker_engine))
