"""What a framework says about an application: how it is built, and what is started or served of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from headway.drivers.buildplan.plan import Site
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_managers import Manager
from headway.drivers.buildplan.providers.node_package import BUILDS, Package
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

ENDINGS: Final = ("ts", "mts", "js", "mjs", "cjs", "cts")
_ROUTERS: Final = (
    "react-router", "react-router-dom", "vue-router", "@tanstack/react-router", "@tanstack/vue-router",
    "@tanstack/solid-router", "wouter", "@solidjs/router", "solid-app-router", "preact-iso", "preact-router",
    "@reach/router", "svelte-routing", "svelte-navigator", "svelte-spa-router", "navigo", "page", "universal-router",
)  # fmt: skip
# What writes a page for each address, and one for those that there are not.
_PRERENDERERS: Final = (
    "vike", "vite-plugin-ssr", "vite-ssg", "vite-react-ssg", "vite-plugin-prerender", "@prerenderer/rollup-plugin",
    "@prerenderer/webpack-plugin", "prerender-spa-plugin", "react-snap", "react-snapshot", "vite-prerender-plugin",
)  # fmt: skip
_SEVERAL_PAGES = re.compile(
    r"\binput\s*:|\bpages\s*:|\bentry\s*:\s*\{[^{}]{0,300},|\bMultiPage|\bappType\s*:\s*[\"']mpa"
)
LOOPBACK: Final = "127.0.0.1"  # the edge comes from there, and nobody else has to


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A package as frameworks look at it: ``tree`` is what lies in its folder, ``manager`` installs it."""

    tree: Tree
    package: Package
    manager: Manager

    def config(self, *stems: str) -> str:
        """The text of a configuration in JavaScript, such as of ``vite.config``, without its comments."""
        names = (f"{stem}.{ending}" for stem in stems for ending in ENDINGS)
        return next((without_comments(self.tree.text(name)) for name in names if name in self.tree.contents), "")

    def has_config(self, *stems: str) -> bool:
        """Whether there is such a configuration, read or not."""
        return any(f"{stem}.{ending}" in self.tree for stem in stems for ending in ENDINGS)

    @property
    def build(self) -> str:
        """The line of the script that builds, "" where there is none that is looked into."""
        return self.package.short(self.package.build or "")

    @property
    def is_routed(self) -> bool | None:
        """True for an application in one page whose router makes the addresses, whatever other pages lie beside it;
        None where that is not sure.
        """
        has_router = any(name in self.package.own for name in _ROUTERS)
        configs = self.config("vite.config", "vue.config", "webpack.config", "craco.config")
        is_one = not self.package.has(*_PRERENDERERS) and _SEVERAL_PAGES.search(configs) is None
        return True if has_router and is_one else None

    def major(self, name: str) -> int | None:
        """The lowest major version in the range of a dependency."""
        found = re.search(r"\d{1,5}", self.package.wanted(name))
        return int(found[0]) if found is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """What was recognised, and by what (``reason``). It has a ``start`` or a ``site``, or neither, and ``refusal`` says
    what to change then. ``scripts`` build it, the first that is there, or else the program ``build`` does; ``after``
    are more commands once it is built. With ``is_decided`` a start script is not asked: it could not work.
    """

    name: str
    reason: str
    start: str | None = None
    site: Site | None = None
    refusal: str | None = None
    scripts: tuple[str, ...] = BUILDS
    build: tuple[str, ...] | None = None
    after: tuple[tuple[str, ...], ...] = ()
    is_decided: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def literal(text: str, key: str) -> str | None:
    """The text that a configuration gives a key, where it is written there as it is."""
    found = re.search(rf"(?<![\w.$]){key}\s*:\s*([\"'`])([^\"'`\n$]+)\1", text)
    return found[2] if found is not None else None


def flag(text: str, key: str) -> bool | None:
    """The truth that a configuration gives a key."""
    found = re.search(rf"(?<![\w.$])[\"']?{key}[\"']?\s*:\s*(true|false)\b", text)
    return None if found is None else found[1] == "true"


def option(line: str, *names: str) -> str | None:
    """The value of an option in a command line."""
    choice = "|".join(re.escape(name) for name in names)
    found = re.search(rf"(?:^|\s)(?:{choice})(?:=|\s+)[\"']?([^\s\"';&|]+)", line)
    return found[1] if found is not None else None


def folder(path: str | None, default: str, base: str = "") -> str:
    """A folder of the package, as it was written; the default where that leads out of it or says nothing."""
    if path is None:
        return default
    whole = posixpath.normpath(f"{base}/{path}" if base else path)
    return default if whole.startswith(("/", "../")) or whole == ".." else whole
