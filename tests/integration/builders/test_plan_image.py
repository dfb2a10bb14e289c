"""The plan of a workspace as an image, built by a real engine: where it lies, what it begins with, and once more."""

from __future__ import annotations

import pytest

from headway.seams.builders.base_images import read_bases
from headway.seams.builders.plan_image import PlanImageBuilder
from tests.docker_engine import Engine
from tests.integration.builders.imaging import image_spec_of
from tests.integration.builders.workspaces import lay_out
from tests.integration.worksite import Worksite
from tests.plan_bases import build_images, make_plan_base

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

BASES = read_bases(build_images())


@pytest.fixture
def engine(docker_engine: Engine) -> Engine:
    make_plan_base(docker_engine)
    return docker_engine


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
