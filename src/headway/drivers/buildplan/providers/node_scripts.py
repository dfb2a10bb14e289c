"""The lines of package.json's scripts: what serves, what is a developer's, and what the latter is in production."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from headway.drivers.buildplan import image_files
from headway.drivers.buildplan.image_stages import whole
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_address import started
from headway.drivers.buildplan.providers.node_nodemon import program_of, read_settings
from headway.drivers.buildplan.providers.node_package import LONGEST, Package
from headway.drivers.buildplan.tree import Tree

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
    r"turbo\s+(?:run\s+)?start\b(?!.*--filter)|turbo\s+(?:run\s+)?start\b.*--filter\b.*--filter\b|lerna\s+run\s+\S*start|nx\s+run-many|"
    r"pnpm\s+(?:.*\s)?(?:-r|--recursive|--parallel)\s.*start|(?:npm|bun)\s+(?:run\s+)?.*(?:--workspaces|-ws)\b|"
    r"yarn\s+workspaces\s+(?:run|foreach)|wsrun\b"
)
_PREFIX = re.compile(
    r"^(?:(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"']*)|cross-env(?:-shell)?|env|exec|time|npx(?:\s+--?\S+)*|"
    r"pnpm\s+exec|pnpm\s+dlx|yarn\s+(?:exec|run)|bunx(?:\s+--bun)?|env-cmd(?:\s+-f\s+\S+)?|"
    r"dotenv(?:\s+-e\s+\S+)*\s+--|(?:yarn|pnpm|bun)(?=\s+(?!run|start|install|build|x\s)[\w@][\w@/-]*(?:\s|$)))\s+)+"
)
# A program by the file that it is, where packages have it.
_FILE = re.compile(
    r"^(?:node\s+(?:--\S+\s+)*+)?(?:\./)?node_modules/(?:\.bin/|(?:@[\w.-]+/)?[\w.-]+/(?:dist/|lib/)?(?:bin|cli)/)"
    r"([\w-]+)(?:\.[cm]?js)?(?=\s|$)"
)
# What runs several lines side by side: in quotes, or as names of scripts.
_TOGETHER = re.compile(r"(?:concurrently|run-p|npm-run-all2?|run-s)\b")
_NAMING = re.compile(
    r"\s(?:-n|--names|-c|--prefix-colors|--prefix|--timestamp-format)(?:\s+|=)(?:\"[^\"]*\"|'[^']*'|\S+)"
)
_CALL = re.compile(r"(?:npm\s+(?:run(?:-script)?\s+)?|(?:yarn|pnpm|bun)\s+(?:run\s+)?)([\w:.-]+)")
_WATCH = re.compile(r"\s--(?:watch(?:-path|-preserve-output)?|hot|inspect(?:-brk|-port|-wait)?)(?:=\S+)?(?=\s|$)")
_FIXED = re.compile(
    r"((?:next|remix-serve|serve|http-server|nuxt)\s(?:.*?\s)?)(?:-p|--port|-l|--listen)(?:\s+|=)\d{2,5}\b"
)
# It listens on "localhost", which may be another address than the one that is asked, and before 1.0 reads no PORT.
_ON_PORT: Final = "--host 127.0.0.1 --port ${PORT:-3000}"
_OF_JSON_SERVER = re.compile(r"\s(?:-p|--port|-H|--host)(?:\s+|=)[^\s\"';&|-][^\s\"';&|]*(?=\s|$)")
_PORT = re.compile(r"(^|\s)PORT=\d{2,5}\s+(?=\S)")
# A file of variables, which Node, Bun, tsx and env-cmd refuse to go without.
_VARIABLES = re.compile(r"(?:(?<=\s)--env-file(?:=|\s+)|(?<!\S)env-cmd\s+(?:-f|--file)\s+)([^\s\"';&|]+)\s+")
# What a file loads that is for a developer's own machine, and what it loads where it is a server all the same.
_LOADED = re.compile(r"(?:\brequire\s*\(\s*|\bfrom\s*|\bimport\s*\(?\s*)[\"']([^\"'\n]{1,100})[\"']")
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
_DEPTH: Final = 6
_MOST_CALLED: Final = 50
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
    for name in ("start", *_PRODUCTION):
        text = _resolved(package, package.script(name), name)
        if text is None:
            continue
        settings = read_settings(tree, package, text)
        if len(text) > LONGEST:
            return Scripts(line=Line(text=text, script=name))
        if _ALL.search(text):
            is_all = True
        elif (alone := _server_of(text, package)) is not None:
            told = f"The start script ({text[:80]}) runs a developer's server beside: only the other is started."
            found = production(alone, package, settings)
            return Scripts(line=replace(found, script=name, notes=(told, *found.notes)), is_all=is_all)
        elif (
            is_developers(text, package)
            or _begins_developers(text, tree)
            or (name != "start" and _SERVES_BUILT.search(text))
        ):
            developer = developer or text
        else:
            found = production(text, package, settings)
            if found.text != text and found.text.startswith("ts-node ") and not package.has("ts-node"):
                developer = developer or text  # what it would be run by is not there
                continue
            notes = found.notes
            if developer is not None:
                told = f"The start script ({developer[:80]}) is a developer's server, so the script {name} is started."
                notes = (told, *notes)
            return Scripts(line=Line(text=found.text, script=name, notes=notes), is_all=is_all)
    return Scripts(developer=developer, is_all=is_all)


def _server_of(line: str, package: Package) -> str | None:
    """What serves, of two lines that are run side by side of which the other is a developer's server."""
    both = _side_by_side(line, package)
    others = [each for each in both if not is_developers(each, package)]
    is_in_turn = re.search(r"\b(?:run-s\b|npm-run-all\b(?!.*\s(?:-p|--parallel)\b))", line) is not None
    if is_in_turn or len(both) != 2 or len(others) != 1:
        return None
    alone = _resolved(package, others[0], "") or others[0]
    return None if re.match(r"(?:cd|npx\s+json-server|json-server)\s", alone) else alone


