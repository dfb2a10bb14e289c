"""What the files of hosts of services say of one: railway.json or railway.toml, and render.yaml."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

RAILWAY: Final = ("railway.json", "railway.toml")
RENDER: Final = ("render.yaml", "render.yml")
FILES: Final = (*RAILWAY, *RENDER)

# Of no consequence here, or as it is anyhow; nobody has to be told of them.
_MOOT: Final = frozenset(
    {
        *("builder", "dockerfilePath", "nixpacksVersion", "railpackVersion", "buildEnvironment", "runtime"),
        *("restartPolicyType", "restartPolicyMaxRetries", "healthcheckTimeout", "drainingSeconds", "overlapSeconds"),
        *("sleepApplication", "useLegacyStacker", "region", "limitOverride", "ipv6EgressEnabled", "requiredMountPath"),
        *("numReplicas", "multiRegionConfig"),
    }
)
_OF_RENDER: Final = frozenset(
    {
        *("type", "name", "runtime", "env", "plan", "region", "repo", "branch", "autoDeploy", "autoDeployTrigger"),
        *("rootDir", "buildCommand", "startCommand", "preDeployCommand", "envVars", "healthCheckPath", "buildFilter"),
        *("staticPublishPath", "publishPath", "pullRequestPreviewsEnabled", "previews", "maxShutdownDelaySeconds"),
        *("domains", "domain", "numInstances", "initialDeployHook", "projects"),
    }
)
_PRODUCTION: Final = "production"
_VERSION = re.compile(r"(NODE|PYTHON|GO|BUN|DENO|UV|POETRY|HUGO)_VERSION")
_PAGES: Final = frozenset({"static", "static_site"})
# What these hosts have each build begin with, which is done here by then.
_INSTALLS = re.compile(
    r"(?:npm\s+(?:i|install|ci)|yarn(?:\s+install)?|pnpm\s+(?:i|install)|bun\s+install|corepack\s+enable|"
    r"(?:python3?\s+-m\s+)?pip3?\s+install\s+(?:--upgrade|-U)\s+pip|"
    r"(?:python3?\s+-m\s+)?pip3?\s+install\s+(?:--no-cache-dir\s+)?-r\s+(?:\./)?requirements\.txt|"
    r"(?:poetry|uv|pipenv)\s+(?:install|sync))(?:\s+--(?:frozen-lockfile|frozen|include=dev|production=false|"
    r"prod=false|legacy-peer-deps))*"
)
_MOST_TEXT: Final = 64 << 10
_MOST_DEPTH: Final = 24
_MOST_EVENTS: Final = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFile:
    """What such a file says: ``given`` are settings by name, ``plan`` is one of Nixpacks, ``asked`` are variables that
    somebody has to give a value, ``generated`` those that are to have a text of their own.
    """

    file: str
    given: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[str] = ()
    generated: Sequence[str] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    unheeded: Sequence[str] = ()
    notes: Sequence[str] = ()


def host_files(tree: Tree) -> Iterator[HostFile]:
    """Those that are there, what is heeded before the others last. Raises BuildError for one of Railway's that is
    broken.
    """
    for name in RENDER:
        if name in tree.contents:
            yield _of_render(name, tree.text(name))
    for name in reversed(RAILWAY):
        if name in tree.contents:
            yield _of_railway(name, tree.json(name) if name.endswith(".json") else tree.toml(name))


def _of_railway(file: str, data: Mapping[str, Any]) -> HostFile:
    """What it says of production: by Railway's "Config as Code" a field in ``environments`` goes before the one beside
    ``environments`` for the environment of that name, and the first of a project is called production.
    """
    environments = _table(data, "environments")
    own = _table(environments, _PRODUCTION)
    build, deploy = ({**_table(data, part), **_table(own, part)} for part in ("build", "deploy"))
    heeded = {"buildCommand", "startCommand", "preDeployCommand", "healthcheckPath", "nixpacksPlan"}
    unheeded = [name for name in data if name not in {"$schema", "build", "deploy", "environments"}]
    unheeded += [f"environments.{name}" for name, value in environments.items() if value and name != _PRODUCTION]
    unheeded += [
        f"{part}.{name}"
        for part, values in (("build", build), ("deploy", deploy))
        for name, value in values.items()
        if name not in heeded | _MOOT and value not in (None, "", [], {})
    ]
    notes = _health(file, deploy.get("healthcheckPath"))
    if _line(build.get("builder")).upper() == "DOCKERFILE":
        named = _line(build.get("dockerfilePath")) or "its Dockerfile"
        told = f"{file} has it built by {named[:80]}: its commands are for that image, and not heeded here."
        return HostFile(file=file, unheeded=unheeded, notes=(told,))
    lines = {
        "build": _built(build.get("buildCommand")),
        "start": _line(deploy.get("startCommand")),
        "release": _line(deploy.get("preDeployCommand")),
    }
    given = {name: line for name, line in lines.items() if line}
    return HostFile(file=file, given=given, plan=_table(build, "nixpacksPlan"), unheeded=unheeded, notes=notes)


def _of_render(file: str, text: str) -> HostFile:
    data = read_yaml(text)
    if data is None:
        return HostFile(file=file, notes=(f"{file} cannot be read, and is not heeded.",))
    found = data.get("services")
    services = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    taken = [each for each in services if _line(each.get("type")) in {"web", *_PAGES}]
    service = next((each for each in taken if not _is_of_pages(each)), taken[0] if taken else None)
    others = [f"{_line(each.get('name')) or 'a service'} ({each.get('type')})" for each in services if each != service]
    unheeded = [*others, *(name for name in ("databases", "envVarGroups") if data.get(name))]
    if service is None:
        return HostFile(file=file, unheeded=unheeded)
    unheeded += [str(name) for name in service if name not in _OF_RENDER]
    place = posixpath.normpath(_line(service.get("rootDir")) or ".").strip("/")
    if place != ".":
        told = f"{file} has the application in {place[:100]}: headway deploy --build-path {place[:100]}."
        return HostFile(file=file, unheeded=unheeded, notes=(told,))
    notes = _health(file, service.get("healthCheckPath"))
    variables = _Variables.of(service.get("envVars"))
    if _line(service.get("runtime") or service.get("env")) in {"docker", "image"}:
        told = f"{file} has it built by a Dockerfile: its commands are for that image, and not heeded here."
        return HostFile(file=file, env=variables.env, asked=variables.asked, unheeded=unheeded, notes=(told,))
    pages = _line(service.get("staticPublishPath") or service.get("publishPath")) if _is_of_pages(service) else ""
    lines = {
        "build": _built(service.get("buildCommand")),
        "start": "" if pages else _line(service.get("startCommand")),
        "release": _line(service.get("preDeployCommand")),
        "publish": posixpath.normpath(pages) if pages else "",
    }
    given = {name: line for name, line in lines.items() if line}
    return HostFile(
        file=file,
        given=given,
        versions=variables.versions,
        env=variables.env,
        asked=variables.asked,
        generated=variables.generated,
        unheeded=unheeded,
        notes=notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variables:
    env: Mapping[str, str]
    versions: Mapping[str, str]
    asked: Sequence[str]
    generated: Sequence[str]

    @staticmethod
    def of(found: object) -> _Variables:
        """The variables of a service. What names that host's own addresses is asked for, and its port is none here."""
        env, versions, asked, generated = dict[str, str](), dict[str, str](), list[str](), list[str]()
        for each in found if isinstance(found, list) else []:
            name = each.get("key") if isinstance(each, dict) else None
            if not isinstance(name, str) or name == "PORT":
                continue
            value = each.get("value")
            text = str(value).lower() if isinstance(value, bool) else _line(value)
            if text and (version := _VERSION.fullmatch(name)):
                versions[version[1].lower()] = text
            elif text and "onrender.com" not in text:
                env[name] = text
            elif each.get("generateValue") is True:
                generated.append(name)
            else:
                asked.append(name)
        return _Variables(env=env, versions=versions, asked=asked, generated=generated)


