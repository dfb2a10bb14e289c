"""What is run of one package: its start script, what its framework says, or its main file."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from headway.drivers.buildplan.foreign_sites import worker
from headway.drivers.buildplan.image_program import started_file
from headway.drivers.buildplan.image_stages import dockerfile
from headway.drivers.buildplan.plan import Confidence, Site
from headway.drivers.buildplan.providers.node_calls import called_elsewhere, enters
from headway.drivers.buildplan.providers.node_framework import Framework, Subject
from headway.drivers.buildplan.providers.node_package import BUILDS, Package
from headway.drivers.buildplan.providers.node_part_builds import bundling
from headway.drivers.buildplan.providers.node_scripts import Line, built_by_image, called_lines, read_start, settled
from headway.drivers.buildplan.providers.node_servers import SERVERS
from headway.drivers.buildplan.providers.node_sites import SITES
from headway.drivers.buildplan.providers.node_typescript import TYPED_ENTRIES, typed_program
from headway.drivers.buildplan.providers.node_worker import is_worker
from headway.kernel.dataclass import dataclass

ENTRIES: Final = (
    *("server.js", "index.js", "app.js", "main.js", "bot.js"),
    *("server.mjs", "index.mjs", "app.mjs", "server.cjs", "index.cjs"),
    *("src/server.js", "src/index.js", "src/app.js", "src/main.js"),
)
INDEX: Final = "index.html"
BUILT: Final = ("dist", "build", "out", "public", "_site", "www", ".")

_LIBRARIES: Final[Mapping[str, str]] = {
    "express": "Express",
    "fastify": "Fastify",
    "koa": "Koa",
    "hono": "Hono",
    "elysia": "Elysia",
    "@hapi/hapi": "hapi",
    "restify": "restify",
    "polka": "Polka",
    "h3": "h3",
    "@feathersjs/express": "Feathers",
    "@feathersjs/koa": "Feathers",
    "sails": "Sails",
    "apollo-server": "Apollo Server",
    "@apollo/server": "Apollo Server",
    "graphql-yoga": "GraphQL Yoga",
    "socket.io": "Socket.IO",
    "ws": "ws",
    "json-server": "json-server",
}
_BOTS: Final[Mapping[str, str]] = {
    "discord.js": "discord.js",
    "discord.js-light": "discord.js",
    "eris": "Eris",
    "oceanic.js": "Oceanic",
    "telegraf": "Telegraf",
    "node-telegram-bot-api": "node-telegram-bot-api",
    "grammy": "grammY",
    "tmi.js": "tmi.js",
    "mineflayer": "mineflayer",
    "bullmq": "BullMQ",
    "bull": "Bull",
    "bee-queue": "Bee-Queue",
    "node-cron": "node-cron",
    "cron": "cron",
    "amqplib": "amqplib",
    "@whiskeysockets/baileys": "Baileys",
    "whatsapp-web.js": "whatsapp-web.js",
    "matrix-js-sdk": "matrix-js-sdk",
    "kafkajs": "KafkaJS",
    "mqtt": "MQTT.js",
    "agenda": "Agenda",
    "@temporalio/worker": "Temporal",
}
_MADE: Final = ("dist", "build", "lib", "out", ".output", "bin")
_LISTENS = re.compile(r"\.listen\s*\(|\bcreateServer\s*\(|\b(?:Bun|Deno)\.serve\s*\(|\bserve\s*\(")
_RUNNERS: Final = ("node", "bun", "deno")
_OF_NPM = re.compile(r"npm_(?:config|package|lifecycle|execpath)_?")
_NODE_FILE = re.compile(r"(?:^|\s)node\s+(?:--?[\w-]+(?:=\S+)?\s+|-r\s+\S+\s+)*+(?:\./)?([\w./-]+)")
_HOW: Final = (
    'Add a start script to package.json ("start": "node server.js"), or set the start command (headway apps set '
    "APP --start LINE), or add a "
    "Procfile with a line such as 'web: node server.js'. For a site, add a build script, or set the publish directory "
    "(headway apps set APP --publish FOLDER)."
)


class Ground(StrEnum):
    """What a program is known by: a script says so, a project of Nx or a framework does, or a file is there."""

    SCRIPT = "script"
    PROJECT = "project"
    FRAMEWORK = "framework"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Either ``start`` or ``site``, or a ``refusal`` that says what to change. ``script`` builds it, or else ``build``
    does, and then come the commands of ``after``. ``is_said`` tells that it is no guess.
    """

    framework: str = ""
    reason: str = ""
    ground: Ground = Ground.FILE
    start: str | None = None
    site: Site | None = None
    refusal: str | None = None
    script: str | None = None
    build: tuple[str, ...] | None = None
    after: tuple[tuple[str, ...], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    takes_requests: bool = True
    is_said: bool = True
    notes: tuple[str, ...] = ()

    @property
    def confidence(self) -> Confidence:
        """How sure it is."""
        return Confidence.SEEN if self.is_said else Confidence.GUESSED

    @property
    def is_built(self) -> bool:
        """Whether something builds it, or is refused."""
        return self.refusal is not None or self.script is not None or self.build is not None


def find_program(subject: Subject) -> Program:
    """What is run of the package, and how it is built."""
    framework = next((found for look in (*SERVERS, *SITES) if (found := look(subject)) is not None), None)
    scripts = read_start(subject.package, subject.tree)
    if framework is not None and framework.is_decided:
        return _of_framework(subject, framework, scripts.developer)
    if scripts.line is not None:
        return _of_line(subject, settled(scripts.line, subject.package, subject.tree, subject.manager.told), framework)
    if framework is not None and (framework.site is None or not _has_server(subject)):
        return _of_framework(subject, framework, scripts.developer)
    if scripts.developer is not None and (pages := _pages_elsewhere(subject, scripts.developer)) is not None:
        return pages
    program = _of_files(subject)
    if scripts.developer is None:
        return program
    told = f"The start script ({scripts.developer[:80]}) is a developer's server, and is not started."
    refusal = f"{told} {_HOW}" if program.refusal is not None else None
    return replace(program, notes=(told, *program.notes), refusal=refusal)


def _of_framework(subject: Subject, framework: Framework, developer: str | None) -> Program:
    notes = framework.notes
    if developer is not None and framework.refusal is None:
        instead = f"started is {framework.start}" if framework.start is not None else "what the build makes is served"
        notes = (f"The start script ({developer[:80]}) is a developer's server: {instead}.", *notes)
    return Program(
        framework=framework.name,
        reason=framework.reason,
        ground=Ground.FRAMEWORK,
        start=None if framework.start is None else _called(subject, framework.start),
        site=framework.site if framework.refusal is None else None,
        refusal=framework.refusal,
        script=next((name for name in framework.scripts if subject.package.script(name)), None),
        build=framework.build,
        after=framework.after,
        env=framework.env,
        build_env=framework.build_env,
        run_env=framework.run_env,
        notes=notes,
    )


def _of_line(subject: Subject, line: Line, framework: Framework | None) -> Program:
    """The start script, without the package manager in between where that is possible: signals then reach what runs,
    and its memory is not spent twice.
    """
    package = subject.package
    is_server = framework is not None and framework.site is None
    start = _called(subject, line.text)
    calls = [package.script(f"{when}{line.script}") for when in ("pre", "post")]
    needless = {f"npm run {each}" for each in ("build",)} | {"yarn build", "pnpm build", "bun run build", subject.build}
    if any(call is not None and call not in needless for call in calls) or _asks_npm(subject, line.text):
        start = (
            " ".join(subject.manager.script(line.script)) if line.script != "start" else f"{subject.manager.name} start"
        )
    elif not subject.manager.has_bins and not line.notes:
        start = " ".join(subject.manager.script(line.script))
    built_by = _build_script(subject)
    typed = None if built_by or not _is_missing(subject, line.text) else typed_program(subject)
    part = bundling(package) if typed is None and not is_server else None
    takes = _takes_requests(subject, line.text, framework)
    return Program(
        framework=framework.name if framework is not None and is_server else _library(package) or _bot(package) or "",
        reason=_reason(f"the {line.script} script of {package.path(package.file)}", package, takes=takes),
        ground=Ground.SCRIPT,
        start=start,
        script=_built_beside(subject, line.text, framework, built_by or part),
        build=typed.build if typed is not None else framework.build if framework is not None and is_server else None,
        after=framework.after if framework is not None and is_server else (),
        env=framework.env if framework is not None and is_server else {},
        build_env=framework.build_env if framework is not None else {},
        run_env=framework.run_env if framework is not None and is_server else {},
        takes_requests=takes,
        notes=(*line.notes, *(framework.notes if framework is not None and is_server else ())),
    )


def _built_beside(subject: Subject, line: str, framework: Framework | None, built_by: str | None) -> str | None:
    """The script that builds what the ``line`` starts: the framework's own, but that of a generator of sites
    (documents, a Storybook) only where the line serves what it leaves, or nothing else is there to be served.
    """
    package = subject.package
    own = None if framework is None else next((name for name in framework.scripts if package.script(name)), None)
    if framework is None or framework.site is None:
        return own or built_by
    folders = (folder for folder in framework.site.folders if folder != ".")
    if own is not None and any(folder in line for folder in folders):
        return own
    return built_by or (own if _library(package) is None else None)


def _of_files(subject: Subject) -> Program:
    """By the main file, the one in TypeScript, a page, or what the build script may leave."""
    package = subject.package
    script = _build_script(subject)
    name = _library(package) or _bot(package) or ""
    main = _main(subject)
    if (refusal := _of_workers(subject, main)) is not None:
        return Program(framework=name, refusal=refusal, script=script, is_said=False)
    if main is not None and not (script and _page("public") in subject.tree and _is_bundled(subject, main)):
        runner = "bun" if subject.manager.name == "bun" else "node"
        start = _called(subject, f"{runner} {shlex.quote(main)}")
        takes = _takes_requests(subject, start, None)
        reason = _reason("the main file", package, takes=takes)
        return Program(framework=name, reason=reason, start=start, script=script, takes_requests=takes)
    if (typed := typed_program(subject)) is not None and (name or INDEX not in subject.tree):
        takes = _takes_requests(subject, f"node {typed.entry}", None)
        return Program(
            framework=name or "TypeScript",
            reason=_reason(typed.reason, package, takes=takes),
            start=_called(subject, typed.start),
            script=script,
            build=typed.build,
            takes_requests=takes,
            is_said=bool(name) or subject.manager.name == "bun",
        )
    if (line := _of_image(subject, is_built=script is not None)) is not None:
        takes = _takes_requests(subject, line, None)
        reason = _reason(f"what {dockerfile(subject.tree)} starts", package, takes=takes)
        return Program(framework=name, reason=reason, start=_called(subject, line), script=script, takes_requests=takes)
    if script in BUILDS and not name:
        return Program(reason="what the build script leaves", site=Site(folders=BUILT), script=script, is_said=False)
    if (folder := next((each for each in (".", "public") if _page(each) in subject.tree), None)) is not None:
        return Program(reason=f"it has {_page(folder)}", site=Site(folders=(folder,)), script=script, is_said=False)
    language = "Bun" if subject.manager.name == "bun" else "Node"
    refusal = f"This is a {language} application, but nothing says how it is started. {_HOW}"
    return Program(framework=name, refusal=refusal, script=script, is_said=False)


def _of_image(subject: Subject, *, is_built: bool) -> str | None:
    """The line by which the Dockerfile starts a file that is there, or that the build may make."""
    found = started_file(subject.tree, _RUNNERS)
    if found is None or not (
        is_built or any(f"{found[1]}{ending}" in subject.tree for ending in ("", ".js", "/index.js"))
    ):
        return None
    return found[0]


def _pages_elsewhere(subject: Subject, developer: str) -> Program | None:
    """The site of another folder, whose developer's server the start script begins and which a script that builds
    enters too; None where there is none.
    """
    there = called_elsewhere(developer, subject.tree)
    script = _build_script(subject)
    if there is None or script is None or not enters(called_lines(subject.package, (script,)), there.folder):
        return None
    inner = replace(subject, tree=subject.tree.below(there.folder), package=replace(there.package, folder=""))
    found = find_program(inner)
    if found.site is None or found.refusal is not None or not found.is_said:
        return None
    folders = tuple(posixpath.join(there.folder, each) for each in found.site.folders)
    return replace(found, site=replace(found.site, folders=folders), script=script, build=None, after=())


def _of_workers(subject: Subject, main: str | None) -> str | None:
    """Why it is not started, where its only program is for Cloudflare's workers: it exports what answers, and listens
    nowhere. Bun serves such an export itself.
    """
    found = worker(subject.tree) if subject.manager.name != "bun" else None
    if found is None or found[0] not in subject.tree or _LISTENS.search(subject.tree.text(found[0])):
        return None
    if main is not None and main != found[0] and _LISTENS.search(subject.tree.text(main)):
        return None
    return (
        f"This is a program for Cloudflare's workers ({found[1]} has {found[0]}), which listens nowhere by itself. Add "
        "one that serves it here, such as server.js with serve() of @hono/node-server, and a start script for it "
        '("start": "node server.js"); or set the start command (headway apps set APP --start LINE).'
    )


def _build_script(subject: Subject) -> str | None:
    """The script that builds it: where none is named so Heroku's own, or a part that the Dockerfile has built."""
    package = subject.package
    heroku = "heroku-postbuild" if package.script("heroku-postbuild") else None
    return package.build or heroku or built_by_image(subject.tree, package)


def _page(folder: str) -> str:
    return INDEX if folder == "." else f"{folder}/{INDEX}"


def _main(subject: Subject) -> str | None:
    """The main file in JavaScript; None where there is none, and for a script beside a page, which is the page's."""
    main = subject.package.text("main").removeprefix("./")
    is_made = main.partition("/")[0] in _MADE and bool(subject.build)
    if main.endswith((".js", ".mjs", ".cjs")) and (main in subject.tree or is_made):
        if _library(subject.package) or INDEX not in subject.tree:
            return main
    elif main and f"{main}.js" in subject.tree:
        return main
    if INDEX in subject.tree and not _library(subject.package):
        return None
    return next((name for name in ENTRIES if name in subject.tree), None)


def _has_server(subject: Subject) -> bool:
    """Whether a server of its own lies beside what is bundled into pages, and not only the main file of those."""
    main = _main(subject)
    is_for_developers = subject.package.has("json-server") and _library(subject.package) == "json-server"
    return (
        main is not None
        and _library(subject.package) is not None
        and not is_for_developers
        and not (_is_bundled(subject, main))
    )


def _is_bundled(subject: Subject, main: str) -> bool:
    """Whether a main file is one that a bundler makes pages of: it listens nowhere, and lies where those look."""
    listens = _LISTENS.search(subject.tree.text(main)) is not None
    return not listens and (main.startswith("src/") or (main in subject.tree.contents and INDEX in subject.tree))


def _called(subject: Subject, line: str) -> str:
    """The line as it finds its packages where they lie in zip files."""
    if subject.manager.has_bins:
        return line
    return re.sub(r"(^|&&\s*)node\s", r"\1yarn node ", line)


def _asks_npm(subject: Subject, line: str) -> bool:
    """Whether the line or a main file reads what a package manager tells those that it starts."""
    texts = (subject.tree.text(name) for name in (*ENTRIES, *TYPED_ENTRIES) if name in subject.tree.contents)
    return any(_OF_NPM.search(text) for text in (line, *texts))


def _is_missing(subject: Subject, line: str) -> bool:
    """Whether it starts a file that has to be made first."""
    match = _NODE_FILE.search(line)
    if match is None or subject.manager.name == "bun":
        return False
    file = match[1]
    return not any(name == file or name in {f"{file}.js", f"{file}/index.js"} for name in subject.tree.names)


def _library(package: Package) -> str | None:
    return next((title for name, title in _LIBRARIES.items() if name in package.own), None)


def _bot(package: Package) -> str | None:
    return next((title for name, title in _BOTS.items() if name in package.own), None)


def _reason(reason: str, package: Package, *, takes: bool) -> str:
    """Why it is started, and why nobody is to ask it; of a bot that goes without saying."""
    return reason if takes or _bot(package) is not None else f"{reason}, in which nothing listens for requests"


def _takes_requests(subject: Subject, line: str, framework: Framework | None) -> bool:
    """False for a bot or a worker: its sources tell so, or it has a package for one, none of a server, and its main
    file does not listen.
    """
    if framework is not None:
        return True
    match, is_bot = _NODE_FILE.search(line), _bot(subject.package) is not None
    if match is not None and is_worker(subject.tree, match[1], _LIBRARIES, is_bot=is_bot):
        return False
    if not is_bot or _library(subject.package) is not None:
        return True
    return match is not None and bool(_LISTENS.search(subject.tree.text(match[1])))
