"""The lines of package.json's scripts: what serves, what is a developer's, and what the latter is in production."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from headway.drivers.buildplan import image_files
from headway.drivers.buildplan.image_stages import whole
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_address import started
from headway.drivers.buildplan.providers.node_calls import (
    CALL,
    MOST_CALLED,
    PREFIX,
    called_elsewhere,
    parted,
    reached,
    side_by_side,
)
from headway.drivers.buildplan.providers.node_nodemon import program_of, read_settings
from headway.drivers.buildplan.providers.node_package import LONGEST, Package
from headway.drivers.buildplan.providers.node_shells import begins_developers_shell, shell_file
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_OPTIONS = r"(?:--?[\w=.-]+\s+)*+"
# Servers for a developer's own machine, and previews that refuse what comes from elsewhere.
_DEVELOPER = re.compile(
    r"vite(?!\s+(?:build|optimize)\b(?!.*--watch))(?=\s|$)|"
    rf"(?:react-scripts|react-app-rewired|craco|docusaurus|expo|rescripts|razzle|ice|kkt)\s+{_OPTIONS}start\b|"
    r"(?:ng|nx|ember|vue-cli-service|webpack|webpack-cli|rspack|snowpack|hexo|preact|elm-app|live-server|browser-sync|"
    rf"honkit|gitbook|docsify)\s+{_OPTIONS}(?:serve|server|s|dev|watch|start)\b|"
    r"nest\s+start\b|nx\s+run\s+\S+:serve\b|webpack-dev-server\b|webpack(?:-cli)?\b.*\s--watch\b|parcel\b(?!\s+build)|"
    r"(?:astro|gatsby|next|nuxt|nuxi|remix|react-router|vinxi|vitepress|vuepress|storybook|quasar|rsbuild|strapi|medusa|"
    r"wrangler|netlify|vercel|turbo|keystone|blitz|slidev|waku|farm|modern|ionic|redwood|umi|max|dumi|rspress|vike|"
    r"gridsome)\s+(?:run\s+)?(?:dev|develop|vite:dev|serve|preview|pages\s+dev)\b|umi\s+start\b|lite-server\b|"
    r"(?:next|nuxt|nuxi|astro|slidev)(?:\s+-.*)?$|start-storybook\b|live-server\b|browser-sync\b|"
    r"(?:eleventy|@11ty/eleventy|stencil)\b.*\s--(?:serve|watch)\b|nuxt\s+start\s+--dev|"
    r"(?:tsc|tsup|rollup|esbuild|microbundle)\b.*\s(?:--watch|-w)\b|tsc-watch\b|gulp\s+(?:watch|serve|dev)\b"
)
_ALL = re.compile(
    r"turbo\s++(?:run\s++)?start\b(?!.{0,200}--filter)|"
    r"turbo\s++(?:run\s++)?start\b.{0,200}--filter\b.{0,200}--filter\b|"
    r"lerna\s++run\s++\S{0,60}start|nx\s++run-many|pnpm\s(?:.{0,200}\s)?(?:-r|--recursive|--parallel)\s.{0,200}start|"
    r"(?:npm|bun)\s.{0,200}(?:--workspaces|-ws)\b|yarn\s++workspaces\s++(?:run|foreach)|wsrun\b"
)
# A program by the file that it is, where packages have it.
_FILE = re.compile(
    r"^(?:node\s+(?:--\S+\s+)*+)?(?:\./)?node_modules/(?:\.bin/|(?:@[\w.-]+/)?[\w.-]+/(?:dist/|lib/)?(?:bin|cli)/)"
    r"([\w-]+)(?:\.[cm]?js)?(?=\s|$)"
)
_WATCH = re.compile(r"\s--(?:watch(?:-path|-preserve-output)?|hot|inspect(?:-brk|-port|-wait)?)(?:=\S+)?(?=\s|$)")
_FIXED = re.compile(
    r"((?:next|remix-serve|serve|http-server|nuxt)\s(?:.{0,200}?\s)?)(?:-p|--port|-l|--listen)(?:\s++|=)\d{2,5}\b"
)
# It listens on "localhost", which may be another address than the one that is asked, and before 1.0 reads no PORT.
_ON_PORT: Final = "--host 127.0.0.1 --port ${PORT:-3000}"
_OF_JSON_SERVER = re.compile(r"\s(?:-p|--port|-H|--host)(?:\s+|=)[^\s\"';&|-][^\s\"';&|]*(?=\s|$)")
_PORT = re.compile(r"(^|\s)PORT=\d{2,5}\s+(?=\S)")
# A file of variables, which Node, Bun, tsx and env-cmd refuse to go without.
_VARIABLES = re.compile(r"(?:(?<=\s)--env-file(?:=|\s+)|(?<!\S)env-cmd\s+(?:-f|--file)\s+)([^\s\"';&|]+)\s+")
# What a file loads that is for a developer's own machine, and what it loads where it is a server all the same.
_LOADED = re.compile(r"(?:\brequire\s*+\(\s*+|\bfrom\s*+|\bimport\s*+\(?\s*+)[\"']([^\"'\n]{1,100})[\"']")
_BUNDLES_ANEW: Final = frozenset(
    {"webpack-dev-server", "browser-sync", "live-server", "react-dev-utils/WebpackDevServerUtils"}
)
_RUNS_OTHERS: Final = frozenset({"concurrently", "nodemon", "chokidar", "npm-run-all"})
_OF_SERVERS: Final = frozenset({"express", "koa", "fastify", "@hapi/hapi", "hono", "polka", "restify"})
_BY_SYSTEM: Final = frozenset({"run-script-os", "run-os", "npx run-script-os"})
_SYSTEMS: Final = ("linux", "nix", "default")
_BEFORE_START: Final = ("preinstall", "install", "postinstall", "prepare", "prebuild", "build", "postbuild", "prestart")
# What builds when it starts, or serves the files that a build left, is no better than the folder itself.
_SERVES_BUILT = re.compile(r"(?:yarn|pnpm|npm run|bun run)\s+build\b|\b(?:serve|http-server)\b")
_BUILDS: Final = frozenset(
    {"npm run build", "yarn build", "yarn run build", "pnpm build", "pnpm run build", "bun run build"}
)
_PIPED = re.compile(r"((?:[^\"'|]|\"[^\"]*\"|'[^']*')*+)\|(?!\|)(.*)", re.DOTALL)
_OF_PART = re.compile(r"[\w-]{1,40}:(?:start[:-]prod(?:uction)?|prod:start)")
_MOST_PARTS: Final = 8
_BINS: Final = "node_modules/.bin"
_SEVERAL = re.compile(r"[&;|\n]")
_DEPTH: Final = 6
_PRODUCTION: Final = (
    "start:prod",
    "start:production",
    "start-prod",
    "start:server",
    "serve:prod",
    "production",
    "prod",
)
_BUILT_BY_IMAGE = re.compile(r"\b(?:npm|pnpm|yarn|bun)[ \t]+(?:run[ \t]+)?(build[:-][\w:-]{1,60})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command line that serves: ``script`` is the one of package.json that it comes from, ``notes`` say what was
    changed.
    """

    text: str
    script: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """What the scripts say about the start: a ``line`` that serves, or why none does (``developer`` is the line of a
    developer's server, ``all`` one that starts every package of a workspace).
    """

    line: Line | None = None
    developer: str | None = None
    is_all: bool = False


