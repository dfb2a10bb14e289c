"""What the files and variables of other platforms say about a build, as far as Headway heeds it; the rest is told."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Final

from headway.drivers.buildplan import foreign_hosts, foreign_sites
from headway.drivers.buildplan.env_example import stands_in
from headway.drivers.buildplan.foreign_hosts import HostFile, host_files
from headway.drivers.buildplan.foreign_sites import SiteFile, site_files
from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import SECRETS, SECRETS_OF_PACKAGES

RAILPACK: Final = "railpack.json"
NIXPACKS: Final = ("nixpacks.toml", "nixpacks.json")
APP: Final = "app.json"
FILES: Final = (RAILPACK, *NIXPACKS, *foreign_hosts.FILES, APP, *foreign_sites.FILES)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PREFIX = re.compile(r"(RAILPACK|NIXPACKS)_([A-Z0-9_]+)")
_LINES: Mapping[str, str] = {"INSTALL_CMD": "install", "BUILD_CMD": "build", "START_CMD": "start"}
_FOLDERS: Final = ("SPA_OUTPUT_DIR", "SPA_OUT_DIR", "STATIC_FILE_ROOT", "OUT_DIR")
_PACKAGES: Final = (
    "GO_BIN",
    "GO_WORKSPACE_MODULE",
    "NX_APP_NAME",
    "TURBO_APP_NAME",
    "MOON_APP_NAME",
    "ANGULAR_PROJECT",
    "SHELL_SCRIPT",
)
_DEBIAN: Final = ("BUILD_APT_PACKAGES", "DEPLOY_APT_PACKAGES", "APT_PKGS")
_VERSION = re.compile(r"(NODE|PYTHON|GO|BUN|DENO|PNPM|YARN|NPM|UV|POETRY|PDM|HUGO)_VERSION")
_HUGO: Final = "HUGO_VERSION"
# Said by what a build does anyhow, or of no consequence outside of their containers.
_MOOT: Final = ("PRUNE_DEPS", "DISABLE_CACHES", "NO_CACHE", "VERBOSE", "DEBIAN", "NO_MUSL", "INSTALL_CACHE_DIRS")
_AGAIN: Final = "..."
_OWN: Final = frozenset((*SECRETS, *SECRETS_OF_PACKAGES))
_ADDED: Mapping[str, str] = {"heroku-postgresql": "DATABASE_URL", "heroku-redis": "REDIS_URL"}
_NIX: Mapping[str, re.Pattern[str]] = {
    "python": re.compile(r"python(?:(3)(\d{1,2})|3)?(?:Full)?"),
    "node": re.compile(r"nodejs(?:[-_](\d{1,2})(?:_x)?)?(?:-slim)?"),
    "go": re.compile(r"go(?:_(\d)_(\d{1,2}))?"),
    "bun": re.compile(r"bun"),
    "deno": re.compile(r"deno"),
}
_VENV = re.compile(r"(?<![\w./-])(?:/opt/venv|/app/\.venv)(?![\w-])")
# Not where it is a part of an address, as in --root-path /app.
_APP = re.compile(r"(?<![\w./-])(?<!path[ =])(?<!base[ =])(?<!url[ =])(?:/app|/opt/render/project/src)(?![\w.-])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What they say: ``sources`` names for each setting (``versions.node``) the file or variable that says so.
    ``before`` and ``after`` are command lines around those that are planned, by the name of the setting; ``secrets``
    are variables that are to have a text of their own.
    """

    settings: BuildSettings = field(default_factory=BuildSettings)
    sources: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    more: tuple[Phase, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def heard(tree: Tree, variables: Mapping[str, str]) -> Heard:
    """All of it: variables go before files, and Railpack's before those of Nixpacks; of the files Railway's before
    both, as there, and Render's after. Raises BuildError for a file that is broken.
    """
    found = _of_app(tree.json(APP), variables)
    for site in reversed(site_files(tree)):
        found = _over(found, _of_site(site))
    hosts = [(each, _of_host(each, variables)) for each in host_files(tree)]
    for each, said in hosts:
        found = _over(found, said) if each.file in foreign_hosts.RENDER else found
    for name in NIXPACKS:
        found = _over(found, _of_nixpacks(tree.toml(name) if name.endswith(".toml") else tree.json(name), name))
    found = _over(found, _of_railpack(parse_jsonc(tree, RAILPACK)))
    for each, said in hosts:  # which is what its own platform heeds before those
        found = _over(found, said) if each.file in foreign_hosts.RAILWAY else found
    if version := variables.get(_HUGO, "").strip():  # by which Netlify, Vercel and Cloudflare are told
        asked = Heard(settings=BuildSettings(versions={"hugo": version}), sources={"versions.hugo": _HUGO})
        found = _over(found, asked)
    for prefix in ("NIXPACKS", "RAILPACK"):
        found = _over(found, _of_variables({**found.env, **variables}, prefix))
    env = {name: value for name, value in found.env.items() if _NAME.fullmatch(name) and "\0" not in value}
    return replace(found, env=env)


def published(tree: Tree) -> tuple[str, str] | None:
    """The folder of a site by a host of sites, and the file that says so."""
    return next(((each.folder, each.file) for each in site_files(tree) if each.folder is not None), None)


def built(tree: Tree) -> tuple[str, str] | None:
    """The command of a host of sites that makes a folder which the repository does not have, and the file that says so.
    It is for what has no build of its own: that of others is known better, as by their package.json.
    """
    for each in site_files(tree):
        if each.folder is not None and each.command is not None:
            folder = posixpath.normpath(each.folder.lstrip("/") or ".")
            is_there = folder == "." or any(name.startswith(f"{folder}/") for name in tree.names)
            return None if is_there else (each.command, each.file)
    return None


def _of_site(said: SiteFile) -> Heard:
    sources = {"fallback": said.file} if said.fallback is not None else {}
    return Heard(settings=BuildSettings(fallback=said.fallback), sources=sources, notes=said.notes)


def _over(low: Heard, high: Heard) -> Heard:
    """Both, where ``high`` decides."""
    given = {name: getattr(high.settings, name) for name in high.sources if "." not in name}
    versions = {**low.settings.versions, **high.settings.versions}
    return Heard(
        settings=replace(low.settings, **given, versions=versions),
        sources={**low.sources, **high.sources},
        before={**low.before, **high.before},
        after={**low.after, **high.after},
        more=(*low.more, *high.more),
        env={**low.env, **high.env},
        secrets=low.secrets | high.secrets,
        packages=tuple(dict.fromkeys((*low.packages, *high.packages))),
        notes=(*low.notes, *high.notes),
    )


def _of_variables(variables: Mapping[str, str], prefix: str) -> Heard:
    given: dict[str, Any] = {}
    sources: dict[str, str] = {}
    versions: dict[str, str] = {}
    packages: list[str] = []
    unheeded: list[str] = []
    for variable in sorted(variables):
        match, value = _PREFIX.fullmatch(variable), variables[variable].strip()
        if match is None or match[1] != prefix or not value or match[2] in _MOOT:
            continue
        name = match[2]
        setting = _LINES.get(name) or ("publish" if name in _FOLDERS else "package" if name in _PACKAGES else None)
        if setting is not None:
            given[setting], sources[setting] = value, variable
        elif version := _VERSION.fullmatch(name):
            versions[version[1].lower()], sources[f"versions.{version[1].lower()}"] = value, variable
        elif name == "PACKAGES":
            for tool, wanted in _tools(value.split()):
                versions[tool], sources[f"versions.{tool}"] = wanted, variable
        elif name in _DEBIAN:
            packages += [each for each in re.split(r"[\s,]+", value) if each and each != _AGAIN]
        else:
            unheeded.append(variable)
    return Heard(
        settings=BuildSettings(**given, versions=versions),
        sources=sources,
        packages=tuple(packages),
        notes=(f"Not heeded: {_listed(unheeded)}.",) if unheeded else (),
    )


def _of_railpack(data: Mapping[str, Any]) -> Heard:
    steps, deploy = _table(data, "steps"), _table(data, "deploy")
    base = Heard(
        packages=(*_texts(data.get("buildAptPackages")), *_texts(deploy.get("aptPackages"))),
        env={name: value for name, value in _table(deploy, "variables").items() if isinstance(value, str)},
    )
    lines = {name: _commands(_table(steps, name).get("commands")) for name in ("install", "build")}
    given = {"provider": data.get("provider"), "start": deploy.get("startCommand")}
    known = {"$schema", "provider", "packages", "buildAptPackages", "steps", "deploy"}
    unheeded = [name for name in data if name not in known]
    unheeded += [f"steps.{name}" for name in steps if name not in lines]
    unheeded += [f"deploy.{name}" for name in deploy if name not in {"startCommand", "aptPackages", "variables"}]
    tools = {name: value for name, value in _table(data, "packages").items() if isinstance(value, str)}
    return _of_file(RAILPACK, base, given=given, lines=lines, tools=tools, unheeded=unheeded)


def _of_nixpacks(data: Mapping[str, Any], name: str) -> Heard:
    phases = _table(data, "phases")
    setup = _table(phases, "setup")
    lines = {each: _commands(_table(phases, each).get("cmds")) for each in ("install", "build")}
    more = tuple(
        Phase.of_user(each[:60], " && ".join(line for line in _commands(_table(phases, each).get("cmds")) if line))
        for each in phases
        if each not in {"setup", *lines} and _commands(_table(phases, each).get("cmds"))
    )
    providers = [each for each in _texts(data.get("providers")) if each != _AGAIN]
    unheeded = [each for each in data if each not in {"phases", "start", "variables", "providers"}]
    wanted = [each for each in _texts(setup.get("nixPkgs")) if each != _AGAIN]
    tools = {tool: version for each in wanted for tool, version in _of_nix(each) if version}
    if nix := [each for each in wanted if not [*_of_nix(each)]]:
        unheeded.append(f"nixPkgs ({_listed(nix)})")
    base = Heard(
        packages=tuple(each for each in _texts(setup.get("aptPkgs")) if each != _AGAIN),
        env={each: value for each, value in _table(data, "variables").items() if isinstance(value, str)},
        more=more,
    )
    given = {"start": _table(data, "start").get("cmd"), "provider": providers[0] if providers else None}
    return _of_file(name, base, given=given, lines=lines, tools=tools, unheeded=unheeded)


def _of_nix(package: str) -> Iterator[tuple[str, str]]:
    """The tool that a package of Nix is, with the version that its name has, "" where it has none."""
    for tool, pattern in _NIX.items():
        if match := pattern.fullmatch(package):
            yield tool, ".".join(each for each in match.groups() if each)


def _of_host(said: HostFile, variables: Mapping[str, str]) -> Heard:
    given: dict[str, Any] = {name: _placed(line) for name, line in said.given.items()}
    base = _of_nixpacks(said.plan, said.file) if said.plan else Heard()
    asked = [*said.asked, *(name for name in said.generated if name not in _OWN)]
    asked = [name for name in asked if name not in variables]
    notes = [f"{said.file} asks for variables that are not set: {_listed(asked)}."] if asked else []
    notes += [f"Not heeded in {said.file}: {_listed(said.unheeded)}."] if said.unheeded else []
    notes += _told_of_places(said.file, said.given.values())
    sources = dict.fromkeys((*given, *(f"versions.{tool}" for tool in said.versions)), said.file)
    own = Heard(
        settings=BuildSettings(**given, versions=said.versions),
        sources=sources,
        env=said.env,
        secrets=frozenset(name for name in said.generated if name in _OWN),
        notes=(*said.notes, *notes),
    )
    return _over(base, own)


def _placed(line: str) -> str:
    """A line of a file with the places of others' images as they are here."""
    return _APP.sub(".", _VENV.sub(".venv", line))


def _told_of_places(file: str, lines: Iterable[str]) -> tuple[str, ...]:
    if all(_placed(line) == line for line in lines):
        return ()
    return (f"Places of another image in {file} are those of here: /app is the build path, /opt/venv is .venv.",)


def _of_file(
    file: str,
    base: Heard,
    *,
    given: Mapping[str, Any],
    lines: Mapping[str, Sequence[str | None]],
    tools: Mapping[str, str],
    unheeded: Iterable[str],
) -> Heard:
    said: dict[str, Any] = {name: value for name, value in given.items() if isinstance(value, str) and value.strip()}
    places = _told_of_places(file, [*said.values(), *(line for each in lines.values() for line in each if line)])
    said = {name: _placed(value) for name, value in said.items()}
    before, after = dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]]()
    for name, written in lines.items():
        commands = [line if line is None else _placed(line) for line in written]
        if None in commands:
            at = commands.index(None)
            before[name] = tuple(line for line in commands[:at] if line)
            after[name] = tuple(line for line in commands[at:] if line)
        elif commands:
            said[name] = " && ".join(line for line in commands if line)
    left = list(unheeded)
    sources = dict.fromkeys((*said, *(f"versions.{tool}" for tool in tools)), file)
    return replace(
        base,
        settings=BuildSettings(**said, versions=tools),
        sources=sources,
        before=before,
        after=after,
        notes=(*places, *((f"Not heeded in {file}: {_listed(left)}.",) if left else ())),
    )