def _is_of_pages(service: Mapping[str, Any]) -> bool:
    return bool(_PAGES & {str(service.get(name)) for name in ("type", "runtime", "env")})


def _built(value: object) -> str:
    """What builds, of a line that installs first."""
    lines = [part.strip() for part in _line(value).split("&&")]
    while lines and _INSTALLS.fullmatch(lines[0]):
        lines = lines[1:]
    return " && ".join(lines)


def _health(file: str, path: object) -> tuple[str, ...]:
    text = _line(path)
    if not text or text == "/":
        return ()
    return (f"{file} asks {text[:100]} whether it is healthy: headway apps set APP --health-path {text[:100]}.",)


def _line(value: object) -> str:
    """A command line, of one or of several; "" where there is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    parts = value if isinstance(value, list) else value.splitlines() if isinstance(value, str) else []
    lines = (each.strip() for each in parts if isinstance(each, str))
    return " && ".join(each for each in lines if each and not each.startswith("#") and "\0" not in each)


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def read_yaml(text: str) -> Mapping[str, Any] | None:
    """The table of a file in YAML; None for one that is broken, or larger, deeper or more entangled than any of these
    is.
    """
    import yaml  # noqa: PLC0415 - few repositories have such a file

    depth = count = 0
    try:
        for event in yaml.parse(text[:_MOST_TEXT], Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            count += 1
            if isinstance(event, yaml.AliasEvent) or depth > _MOST_DEPTH or count > _MOST_EVENTS:
                return None
        found = yaml.load(text[:_MOST_TEXT], Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) else {}