def read_start(package: Package, tree: Tree | None = None) -> Scripts:
    """The start script, or else one that is named as the production's. ``tree`` is what lies in the folder of the
    package.
    """
    developer, is_all = None, False
    for name in ("start", *_PRODUCTION, *_of_parts(package, tree)):
        text = _resolved(package, package.script(name), name)
        if text is None:
            continue
        if len(text) > LONGEST:
            return Scripts(line=Line(text=text, script=name))
        if _ALL.search(text):
            is_all = True
        elif (alone := _server_of(text, package, tree)) is not None:
            told = f"The start script ({text[:80]}) runs a developer's server beside: only the other is started."
            found = _at_work(alone, package, tree)
            line = replace(found, script=found.script or name, notes=(told, *found.notes))
            return Scripts(line=line, is_all=is_all)
        elif (
            is_developers(text, package, tree)
            or _begins_developers(text, tree)
            or (name != "start" and any(map(_SERVES_BUILT.search, reached(text, package, tree))))
        ):
            developer = developer or text
        else:
            found = _at_work(text, package, tree)
            if found.text != text and found.text.startswith("ts-node ") and not package.has("ts-node"):
                developer = developer or text  # what it would be run by is not there
                continue
            notes = found.notes
            if developer is not None:
                told = f"The start script ({developer[:80]}) is a developer's server, so the script {name} is started."
                notes = (told, *notes)
            return Scripts(line=Line(text=found.text, script=found.script or name, notes=notes), is_all=is_all)
    return Scripts(developer=developer, is_all=is_all)