def _of_app(data: Mapping[str, Any], variables: Mapping[str, str]) -> Heard:
    """Heroku's app.json; that of Expo has the same name."""
    if "expo" in data:
        return Heard()
    asked, env, secrets = [], {}, set[str]()
    for name, wanted in _table(data, "env").items():
        value = wanted if isinstance(wanted, str) else wanted.get("value") if isinstance(wanted, dict) else None
        if isinstance(value, str) and not stands_in(value):
            env[name] = value
        elif isinstance(value, str):
            asked += [name] if name not in variables else []
        elif isinstance(wanted, dict) and wanted.get("generator") == "secret" and name in _OWN:
            secrets.add(name)
        elif name not in variables and not (isinstance(wanted, dict) and wanted.get("required") is False):
            asked.append(name)
    added = data.get("addons")
    plans = [each.get("plan") if isinstance(each, dict) else each for each in added] if isinstance(added, list) else []
    addons = dict.fromkeys(each.partition(":")[0] for each in plans if isinstance(each, str))
    databases = [_ADDED[each] for each in addons if each in _ADDED]
    asked = [*(name for name in databases if name not in {*variables, *env, *asked}), *asked]
    notes = [f"{APP} asks for variables that are not set: {_listed(asked)}."] if asked else []
    others = [each for each in addons if each not in _ADDED]
    known = {
        "addons",
        "env",
        "name",
        "description",
        "keywords",
        "website",
        "repository",
        "logo",
        "success_url",
        "stack",
        "image",
    }
    unheeded = [name for name in data if name not in {*known, "$schema"}]
    unheeded += [f"addons ({_listed(others)})"] if others else []
    notes += [f"Not heeded in {APP}: {_listed(unheeded)}."] if unheeded else []
    return Heard(env=env, secrets=frozenset(secrets), notes=tuple(notes))


def _commands(value: object) -> list[str | None]:
    """The command lines of a phase; None stands for those that are planned anyhow."""
    found: list[str | None] = []
    for each in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
        line = each.get("cmd") if isinstance(each, dict) else each
        if isinstance(line, str) and line.strip():
            found.append(None if line.strip() == _AGAIN else line.strip())
    return found


def _tools(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    for word in words:
        tool, _, wanted = word.partition("@")
        yield tool.lower(), wanted or "latest"


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _listed(names: Sequence[str]) -> str:
    shown = [name[:80] for name in names[:12]]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
