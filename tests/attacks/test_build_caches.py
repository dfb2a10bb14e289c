"""A build reads and writes the caches of its own application only."""

from __future__ import annotations

import pytest

from headway.drivers.builders.recipe import check_names
from headway.kernel.errors import InvalidInput
from tests.integration.worksite import Worksite
from tests.support.applications.building import FROM, tenants
from tests.support.docker.docker_engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]

MOUNT = "--mount=type=cache,target=/root/.npm"
# Each an id of the victim's cache: its place, and paths by which a namespace could be left.
IDS = ("/root/.npm", "../root/.npm", "VICTIM//root/.npm", "../VICTIM//root/.npm", "/VICTIM//root/.npm", "//root/.npm")


async def test_a_cache_is_read_and_poisoned_by_nobody_else(site: Worksite, docker_engine: Engine) -> None:
    victim, attacker = tenants(site, docker_engine)
    await victim.build(f"{FROM}RUN {MOUNT} echo private-package > /root/.npm/package\n")
    ids = (each.replace("VICTIM", victim.group) for each in IDS)
    mounts = " ".join(f"--mount=type=cache,target=/m{number},id={each}" for number, each in enumerate(ids))
    steal = (
        "cat /root/.npm/package /m*/package > /read; for each in /root/.npm /m*; do echo poisoned > $each/package; done"
    )
    read = await attacker.build(f"{FROM}RUN {MOUNT} {mounts} {steal}\n")
    assert attacker.says(read, "/read") == ""
    kept = await victim.build(f"{FROM}RUN {MOUNT} cat /root/.npm/package > /kept\n")
    assert victim.says(kept, "/kept") == "private-package"


@pytest.mark.parametrize("name", ["BUILDKIT_CACHE_MOUNT_NS", "buildkit_cache_mount_ns", "BUILDKIT_INLINE_CACHE"])
async def test_nobody_gives_an_argument_to_buildkit_itself(site: Worksite, docker_engine: Engine, name: str) -> None:
    victim, attacker = tenants(site, docker_engine)
    said = await attacker.refused(FROM, arguments={name: victim.group})
    assert "BUILDKIT_" in said
    assert "Remove it from the build arguments" in said


async def test_an_argument_of_the_dockerfile_does_not_choose_the_caches(site: Worksite, docker_engine: Engine) -> None:
    victim, attacker = tenants(site, docker_engine)
    await victim.build(f"{FROM}RUN {MOUNT} echo private-package > /root/.npm/package\n")
    chosen = f"ARG BUILDKIT_CACHE_MOUNT_NS={victim.group}\n"
    read = await attacker.build(f"{chosen}{FROM}{chosen}RUN {MOUNT} cat /root/.npm/package > /read || true\n")
    assert attacker.says(read, "/read") == ""


def test_a_name_of_another_kind_is_no_way_either() -> None:
    for name in ("BUILDKIT_SYNTAX", " BUILDKIT_SYNTAX", "BUILDKIT_SYNTAX=x/y:1", "A=B", "Buildkit_Syntax", "x y", ""):
        with pytest.raises(InvalidInput):
            check_names([name])
    check_names(["HTTP_PROXY", "secrets-hash", "npm_config_x.y"])
