"""Migrations that nothing runs by itself: the line that does, by a script of the packages or as its library has it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from headway.drivers.buildplan.providers.node_managers import Manager
from headway.drivers.buildplan.providers.node_package import LONGEST, Package
from headway.drivers.buildplan.providers.node_scripts import called_lines, without_absent
from headway.drivers.buildplan.providers.node_sources import saying
from headway.drivers.buildplan.tree import Tree

# The scripts that a build or a start runs by themselves.
CALLED: Final = ("build", "postbuild", "prestart", "start", "start:prod", "start:production", "production", "prod")

_LIBRARIES: Final[Mapping[str, tuple[str, str]]] = {
    "drizzle-kit": ("drizzle/", "drizzle-kit migrate"),
    "knex": ("migrations/", "knex migrate:latest"),
    "sequelize-cli": ("migrations/", "sequelize-cli db:migrate"),
    "node-pg-migrate": ("migrations/", "node-pg-migrate up"),
    "@mikro-orm/cli": ("migrations/", "mikro-orm migration:up"),
}
# The scripts that bring a database up to date, the ones for production first.
_MIGRATING: Final = (
    *("migrate:deploy", "db:migrate:deploy", "migrate:prod", "db:migrate:prod", "migration:run:prod"),
    *("migration:run", "migrations:run", "migrate:latest", "db:migrate:latest", "migrate:up", "db:migrate", "migrate"),
)
_NO_MIGRATION = re.compile(r"\b(?:dev|make|create|generate|reset|down|rollback|diff|--watch)\b")
_OF_TESTS: Final = ":memory:"  # a database that is gone with them
# What a program calls that migrates by itself: TypeORM, Kysely, Knex, Drizzle, Umzug, MikroORM and Prisma.
_ITSELF = re.compile(
    r"\b(?:runMigrations|migrateToLatest)\s{0,4}\(|\bmigrationsRun\s{0,4}:\s{0,4}true\b|\bmigrate\.latest\s{0,4}\(|"
    r"\bdrizzle-orm/[\w-]{1,40}/migrator\b|\bumzug\.up\s{0,4}\(|igrator(?:\(\))?\.up\s{0,4}\(|\bnew\s{1,4}Migrate\("
)


def unrun(tree: Tree, manager: Manager, packages: Sequence[Package]) -> list[str]:
    """What is to be said of migrations of these packages, the one that serves first; [] where a build, a start or the
    program itself runs them.
    """
    found = next(((each, name) for each in packages if (name := _script(each))), None)
    if found is None:
        notes = [note for each in packages for note in _by_library(tree, each)]
        return [] if migrates_itself(tree, packages) else notes
    package, script = found
    called = [line for each in packages for line in called_lines(each, CALLED)]
    files = _files(package.short(script))
    if any(script in line or files & _files(line) for line in called) or migrates_itself(tree, packages):
        return []
    inner = tree.below(package.folder) if package.folder else tree
    line, absent = without_absent(package.short(script), package, inner, manager.told)
    line = line if absent else " ".join(manager.script(script))
    named = f"'{_inside(package, line)}'{f' (the script {script})' if absent else ''}"
    return [f"Migrations are not run by themselves: {named} as release command runs them before each release."]


def migrates_itself(tree: Tree, packages: Sequence[Package]) -> bool:
    """Whether a source of these packages that was read migrates the database."""
    folders = [each.folder for each in packages if each.folder or not packages[0].folder]  # not all of a workspace
    found = saying(tree, _ITSELF, folders)
    return any(_OF_TESTS not in tree.text(name) for name in found)


def _script(package: Package) -> str:
    lines = ((name, package.short(name)) for name in _MIGRATING)
    return next((name for name, line in lines if line and _NO_MIGRATION.search(line) is None), "")


def _by_library(tree: Tree, package: Package) -> Iterator[str]:
    for name, (folder, line) in _LIBRARIES.items():
        place = package.path(folder)
        if package.has(name) and any(each.startswith(place) for each in tree.names):
            said = f"'{_inside(package, line)}' as release command runs them before each release."
            yield f"Migrations ({place}) are not run by themselves: {said}"


def _inside(package: Package, line: str) -> str:
    return f"cd {shlex.quote(package.folder)} && {line}" if package.folder else line


def _files(line: str) -> set[str]:
    """The programs of the repository that a line runs, without their endings."""
    words = (word.removeprefix("./") for word in (line.split() if len(line) <= LONGEST else ()))
    stems = ((word, re.sub(r"\.[cm]?[jt]sx?$", "", word)) for word in words if not word.startswith("-"))
    return {stem for word, stem in stems if stem != word or "/" in word}
