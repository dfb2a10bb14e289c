"""Deno: a task of deno.json, Fresh, or the main file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.jsonc import parse_jsonc, without_comments
from headway.drivers.buildplan.providers.node_package import has_package, seen_package
from headway.drivers.buildplan.providers.node_sources import saying, unread
from headway.drivers.buildplan.providers.node_versions import FILES, pinned_major, version_notes, wanted_version
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process
from headway.kernel.release_facts import DATA

CONFIGS: Final = ("deno.json", "deno.jsonc")
ENTRIES: Final = tuple(
    f"{folder}{stem}.{ending}"
    for folder in ("", "src/")
    for stem in ("main", "server", "mod", "index", "app")
    for ending in ("ts", "tsx", "js", "mjs")
)
WEB: Final = "web"
CACHE: Final = ".deno"  # of modules, which have to be there when it runs

_LONGEST: Final = 4_000  # of a task
_REMOTE = re.compile(r"from\s+[\"'](?:https://(?:deno\.land|esm\.sh)/|jsr:@)")
_WATCHES = re.compile(r"\s--(?:watch(?:-hmr|-exclude)?|inspect(?:-brk|-wait)?)(?:=\S+)?(?=\s|$)")
_FILE = re.compile(r"^deno\s+(?:run|serve)\s(?:\S+\s+)*?([\w./-]+\.[cm]?[tj]sx?)(?=\s|$)")
_SERVES = re.compile(
    r"export\s++default\s*+(?:\{[^}]{0,1000}\bfetch\b|[\w.]++\s++satisfies\s++Deno\.ServeDefaultExport)", re.DOTALL
)

_KV = re.compile(r"\bDeno\.openKv\s{0,4}\(")
# Which is in DENO_DIR otherwise, and that is of the release.
_KV_STAYS: Final[Mapping[str, str]] = {"DENO_KV_DEFAULT_PATH": f"{DATA}/kv.sqlite3"}
_KV_NOTE: Final = "The database of Deno.openKv() is a file in the folder that stays (DENO_KV_DEFAULT_PATH)."
_STORES: Final = ("**/db.ts", "**/kv.ts", "**/database.ts")


def recognise(tree: Tree) -> str | None:
    """deno.json, its lock file, or programs that load their modules as only Deno does; beside a package.json where a
    task or script says that Deno runs it.
    """
    config = next((name for name in CONFIGS if name in tree), None)
    if has_package(tree):
        package = seen_package(tree)
        start = package.script("start") if package is not None else None
        runs = re.match(r"deno\s", start) is not None if start is not None else bool(_seen_tasks(tree).get("start"))
        return config if package is not None and runs else None
    if config is not None:
        return config
    if "deno.lock" in tree or ".deno-version" in tree:
        return "deno.lock" if "deno.lock" in tree else ".deno-version"
    entry = next((name for name in ENTRIES if name in tree and _REMOTE.search(tree.text(name))), None)
    return f"{entry}, which loads its modules from addresses" if entry is not None else None


def plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    """Its modules are fetched in the build, into the release. Raises BuildError where nothing says how it starts."""
    tasks, need = _tasks(tree), _need(tree, settings)
    start, reason, notes = _start(tree, tasks)
    if start is None and settings.start is None and settings.publish is None:
        raise BuildError(
            'This is a Deno application, but nothing says how it is started. Add a task to deno.json ("tasks": '
            '{"start": "deno run --allow-net --allow-env main.ts"}), or set the start command (headway apps set '
            "APP --start LINE)."
        )
    has_kv = next(saying(tree, _KV), None) is not None
    choices = [Choice(name="provider", value="deno", reason=recognise(tree) or "the setting provider")]
    if need.wanted:
        is_set = need.source == "the settings"
        choices.append(Choice(name="versions.deno", value=need.wanted, reason=need.source, is_set=is_set))
    if start is not None:
        choices.append(Choice(name="start", value=start, reason=reason))
    return BuildPlan(
        provider="deno",
        framework="Fresh" if _is_fresh(tree) else "",
        confidence=Confidence.SEEN if reason.startswith("the task") else Confidence.GUESSED,
        needs=(need,),
        phases=(*_install(tree, need), *_build(tasks)),
        processes=(Process(name=WEB, command=_bound(start)),) if start is not None else (),
        env={"DENO_DIR": CACHE, "DENO_NO_UPDATE_CHECK": "1"},
        run_env=_KV_STAYS if has_kv else {},
        choices=tuple(choices),
        notes=(*notes, *((_KV_NOTE,) if has_kv else ()), *version_notes(tree, need)),
    )


def further(tree: Tree) -> frozenset[str]:
    """What the main file loads, and files that are named after a database."""
    if not any(name in tree for name in (*CONFIGS, "deno.lock", ".deno-version")):
        return frozenset()
    entries = [(name, "") for name in ENTRIES if name in tree]
    stores = (name for pattern in _STORES for name in tree.matching(pattern)[:2])
    return frozenset((*stores, *unread(tree, entries)))


def _bound(start: str) -> str:
    """Tells Deno's own server the port that it is reached at, for few programs ask for PORT."""
    if start.startswith("deno serve "):
        return start
    return f"DENO_SERVE_ADDRESS=tcp:${{HOST:-127.0.0.1}}:${{PORT:-8000}} {start}"


