"""The newest Python that the exact versions of a project's compiled packages can be built for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from headway.drivers.buildplan.providers.python_project import PythonProject
from headway.drivers.buildplan.providers.python_requirements import normal, text_of
from headway.kernel.dataclass import dataclass

POETRY_LOCK = "poetry.lock"
_OTHER_LOCKS = ("uv.lock", "pdm.lock", "Pipfile.lock")

# The first version of a package that exists for a minor version of Python 3, where an older one does not come ready for
# it, and does not compile with it (pandas: not in minutes) or is not loaded by it. A name with a major version is for
# that one, which has releases of its own beside the others.
_FIRST: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "aiohttp": {12: (3, 9, 0), 13: (3, 10, 0), 14: (3, 13, 0)},
    "asyncpg": {11: (0, 27, 0), 12: (0, 29, 0), 13: (0, 30, 0), 14: (0, 31, 0)},
    "cffi": {13: (1, 17, 0), 14: (2, 0, 0)},
    "gevent": {12: (23, 9, 0), 13: (24, 10, 1), 14: (25, 8, 1)},
    "greenlet": {12: (3, 0, 0), 13: (3, 1, 0), 14: (3, 2, 3)},
    "grpcio": {11: (1, 49, 0), 12: (1, 59, 0), 13: (1, 66, 2), 14: (1, 75, 1)},
    "h5py": {11: (3, 8, 0), 12: (3, 10, 0), 13: (3, 12, 0), 14: (3, 15, 0)},
    "httptools": {11: (0, 5, 0), 12: (0, 6, 1), 13: (0, 6, 2), 14: (0, 7, 1)},
    "llvmlite": {11: (0, 40, 0), 12: (0, 42, 0), 13: (0, 44, 0), 14: (0, 46, 0)},
    "lxml": {11: (4, 9, 1), 12: (4, 9, 3), 13: (5, 3, 0), 14: (6, 0, 1)},
    "matplotlib": {11: (3, 6, 0), 12: (3, 7, 3), 13: (3, 9, 2), 14: (3, 10, 5)},
    "numba": {11: (0, 57, 0), 12: (0, 59, 0), 13: (0, 61, 0), 14: (0, 63, 0)},
    "numpy": {12: (1, 26, 0), 13: (2, 1, 0), 14: (2, 3, 2)},
    "orjson": {13: (3, 10, 7), 14: (3, 11, 1)},
    "pandas": {11: (1, 5, 0), 12: (2, 1, 1), 13: (2, 2, 3), 14: (2, 3, 3)},
    "pillow": {11: (9, 2, 0), 12: (10, 0, 0), 13: (10, 4, 0), 14: (11, 3, 0)},
    "psycopg-binary": {11: (3, 1, 4), 12: (3, 1, 12), 13: (3, 2, 2), 14: (3, 2, 10)},
    "psycopg2": {13: (2, 9, 10), 14: (2, 9, 11)},
    "psycopg2-binary": {13: (2, 9, 10), 14: (2, 9, 11)},
    "pyarrow": {11: (10, 0, 1), 12: (14, 0, 0), 13: (18, 0, 0), 14: (22, 0, 0)},
    "pydantic": {13: (2, 8, 0), 14: (2, 12, 0)},
    "pydantic 1": {12: (1, 10, 13), 13: (1, 10, 19), 14: (1, 10, 25)},
    "pydantic-core": {13: (2, 20, 0), 14: (2, 35, 0)},
    # The older ones come as sources, whose build fails with the Cython of today.
    "pyyaml": {11: (6, 0, 0), 12: (6, 0, 1), 13: (6, 0, 1), 14: (6, 0, 1)},
    "rpds-py": {12: (0, 8, 8), 13: (0, 19, 1), 14: (0, 26, 0)},
    "scikit-learn": {12: (1, 3, 1), 13: (1, 5, 2), 14: (1, 7, 2)},
    "scipy": {12: (1, 11, 2), 13: (1, 14, 1), 14: (1, 16, 1)},
    "shapely": {11: (1, 8, 5), 12: (2, 0, 2), 13: (2, 0, 6), 14: (2, 1, 2)},
    "spacy": {11: (3, 4, 2), 12: (3, 7, 0), 13: (3, 8, 7), 14: (3, 8, 10)},
    "tensorflow": {11: (2, 12, 0), 12: (2, 16, 1), 13: (2, 20, 0), 14: (2, 22, 0)},
    "tiktoken": {12: (0, 5, 2), 13: (0, 8, 0), 14: (0, 12, 0)},
    "tokenizers": {13: (0, 20, 2), 14: (0, 20, 4)},
    "torch": {12: (2, 2, 0), 13: (2, 5, 0), 14: (2, 9, 0)},
    "uvloop": {12: (0, 18, 0), 13: (0, 21, 0), 14: (0, 22, 1)},
}
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]{0,80}\])?[ \t]*==[ \t]*(\d+(?:\.\d+){0,4})([^\n]*)", re.MULTILINE)
_LOCKED = re.compile(r'^name = "([\w.-]+)"\nversion = "(\d+(?:\.\d+){0,4})"', re.MULTILINE)
_FOR_DEVELOPERS = re.compile(r'^category = "dev"|^groups = \[(?![^\[\]]*"main")', re.MULTILINE)
_MOST_TEXT = 2 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A package at an exact version, and the minor version of Python 3 that it is too old for."""

    package: str
    version: str
    source: str
    below: int

    @property
    def told(self) -> str:
        """The package, and where it is pinned."""
        return f"{self.package} {self.version} in {self.source}"


def oldest_pin(project: PythonProject) -> Pin | None:
    """The pin that bounds Python most, None where none does."""
    return min(_pins(project), key=lambda pin: pin.below, default=None)


def _pins(project: PythonProject) -> Iterator[Pin]:
    for name, version, source in _exact(project):
        written = [int(part[:9]) for part in version.split(".")]
        numbers = (*written, 0, 0)[: max(3, len(written))]  # 10.0 is 10.0.0
        firsts = _FIRST.get(f"{normal(name)} {numbers[0]}") or _FIRST.get(normal(name), {})
        below = next((minor for minor, first in firsts.items() if numbers < first), None)
        if below is not None:
            yield Pin(package=normal(name), version=version, source=project.at(source), below=below)


def _exact(project: PythonProject) -> Iterator[tuple[str, str, str]]:
    """What is installed at an exact version: by Poetry's lock, else by pip's files. Other locks name the Pythons that
    they were resolved for themselves.
    """
    tree = project.tree
    if any(name in tree for name in _OTHER_LOCKS):
        return
    if POETRY_LOCK in tree:
        for block in tree.whole(POETRY_LOCK)[:_MOST_TEXT].split("[[package]]\n")[1:]:
            if (match := _LOCKED.match(block)) and not _FOR_DEVELOPERS.search(block):
                yield match[1], match[2], POETRY_LOCK
        return
    for name in (each for each in project.requires.files if each.endswith(".txt")):
        for match in _PIN.finditer(text_of(tree, name)[:_MOST_TEXT]):
            if "python_version" not in match[3] and "sys_platform" not in match[3]:
                yield match[1], match[2], name