def is_developers(line: str, package: Package | None = None) -> bool:
    """Whether one of its commands is a developer's server, or one of those of the scripts of the ``package`` that it
    calls.
    """
    lines = (line,) if package is None or len(line) > LONGEST else _reached(line, package)
    return any(_DEVELOPER.match(command) for each in lines for command in commands(each))


def _begins_developers(line: str, tree: Tree | None) -> bool:
    """Whether the file that it starts begins a developer's server, as that of an ejected Create React App does, or
    runs others side by side and listens nowhere itself.
    """
    file = next(started(line, tree), None) if tree is not None else None
    code = without_comments(tree.text(file)) if tree is not None and file is not None else ""
    loaded = set(_LOADED.findall(code))
    if loaded & _OF_SERVERS:
        return False
    return bool(loaded & _BUNDLES_ANEW) or (bool(loaded & _RUNS_OTHERS) and ".listen(" not in code)


def _reached(line: str, package: Package) -> Iterator[str]:
    """The line, and those of the scripts that it calls or runs side by side; none of what it does in another folder."""
    waiting, seen = [line], set[str]()
    while waiting and len(seen) < _MOST_CALLED:
        each = waiting.pop(0)
        if each in seen or len(each) > LONGEST:
            continue
        seen.add(each)
        yield each
        beside = _side_by_side(each, package)
        waiting += beside
        for command in () if beside else parted(each):
            if command.startswith("cd "):
                break
            if match := _CALL.fullmatch(command):
                waiting += [called] if (called := package.short(match[1])) else []


def _side_by_side(line: str, package: Package) -> list[str]:
    """The lines that one line runs side by side; none for any other."""
    plain = _PREFIX.sub("", f"{line.strip()} ").strip()
    if _TOGETHER.match(plain) is None:
        return []
    plain = _NAMING.sub(" ", plain)
    quoted = [
        each for each in re.findall(r"\"([^\"]+)\"|'([^']+)'", plain.replace('\\\\"', '"')) for each in each if each
    ]
    words = [word.removeprefix("npm:") for word in re.sub(r"\"[^\"]*\"|'[^']*'", " ", plain).split()[1:]]
    named = (package.short(each.removeprefix("npm:")) or each for each in (*quoted, *words) if not each.startswith("-"))
    return [each for each in named if each]


def commands(line: str) -> Iterator[str]:
    """The commands of a line, without variables and runners before them; also those that concurrently is given."""
    for part in parted(line):
        plain = _FILE.sub(r"\1", _PREFIX.sub("", part.strip() + " ").strip())
        if re.match(r"(?:concurrently|run-p|npm-run-all)\b", plain):
            yield from (_PREFIX.sub("", f"{each} ").strip() for each in re.findall(r"[\"']([^\"']+)[\"']", plain))
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
    if re.search(r"[;|&]", last) or not re.match(r"json-server\s", _PREFIX.sub("", f"{last.strip()} ")):
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


def parted(line: str) -> list[str]:
    """The commands of a line, as they are written."""
    return re.split(r"\s*(?:&&|\|\||;|\||&)\s*", line.strip())


def called_lines(package: Package, names: Iterable[str]) -> Iterator[str]:
    """The lines of these scripts and of those that they call, as far as they are looked into."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting and len(seen) < _MOST_CALLED:
        name = waiting.pop()
        line = package.short(name)
        if name in seen or not line:
            continue
        seen.add(name)
        yield line
        waiting += [match[1] for match in _CALL.finditer(line)]


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
        match = _CALL.fullmatch(line) if line is not None else None
        called = package.script(match[1]) if match is not None else None
        name = match[1] if match is not None else name
        if called is None or called == line:
            return line
        line = called
    return line


def _unwatched(line: str, package: Package, settings: Mapping[str, Any]) -> str:
    head, _, last = line.rpartition("&&")
    before = f"{head.strip()} && " if head else ""
    command = last.strip()
    prefix = _PREFIX.match(f"{command} ")
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