def _start(tree: Tree, tasks: dict[str, str]) -> tuple[str | None, str, tuple[str, ...]]:
    told: tuple[str, ...] = ()
    for name in ("start", "serve", "preview", "prod", "production"):
        line = tasks.get(name)
        if line is None:
            continue
        if not _WATCHES.search(line) and not re.search(r"\bdev\.tsx?\b(?!\s+build)|\bvite\b(?!\s+preview)", line):
            return f"deno task {name}", f"the task {name}", told
        plain = _WATCHES.sub("", line)
        if re.match(r"deno\s", plain) and not re.search(r"\bdev\.tsx?\b|&|;", plain):
            note = f"The task {name} ({line[:80]}) is a developer's: started is {plain[:80]}."
            return plain, f"the task {name}", (note,)
        told = (f"The task {name} ({line[:80]}) is a developer's server, and is not started.",)
    if _is_fresh(tree) and "build" in tasks and "main.ts" in tree and "fresh.gen.ts" not in tree:
        return "deno serve -A _fresh/server.js", "Fresh", told
    lines = (_WATCHES.sub("", tasks.get(name, "")) for name in ("dev", "start", "serve"))
    named = (match[1].removeprefix("./") for line in lines if (match := _FILE.match(line)))
    entry = next((name for name in [*ENTRIES, *named] if name in tree and not name.startswith("dev.")), None)
    if entry is None:
        return None, "", told
    serves = _SERVES.search(without_comments(tree.text(entry)))
    line = f"deno serve --allow-all --port ${{PORT:-8000}} {entry}" if serves else f"deno run --allow-all {entry}"
    return line, "the main file", told


def _install(tree: Tree, need: Need) -> tuple[Phase, ...]:
    """Fetches what deno.json and package.json name, and then what the main file imports beside."""
    config = next((name for name in CONFIGS if name in tree), None)
    frozen = ("--frozen",) if "deno.lock" in tree else ()
    files = tuple(name for name in (*CONFIGS, "deno.lock", "package.json", "import_map.json") if name in tree)
    phases: tuple[Phase, ...] = ()
    imports = parse_jsonc(tree, config).get("imports") if config is not None else None
    if (imports or "package.json" in tree) and pinned_major(need.wanted) != 1:
        argv = ("deno", "install", *frozen)
        phases = (Phase(name="install", argv=argv, follows=files, makes=(CACHE, "node_modules")),)
    entry = next((name for name in ENTRIES if name in tree), None)
    if entry is None:
        return phases
    return (*phases, Phase(name="install modules", argv=("deno", "cache", *frozen, entry)))


def _build(tasks: dict[str, str]) -> tuple[Phase, ...]:
    return (Phase(name="build", argv=("deno", "task", "build")),) if "build" in tasks else ()


def _tasks(tree: Tree) -> dict[str, str]:
    """The command lines of the tasks; a task may be an object that has it."""
    config = next((name for name in CONFIGS if name in tree), None)
    found: Any = parse_jsonc(tree, config).get("tasks") if config is not None else None
    tasks = {}
    for name, value in found.items() if isinstance(found, dict) else ():
        line = value.get("command") if isinstance(value, dict) else value
        if isinstance(line, str) and 0 < len(line.strip()) <= _LONGEST and "\0" not in line:
            tasks[name] = line.strip()
    return tasks


def _seen_tasks(tree: Tree) -> dict[str, str]:
    try:
        return _tasks(tree)
    except BuildError:
        return {}


def _is_fresh(tree: Tree) -> bool:
    texts = (tree.whole(name) for name in (*CONFIGS, "import_map.json"))
    return "fresh.gen.ts" in tree or any("@fresh/core" in text or "$fresh/" in text for text in texts)


def _need(tree: Tree, settings: BuildSettings) -> Need:
    return wanted_version(tree, None, settings, "deno") or Need(tool="deno")


PROVIDER: Final = Provider(
    name="deno",
    reads=(*CONFIGS, "import_map.json", "package.json", *FILES, *ENTRIES),
    recognise=recognise,
    plan=plan,
    further=further,
)
