"""What a compose file says of the variables of the application itself, where no file of examples does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from headway.drivers.buildplan.composes import COMPOSES, services
from headway.drivers.buildplan.env_example import is_open, told
from headway.drivers.buildplan.providers.node_package import seen_package
from headway.drivers.buildplan.tree import Tree

_HERE: Final = frozenset({"", ".", "./"})
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,60}")
_OF_SHELL = re.compile(r"\$\{(\w{1,60})(?::?-([^{}]{0,200})|:?\?[^{}]{0,200})?\}|\$(\w{1,60})")
_MOST: Final = 100
_LONGEST: Final = 400


def compose_note(tree: Tree, known: Collection[str]) -> str:
    """The variables that such a file gives the application, and that need a value here; "" where there are none."""
    for file in COMPOSES:
        for service in services(tree, file):
            if _is_it(tree, service):
                names = [each for each, value in _environment(service) if is_open(each, value)]
                if note := told(f"{file} gives", names, known):
                    return note
    return ""


def _is_it(tree: Tree, service: Mapping[str, Any]) -> bool:
    """Whether a service is the application: it is built here, or of the image that has the package's name."""
    build = service.get("build")
    if build is not None:
        place = build.get("context") if isinstance(build, dict) else build
        return isinstance(place, str) and place in _HERE
    image, package = service.get("image"), seen_package(tree)
    if not isinstance(image, str) or package is None or not package.name:
        return False
    own = package.name.rpartition("/")[2].lower()
    return own == posixpath.basename(image).partition(":")[0].partition("@")[0].lower()


def _environment(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables with their values, of either form; "" for what a shell has to say."""
    found = service.get("environment")
    pairs = list(found.items()) if isinstance(found, dict) else []
    if isinstance(found, list):
        pairs = [each.partition("=")[::2] for each in found if isinstance(each, str)]
    for name, value in pairs[:_MOST]:
        if isinstance(name, str) and _NAME.fullmatch(name):
            text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
            yield name, _OF_SHELL.sub(lambda match: match[2] or "", text[:_LONGEST])
