"""No Dockerfile chooses the program that it is built by."""

from __future__ import annotations

import json

import pytest

from tests.integration.worksite import Worksite
from tests.support.applications.building import FROM, tenants
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]

# The base image stands for a front end: BuildKit would run it.
FOREIGN = (
    f"#syntax={BASE_IMAGE}\n{FROM}",
    f"\ufeff// syntax = {BASE_IMAGE} --flag\n{FROM}",
    "#!/x\n" + json.dumps({"syntax": BASE_IMAGE}),
)
OWN = (
    "# syntax=docker.io/docker/dockerfile:1.7-labs\n",
    "\ufeff#syntax=docker/dockerfile:1\r\n",
    "#!/usr/bin/env -S docker build\n# syntax=docker/dockerfile:1\n",
)


async def test_a_front_end_of_somebody_elses_is_refused(site: Worksite, docker_engine: Engine) -> None:
    _, attacker = tenants(site, docker_engine)
    for dockerfile in FOREIGN:
        said = await attacker.refused(dockerfile)
        assert "wants to be built by the front end" in said
        assert "remove the line" in said
        assert "build the image elsewhere and deploy that" in said
    # Whom the engine fetches anything for, for he may use the machine, is not asked either.
    assert "wants to be built by the front end" in await attacker.refused(FOREIGN[0], may_fetch=True)


async def test_that_of_docker_is_taken_out_and_nothing_is_fetched(site: Worksite, docker_engine: Engine) -> None:
    _, attacker = tenants(site, docker_engine)
    for directive in OWN:
        image = await attacker.build(f"{directive}{FROM}RUN <<EOF\necho built > /built\nEOF\n")
        assert attacker.says(image, "/built") == "built"
        assert "It is built by that of the engine" in await site.log()


async def test_what_else_a_file_begins_with_stays(site: Worksite, docker_engine: Engine) -> None:
    _, attacker = tenants(site, docker_engine)
    text = f"# syntax=docker/dockerfile:1\n# escape=`\n{FROM}RUN echo built `\n  > /built\n"
    assert attacker.says(await attacker.build(text), "/built") == "built"


async def test_no_argument_chooses_one(site: Worksite, docker_engine: Engine) -> None:
    _, attacker = tenants(site, docker_engine)
    for name in ("BUILDKIT_SYNTAX", "Buildkit_Syntax"):
        assert "BUILDKIT_" in await attacker.refused(FROM, arguments={name: BASE_IMAGE})
    argument = f"ARG BUILDKIT_SYNTAX={BASE_IMAGE}\n"
    image = await attacker.build(f"{argument}{FROM}{argument}RUN echo built > /built\n")
    assert attacker.says(image, "/built") == "built"
