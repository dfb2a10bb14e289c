"""Where languages and package managers are fetched from, and what images begin with: settings of the panel."""

from __future__ import annotations

from dataclasses import field

from headway.kernel.bounds import told
from headway.kernel.container_settings import ContainerSettings
from headway.kernel.dataclass import dataclass
from headway.kernel.forms import matching
from headway.kernel.secret import Secret

_IMAGES = matching(
    r"(python|node|go|deno|bun|other)=[!-~]+( (python|node|go|deno|bun|other)=[!-~]+)*",
    "LANGUAGE=IMAGE, several of them apart by spaces, such as 'python=python:{version} other=debian:trixie'",
)
_REGISTRY = matching(r"https?://[^\s{}]+", "an address that begins with http:// or https://", secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainSettings(ContainerSettings):
    """A part of the panel's settings."""

    npm_registry: Secret | None = field(
        default=None,
        metadata=told(
            _REGISTRY,
            "Where Node, Bun, Deno and their package managers are fetched from.",
            written="what npm is configured for on each machine (npmrc), else the public registry",
        ),
    )
    pypi_index: Secret | None = field(
        default=None,
        metadata=told(
            _REGISTRY,
            "Where uv, Poetry, Pipenv, PDM and Go are fetched from: an index as pip reads it.",
            written="what pip is configured for on each machine (pip.conf), else the public index",
        ),
    )
    python_builds: Secret | None = field(
        default=None,
        metadata=told(
            _REGISTRY,
            "Where Pythons that a machine does not have are fetched from: a mirror of python-build-standalone.",
            written="its releases on github.com",
        ),
    )
    build_images: str | None = field(
        default=None,
        metadata=told(
            _IMAGES,
            "The images that plans are built on as containers: of `python`, `node`, `go`, `deno`, `bun`, and `other` "
            "for what needs none of these. `{version}` stands for the version that is asked for.",
            written="the official images of Docker Hub, and `buildpack-deps` for `other`",
        ),
    )
