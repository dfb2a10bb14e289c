"""Node: a frozen installation of what the lock file names, the build script, and a start command where it is sure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.languages import node_locks
from headway.drivers.builders.languages.node_locks import Lock
from headway.drivers.builders.languages.node_versions import parse_version, satisfies
from headway.drivers.builders.plan import Listing, Phase
from headway.kernel.dataclass import dataclass

PACKAGE = "package.json"
BUILD = "build script"
BIN = "node_modules/.bin"
ENTRIES = ("server.js", "index.js", "app.js", "main.js")
FILES = (PACKAGE, *node_locks.FILES, *ENTRIES)
PROGRAMS = ("node", "npm", "pnpm", "yarn")
ENV: Mapping[str, str] = {"NODE_ENV": "production"}

# Servers for a developer's own machine: what stands in `start` by custom for sites that are built and then served.
_DEVELOPER = re.compile(
    r"(?:npx |yarn |pnpm )?(?:vite(?! preview)|react-scripts start|react-app-rewired start|ng serve|"
    r"vue-cli-service serve|webpack serve|webpack-dev-server|parcel(?! build)|astro dev|gatsby develop|next dev|"
    r"nuxt dev|eleventy --serve|snowpack dev|vuepress dev|vitepress dev|docusaurus start)\b"
)
_EXACT = re.compile(r"(npm|pnpm|yarn)@(\d+\.\d+\.\d+[\w.-]*)")
_PNPM_OF_LOCK: Mapping[int, str] = {5: "7", 6: "8", 9: "9"}
_INSTALL = "apt-get install nodejs npm"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeApp:
    """A Node application as far as its files tell; ``notes`` are for the user."""

    package: Mapping[str, Any]
    phases: tuple[Phase, ...]
    start: str | None
    builds: bool
    notes: tuple[str, ...]

    @property
    def start_reason(self) -> str:
        """What the start command follows from."""
        return "the start script of package.json" if _script(self.package, "start") else "the main file"


def recognise(listing: Listing, *, is_told: bool) -> NodeApp | None:
    """The Node application in the listing, None when there is none. ``is_told`` says that settings or a Procfile tell
    how it is run. Raises BuildError with what to mend: a broken package.json, no Node or another one than it asks for,
    a lock file that does not match.
    """
    if PACKAGE not in listing:
        return None
    package = _parsed(listing.text(PACKAGE))
    start, build = _start(listing, package), _script(package, "build")
    if not is_told and start is None and build is None:
        return NodeApp(package=package, phases=(), start=None, builds=False, notes=())
    lock = node_locks.find_lock(listing)
    notes = _require_node(listing, package)
    if lock is not None and (found := node_locks.mismatch(lock, listing, package)) is not None:
        raise BuildError(
            f"{lock.file} does not match package.json: they disagree about {found}. Run '{lock.mend}' and commit "
            f"{lock.file}, then deploy again."
        )
    install, more = _install(listing, package, lock)
    return NodeApp(
        package=package,
        phases=(*install, *((_run_script(listing),) if build else ())),
        start=start,
        builds=build is not None,
        notes=(*notes, *more),
    )


def main_file(listing: Listing) -> str | None:
    """The file that package.json calls its main one, relative; None where it names none."""
    if PACKAGE not in listing:
        return None
    try:
        package = json.loads(listing.text(PACKAGE))
    except ValueError:
        return None
    name = package.get("main") if isinstance(package, dict) else None
    return name.removeprefix("./") if isinstance(name, str) and name.strip() else None


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        package = json.loads(text)
    except ValueError as error:
        raise BuildError(f"The package.json cannot be read: {error}. Correct it and commit it.") from error
    if not isinstance(package, dict):
        raise BuildError("The package.json holds no object. Correct it and commit it; 'npm init' makes a new one.")
    return package


def _require_node(listing: Listing, package: Mapping[str, Any]) -> tuple[str, ...]:
    """What is to be said about Node itself. Raises BuildError where it is missing or of another version."""
    version = listing.programs.get("node")
    if version is None:
        raise BuildError(
            "This is a Node application (it has a package.json), and this machine has no Node. Install it "
            f"({_INSTALL}, or a newer one from nodejs.org into /usr/local), then deploy again. If it is no Node "
            "application, say how it is started: with a Procfile, or the start command (headway apps set APP "
            "--start LINE)."
        )
    wanted = _engine(package)
    found = parse_version(version)
    if wanted and found is not None and not satisfies(found, wanted):
        raise BuildError(
            f"The package.json asks for Node {wanted} (engines.node), and this machine has {version.strip()}. Install "
            "that version into /usr/local, or change engines.node."
        )
    told = f"Node {version.strip()}" if version else "Node from the PATH of its variables, whose version is not asked"
    return (told + (f", as engines.node asks ({wanted})" if wanted and version else ""),)


def _engine(package: Mapping[str, Any]) -> str:
    engines = package.get("engines")
    wanted = engines.get("node") if isinstance(engines, dict) else None
    return wanted.strip() if isinstance(wanted, str) else ""


def _install(
    listing: Listing, package: Mapping[str, Any], lock: Lock | None
) -> tuple[tuple[Phase, ...], tuple[str, ...]]:
    if lock is None:
        asked = [
            name
            for kind in ("dependencies", "devDependencies", "optionalDependencies")
            for name in package.get(kind) or ()
        ]
        if not asked:
            return (), ()
        argv = (*_npm(listing), "install", "--include=dev", "--no-audit", "--no-fund", "--no-package-lock")
        note = (
            "There is no lock file, so each build takes the newest versions that package.json allows. Commit "
            "package-lock.json to have the same ones each time."
        )
        return (Phase(name="install", argv=argv),), (note,)
    match lock.manager:
        case "npm":
            argv = (*_npm(listing), "ci", "--include=dev", "--no-audit", "--no-fund")
        case "pnpm":
            argv = (*_pnpm(listing, package), "install", "--frozen-lockfile", "--prod=false")
        case _:
            classic = node_locks.is_classic_yarn(listing)
            frozen = ("--frozen-lockfile", "--non-interactive", "--production=false") if classic else ("--immutable",)
            argv = (*_yarn(listing, package, classic=classic), "install", *frozen)
    return (Phase(name="install", argv=argv),), (f"Dependencies as {lock.file} has them",)


def _run_script(listing: Listing) -> Phase:
    """The build script. npm runs those of all managers alike, without asking which of them is there."""
    return Phase(name=BUILD, argv=(*_npm(listing), "run", "build"))


def _npm(listing: Listing) -> tuple[str, ...]:
    if "npm" not in listing.programs:
        raise BuildError(f"This machine has Node, but not npm, which builds need. Install it ({_INSTALL}).")
    return ("npm",)


def _pnpm(listing: Listing, package: Mapping[str, Any]) -> tuple[str, ...]:
    exact = _manager(package, "pnpm")
    if "pnpm" in listing.programs and exact is None:
        return ("pnpm",)
    found = re.search(r"^lockfileVersion: '?(\d+)", listing.text(node_locks.PNPM.file), re.MULTILINE)
    version = exact or _PNPM_OF_LOCK.get(int(found[1]) if found else 9, "latest")
    return (*_npm(listing), "exec", "--yes", f"--package=pnpm@{version}", "--", "pnpm")


def _yarn(listing: Listing, package: Mapping[str, Any], *, classic: bool) -> tuple[str, ...]:
    exact = _manager(package, "yarn")
    if classic:
        if "yarn" in listing.programs and exact is None:
            return ("yarn",)
        return (*_npm(listing), "exec", "--yes", f"--package=yarn@{exact or '1'}", "--", "yarn")
    return (*_npm(listing), "exec", "--yes", f"--package=@yarnpkg/cli-dist@{exact or '4'}", "--", "yarn")


def _manager(package: Mapping[str, Any], name: str) -> str | None:
    """The exact version that packageManager names, as in ``pnpm@9.1.0``."""
    found = _EXACT.match(str(package.get("packageManager") or ""))
    return found[2] if found is not None and found[1] == name else None


def _start(listing: Listing, package: Mapping[str, Any]) -> str | None:
    script = _script(package, "start")
    if script is not None and not _DEVELOPER.match(script.strip()):
        has_more = any(_script(package, name) for name in ("prestart", "poststart")) or "npm_" in script
        # Without npm in between, signals reach the application and its memory is not spent twice.
        return "npm start" if has_more else script
    if script is not None:
        return None
    main = main_file(listing)
    if main is not None and (main in listing or main.partition("/")[0] in {"dist", "build", "lib", "out"}):
        return f"node {shlex.quote(main)}"
    if "index.html" in listing:
        return None  # a script beside a page is the page's
    return next((f"node {name}" for name in ENTRIES if name in listing), None)


def _script(package: Mapping[str, Any], name: str) -> str | None:
    scripts = package.get("scripts")
    line = scripts.get(name) if isinstance(scripts, dict) else None
    return line.strip() or None if isinstance(line, str) else None
