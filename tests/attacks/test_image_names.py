"""The images of releases are for no build of anybody's, by whatever name."""

from __future__ import annotations

import secrets

import pytest

from headway.kernel.ids import new_id
from tests.integration.worksite import Worksite
from tests.support.applications.building import FROM, Tenant, tenants
from tests.support.docker.docker_engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]

USES = (
    "FROM {image}\n",
    "FROM --platform=linux/amd64 {image} AS taken\nFROM taken\n",
    "ARG IMAGE={image}\nFROM $IMAGE\n",
    "ARG A={host}\nARG B={path}\nFROM ${{A:-x}}/${{B%:*}}:${{B##*:}}\n",
    "# escape=`\nFROM `\n  # no word of it\n  {image}\n",
    FROM + "COPY --from={image} /secret /taken\n",
    FROM + "RUN --mount=from={image},target=/m cp /m/secret /taken\n",
    FROM + "ARG IMAGE={image}\nRUN --mount=type=bind,from={image},target=/m cat /m/secret\n",
)


@pytest.fixture
async def release(site: Worksite, docker_engine: Engine) -> tuple[Tenant, str]:
    """A release of the victim's, and who wants it."""
    victim, attacker = tenants(site, docker_engine)
    built = await victim.build(FROM + "RUN echo PRIVATE-SOURCE > /secret\n")
    name = f"headway-{secrets.token_hex(6)}/shop:r-{new_id()}"
    docker_engine.docker("tag", built, name)
    return attacker, name


async def test_no_instruction_takes_a_release(release: tuple[Tenant, str]) -> None:
    attacker, name = release
    spelled = [*((use, "") for use in USES), *((USES[0], each) for each in ("docker.io/", "index.docker.io/"))]
    for use, prefix in spelled:
        dockerfile = use.format(image=prefix + name, host="docker.io", path=name)
        said = await attacker.refused(dockerfile)
        assert "is a release of a service here" in said, (dockerfile, said)
        assert "PRIVATE-SOURCE" not in said


async def test_what_a_release_is_called_elsewhere_is_no_way(release: tuple[Tenant, str], docker_engine: Engine) -> None:
    attacker, name = release
    tag = name.partition(":")[2]
    other = [
        "headway-0123456789ab-01234567/shop:r-1",
        "headway-compose/shop/web:new",
        f"registry.example.org/team/shop:{tag}",
    ]
    for each in other:
        docker_engine.docker("tag", name, each)
        assert "is a release of a service here" in await attacker.refused(f"FROM {each}\n")


async def test_an_id_or_a_digest_is_no_way(release: tuple[Tenant, str], docker_engine: Engine) -> None:
    attacker, name = release
    whole = docker_engine.docker("image", "ls", "--quiet", "--no-trunc", name).strip()
    of_the_hub, of_here = "The image docker.io/library/{} cannot be fetched", "is a release of a service here"
    for each, why in (
        (whole, of_the_hub.format(whole)),
        (whole.removeprefix("sha256:")[:12], of_the_hub.format(f"{whole.removeprefix('sha256:')[:12]}:latest")),
        (f"{name}@{whole}", of_here),
        (f"{name.partition(':')[0]}@{whole}", of_here),
    ):
        said = await attacker.refused(f"FROM {each}\nRUN cat /secret\n")
        assert why in said, (each, said)
        assert "PRIVATE-SOURCE" not in said


async def test_a_base_image_does_it_for_nobody(release: tuple[Tenant, str], docker_engine: Engine) -> None:
    attacker, name = release
    for number, trigger in enumerate((f"COPY --from={name} /secret /x", "ADD http://127.0.0.1:9/ /x")):
        base = f"headway-test/trigger:{number}"
        docker_engine.docker("build", f"--tag={base}", "-", stdin=f"{FROM}ONBUILD {trigger}\n".encode())
        said = await attacker.refused(f"FROM {base}\nRUN cat /x\n")
        assert "not for builds" in said or "needs to be defined before" in said


async def test_an_image_of_ones_own_that_is_none_of_headways_is_taken(
    release: tuple[Tenant, str], docker_engine: Engine
) -> None:
    attacker, name = release
    docker_engine.docker("tag", name, "headway-test/shared:1")
    image = await attacker.build("FROM headway-test/shared:1\n")
    assert attacker.says(image, "/secret") == "PRIVATE-SOURCE"
