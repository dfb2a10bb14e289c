"""Which package manager installs a repository's packages, at which version, and how it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from headway.drivers.buildplan.plan import Choice, Need
from headway.drivers.buildplan.providers.node_package import PACKAGE_JSON5, Package
from headway.drivers.buildplan.providers.node_versions import pinned_major, wanted_version
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

YARN_SETTINGS: Final = ".yarnrc.yml"
PNPM_WORKSPACE: Final = "pnpm-workspace.yaml"
# By which is followed where there are several: the more particular before npm's, which others leave behind.
LOCKS: Final[tuple[tuple[str, str], ...]] = (
    ("pnpm-lock.yaml", "pnpm"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("yarn.lock", "yarn"),
    ("npm-shrinkwrap.json", "npm"),
    ("package-lock.json", "npm"),
)
FILES: Final = (*(name for name, _ in LOCKS if name != "bun.lockb"), YARN_SETTINGS, PNPM_WORKSPACE, "bunfig.toml")

_NAMED = re.compile(r"(npm|pnpm|yarn|bun)@([^+\s]+)")
_YARN_PATH = re.compile(r"^yarnPath:\s*[\"']?(?:\./)?(\S*?yarn-(\d[\w.+-]*?)\.c?js)", re.MULTILINE)
_YARN_LINKER = re.compile(r"^nodeLinker:\s*[\"']?([\w-]+)", re.MULTILINE)
_YARN_FORMAT = re.compile(r"^__metadata:\s+version:\s*(\d{1,4})", re.MULTILINE)
_PNPM_FORMAT = re.compile(r"^lockfileVersion:\s*['\"]?(\d{1,4})(?:\.\d{1,4})?", re.MULTILINE)
# What pnpm 9 knows of its workspace file, which has to name packages there. Whatever else stands in one was read from
# package.json or .npmrc before, or not at all: a lock file beside it was written by a later one.
_PNPM_KEY = re.compile(r"^[\"']?([A-Za-z][\w-]{0,60})[\"']?[ \t]*:", re.MULTILINE)
_PNPM_9: Final = frozenset({"packages", "catalog", "catalogs"})
_PNPM_BUILDS = re.compile(r"^allowBuilds\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """A package manager: ``lock`` is the file that it follows, ``reason`` why it is this one. ``is_classic`` is said of
    Yarn 1, ``linker`` is how a later one lays packages down (pnp, node-modules, pnpm). ``told`` are command lines that
    are in the place of the installation and of the build.
    """

    name: str
    need: Need
    lock: str | None
    reason: str
    is_classic: bool = False
    linker: str = "node-modules"
    told: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def unlocked(self) -> tuple[str, ...]:
        """What is to be said about an installation without a lock file."""
        if self.lock is not None:
            return ()
        return (
            (
                "There is no lock file, so each build takes the newest versions that package.json allows. Commit "
                f"{_MENDS[self.name]} to have the same ones each time."
            ),
        )

    @property
    def has_bins(self) -> bool:
        """Whether programs of packages lie in node_modules/.bin, and node finds packages by itself."""
        return self.linker != "pnp"

    @property
    def choice(self) -> Choice:
        """Which it is, and why."""
        return Choice(name="package manager", value=self.name, reason=self.reason)

    def script(self, name: str) -> tuple[str, ...]:
        """Runs a script of package.json."""
        return (self.name, "run", name)

    def adding(self, what: str) -> str:
        """The command line that adds a package to the repository, for its owner to run."""
        return f"npm install {what}" if self.name == "npm" else f"{self.name} add {what}"

    def program(self, *argv: str) -> tuple[str, ...]:
        """Runs a program that a package has brought."""
        return argv if self.has_bins else (self.name, "run", *argv)


def find_manager(tree: Tree, package: Package, settings: BuildSettings) -> Manager:
    """The one that packageManager names; else the one whose lock file is there; else the one that its own settings or
    ``engines`` name; else npm.
    """
    found = [(file, manager) for file, manager in LOCKS if file in tree]
    name, reason = named_manager(tree, package)
    lock = next((file for file, manager in found if manager == name), None)
    wanted = _wanted(tree, package, settings, name, lock)
    is_classic = name == "yarn" and _is_classic(tree, wanted, lock)
    return Manager(
        name=name,
        need=wanted,
        lock=lock,
        reason=reason,
        is_classic=is_classic,
        linker=_linker(tree) if name == "yarn" and not is_classic else "node-modules",
        told=tuple(line for line in (settings.install, settings.build) if line is not None),
        notes=_notes(name, lock, found, _named(package)[0]),
    )


def named_manager(tree: Tree, package: Package) -> tuple[str, str]:
    """The name of the one that `find_manager` finds, and why it is that one."""
    named, field = _named(package)
    if named is not None:
        return named[0], f"{package.file} ({field})"
    if found := next(((manager, file) for file, manager in LOCKS if file in tree), None):
        return found
    for file, manager in ((YARN_SETTINGS, "yarn"), (PNPM_WORKSPACE, "pnpm"), ("bunfig.toml", "bun")):
        if file in tree:
            return manager, file
    for manager in ("pnpm", "bun", "yarn"):
        if package.engine(manager):
            return manager, f"{package.file} (engines.{manager})"
    if package.file == PACKAGE_JSON5:
        return "pnpm", f"{PACKAGE_JSON5}, which no other reads"
    return "npm", "no lock file and no packageManager says otherwise"


def _named(package: Package) -> tuple[tuple[str, str] | None, str]:
    """The manager and version that package.json names, and the field that does."""
    found = _NAMED.match(package.text("packageManager"))
    if found is not None:
        return (found[1], found[2]), "packageManager"
    engine = package.record("devEngines").get("packageManager")
    if isinstance(engine, dict) and engine.get("name") in {"npm", "pnpm", "yarn", "bun"}:
        version = engine.get("version")
        return (str(engine["name"]), version if isinstance(version, str) else ""), "devEngines.packageManager"
    return None, ""


def _wanted(tree: Tree, package: Package, settings: BuildSettings, name: str, lock: str | None) -> Need:
    if name == "yarn" and (path := _YARN_PATH.search(tree.text(YARN_SETTINGS))) is not None and path[1] in tree:
        return Need(tool=name, wanted="1", source=f"{YARN_SETTINGS}, whose yarnPath it starts")
    if name in settings.versions:
        return Need(tool=name, wanted=settings.versions[name], source="the settings")
    named, field = _named(package)
    if named is not None and named[0] == name and named[1]:
        return Need(tool=name, wanted=named[1], source=f"{package.file} ({field})")
    if (asked := wanted_version(tree, package, settings, name)) is not None:
        return asked
    version, source = _of_lock(tree, name, lock)
    return Need(tool=name, wanted=version, source=source)


def _of_lock(tree: Tree, name: str, lock: str | None) -> tuple[str, str]:
    """The version that reads the lock file without changing it."""
    text = tree.whole(lock) if lock is not None else ""
    if name == "pnpm":
        settings = tree.text(PNPM_WORKSPACE)
        found = _PNPM_FORMAT.search(text)
        if found is not None and int(found[1]) < 9:
            older = "7" if int(found[1]) < 6 else "8"  # pnpm 6 wrote the former too, and runs on no Node of today
            written = found[0].partition(":")[2].strip(" '\"")
            return older, f"{lock}, which is of lockfileVersion {written}"
        if _PNPM_BUILDS.search(settings):
            return ">=10.26", f"{PNPM_WORKSPACE} (allowBuilds)"
        keys = _PNPM_KEY.findall(settings)
        if later := next((key for key in keys if key not in _PNPM_9), None):
            return "10", f"{PNPM_WORKSPACE} ({later})"
        if keys and "packages" not in keys:
            return "10", f"{PNPM_WORKSPACE} (no packages)"
        return "9", lock or "no lock file"
    if name == "yarn":
        if lock is None:
            return ("4", YARN_SETTINGS) if YARN_SETTINGS in tree else ("1", "no lock file")
        format_ = _YARN_FORMAT.search(text)
        if format_ is None:
            return "1", lock
        made = int(format_[1])
        return ("2" if made < 5 else "3" if made < 7 else "4"), f"{lock}, which is of version {made}"
    return "", lock or ""


def _is_classic(tree: Tree, need: Need, lock: str | None) -> bool:
    path = _YARN_PATH.search(tree.text(YARN_SETTINGS))
    major = pinned_major(path[2] if path is not None and path[1] in tree else need.wanted)
    if major is not None:
        return major < 2
    return lock is not None and _YARN_FORMAT.search(tree.whole(lock)) is None and YARN_SETTINGS not in tree


def _linker(tree: Tree) -> str:
    found = _YARN_LINKER.search(tree.text(YARN_SETTINGS))
    return found[1] if found is not None else "pnp"


def _notes(name: str, lock: str | None, found: list[tuple[str, str]], named: tuple[str, str] | None) -> tuple[str, ...]:
    others = [file for file, manager in found if manager != name]
    notes = []
    if others and lock is not None:
        kept = "since packageManager names it" if named is not None else "the first of pnpm, Bun, Yarn and npm"
        notes.append(
            f"There are lock files of several package managers: {lock} is followed ({kept}), and "
            f"{' and '.join(others)} is not. Delete what is not used."
        )
    elif others:
        notes.append(f"{' and '.join(others)} is not followed, since packageManager names {name}.")
    return tuple(notes)


_MENDS: Final[Mapping[str, str]] = {
    "npm": "package-lock.json",
    "pnpm": "pnpm-lock.yaml",
    "yarn": "yarn.lock",
    "bun": "bun.lock",
}
