"""The lock files of Node's package managers: which there is, and whether it speaks of this package.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from headway.drivers.builders.plan import Listing
from headway.kernel.dataclass import dataclass

KINDS = ("dependencies", "devDependencies", "optionalDependencies")
_PNPM_ENTRY = re.compile(r"^ +'?((?:@[^\s/]+/)?[^\s:/']+)'?:\n +specifier: (.+)$", re.MULTILINE)
_PNPM_VERSION = re.compile(r"^lockfileVersion: '?(\d+)", re.MULTILINE)
_YARN_KEY = re.compile(r'^"?([^\s#"].*?)"?:$', re.MULTILINE)
_CLASSIC = "yarn lockfile v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock file: its name, the program that keeps it, and what its user types to bring it up to date."""

    file: str
    manager: str
    mend: str


NPM = Lock(file="package-lock.json", manager="npm", mend="npm install")
SHRINKWRAP = Lock(file="npm-shrinkwrap.json", manager="npm", mend="npm install")
PNPM = Lock(file="pnpm-lock.yaml", manager="pnpm", mend="pnpm install")
YARN = Lock(file="yarn.lock", manager="yarn", mend="yarn install")
LOCKS = (SHRINKWRAP, NPM, PNPM, YARN)
FILES = tuple(lock.file for lock in LOCKS)


def find_lock(listing: Listing) -> Lock | None:
    """The lock file that is followed, the first of them that is there."""
    return next((lock for lock in LOCKS if lock.file in listing), None)


def is_classic_yarn(listing: Listing) -> bool:
    """Whether the yarn.lock is of Yarn 1."""
    return _CLASSIC in listing.text(YARN.file)[:500]


def mismatch(lock: Lock, listing: Listing, package: Mapping[str, Any]) -> str | None:
    """The first dependency of package.json that the lock file does not know as it is written there, as ``name@range``;
    None where all are known, or the file is of a kind that is left to its own program.
    """
    text = listing.text(lock.file)
    asked = {name: wanted for kind in KINDS for name, wanted in _mapping(package, kind).items()}
    match lock.manager:
        case "npm":
            locked = _npm(text)
        case "pnpm":
            locked = _pnpm(text)
        case _:
            locked = None
            keys = _yarn_keys(text)
            missing = (f"{name}@{wanted}" for name, wanted in asked.items() if not _knows(keys, name, wanted))
            return next(missing, None) if keys or not text.strip() else None
    if locked is None:
        return None
    differing = [*asked.items(), *((name, wanted) for name, wanted in locked.items() if name not in asked)]
    return next((f"{name}@{wanted}" for name, wanted in differing if locked.get(name) != asked.get(name)), None)


def _npm(text: str) -> dict[str, str] | None:
    try:
        root = json.loads(text)["packages"][""]
    except (ValueError, KeyError, TypeError):
        return None  # of npm 6 or broken: npm tells
    return {name: wanted for kind in KINDS for name, wanted in _mapping(root, kind).items()}


def _pnpm(text: str) -> dict[str, str] | None:
    version = _PNPM_VERSION.search(text)
    if version is None or int(version[1]) < 6 or "\nimporters:" not in text:
        return None
    importers = text.partition("\nimporters:")[2]
    root = re.search(r"^  \.:\n((?:    .*\n|\n)*)", importers, re.MULTILINE)
    entries = _PNPM_ENTRY.findall(root[1]) if root else []
    return {name: specifier.strip().strip("'\"") for name, specifier in entries}


def _yarn_keys(text: str) -> frozenset[str]:
    lines = (match[1] for match in _YARN_KEY.finditer(text))
    return frozenset(key.strip().strip('"') for line in lines for key in line.split(","))


def _knows(keys: frozenset[str], name: str, wanted: str) -> bool:
    plain = f"{name}@{wanted}"
    if ":" in wanted and not wanted.startswith("npm:"):
        return True  # of a file, a workspace or a repository, which each version of Yarn writes in its own way
    return plain in keys or f"{name}@npm:{wanted.removeprefix('npm:')}" in keys


def _mapping(holder: Mapping[str, Any], key: str) -> dict[str, str]:
    found = holder.get(key)
    return {str(name): str(wanted) for name, wanted in found.items()} if isinstance(found, dict) else {}
