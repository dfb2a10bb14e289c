"""What a command line calls: scripts of its package, also side by side, and those of packages in other folders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.node_package import LONGEST, PACKAGE, Package, read_package
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

PREFIX: Final = re.compile(
    r"^(?:(?:[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"']*)|cross-env(?:-shell)?|env|exec|time|npx(?:\s+--?\S+)*|"
    r"pnpm\s+exec|pnpm\s+dlx|yarn\s+(?:exec|run)|bunx(?:\s+--bun)?|env-cmd(?:\s+-f\s+\S+)?|"
    r"dotenv(?:\s+-e\s+\S+)*\s+--|(?:yarn|pnpm|bun)(?=\s+(?!run|start|install|build|x\s)[\w@][\w@/-]*(?:\s|$)))\s+)+"
)
CALL: Final = re.compile(r"(?:npm\s+(?:run(?:-script)?\s+)?|(?:yarn|pnpm|bun)\s+(?:run\s+)?)([\w:.-]+)")
MOST_CALLED: Final = 50

# What runs several lines side by side: in quotes, or as names of scripts.
_TOGETHER: Final = re.compile(r"(?:concurrently|run-p|npm-run-all2?|run-s)\b")
# Its options with a value, and what is in quotes besides, which has options of its own.
_NAMING: Final = re.compile(
    r"(?P<option>\s(?:-n|--names|-c|--prefix-colors|--prefix|--timestamp-format)(?:\s+|=)(?:\"[^\"]*\"|'[^']*'|\S+))"
    r"|\"[^\"]*\"|'[^']*'"
)
_FOLDER: Final = r"(?:--prefix|--cwd|--dir|-C)(?:\s+|=)[\"']?(?P<{}>[\w./-]{{1,200}})[\"']?"
# `npm start --prefix client`, `yarn --cwd client start`, `pnpm -C client run start`
_CALL_THERE: Final = re.compile(
    rf"(?:npm|yarn|pnpm|bun)\s+(?:{_FOLDER.format('first')}\s+)?(?:run(?:-script)?\s+)?(?:{_FOLDER.format('then')}\s+)?"
    rf"(?P<name>[\w:.][\w:.-]{{0,80}})(?:\s+{_FOLDER.format('last')})?"
)
_GOES: Final = re.compile(r"cd\s+[\"']?([\w./-]{1,200})[\"']?")
_GOES_FIRST: Final = re.compile(r"cd\s+[\"']?([\w./-]{1,200})[\"']?\s*(?:&&|;)\s*(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A script that a line calls and does nothing beside: its ``name``, and its ``package`` in the ``folder`` below the
    one whose script calls it.
    """

    folder: str
    package: Package
    name: str


def called_elsewhere(line: str, tree: Tree | None) -> Called | None:
    """The script of another folder that a line does no more than call; None where it does something else, or there is
    no such script. ``tree`` is what lies in the folder that the line is run in.
    """
    if tree is None or len(line) > LONGEST:
        return None
    went, rest = _GOES_FIRST.fullmatch(line.strip()), line.strip()
    here = ""
    if went is not None:
        here, rest = posixpath.normpath(went[1]), went[2]
    found = _CALL_THERE.fullmatch(rest.strip())
    if found is None:
        return None
    folder = _joined(here, found["first"] or found["then"] or found["last"] or ".")
    package = package_in(tree, folder) if folder else None
    if package is None or package.script(found["name"]) is None:
        return None
    return Called(folder=folder, package=package, name=found["name"])


def package_in(tree: Tree, folder: str) -> Package | None:
    """The package in a folder, None where there is none that can be read."""
    if folder.startswith(("/", "..")) or posixpath.join(folder, PACKAGE) not in tree:
        return None
    try:
        return read_package(tree, folder)
    except BuildError:
        return None


def reached(line: str, package: Package, tree: Tree | None = None) -> Iterator[str]:
    """The line, and those of the scripts that it calls or runs side by side, of packages in other folders too where the
    ``tree`` is known that lies in the folder of this one.
    """
    packages: dict[str, Package | None] = {"": package}
    waiting, seen = [(line, "")], set[tuple[str, str]]()
    while waiting and len(seen) < MOST_CALLED:
        each, here = waiting.pop(0)
        if (each, here) in seen or len(each) > LONGEST:
            continue
        seen.add((each, here))
        yield each
        mine = packages[here]
        beside = [] if mine is None else side_by_side(each, mine)
        waiting += [(one, here) for one in beside]
        for command in () if beside else parted(each):
            if (goes := _GOES.fullmatch(command.strip("() "))) is not None:
                here = _joined(here, goes[1])
                if _known(packages, tree, here) is None:
                    break
            elif command.startswith("cd "):
                break
            elif (call := _CALL_THERE.fullmatch(command.strip("() "))) is not None:
                there = _joined(here, call["first"] or call["then"] or call["last"] or ".")
                owner = _known(packages, tree, there)
                waiting += [(script, there)] if owner is not None and (script := owner.short(call["name"])) else []


def enters(lines: Iterable[str], folder: str) -> bool:
    """Whether one of these lines does something in a folder."""
    word = re.compile(rf"(?<![\w./-])(?:\./)?{re.escape(folder)}/?(?![\w./-])")
    return any(word.search(line) for line in lines)


def side_by_side(line: str, package: Package) -> list[str]:
    """The lines that one line runs side by side; none for any other."""
    plain = PREFIX.sub("", f"{line.strip()} ").strip()
    if _TOGETHER.match(plain) is None:
        return []
    plain = _NAMING.sub(lambda found: " " if found["option"] else found[0], plain.replace('\\\\"', '"'))
    quoted = [each for each in re.findall(r"\"([^\"]+)\"|'([^']+)'", plain) for each in each if each]
    words = [word.removeprefix("npm:") for word in re.sub(r"\"[^\"]*\"|'[^']*'", " ", plain).split()[1:]]
    named = (package.short(each.removeprefix("npm:")) or each for each in (*quoted, *words) if not each.startswith("-"))
    return [each for each in named if each]


def parted(line: str) -> list[str]:
    """The commands of a line, as they are written."""
    return re.split(r"\s{0,100}(?:&&|\|\||;|\||&)\s*", line.strip())


def _known(packages: dict[str, Package | None], tree: Tree | None, folder: str) -> Package | None:
    """The package in a folder, which is read once."""
    if folder not in packages:
        packages[folder] = package_in(tree, folder) if tree is not None else None
    return packages[folder]


def _joined(here: str, folder: str) -> str:
    path = posixpath.normpath(posixpath.join(here, folder))
    return "" if path == "." else path
