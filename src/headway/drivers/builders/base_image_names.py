"""The names of the images that plans are built on, which a panel knows from its start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OTHER: Final = "other"
# What has a compiler and the headers of the usual libraries, as builds of packages need them; in this order, the first
# that is needed is what the image begins with.
BASES: Final[Mapping[str, str]] = {
    "python": "python:{version}",
    "node": "node:{version}",
    "go": "golang:{version}",
    "deno": "denoland/deno:{version}",
    "bun": "oven/bun:{version}",
    OTHER: "buildpack-deps:trixie",
}


def read_bases(text: str | None) -> dict[str, str]:
    """The images by language, as the setting has them."""
    return {**BASES, **dict(part.split("=", 1) for part in (text or "").split())}