def shell_files(package: Package, tree: Tree) -> Iterator[str]:
    """The files for a shell that its scripts for a start run."""
    for name in ("start", *_PRODUCTION):
        if (file := shell_file(package.short(name), tree)) is not None:
            yield file


def _of_parts(package: Package, tree: Tree | None) -> Iterator[str]:
    """The scripts for production of one part (``server:start:prod``) that lead to a server in another folder."""
    for name in islice(filter(_OF_PART.fullmatch, package.scripts), _MOST_PARTS):
        line = package.short(name)
        if called_elsewhere(line, tree) is not None and not is_developers(line, package, tree):
            yield name


def _at_work(line: str, package: Package, tree: Tree | None) -> Line:
    """The line as it is in production; where it only calls what is watched in another folder, a script of the package
    for that in production, or else what is watched.
    """
    there = called_elsewhere(line, tree)
    text = there.package.short(there.name) if there is not None else ""
    if there is None or tree is None or not text:
        return production(line, package, read_settings(tree, package, line))
    text = _resolved(there.package, text, there.name) or text
    found = production(text, there.package, read_settings(tree.below(there.folder), there.package, text))
    if found.text == text:
        return Line(text=line, script="")
    if (name := next(_of_parts(package, tree), None)) is not None:
        told = f"The start script ({line[:80]}) watches for changes, so the script {name} is started."
        return Line(text=package.short(name), script=name, notes=(told,))
    path = f'PATH="$PWD/{_BINS}:$PATH"'
    inner = f"export {path} && {found.text}" if _SEVERAL.search(found.text) else f"{path} {found.text}"
    return replace(found, text=f"cd {there.folder} && {inner}")


def _server_of(line: str, package: Package, tree: Tree | None) -> str | None:
    """What serves, of two lines that are run side by side of which the other is a developer's server."""
    both = side_by_side(line, package)
    others = [each for each in both if not is_developers(each, package, tree)]
    in_turn = rf"\b(?:run-s\b|npm-run-all\b(?!.{{0,{LONGEST}}}\s(?:-p|--parallel)\b))"
    is_in_turn = re.search(in_turn, line) is not None
    if is_in_turn or len(both) != 2 or len(others) != 1:
        return None
    alone = _resolved(package, others[0], "") or others[0]
    is_elsewhere = called_elsewhere(alone, tree) is not None
    return None if not is_elsewhere and re.match(r"(?:cd|npx\s+json-server|json-server)\s", alone) else alone


def is_developers(line: str, package: Package | None = None, tree: Tree | None = None) -> bool:
    """Whether one of its commands is a developer's server, or one of those of the scripts of the ``package`` that it
    calls, and where the ``tree`` in the folder of that is known of those in other folders.
    """
    lines = (line,) if package is None or len(line) > LONGEST else reached(line, package, tree)
    return any(_DEVELOPER.match(command) for each in lines for command in commands(each))


