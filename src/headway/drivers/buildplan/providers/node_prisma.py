"""Prisma: its client is generated where no script does; its migrations run before each release, or at each start where
the database is a file of SQLite, which is then in the folder that stays.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_framework import ENDINGS
from headway.drivers.buildplan.providers.node_managers import Manager
from headway.drivers.buildplan.providers.node_migrations import CALLED
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.providers.node_scripts import called_lines
from headway.drivers.buildplan.providers.node_sources import saying
from headway.drivers.buildplan.providers.turns import copied, linked, once
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

READS: Final = ("**/schema.prisma", *(f"**/prisma.config.{ending}" for ending in ENDINGS))

_SCHEMAS: Final = ("prisma/schema.prisma", "schema.prisma", "src/prisma/schema.prisma", "db/schema.prisma")
# The scripts that a build runs by themselves, in which a client may be generated.
_GENERATING: Final = ("preinstall", "install", "postinstall", "prepare", "prebuild", "build")
_MIGRATES: Final = ("migrate deploy", "db push")
_SOURCE = re.compile(r"\bdatasource\s+\w+\s*\{([^{}]{0,2000})\}")
_SQLITE = re.compile(r"\bprovider\s*=\s*\"sqlite\"")
_SERVER = re.compile(r"\bprovider\s*=\s*\"(postgresql|postgres|mysql|sqlserver|mongodb|cockroachdb)\"")
_OR_ANOTHER = re.compile(r"\burl\s*:[^\n,]{1,100}(?:\|\||\?\?)\s*process\.env\b")
_URL = re.compile(r"\burl\s*=\s*(?:env\(\s*\"(\w{1,80})\"\s*\)|\"file:([^\"\n?]{1,200}))")
_CONFIGURED = re.compile(
    r"\burl\s*:\s*(?:env\(\s*[\"'](\w{1,80})[\"']|process\.env\.(\w{1,80})|process\.env\[[\"'](\w{1,80})[\"'])"
)
_DATABASE = re.compile(r"\.(?:db|sqlite3?)$")
_FOR_THE_BUILD: Final = "file:./build.db"
# A database elsewhere, which is opened by other variables.
_ELSEWHERE: Final = ("@prisma/adapter-libsql", "@prisma/adapter-d1", "@libsql/client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prisma:
    """``phases`` generate its client, ``release`` is the release command; ``before`` is what is done at each start
    instead, where the database ``is_file``.
    """

    phases: tuple[Phase, ...] = ()
    release: str | None = None
    before: str = ""
    is_file: bool = False
    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A database that is a file: the ``variable`` that names it, or its ``path`` below the folder of its package."""

    schema: str
    variable: str = ""
    path: str = ""


def find_prisma(  # noqa: PLR0917 - as it is asked for a package of a workspace
    tree: Tree,
    manager: Manager,
    packages: Sequence[Package],
    served: Package,
    parts: Sequence[Package],
    settings: BuildSettings,
) -> Prisma:
    """What Prisma needs of the package that is ``served``, or of the ``parts`` that it is made of. What a hook of its
    package generates with an installation would be missing or old where that is a copy of one before. The database is
    where it is where its owner has folders stay, and who starts it otherwise migrates it too.
    """
    owner = next((each for each in (served, *parts) if each.has("prisma") and _has_schema(tree, each)), None)
    if owner is None:
        return Prisma()
    inner = tree.below(owner.folder) if owner.folder else tree
    schema = _schema(inner, owner)
    is_apart = manager.name == "pnpm" and owner.folder != served.folder and not packages[0].has("prisma")
    program = ("pnpm", "exec", "prisma") if is_apart else manager.program("prisma")  # which lies below its own package
    scripts = [package.script(name) or "" for package in packages for name in _GENERATING]
    phases: tuple[Phase, ...] = ()
    if not any(("prisma generate" in line or "db:generate" in line) for line in scripts):
        phases = (Phase(name="prisma generate", argv=(*program, "generate"), folder=owner.folder),)
    called = [line for package in packages for line in called_lines(package, CALLED)]
    if any(word in line for line in called for word in _MIGRATES) or _is_assigned(tree, inner, schema):
        return Prisma(phases=phases)
    if not any("/migrations/" in f"/{name}" and name.endswith(".sql") for name in inner.names):
        return Prisma(phases=phases)
    line = " ".join((*program, "migrate", "deploy"))
    file = _file(inner, schema) if schema is not None and not owner.has(*_ELSEWHERE) else None
    if file is None:
        return Prisma(phases=phases, release=f"cd {shlex.quote(owner.folder)} && {line}" if owner.folder else line)
    found = replace(_of_file(inner, owner, line, file, is_led=not settings.keep), phases=phases, is_file=True)
    if settings.start is None:
        return found
    own = f"cd {owner.folder} && {line}" if owner.folder else line
    said = f"The database is a file of SQLite ({owner.path(file.schema)}), and nothing migrates it"
    mend = f"let the start command begin with '{own}', and the database be in the folder that DATA_DIR names."
    return replace(found, before="", notes=(f"{said}: {mend}",))


