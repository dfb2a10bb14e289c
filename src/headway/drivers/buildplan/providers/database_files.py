"""Files in which an application has its database: each stays as a link into DATA_DIR, or with the folder it is in."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers.turns import copied, folders, linked
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import MADE, is_bare, is_kept
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

# A path below the folder that a program is started in.
_PATH: Final = re.compile(r"(?:\./)?\w[\w.-]{0,80}(?:/\w[\w.-]{0,80}){0,4}\.(?:db3?|sqlite3?)")
_PLAIN: Final = re.compile(r"\w[\w./-]*")  # nothing to a shell
_WRITES: Final = re.compile(
    r"\b(?:insert|replace)\s{1,4}(?:or\s{1,4}\w{1,10}\s{1,4})?into\b|\bupdate\s{1,4}\w{1,60}\s{1,4}set\b|\bdelete\s{1,4}from\b"
    r"|\bcreate\s{1,4}table\b|\.(?:commit|create|create_all|create_tables|save|insert|insert_many|upsert|sync)\(",
    re.IGNORECASE,
)
# What a shell does not become by exec.
_NO_PROGRAM: Final = re.compile(r"[&;|\n]|^[A-Za-z_]\w*=")
_SEVERAL: Final = "Its databases are"
_MOST: Final = 4
_MOST_FOUND: Final = 40


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """Where it lies below the build path, and the ``source`` that names it. One that ``was_linked`` by releases of
    before stays a link of the same name.
    """

    path: str
    source: str
    was_linked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """How they stay: the folders to ``keep``, and the ``links`` into the folder that DATA_DIR names, as a shell makes
    them before the program; ``said`` is which files these are, and ``is_brought`` whether the repository has one.
    """

    keep: tuple[str, ...] = ()
    links: str = ""
    said: str = ""
    is_brought: bool = False

    @property
    def note_linked(self) -> str:
        """What is to be said where our command makes the links."""
        first = ", where what the repository has is put at the first start" if self.is_brought else ""
        verb = "stay" if self.said.startswith(_SEVERAL) else "stays"
        return f"{self.said}, which {verb} in the folder that DATA_DIR names{first}." if self.links else ""

    def note(self, told: str | None) -> str:
        """What is to be said where a line may be told to start the program."""
        return self.note_lost(told) if told else self.note_linked

    def note_lost(self, line: str) -> str:
        """What is to be said where another ``line`` starts the program, "" for one that names the folder itself."""
        if not self.links or DATA in line:
            return ""
        lost = f"{self.said}, lost with the release"
        if not line:
            return f"{lost}: keep it in the folder that DATA_DIR names, or use a server's."
        told = shlex.quote(self.started(line))
        return f"{lost} unless it is a link into the folder that stays: headway apps set APP --start {told}"

    def started(self, line: str) -> str:
        """The line that starts the program, after its links are there."""
        if not self.links:
            return line
        return f"{self.links}{line}" if _NO_PROGRAM.search(line) else f"{self.links}exec {line}"


def plain_path(text: str) -> str:
    """The path of a file of SQLite below the folder that a program is started in; "" for any other text."""
    path = posixpath.normpath(text) if _PATH.fullmatch(text) else ""
    return "" if path.startswith("../") else path


def staying(tree: Tree, files: Iterable[DatabaseFile], keep: Collection[str], texts: Iterable[str] = ()) -> Stay:
    """How these files stay, but for those in the folders that their owner has ``keep``, whose place no link may take,
    and those of the repository that no one of the ``texts`` writes: a new release brings new ones.
    """
    first: dict[str, DatabaseFile] = {}
    for each in islice(files, _MOST_FOUND):
        first.setdefault(each.path, each)
    found = [each for each in first.values() if not is_kept(each.path, keep)]
    if any(each.path in tree for each in found) and not any(map(_WRITES.search, texts)):
        found = [each for each in found if each.path not in tree or each.was_linked]
    kept = [each for each in found if not keep and not each.was_linked and _is_folder_of_data(tree, each.path)]
    links = [each for each in found if each not in kept and (each.was_linked or _PLAIN.fullmatch(each.path))]
    if len(links) > _MOST:  # which of them is the database, nobody knows
        links = [each for each in links if each.was_linked]
    return Stay(
        keep=tuple(dict.fromkeys(posixpath.dirname(each.path) for each in kept)),
        links="".join(_link(tree, each) for each in links),
        said=_said(links),
        is_brought=any(each.path in tree for each in links),
    )


def _is_folder_of_data(tree: Tree, path: str) -> bool:
    """Whether a file is in a folder of which the repository has nothing, and no build makes anything."""
    folder = posixpath.dirname(path)
    return bool(folder) and is_bare(tree, folder) and MADE.isdisjoint(folder.split("/"))


def _link(tree: Tree, file: DatabaseFile) -> str:
    """The file as a link, by its path also in the folder that stays, where one that stays with its folder is too. What
    the build has made is left where it is, for as long as none has stayed.
    """
    path, above = file.path, posixpath.dirname(file.path)
    if file.was_linked:
        return linked(tree, path, path)
    kept = f'"{DATA}/{path}"'
    made = folders(tree, path, path, *((f'"{DATA}/{above}"',) if above else ()))
    line = f"ln -sf {kept} {path}"
    if path in tree:
        return f"{made}{copied(path, path)} && {line} && "
    return f"{made}{{ [ -f {path} ] && [ ! -e {kept} ] || {line}; }} && "


def _said(files: Sequence[DatabaseFile]) -> str:
    if not files:
        return ""
    sources = " and ".join(dict.fromkeys(each.source for each in files))
    if len(files) == 1:
        kind = "file" if files[0].path.endswith(".json") else "file of SQLite"
        return f"The database is the {kind} that {sources} names"
    return f"{_SEVERAL} the files that {sources} {'names' if ' and ' not in sources else 'name'}"
