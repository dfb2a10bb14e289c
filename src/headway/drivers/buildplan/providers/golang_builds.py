"""How a program in Go is built elsewhere: its package, name and tags, by a Dockerfile, a Makefile or GoReleaser."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from headway.drivers.buildplan import makefile
from headway.drivers.buildplan.foreign_hosts import read_yaml
from headway.drivers.buildplan.image_stages import dockerfile, whole
from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.golang_packages import module_name
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

GORELEASER: Final = (".goreleaser.yml", ".goreleaser.yaml")
READS: Final = (*GORELEASER, *makefile.FILES)

_MOST: Final = 30
_LONGEST: Final = 4_000
_COMPILES = re.compile(r"\bgo[ \t]+(?:build|install)\b")
_GENERATES = re.compile(r"\bgo[ \t]+generate((?:[ \t]+\./[\w./-]{0,100}){1,5})(?=[ \t]*(?:&&|;|\n|\Z))")
_INSTALLS = re.compile(r"\bgo[ \t]+(?:install|get)[ \t]+(?:-\S{1,40}[ \t]+){0,4}(?![.-])\S")
_ENDS: Final = frozenset(["&&", "||", ";", "|", "&", "(", ")", ";;"])
# Options whose value is the next word.
_WITH_VALUES: Final = frozenset(
    {
        *(
            "-o",
            "-p",
            "-C",
            "-tags",
            "-ldflags",
            "-gcflags",
            "-asmflags",
            "-gccgoflags",
            "-mod",
            "-modfile",
            "-overlay",
        ),
        *("-installsuffix", "-buildmode", "-pkgdir", "-toolexec", "-pgo", "-covermode", "-coverpkg", "-compiler"),
    }
)
_TAG = re.compile(r"[A-Za-z_][\w.]{0,60}")
_MAKES = re.compile(r"\bmake\b((?:[ \t]+(?:[\w.-]{1,60}|[A-Z_]{1,40}=\S{0,80})){0,10})")
# Of another system than the one that runs it here, or for those who develop it.
_OTHER_SYSTEM = re.compile(r"GOOS=(?!linux\b|[$?]).")
_NOT_FOR_HERE: Final = frozenset({"musl", "alpine", "static", "windows", "darwin"})
_OF_DEVELOPERS: Final = frozenset({"dev", "development", "debug", "test", "testing", "e2e", "integration"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One program that is compiled: by which ``file``, of which ``package`` (a folder, "." for the build path), under
    which ``name`` ("" for none of its own), and with which ``tags``; None where these are not known.
    """

    file: str
    package: str
    name: str
    tags: tuple[str, ...] | None


def compiled(tree: Tree) -> tuple[Compiled, ...]:
    """All of them, those of the Dockerfile first, then those of the Makefile, where the targets come first that the
    Dockerfile makes, then those of GoReleaser.
    """
    head, text = module_name(tree), whole(tree)
    image, made = dockerfile(tree), makefile.makefile(tree)
    targets = [word for match in _MAKES.finditer(text) for word in match[1].split() if "=" not in word]
    recipes = makefile.recipes(tree, (*targets[:_MOST], "build", "all")) if made else []
    found = (
        *_of_lines(image, text.splitlines(), head),
        *_of_lines(made, [line for _, line in recipes], head),
        *_of_goreleaser(tree),
    )
    return tuple(each for each in found if not _OF_DEVELOPERS & set(each.tags or ()))


def tags(found: Sequence[Compiled], package: str) -> tuple[tuple[str, ...], str]:
    """The tags that the package is to be compiled with, and the file that says so; none and "" where nothing does."""
    mine = [each for each in found if each.package == package and each.tags is not None]
    if not mine:
        return (), ""
    same = [each for each in mine if each.file == mine[0].file]
    wanted = mine[0].tags or ()
    if mine[0].file not in makefile.FILES:  # several are for several machines, which have in common what it needs
        wanted = tuple(tag for tag in wanted if all(tag in (each.tags or ()) for each in same))
    return tuple(tag for tag in wanted if tag not in _NOT_FOR_HERE), mine[0].file


def package_of(found: Sequence[Compiled], among: Collection[str], module: str) -> tuple[str, str] | None:
    """Which of these programs is compiled, and the file that says so: the only one of a file, or the only one that has
    the module's own name; None where no file tells.
    """
    for file in dict.fromkeys(each.file for each in found):
        mine = [each for each in found if each.file == file and each.package in among]
        own = [each for each in mine if each.name == posixpath.basename(module)]
        for packages in ({each.package for each in mine}, {each.package for each in own}):
            if len(packages) == 1:
                return packages.pop(), file
    return None


