"""Programs in TypeScript that no framework starts: where the compiled main file lies, or what runs the source."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Any, Final

from headway.seams.builders.base import BuildError
from headway.seams.buildplan.providers.jsonc import parse_jsonc
from headway.seams.buildplan.providers.node_framework import Subject, option

STEMS: Final = ("index", "main", "server", "app", "bot")
ENTRIES: Final = (
    *(f"src/{stem}.ts" for stem in STEMS),
    *(f"{stem}.ts" for stem in STEMS),
    *(f"src/{stem}.mts" for stem in STEMS),
)
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
    candidates = [*(each.removeprefix("./") for each in named if each.endswith((".ts", ".mts"))), *ENTRIES]
    entry = next((each for each in candidates if each in subject.tree), None)
    if entry is None:
        return None
    if subject.manager.name == "bun":
        return Typed(start=f"bun {entry}", entry=entry, reason=f"{entry}, run by Bun")
    bundled = _bundled(subject.build, entry)
    if bundled is not None:
        return Typed(
            start=f"node {shlex.quote(bundled)}", entry=entry, reason=f"what the build script makes of {entry}"
        )
    compiles = re.search(r"(?:^|[\s/;&])(?:tsc|tsc-alias|swc)(?=\s|$)", subject.build) is not None
    if compiles or (not subject.build and subject.package.has("typescript") and "tsconfig.json" in subject.tree):
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
    """The options of tsconfig.json over those of the file beside it that it extends."""
    try:
        config = parse_jsonc(subject.tree, "tsconfig.json")
        base = config.get("extends")
        path = posixpath.normpath(base) if isinstance(base, str) and base.startswith(".") else ""
        under = parse_jsonc(subject.tree, path if path.endswith(".json") else f"{path}.json") if path else {}
    except BuildError:
        return {}
    found: dict[str, Any] = {}
    for each in (under, config):
        options = each.get("compilerOptions")
        found |= options if isinstance(options, dict) else {}
    return found


def _common_root(subject: Subject, entry: str) -> str:
    """The folder that all compiled files share, which is what tsc takes for the root."""
    top = entry.partition("/")[0] if "/" in entry else ""
    if not top:
        return ""
    try:
        included = parse_jsonc(subject.tree, "tsconfig.json").get("include")
    except BuildError:
        included = None
    if isinstance(included, list) and included:
        shares = all(isinstance(each, str) and each.removeprefix("./").partition("/")[0] == top for each in included)
        return top if shares else ""
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
