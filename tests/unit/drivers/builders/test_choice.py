"""Which builder is chosen, for every combination that matters."""

from __future__ import annotations

import pytest

from headway.drivers.builders.choice import Seen, choose
from headway.drivers.builders.registry import BUILDERS

STAYS = "what serves is an image with its own data, so it stays one until a builder is set (such as native)"


def seen(
    *,
    engine: bool = False,
    dockerfile: bool = False,
    nixpacks: bool = False,
    lacking: str | None = None,
    stays: bool = False,
) -> Seen:
    return Seen(has_engine=engine, has_dockerfile=dockerfile, has_nixpacks=nixpacks, lacking=lacking, stays=stays)


@pytest.mark.parametrize(
    ("found", "builder", "reason"),
    [
        (
            seen(engine=True, dockerfile=True, nixpacks=True),
            "dockerfile",
            "there is a Dockerfile, and a container engine",
        ),
        (seen(engine=True, nixpacks=True), "nixpacks", "there is a container engine, and nixpacks is installed"),
        (seen(engine=True), "native", "there is no Dockerfile, and nixpacks is not installed"),
        (seen(dockerfile=True), "native", "there is a Dockerfile, but no container engine that answers"),
        (
            seen(engine=True, lacking="this machine does not have gcc"),
            "railpack",
            (
                "this machine does not have gcc, which a native build needs; there is a container engine, so it "
                "becomes an image"
            ),
        ),
        (
            seen(engine=True, nixpacks=True, lacking="x"),
            "nixpacks",
            "there is a container engine, and nixpacks is installed",
        ),
        (seen(engine=True, stays=True), "railpack", STAYS),
        (seen(engine=True, nixpacks=True, stays=True), "railpack", STAYS),
        (seen(stays=True), "railpack", STAYS),
        (seen(engine=True, dockerfile=True, stays=True), "dockerfile", "there is a Dockerfile, and a container engine"),
        (seen(lacking="x"), "native", "there is no container engine"),
        (seen(nixpacks=True), "native", "there is no container engine"),
        (seen(), "native", "there is no container engine"),
    ],
)
@pytest.mark.parametrize("builder_setting", [None, "auto"])
def test_by_itself_it_takes_what_is_there(found: Seen, builder: str, reason: str, builder_setting: str | None) -> None:
    choice = choose(builder_setting, "nixpacks", found)
    assert (choice.builder, choice.reason) == (builder, reason)


@pytest.mark.parametrize("builder", sorted(BUILDERS))
def test_what_is_set_decides(builder: str) -> None:
    everything = seen(engine=True, dockerfile=True, nixpacks=True, stays=True)
    assert choose(builder, "dockerfile", everything).builder == builder


@pytest.mark.parametrize("build_type", ["dockerfile", "heroku_buildpacks", "paketo_buildpacks", "static", "railpack"])
def test_without_a_builder_the_type_decides_unless_it_is_what_it_is_by_itself(build_type: str) -> None:
    assert choose(None, build_type, seen(engine=True)).builder == build_type


def test_a_site_needs_no_engine() -> None:
    assert choose(None, "static", seen()).builder == "native"