def _begins_developers(line: str, tree: Tree | None) -> bool:
    """Whether the file that it starts begins a developer's server, as that of an ejected Create React App does, or
    runs others side by side and listens nowhere itself; also where that is a file for a shell.
    """
    if tree is not None and (shell := shell_file(line, tree)) is not None:
        return begins_developers_shell(tree.text(shell), is_developers)
    file = next(started(line, tree), None) if tree is not None else None
    code = without_comments(tree.text(file)) if tree is not None and file is not None else ""
    loaded = set(_LOADED.findall(code))
    if loaded & _OF_SERVERS:
        return False
    return bool(loaded & _BUNDLES_ANEW) or (bool(loaded & _RUNS_OTHERS) and ".listen(" not in code)


def commands(line: str) -> Iterator[str]:
    """The commands of a line, without variables and runners before them; also those that concurrently is given."""
    for part in parted(line):
        plain = _FILE.sub(r"\1", PREFIX.sub("", part.strip() + " ").strip())
        if re.match(r"(?:concurrently|run-p|npm-run-all)\b", plain):
            yield from (PREFIX.sub("", f"{each} ").strip() for each in re.findall(r"[\"']([^\"']+)[\"']", plain))
        yield plain


def production(line: str, package: Package, settings: Mapping[str, Any]) -> Line:
    """The line without what watches for changes, opens a debugger or binds to a port of its own; ``settings`` are those
    of nodemon.
    """
    notes = []
    text = _unwatched(line, package, settings)
    if text != line:
        notes.append(
            f"The start script ({line[:80]}) is a developer's or goes into the background: started is {text[:80]}."
        )
    free = _PORT.sub(r"\1", _FIXED.sub(r"\1", text)).strip()
    free = re.sub(r"^cross-env\s+(?![A-Za-z_]\w*=)", "", free)
    if free != text:
        notes.append(f"The start script names a port of its own ({text[:80]}): it is left out, so that PORT is used.")
    asked = _of_json_server(free)
    if asked != free:
        notes = [*notes, "json-server is told to listen on PORT."]
    return Line(text=re.sub(r"\s{2,}", " ", asked).strip(), script="", notes=tuple(notes))


def _of_json_server(line: str) -> str:
    """json-server as it listens on PORT, where it is what the line ends with."""
    head, _, last = line.rpartition("&&")
    if re.search(r"[;|&]", last) or not re.match(r"json-server\s", PREFIX.sub("", f"{last.strip()} ")):
        return line
    plain = _OF_JSON_SERVER.sub("", last.strip())
    return f"{head.strip()} && {plain} {_ON_PORT}" if head else f"{plain} {_ON_PORT}"


def settled(line: Line, package: Package, tree: Tree, told: Sequence[str]) -> Line:
    """The line without files of variables that are in no repository, and without what builds: that is done by then,
    unless something else is ``told`` to be. ``tree`` is what lies in the folder of the package.
    """
    text, absent = without_absent(line.text, package, tree, told)
    notes = []
    if absent:
        why = f"The start script reads {', '.join(absent)}, which is not in the repository: that is left out."
        notes.append(f"{why} Variables are set by 'headway env set'.")
    first, _, rest = text.partition("&&")
    build = package.short("build")
    if build and rest and not told and first.strip() in {build, *_BUILDS}:
        text = rest.strip()
        notes.append(f"The start script builds first, which is done by then: started is {text[:80]}.")
    return replace(line, text=text, notes=(*line.notes, *notes))


def without_absent(text: str, package: Package, tree: Tree, told: Sequence[str]) -> tuple[str, list[str]]:
    """A line without the files of variables that it reads and that neither are there nor are made, by a script or what
    is ``told``; and these files.
    """
    if len(text) > LONGEST:
        return text, []
    put = image_files.files_put(tree)  # as the Dockerfile has them
    made = " ".join((*told, *(package.short(name) for name in _BEFORE_START)))
    absent = []

    def kept(match: re.Match[str]) -> str:
        file = posixpath.normpath(match[1])
        if (
            file in tree
            or file in put
            or file.startswith(("../", "/"))
            or "$" in file
            or posixpath.basename(file) in made
        ):
            return match[0]
        absent.append(match[1])
        return ""

    return _VARIABLES.sub(kept, text), absent


