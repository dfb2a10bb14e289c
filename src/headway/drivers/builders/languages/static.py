"""Static sites: a folder with an index.html, served as it is."""

from __future__ import annotations

from headway.drivers.builders.plan import Listing

INDEX = "index.html"
ROOT = "."
# Where the usual site generators put what they make, and then the repository itself.
BUILT = ("dist", "build", "out", "public", "_site")
FILES = (INDEX, f"public/{INDEX}")


def recognise(listing: Listing) -> tuple[str, ...]:
    """The folders of a site that needs no build; () when there is none."""
    if INDEX in listing:
        return (ROOT,)
    return ("public",) if f"public/{INDEX}" in listing else ()


def after_build() -> tuple[str, ...]:
    """The folders to look at, in this order, once a build command has run."""
    return (*BUILT, ROOT)
