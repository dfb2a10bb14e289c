"""How packages are installed: as the lock file has them, by the program that wrote it, and what that depends on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.node_lock import lacking, lacking_of_yarn
from headway.drivers.buildplan.providers.node_managers import PNPM_WORKSPACE, YARN_SETTINGS, Manager
from headway.drivers.buildplan.providers.node_package import LONGEST, Package
from headway.drivers.buildplan.tree import Tree

BINS: Final = "node_modules/.bin"
MODULES: Final = "node_modules"

_HOOKS: Final = ("preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare")
# What an installation's scripts look at beside the packages, where that is known; then what they make. Prisma writes
# its client wherever a schema says, and Playwright its browsers outside of the application: theirs is not known.
_KNOWN: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    (r"patch-package", ("patches/*",), ()),
    (r"(?:nuxt|nuxi) prepare", ("nuxt.config.ts", "nuxt.config.js", "nuxt.config.mjs"), (".nuxt",)),
    (r"svelte-kit sync", ("svelte.config.js", "vite.config.ts", "vite.config.js"), (".svelte-kit",)),
    (
        r"(?:is-ci \|\| )?husky(?: install)?(?: \S+)?|simple-git-hooks|lefthook install",
        (),
        (),
    ),
    (r"echo(?: (?:'[^']*'|\"[^\"$`]*\"|\w+))?|true|exit 0|electron-builder install-app-deps|ngcc", (), ()),
    (r"(?:npx )?(?:only-allow|npm-force-resolutions)(?: \w+)?", (), ()),
)
_FOLLOWED: Final = (
    ".npmrc",
    ".yarnrc",
    YARN_SETTINGS,
    PNPM_WORKSPACE,
    ".pnpmfile.cjs",
    "bunfig.toml",
    ".yarn/releases/*",
    ".yarn/plugins/**/*",
    ".yarn/patches/*",
    "patches/*",
)
_LOCAL = re.compile(r"(?:file|link|portal):(.+)")
_NPM: Final = ("--include=dev", "--no-audit", "--no-fund")
_YARN: Final = ("--non-interactive", "--production=false")
_ADDING: Final[Mapping[str, tuple[str, ...]]] = {
    "npm": ("npm", "install", *_NPM, "--no-save"),
    "yarn": ("yarn", "install", "--pure-lockfile", *_YARN),
}


def lock_lacks(tree: Tree, manager: Manager, packages: Sequence[Package]) -> str:
    """What the lock file lacks, in words, where its own program would refuse it for that and another command of it
    adds what is missing; "" where it lacks nothing.
    """
    if manager.lock is None:
        return ""
    if manager.is_classic:
        return lacking_of_yarn(tree, manager.lock, packages)
    return lacking(tree, manager.lock, packages) if manager.name == "npm" else ""


def install_phases(tree: Tree, manager: Manager, packages: Sequence[Package], lacks: str = "") -> tuple[Phase, ...]:
    """What installs these packages, the first of which is the root of the others; nothing where none asks for any. What
    a lock file ``lacks`` is added, each time anew, for it may be another tomorrow.
    """
    asks = any(each.own or each.developer or any(each.script(hook) for hook in _HOOKS) for each in packages)
    if not asks and len(packages) < 2:
        return ()
    if lacks:
        return (Phase(name="install", argv=_ADDING[manager.name], env=_env(manager)),)
    followed = _follows(tree, manager, packages)
    return (
        Phase(
            name="install",
            argv=_argv(manager),
            env=_env(manager),
            follows=() if followed is None else tuple(dict.fromkeys(followed[0])),
            makes=() if followed is None else tuple(dict.fromkeys((*_makes(packages), *followed[1]))),
        ),
    )


def _argv(manager: Manager) -> tuple[str, ...]:
    """Developers' packages are part of it: a build needs them."""
    match manager.name, manager.lock is not None:
        case "npm", True:
            return ("npm", "ci", *_NPM)
        case "npm", False:
            return ("npm", "install", *_NPM, "--no-package-lock")
        case "pnpm", is_locked:
            return ("pnpm", "install", "--frozen-lockfile" if is_locked else "--no-frozen-lockfile", "--prod=false")
        case "bun", is_locked:
            return ("bun", "install", "--frozen-lockfile" if is_locked else "--no-save", "--backend=copyfile")
        case _, is_locked:
            if not manager.is_classic:
                return ("yarn", "install", "--immutable" if is_locked else "--no-immutable")
            kept = "--frozen-lockfile" if is_locked else "--no-lockfile"
            return ("yarn", "install", kept, *_YARN)


def _env(manager: Manager) -> Mapping[str, str]:
    """Yarn's packages in zip files are read when the application runs: they have to lie within it. What pnpm installs
    is a file of its own and no link into its store, for a release is sealed; since 11 it asks for this by its own name.
    """
    if manager.name == "pnpm":
        return {"pnpm_config_package_import_method": "copy"}
    if manager.name != "yarn" or manager.is_classic:
        return {}
    return {} if manager.has_bins else {"YARN_ENABLE_GLOBAL_CACHE": "false"}


def _makes(packages: Sequence[Package]) -> list[str]:
    return [each.path(MODULES) for each in packages]


def _follows(tree: Tree, manager: Manager, packages: Sequence[Package]) -> tuple[list[str], list[str]] | None:
    """The files that decide what is installed, and what is made beside node_modules; None where nobody can tell."""
    if not manager.has_bins or manager.lock is None:
        return None  # what it makes are single files beside folders; or each time something else
    files = [manager.lock]
    files += [name for pattern in _FOLLOWED for name in tree.matching(pattern)]
    made: list[str] = []
    for package in packages:
        files.append(package.path(package.file))
        seen = tree.below(package.folder) if package.folder else tree
        for line in (package.script(hook) for hook in _HOOKS):
            known = _known(line) if line is not None else ((), ())
            if known is None:
                return None
            files += [package.path(name) for pattern in known[0] for name in seen.matching(pattern)]
            made += [package.path(name) for name in known[1]]
        local = _local(tree, manager, package)
        if local is None:
            return None
        files += local
    return files, made


def _known(line: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """What every command of a script looks at and makes; None for one with a command that is not known."""
    if len(line) > LONGEST:
        return None
    files: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    for part in re.split(r"\s{0,100}(?:&&|\|\||;)\s*", line.strip()):
        found = next(
            (each for each in _KNOWN if re.fullmatch(rf"(?:npx |pnpm |yarn |bunx )?(?:{each[0]})", part)), None
        )
        if found is None:
            return None
        files, made = (*files, *found[1]), (*made, *found[2])
    return files, made


def _local(tree: Tree, manager: Manager, package: Package) -> list[str] | None:
    """The files of dependencies that lie in the repository; None where a whole folder is copied."""
    found = []
    for wanted in (*package.own.values(), *package.developer.values()):
        match = _LOCAL.match(wanted)
        if match is None:
            continue
        place = posixpath.normpath(package.path(match[1]))
        if place in tree:
            found.append(place)
        elif manager.name == "npm" or not wanted.startswith("file:"):
            found += [name for name in (f"{place}/package.json",) if name in tree]
        else:
            return None
    return found