def called_lines(package: Package, names: Iterable[str]) -> Iterator[str]:
    """The lines of these scripts and of those that they call, as far as they are looked into."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting and len(seen) < MOST_CALLED:
        name = waiting.pop()
        line = package.short(name)
        if name in seen or not line:
            continue
        seen.add(name)
        yield line
        waiting += [match[1] for match in CALL.finditer(line)]


def mentions(package: Package, names: tuple[str, ...], program: str) -> bool:
    """Whether one of these scripts, or one that they call, runs a program."""
    word = re.compile(rf"(?:^|[\s;&|('\"=]){re.escape(program)}(?=\s|$)")
    return any(word.search(line) for line in called_lines(package, names))


def _resolved(package: Package, line: str | None, name: str) -> str | None:
    """The line itself, the script of that ``name``; or the one of the script that it does no more than call, also for
    this system (run-script-os asks npm by which name it was called).
    """
    for _ in range(_DEPTH):
        if line in _BY_SYSTEM:
            names = (f"{name}:{system}" for system in _SYSTEMS)
            line = next((found for each in names if (found := package.script(each)) is not None), line)
        match = CALL.fullmatch(line) if line is not None else None
        called = package.script(match[1]) if match is not None else None
        name = match[1] if match is not None else name
        if called is None or called == line:
            return line
        line = called
    return line


def _unwatched(line: str, package: Package, settings: Mapping[str, Any]) -> str:
    head, _, last = line.rpartition("&&")
    before = f"{head.strip()} && " if head else ""
    command, bar, rest = last.strip(), "", ""
    if (piped := _PIPED.fullmatch(command)) is not None:  # into what makes its log readable
        command, bar, rest = piped[1].strip(), " | ", piped[2].strip()
    return _unwatched_program(before, command, package, settings) + bar + rest


def _unwatched_program(before: str, command: str, package: Package, settings: Mapping[str, Any]) -> str:
    """A command that is alone, after what is ``before`` it in its line."""
    prefix = PREFIX.match(f"{command} ")
    variables = prefix[0] if prefix is not None else ""
    plain = f"{command} "[len(variables) :].strip()
    program = plain.partition(" ")[0]
    if program in {"nodemon", "supervisor", "node-dev"}:
        return before + variables + _WATCH.sub("", program_of(plain, package, settings))
    if program in {"ts-node-dev", "tsnd"}:
        flags = re.sub(
            r"\s(?:--respawn|--watch[= ]\S+|--rs|--clear|--cls|--notify|--poll|--exit-child)(?=\s|$)", "", plain
        )
        runner = "ts-node" if package.has("ts-node") else program
        return before + variables + flags.replace(program, runner, 1)
    if re.match(r"tsx\s+watch\s", plain):
        plain = re.sub(r"^tsx\s+watch\s+", "tsx ", plain)
    elif (match := re.match(r"pm2\s+start\s+(.+)", plain)) and "--no-daemon" not in plain:
        return f"{before}{variables}pm2-runtime start {match[1]}"
    elif match := re.match(r"forever\s+(?:start\s+)?((?!-)\S.*)", plain):
        return f"{before}{variables}node {match[1]}"
    if program in {"node", "bun", "tsx", "ts-node", "deno"}:
        plain = _WATCH.sub("", plain)
    return before + variables + plain


def built_by_image(tree: Tree, package: Package) -> str | None:
    """The script of a package that builds a part of it and that the Dockerfile runs, None where it runs none."""
    return next((name for name in _BUILT_BY_IMAGE.findall(whole(tree)) if package.script(name)), None)
