"""The builders, by the name that an application's settings call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headway.drivers.builders.base import Builder
from headway.drivers.builders.buildpacks import BuildpacksBuilder
from headway.drivers.builders.dockerfile import DockerfileBuilder
from headway.drivers.builders.native import NativeBuilder
from headway.drivers.builders.nixpacks import NixpacksBuilder
from headway.drivers.builders.railpack import RailpackBuilder
from headway.drivers.builders.static_image import StaticImageBuilder

SITE_IMAGES: Final = frozenset({"static", "nixpacks", "railpack"})  # put a file server into sites that they build
BY_CONTAINERS: Final = frozenset({"heroku_buildpacks", "paketo_buildpacks"})
BUILDERS: Final[Mapping[str, Builder]] = {
    "native": NativeBuilder(),
    "dockerfile": DockerfileBuilder(),
    "static": StaticImageBuilder(),
    "nixpacks": NixpacksBuilder(),
    "railpack": RailpackBuilder(),
    "heroku_buildpacks": BuildpacksBuilder(image="heroku/builder", version="24"),
    "paketo_buildpacks": BuildpacksBuilder(image="paketobuildpacks/builder-jammy-full", version="latest"),
}
