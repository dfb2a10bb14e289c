"""What is to be said of the database server that a Python application needs: by which variables it is told of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers import python_variables
from headway.drivers.buildplan.providers.python_paths import assigned
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree

_LIBRARY = re.compile(
    r"""dj_database_url\.(?:config|parse)\(|(?<![\w.])env\.(?:dj_)?db(?:_url)?(?:_config)?\("""
    r"""|django_heroku\.settings\(""",
)
_NAMED = re.compile(r"""\A(?:env(?:_var)?[ \t]*=[ \t]*)?["']([A-Z][A-Z0-9_]{2,60})["']""")
_ADDRESS = re.compile(
    r"""(?:environ(?:\.get)?[ \t]*[\[(]|\bgetenv\(|\benv(?:\.\w+)?\(|(?<![.\w])config\()\s{0,80}"""
    r"""["']((?:[A-Z]+_)?(?:DATABASE_UR[LI]|DB_UR[LI]|SQLALCHEMY_DATABASE_URI))["']"""
)
_PART = re.compile(
    r"""(?:environ(?:\.get)?[ \t]*[\[(]|\bgetenv\(|\benv(?:\.\w+)?\(|(?<![.\w])config\()\s{0,80}"""
    r"""["']([A-Z][A-Z0-9_]{1,60})["']"""
)
_DATABASES = re.compile(r"^[ \t]*DATABASES[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_SQLITE = re.compile(r"sqlite|spatialite")
_MYSQL = re.compile(r"backends\.mysql|mysql(?:\+\w+)?://|pymysql|mysqlclient")
_POSTGRES = re.compile(r"postgres|postgis")
_BEGINS = re.compile(r"""\.startswith\(\s*["'](postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?)://""")
_MENDED = re.compile(r"""\b(?:replace|sub)\(\s*r?["']\^?postgres:(?://)?["']""")  # to postgresql:// by the sources
_KINDS: Final[Mapping[str, str]] = {"postgresql": "PostgreSQL", "mysql": "MySQL"}
_MAKES: Final = "'headway databases create' makes one"
_MOST: Final = 8


def with_note(tree: Tree, start: Start, requires: Requirements) -> Start:
    """The application with what its sources say of a database, unless it is given one."""
    texts = python_variables.sources(tree)
    if address_names(texts) & start.run_env.keys() or not (note := database_note(texts, requires)):
        return start
    return replace(start, notes=(*start.notes, note))


def database_note(texts: Sequence[str], requires: Requirements) -> str:
    """What the sources need of a server, and how that is set; "" where they can do with a file, or name no database."""
    whole = "\n".join(texts)
    asked = (match[1] for match in _BEGINS.finditer(whole))
    begins = next((each for each in asked if each != "postgres" or _MENDED.search(whole) is None), "")
    name = next(_addresses(texts), "")
    if _SQLITE.search(whole):
        return f"Where {name} is set, it has to begin with {begins}://." if name and begins else ""
    kind = _kind(whole, requires)
    server = f"a database of {_KINDS[kind]}" if kind else "a database"
    if name:
        address = f"{begins or kind}://USER:PASSWORD@HOST:PORT/NAME" if begins or kind else "..."
        return f"It needs {server}, and reads its address from {name}: headway env set APP {name}={address} ({_MAKES})."
    if parts := tuple(dict.fromkeys(_parts(texts)))[:_MOST]:
        return f"It needs {server}: headway env set APP {' '.join(f'{each}=...' for each in parts)} ({_MAKES})."
    return ""


def _kind(whole: str, requires: Requirements) -> str:
    """The scheme of its address, as SQLAlchemy takes it too, "" where nothing tells."""
    if requires.first("psycopg2", "psycopg2-binary", "psycopg", "psycopg-binary", "asyncpg", "pg8000"):
        return "postgresql"
    if requires.first("mysqlclient", "pymysql", "aiomysql", "mysql-connector-python") or _MYSQL.search(whole):
        return "mysql"
    return "postgresql" if _POSTGRES.search(whole) else ""


def address_names(texts: Sequence[str]) -> frozenset[str]:
    """The variables that a note on the database speaks of."""
    return frozenset((*_addresses(texts), *_parts(texts)))


def _addresses(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for match in _LIBRARY.finditer(text):
            named = _NAMED.match(text[match.end() : match.end() + 100].lstrip())
            if "parse" not in match[0]:
                yield named[1] if named is not None else "DATABASE_URL"
        yield from (match[1] for match in _ADDRESS.finditer(text))


def _parts(texts: Sequence[str]) -> Iterator[str]:
    """The variables that the settings of the databases are made of."""
    found = ((text, match.end()) for text in texts for match in _DATABASES.finditer(text))
    for text, end in islice(found, _MOST):
        yield from (each[1] for each in _PART.finditer(assigned(text, end)))