def generated(tree: Tree) -> tuple[tuple[Phase, ...], str]:
    """What makes sources and files that are in no repository before it is compiled, where the Dockerfile has it so; and
    what is to be said of it.
    """
    text = whole(tree)
    found = _GENERATES.search(text)
    compiles = _COMPILES.search(text, found.end()) if found is not None else None
    if found is None or compiles is None:
        return (), ""
    line = " ".join(("go", "generate", *found[1].split()))
    file = dockerfile(tree)
    if _INSTALLS.search(text) is not None:
        way = "Commit what it makes, or name all that builds (headway apps set APP --build LINE)."
        return (), f"{file} runs '{line}' by programs that it installs for it, which is not done here. {way}"
    note = f"'{line}' runs before the program is compiled, as {file} has it."
    return (Phase(name="build sources", argv=tuple(line.split())),), note


def _of_lines(file: str, lines: Sequence[str], head: str) -> Iterator[Compiled]:
    for line in islice((line for line in lines if _COMPILES.search(line)), _MOST):
        lexer = shlex.shlex(line[:_LONGEST], posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = list(lexer)
        except ValueError:
            continue
        yield from _of_words(file, words, head)


def _of_words(file: str, words: Sequence[str], head: str) -> Iterator[Compiled]:
    here, command = "", list[str]()
    for word in (*words, ";"):
        if word not in _ENDS:
            command.append(word)
            continue
        plain = [each.lstrip("@-") if place == 0 else each for place, each in enumerate(command)]
        if len(plain) > 1 and "cd" in plain[:-1]:
            folder = plain[plain.index("cd") + 1]
            here = "" if folder.startswith("/") else posixpath.join(here, folder)
        found = _of_command(file, plain, here, head)
        if found is not None:
            yield found
        command = []


def _of_command(file: str, words: Sequence[str], here: str, head: str) -> Compiled | None:
    at = next((place for place, word in enumerate(words[:-1]) if posixpath.basename(word) == "go"), None)
    if at is None or words[at + 1] not in {"build", "install"} or any(map(_OTHER_SYSTEM.match, words[:at])):
        return None
    packages, options, rest = list[str](), dict[str, str](), iter(words[at + 2 :])
    for word in rest:
        name, sign, value = word.partition("=")
        name = name.replace("--", "-", 1)
        if not word.startswith("-"):
            packages.append(word)
        elif name in _WITH_VALUES and not sign:
            options[name] = next(rest, "")
        else:
            options[name] = value
    package = _package(packages, posixpath.join(here, options.get("-C", "")), head)
    name = posixpath.basename(options.get("-o", ""))
    return (
        None if package is None else Compiled(file=file, package=package, name=name, tags=_tags(options.get("-tags")))
    )


def _package(words: Sequence[str], here: str, head: str) -> str | None:
    """The folder of the one package that is compiled; None where it is not one of the module."""
    folders = {posixpath.dirname(word) or "." if word.endswith(".go") else word for word in words} or {"."}
    if len(folders) > 1:
        return None
    (found,) = folders
    if head and f"{found}/".startswith(f"{head}/"):
        found = found.removeprefix(head).strip("/")
    elif not found.startswith("."):
        found = f"./{found}" if any(word.endswith(".go") for word in words) else "..."
    whole_path = posixpath.normpath(posixpath.join(here, found))
    return None if "..." in whole_path or whole_path.startswith(("..", "/")) or "$" in whole_path else whole_path


def _tags(text: str | None) -> tuple[str, ...] | None:
    """The words of an option; None where one of them is not plain."""
    words = re.split(r"[,\s]+", (text or "").strip())[:_MOST]
    words = [word for word in words if word]
    return tuple(words) if all(map(_TAG.fullmatch, words)) else None


def _of_goreleaser(tree: Tree) -> Iterator[Compiled]:
    file = next((name for name in GORELEASER if name in tree.contents), "")
    table = read_yaml(tree.whole(file)) if file else None
    builds = table.get("builds") if table else None
    for build in (builds if isinstance(builds, list) else [])[:_MOST]:
        if isinstance(build, dict) and (found := _released(file, build)) is not None:
            yield found


def _released(file: str, build: dict[str, Any]) -> Compiled | None:
    systems = build.get("goos")
    if isinstance(systems, list) and systems and "linux" not in systems:
        return None
    main, folder, name = (str(build.get(each) or "") for each in ("main", "dir", "binary"))
    listed = build.get("tags")
    words = [str(each) for each in listed[:_MOST]] if isinstance(listed, list) else [str(listed or "")]
    place = posixpath.dirname(main) if main.endswith(".go") else main
    package = posixpath.normpath(posixpath.join(folder, place or "."))
    is_outside = package.startswith(("..", "/")) or "{" in package
    return None if is_outside else Compiled(file=file, package=package, name=name, tags=_tags(",".join(words)))
