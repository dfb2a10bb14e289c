"""Programs in TypeScript that no framework starts: where the compiled main file lies, or what runs the source."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.providers.node_framework import Subject, option
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

TSCONFIG: Final = "tsconfig.json"

STEMS: Final = ("index", "main", "server", "app", "bot")
TYPED_ENTRIES: Final = (
    *(f"src/{stem}.ts" for stem in STEMS),
    *(f"{stem}.ts" for stem in STEMS),
    *(f"src/{stem}.mts" for stem in STEMS),
)
WITH_MARKUP: Final = ("src/index.tsx", "src/server.tsx", "index.tsx", "server.tsx")
_LISTENS: Final = re.compile(r"\.listen\s*\(|(?<!\w)serve\s*\(")
_CONFIGURATION: Final = re.compile(r"tsconfig(?:\.[\w.-]{1,60})?\.json")
_MOST: Final = 12
_TOOLS: Final = re.compile(r".*\.(?:config|setup|spec|test|d)\.[mc]?ts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How a program in TypeScript is started; ``build`` compiles it where no script does."""

    start: str
    entry: str
    reason: str
    build: tuple[str, ...] | None = None


def typed_program(subject: Subject) -> Typed | None:
    """The program of the package's main file in TypeScript; None where there is none, or nothing that runs it."""
    named = [subject.package.text("main"), subject.package.text("module")]
    is_bun = subject.manager.name == "bun"  # which alone runs what has markup in it as it is
    endings = (".ts", ".mts", ".tsx") if is_bun else (".ts", ".mts")
    candidates = [*(each.removeprefix("./") for each in named if each.endswith(endings)), *TYPED_ENTRIES]
    candidates += [each for each in WITH_MARKUP if is_bun and _LISTENS.search(subject.tree.text(each))]
    entry = next((each for each in candidates if each in subject.tree), None)
    if entry is None:
        return None
    if is_bun:
        return Typed(start=f"bun {entry}", entry=entry, reason=f"{entry}, run by Bun")
    bundled = _bundled(subject.build, entry)
    if bundled is not None:
        return Typed(
            start=f"node {shlex.quote(bundled)}", entry=entry, reason=f"what the build script makes of {entry}"
        )
    compiles = re.search(r"(?:^|[\s/;&])(?:tsc|tsc-alias|swc)(?=\s|$)", subject.build) is not None
    if compiles or (not subject.build and subject.package.has("typescript") and TSCONFIG in subject.tree):
        place = compiled(subject, entry)
        if place is not None:
            build = None if subject.build else subject.manager.program("tsc")
            return Typed(
                start=f"node {shlex.quote(place)}", entry=entry, reason=f"{entry}, compiled by tsc", build=build
            )
    for runner in ("tsx", "ts-node"):
        if subject.package.has(runner):
            return Typed(
                start=" ".join(subject.manager.program(runner, entry)), entry=entry, reason=f"{entry} and {runner}"
            )
    return None


def compiled(subject: Subject, entry: str) -> str | None:
    """Where tsc puts a file; None where it writes none."""
    options = compiler_options(subject)
    if options.get("noEmit") is True:
        return None
    out = option(subject.build, "--outDir") or options.get("outDir")
    stem = re.sub(r"\.(m?)ts$", r".\1js", entry)
    if not isinstance(out, str):
        return stem
    root = option(subject.build, "--rootDir") or options.get("rootDir")
    base = posixpath.normpath(root) if isinstance(root, str) else _common_root(subject, entry)
    inside = stem.removeprefix(f"{base}/") if base not in {"", "."} else stem
    return posixpath.normpath(f"{out}/{inside}")


def compiler_options(subject: Subject) -> dict[str, Any]:
    """The options of tsconfig.json over those of the files that it extends, with their folders as seen from it."""
    options: dict[str, Any] = configuration(subject.tree).get("compilerOptions", {})
    return options