def server_variable(tree: Tree, folders: Collection[str]) -> tuple[str, str, str] | None:
    """The variable that names the database of a server, of the packages in these ``folders``, with the schema that says
    so and the kind of the server; None where there is none, or the program itself gives it a value.
    """
    for folder in folders:
        inner = tree.below(folder) if folder else tree
        schema = next((name for name in _SCHEMAS if name in inner), "")
        source = _SOURCE.search(without_comments(inner.text(schema)))
        kind = _SERVER.search(source[1]) if source is not None else None
        if kind is not None and (variable := _variable(inner, schema)):
            is_left = _is_assigned(tree, inner, schema) or any(map(_OR_ANOTHER.search, _configurations(inner)))
            return None if is_left else (variable, posixpath.join(folder, schema), kind[1])
    return None


def _has_schema(tree: Tree, package: Package) -> bool:
    inner = tree.below(package.folder) if package.folder else tree
    is_named = isinstance(package.record("prisma").get("schema"), str) or bool(inner.matching("prisma/schema/*.prisma"))
    return is_named or _schema(inner, package) is not None or any(f"prisma.config.{each}" in inner for each in ENDINGS)


def _schema(inner: Tree, package: Package) -> str | None:
    """The schema in the folder of a package: the one that it names, or one where they usually are."""
    named = package.record("prisma").get("schema")
    path = posixpath.normpath(named) if isinstance(named, str) else ""
    return path if path in inner else next((name for name in _SCHEMAS if name in inner), None)


def _is_assigned(tree: Tree, inner: Tree, schema: str | None) -> bool:
    """Whether the program itself gives the variable a value that names its database, which nothing else knows then."""
    variable = "" if schema is None else _variable(inner, schema)
    if not variable:
        return False
    return any(saying(tree, re.compile(rf"\bprocess\.env\.{variable}[ \t]{{0,4}}=(?!=)")))


def _of_file(inner: Tree, owner: Package, line: str, file: _File, *, is_led: bool) -> Prisma:
    """The migrations of a file: at each start, since what a release command writes beside DATA_DIR goes with it."""
    here = f"({'cd ' + shlex.quote(owner.folder) + ' && '}{line})" if owner.folder else line
    said = (
        f"The database is a file of SQLite ({owner.path(file.schema)}), migrated at each start, by one copy at a time"
    )
    if not is_led or not (file.variable or file.path):
        return Prisma(before=f"{once(here)} && ", notes=(f"{said}.",))
    brought = sorted(name for name in inner.names if _DATABASE.search(name) and "node_modules/" not in name)
    path = file.path or (brought[0] if len(brought) == 1 else "")
    if file.variable:
        first = f"{copied(owner.path(path))} && " if path in inner else ""
        stays = f"{said}, which stays in the folder that DATA_DIR names unless you set {file.variable}."
        return Prisma(
            before=f"{first}{once(here)} && ",
            build_env={file.variable: _FOR_THE_BUILD},
            run_env={file.variable: f"file:{DATA}/{posixpath.basename(path) or 'db.sqlite'}"},
            notes=(stays,),
        )
    stays = f"{said}, which stays in the folder that DATA_DIR names."
    return Prisma(before=f"{linked(inner, path, owner.path(path))}{once(here)} && ", notes=(stays,))


def _file(inner: Tree, schema: str) -> _File | None:
    """The file of SQLite that a schema names, itself or by the configuration; None for another database."""
    source = _SOURCE.search(without_comments(inner.text(schema)))
    if source is None or _SQLITE.search(source[1]) is None:
        return None
    url = _URL.search(source[1])
    if url is None:
        return _File(schema=schema, variable=_variable(inner, schema))
    path = posixpath.normpath(posixpath.join(posixpath.dirname(schema), url[2])) if url[2] else ""
    is_inside = path and not path.startswith(("/", "../")) and "$" not in path
    return _File(schema=schema, variable=url[1] or "", path=path if is_inside else "")


def _variable(inner: Tree, schema: str) -> str:
    """The variable that names the database of a schema, in it or in the configuration; "" where none does."""
    source = _SOURCE.search(without_comments(inner.text(schema)))
    url = _URL.search(source[1]) if source is not None else None
    if url is not None:
        return url[1] or ""
    named = next((match for text in _configurations(inner) if (match := _CONFIGURED.search(text)) is not None), None)
    return next((each for each in named.groups() if each), "") if named else ""


def _configurations(inner: Tree) -> Iterator[str]:
    return (without_comments(inner.text(f"prisma.config.{ending}")) for ending in ENDINGS)
