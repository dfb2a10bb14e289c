"""Packages of Node with a part outside of it: a compiler, a browser, a database's client that is generated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.node_managers import Manager
from headway.drivers.buildplan.providers.node_migrations import unrun
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.providers.node_prisma import find_prisma
from headway.drivers.buildplan.providers.node_scripts import called_lines
from headway.drivers.buildplan.providers.node_variables import BUILT
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_COMPILER: Final = ("build-essential", "python3")
# Compiled where the machine fits none of what they bring ready.
_COMPILED: Final = frozenset(
    {
        "@discordjs/opus", "argon2", "bcrypt", "better-sqlite3", "bufferutil", "canvas", "couchbase",
        "cpu-features", "deasync", "farmhash", "fibers", "gl", "hiredis", "ibm_db", "integer", "isolated-vm",
        "kerberos", "leveldown", "libpq", "libxmljs", "libxmljs2", "mediasoup", "microtime",
        "mongodb-client-encryption", "node-gyp", "node-pty", "node-rdkafka", "node-sass", "nodegit", "odbc",
        "pg-native", "posix", "re2", "robotjs", "serialport", "snappy", "sodium-native", "sqlite3",
        "tree-sitter", "usb", "utf-8-validate", "zeromq", "zlib-sync",
    }
)  # fmt: skip
_LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "canvas": ("libcairo2-dev", "libpango1.0-dev", "libjpeg-dev", "libgif-dev", "librsvg2-dev"),
    "pg-native": ("libpq-dev",),
    "libpq": ("libpq-dev",),
    "kerberos": ("libkrb5-dev",),
    "odbc": ("unixodbc-dev",),
    "node-rdkafka": ("librdkafka-dev", "libssl-dev"),
}
_PLAYWRIGHT: Final = (
    "libasound2", "libatk-bridge2.0-0", "libatk1.0-0", "libatspi2.0-0", "libcairo2", "libcups2",
    "libdbus-1-3", "libdrm2", "libgbm1", "libglib2.0-0", "libnspr4", "libnss3", "libpango-1.0-0", "libx11-6",
    "libxcb1", "libxcomposite1", "libxdamage1", "libxext6", "libxfixes3", "libxkbcommon0", "libxrandr2",
)  # fmt: skip
# What tests bring with an installation, and what tells that not to download a browser.
_OF_TESTS: Final[Mapping[str, Mapping[str, str]]] = {
    "cypress": {"CYPRESS_INSTALL_BINARY": "0"},
    "puppeteer": {"PUPPETEER_SKIP_DOWNLOAD": "true", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD": "true"},
}
_DRAWS = re.compile(r"prerender|puppeteer|-snap\b|\bpdf\b|mermaid")  # what a build writes by a browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Natives:
    """What such packages need: Debian's ``packages``, variables in the build and at run time, phases between the
    installation and the build, a release command, and what each start does ``before`` the program.
    """

    packages: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
    release: str | None = None
    before: str = ""
    notes: tuple[str, ...] = ()


def find_natives(
    tree: Tree,
    manager: Manager,
    packages: Sequence[Package],
    served: Package,
    parts: Sequence[Package],
    *,
    settings: BuildSettings,
) -> Natives:
    """What the packages of a repository need of which one is ``served``, with the ``parts`` that it is made of.
    Where the settings have a release command, none is named.
    """
    names = {name for package in packages for name in (*package.own, *package.developer)}
    compiled = sorted(names & _COMPILED)
    debian = [*(_COMPILER if compiled else ()), *(each for name in compiled for each in _LIBRARIES.get(name, ()))]
    env: dict[str, str] = {}
    build_env: dict[str, str] = {}
    notes = []
    if compiled:
        notes.append(f"{', '.join(compiled)} may have to be compiled, which needs {' and '.join(_COMPILER)}.")
    own = {name for package in parts for name in package.own}
    drawing = (*(names - _OF_TESTS.keys()), *(line for each in packages for line in called_lines(each, BUILT)))
    for name in sorted(names & _OF_TESTS.keys()):
        if name == "cypress" or not any(map(_DRAWS.search, drawing)):
            build_env |= _OF_TESTS[name]
    if own & {"puppeteer", "whatsapp-web.js"}:
        debian.append("chromium")
        env["PUPPETEER_EXECUTABLE_PATH"] = "/usr/bin/chromium"
        build_env |= _OF_TESTS["puppeteer"]
        notes.append("Puppeteer drives a browser: it is given Debian's chromium. Launch it with --no-sandbox.")
    if own & {"playwright"}:
        debian += _PLAYWRIGHT
        env["PLAYWRIGHT_BROWSERS_PATH"] = "0"
        notes.append(
            "Playwright drives a browser that is not downloaded by itself: add 'npx playwright install --only-shell' "
            "to the build script or the build command."
        )
    prisma = find_prisma(tree, manager, packages, served, parts, settings)
    if prisma.release is None and not prisma.is_file and settings.release is None:
        notes += unrun(tree, manager, parts)
    return Natives(
        packages=tuple(dict.fromkeys(debian)),
        env=env,
        build_env={**build_env, **prisma.build_env},
        run_env=prisma.run_env,
        phases=prisma.phases,
        release=prisma.release,
        before=prisma.before,
        notes=(*notes, *prisma.notes),
    )
