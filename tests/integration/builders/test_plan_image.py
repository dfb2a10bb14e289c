"""The plan of a workspace as an image, built by a real engine: where it lies, what it begins with, and once more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headway.drivers.builders.base_image_names import read_bases
from headway.drivers.builders.dockerfile import DockerfileBuilder
from headway.drivers.builders.engine import UNDO_BUILD
from headway.drivers.builders.plan_image import PlanImageBuilder
from headway.infra.hosts.base import Exit
from headway.infra.hosts.command import Command
from headway.kernel.artifacts import Image, Workspace
from tests.integration.builders.imaging import image_spec_of, run_image
from tests.integration.builders.workspaces import lay_out
from tests.integration.worksite import CommandFailed, Worksite
from tests.support.docker.docker_engine import Engine
from tests.support.docker.plan_bases import PLAN_BASE, build_images, make_plan_base

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

BASES = read_bases(build_images())
# Which nobody but this machine could mean; the engine has it, so that no registry is asked.
NEAR = "127.0.0.1:9/bases/plans:local"
ODD = "größer \"a\" 'b' $HOME ${X:-y} `id` \\n #c=d \\ "


@pytest.fixture
def engine(docker_engine: Engine) -> Engine:
    make_plan_base(docker_engine)
    return docker_engine


@pytest.fixture
def near(engine: Engine) -> Iterator[str]:
    engine.docker("tag", PLAN_BASE, NEAR)
    yield NEAR
    engine.docker("rmi", NEAR)


async def test_a_panel_that_goes_on_with_the_build_of_a_site_finds_what_was_written(
    site: Worksite, engine: Engine
) -> None:
    files = {"page.html": "<h1>built</h1>", ".headway-site/folder": "of the repository", ".headway-site/files/x": ""}
    line = {"build_command": "mkdir dist; cp page.html dist/index.html", "output_folder": "dist"}
    spec, workspace = image_spec_of(site, engine, bases=BASES, build=line), lay_out(site, files)
    image = await PlanImageBuilder().build(site, workspace, spec)
    assert await PlanImageBuilder().build(site, workspace, spec) == image
    assert site.names.count("build") == 1
    assert [each for each in site.said if each.startswith("Served: ")] == ["Served: dist", "Served: dist"]


class HeldAtItsSecondBuild(Worksite):
    """A run whose second build waits for a file before it begins. ``asked`` are its commands, each time they are."""

    def __init__(self, site: Worksite, gate: Path) -> None:
        super().__init__(site.folder, site.host)
        self.gate = gate
        self.asked: list[str] = []

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        self.asked.append(name)
        if name == "image":
            (stage,) = command.stages
            waiting = 'until [ -e "$0" ]; do sleep 0.05; done; exec "$@"'
            argv = ("/bin/sh", "-c", waiting, str(self.gate), *stage.argv)
            command = replace(command, stages=(replace(stage, argv=argv),))
        return await super().command(name, command, check=check)

    async def came_to(self, name: str, times: int, building: asyncio.Task[Image]) -> None:
        while self.asked.count(name) < times:
            assert not building.done(), building
            await asyncio.sleep(0.02)


async def test_a_panel_that_goes_on_with_the_second_build_of_a_site_takes_nothing_from_it(
    site: Worksite, engine: Engine
) -> None:
    line = {"build_command": "mkdir dist; cp page.html dist/index.html", "output_folder": "dist"}
    spec, workspace = image_spec_of(site, engine, bases=BASES, build=line), lay_out(site, {"page.html": "built"})
    run = HeldAtItsSecondBuild(site, site.folder / "go")
    try:
        before = asyncio.create_task(PlanImageBuilder().build(run, workspace, spec))
        await run.came_to("image", 1, before)
        await run.started("image")
        own = Path(run.commands[run.names.index("image")].env["DOCKER_CONFIG"]) / "written-meanwhile"
        own.write_text("by the command that runs")
        before.cancel()  # as a panel dies: what its run has begun goes on
        await asyncio.wait([before])
        after = asyncio.create_task(PlanImageBuilder().build(run, workspace, spec))
        await run.came_to("image", 2, after)
        assert own.exists()
        run.gate.touch()
        assert (await after).reference.startswith("sha256:")
    finally:
        await run.end()
    assert run.names.count("build") == run.names.count("image") == 1
    assert not own.parent.exists()
    assert len({data["group"] for name, data in run.undos if name == UNDO_BUILD}) == 2, "and each ends its own"


async def test_a_build_path_is_where_it_is_whatever_it_is_called(site: Worksite, engine: Engine) -> None:
    files = {f"{ODD}/package.json": '{"scripts": {"start": "node server.js"}}', f"{ODD}/server.js": ""}
    root = lay_out(site, files).root
    workspace = Workspace(root=root, folder=f"{root}/{ODD}")
    image = await PlanImageBuilder().build(site, workspace, image_spec_of(site, engine, bases=BASES))
    told = json.loads(engine.docker("image", "inspect", "--format={{json .Config}}", image.reference))
    assert told["WorkingDir"] == f"/app/{ODD}"
    (path,) = [each for each in told["Env"] if each.startswith("PATH=")]
    assert path.startswith(f"PATH=/app/{ODD}/node_modules/.bin:/usr/")
    assert "server.js" in run_image(engine, image.reference, "ls").split()


async def test_a_plan_begins_with_the_image_that_is_set_also_where_only_this_machine_has_it(
    site: Worksite, engine: Engine, near: str
) -> None:
    bases = read_bases(build_images(near))
    spec = image_spec_of(site, engine, bases=bases)
    assert spec.image is not None
    workspace = lay_out(site, {"Procfile": "web: sleep 1\n", "Dockerfile": f"FROM {near}\n"})
    image = await PlanImageBuilder().build(site, workspace, spec)
    assert image.data_folder == "/data"
    await site.begin_again()
    with pytest.raises(CommandFailed):
        await DockerfileBuilder().build(site, workspace, replace(spec, image=replace(spec.image, name="x:r-two")))
    assert f"The build wants {near} from a registry on the machine's own network" in await site.log()