def configuration(tree: Tree, name: str = TSCONFIG) -> dict[str, Any]:
    """A configuration of tsc over those that it extends, as far as they were read, with their paths as seen from the
    top; empty where one of them is broken.
    """
    try:
        return _extended(tree, name, frozenset(), {})
    except BuildError:
        return {}


def extended(tree: Tree) -> Iterator[str]:
    """The files that configurations of tsc extend, which may have any name: those that are there."""
    waiting = sorted(name for name in tree.contents if _CONFIGURATION.fullmatch(posixpath.basename(name)))
    seen = set(waiting)
    while waiting:
        name = waiting.pop(0)
        try:
            found = [each for each in _bases(tree, name, parse_jsonc(tree, name)) if each not in seen]
        except BuildError:
            continue
        waiting += found
        seen.update(found)
        yield from found


def _extended(tree: Tree, name: str, above: frozenset[str], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A configuration over its bases, of which each is put together once."""
    if name in known or name in above or len(above) > _MOST:
        return known.get(name, {})
    config = parse_jsonc(tree, name)
    found: dict[str, Any] = {}
    bases = [_extended(tree, base, above | {name}, known) for base in _bases(tree, name, config)]
    for each in (*bases, _at(name, config)):
        options = {**found.get("compilerOptions", {}), **each.get("compilerOptions", {})}
        found = {**found, **each, "compilerOptions": options}
    known[name] = found
    return found


def _bases(tree: Tree, name: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the repository that a configuration extends, each once and no more than are looked at; those of
    packages are not there yet.
    """
    extends = config.get("extends")
    named = extends[:_MOST] if isinstance(extends, list) else [extends]
    return tuple(dict.fromkeys(_files_of(tree, name, named)))


def _files_of(tree: Tree, name: str, named: Iterable[object]) -> Iterator[str]:
    for base in named:
        if isinstance(base, str) and base.startswith("."):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), base))
            candidates = (path, f"{path}.json", posixpath.normpath(f"{path}/{TSCONFIG}"))
            yield from (each for each in candidates[: 1 if path.endswith(".json") else 3] if each in tree)


def _at(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with its paths as seen from the top, and not from the folder that it lies in."""
    folder = posixpath.dirname(name)
    options = config.get("compilerOptions")
    found: dict[str, Any] = {"compilerOptions": dict(options) if isinstance(options, dict) else {}}
    for key in ("outDir", "rootDir"):
        if isinstance(path := found["compilerOptions"].get(key), str):
            found["compilerOptions"][key] = posixpath.normpath(posixpath.join(folder, path))
    for key in ("include", "exclude"):
        if isinstance(paths := config.get(key), list):
            inside = (each for each in paths if isinstance(each, str))
            found[key] = [posixpath.normpath(posixpath.join(folder, each)) for each in inside]
    return found


def _common_root(subject: Subject, entry: str) -> str:
    """The folder that all compiled files share, which is what tsc takes for the root."""
    top = entry.partition("/")[0] if "/" in entry else ""
    if not top:
        return ""
    if included := configuration(subject.tree).get("include"):
        return top if all(each.partition("/")[0] == top for each in included) else ""
    beside = (
        name for name in subject.tree.names if name.endswith((".ts", ".tsx", ".mts")) and not name.startswith(f"{top}/")
    )
    return "" if any(not _TOOLS.fullmatch(name) for name in beside) else top


def _bundled(line: str, entry: str) -> str | None:
    """What a bundler of the build script writes, as far as its command says so."""
    stem = posixpath.basename(entry).rpartition(".")[0]
    if re.search(r"\besbuild\b", line):
        out, file = option(line, "--outdir"), option(line, "--outfile")
        return file or (f"{out}/{stem}.js" if out else None)
    if re.search(r"\bbun build\b", line):
        out, file = option(line, "--outdir"), option(line, "--outfile")
        return file or (f"{out}/{stem}.js" if out else None)
    if re.search(r"\btsup\b", line):
        return f"{option(line, '--out-dir', '-d') or 'dist'}/{stem}.js"
    if re.search(r"\bncc build\b", line):
        return f"{option(line, '-o', '--out') or 'dist'}/index.js"
    return None
