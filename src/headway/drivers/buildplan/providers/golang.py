"""Go: one program is built of the module, and is what runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan import image_program
from headway.drivers.buildplan.image_ports import declared, port_choice
from headway.drivers.buildplan.image_program import led_variable
from headway.drivers.buildplan.image_stages import called, dockerfile
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase, Question
from headway.drivers.buildplan.procfile import WEB
from headway.drivers.buildplan.providers import (
    golang_builds,
    golang_databases,
    golang_embeddings,
    golang_frontend,
    golang_packages,
)
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.golang_address import own_address, own_port, reads_port
from headway.drivers.buildplan.providers.golang_builds import Compiled
from headway.drivers.buildplan.providers.golang_command import serving_command
from headway.drivers.buildplan.providers.golang_frontend import embedded_frontend
from headway.drivers.buildplan.providers.golang_packages import loaded_sources, module_name, own_sources, programs
from headway.drivers.buildplan.providers.hugo_settings import configuration
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process

PROGRAM: Final = ".headway/app"

_GO = re.compile(r"^go\s+(\d+(?:\.\d+){0,2}\S*)", re.MULTILINE)
_TOOLCHAIN = re.compile(r"^toolchain\s+go(\d+(?:\.\d+){0,2}\S*)", re.MULTILINE)
_TOOL_VERSION = re.compile(r"^(?:go|golang)\s+(\S+)", re.MULTILINE)
_ASSIGNMENTS = re.compile(r"^(?:exec\s+|env\s+|[A-Za-z_]\w*=\S*\s+)*")
_REQUIRES = re.compile(r"^require[ \t(]", re.MULTILINE)
_POCKETBASE: Final = '"github.com/pocketbase/pocketbase"'
_PB_DATA: Final = "pb_data"
_USUAL: Final = ("server", "web", "api", "app", "main", "http")
_NEEDS_C: Final = ("github.com/mattn/go-sqlite3", "github.com/confluentinc/confluent-kafka-go", "gopkg.in/gographics")
_OTHERS: Final = (
    "requirements.txt",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "package.json",
    "Gemfile",
    "composer.json",
)
_FRAMEWORKS: Mapping[str, str] = {
    "github.com/gin-gonic/gin": "Gin",
    "github.com/labstack/echo": "Echo",
    "github.com/gofiber/fiber": "Fiber",
    "github.com/go-chi/chi": "chi",
    "github.com/beego/beego": "Beego",
    "github.com/gobuffalo/buffalo": "Buffalo",
}


def _recognise(tree: Tree) -> str | None:
    found = next((name for name in ("go.mod", "go.work", "main.go") if name in tree), None)
    is_beside = any(name in tree for name in _OTHERS) or configuration(tree) is not None
    return None if found == "go.mod" and is_beside and _is_for_tools(tree) else found


def _is_for_tools(tree: Tree) -> bool:
    """Whether a module has no source of its own: it pins programs that developers of something else use."""
    return "go.work" not in tree and not any(name.endswith(".go") for name in tree.names)


def _plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    seen = _recognise(tree) or "the setting provider"
    modules = "\n".join(tree.text(name) for name in tree.matching("**/go.mod") if tree.text(name))
    built = golang_builds.compiled(tree)
    target, reason, question = _target(tree, settings, built)
    framework = next((name for path, name in _FRAMEWORKS.items() if path in modules), "")
    needs_c = next((path for path in _NEEDS_C if path in modules), None)
    need = _need(tree, settings)
    choices = [Choice(name="provider", value="go", reason=seen)]
    if need.wanted:
        is_set = settings.versions.get("go") is not None
        choices.append(Choice(name="versions.go", value=need.wanted, reason=need.source, is_set=is_set))
    choices.append(Choice(name="package", value=target, reason=reason, is_set=settings.package is not None))
    program = _program(tree, target, settings.start or "")
    line, why = _started(tree, target, settings.keep)
    own = _own_port(tree, target) if "PORT" not in line else None
    front = embedded_frontend(tree, settings)
    if front.phases:
        shown = " && ".join(" ".join(phase.argv) for phase in front.phases)
        choices.append(Choice(name="frontend", value=shown, reason=front.reason))
    tags, told_by = golang_builds.tags(built, posixpath.normpath(target))
    choices += _of_tags(tags, told_by)
    made, said = golang_builds.generated(tree)
    rest = (*((f"-tags={','.join(tags)}",) if tags else ()), "-o", program, *_built(tree, target))
    sources = loaded_sources(tree, target)
    if not made:
        golang_embeddings.require_all(tree, settings, sources, front, " ".join(("go", "build", *rest)))
    argv = ("go", "build", "-buildvcs=false", "-ldflags=-s -w", *rest)
    needs_data = golang_databases.notes(tree, tree.text("go.mod"), list(sources.values()), line, settings.keep)
    stay = golang_databases.opened(tree, sources, line, settings.keep)
    start = Choice(name="start", value=stay.started(line), reason=why)
    needs_gcc = () if needs_c is None else _told_of_c(needs_c)
    return BuildPlan(
        provider="go",
        framework=framework,
        confidence=Confidence.SEEN if question is None else Confidence.GUESSED,
        needs=(need, *front.needs),
        phases=(*_downloads(tree), *front.phases, *made, Phase(name="build", argv=argv)),
        processes=(Process(name=WEB, command=start.value),),
        path=(*((posixpath.dirname(program),) if program != PROGRAM else ()), *front.path),
        env={"GIN_MODE": "release"} if framework == "Gin" else {},
        build_env={**front.build_env, "CGO_ENABLED": "0" if needs_c is None else "1"},
        keep=(_PB_DATA,) if _PB_DATA in line else stay.keep,
        port=None if own is None else own[0],
        packages=("gcc", "libc6-dev") if needs_c is not None else (),
        choices=(*choices, start, *([port_choice(*own)] if own else ())),
        questions=() if question is None else (question,),
        notes=(*front.notes, *(each for each in (said, stay.note(settings.start)) if each), *needs_data, *needs_gcc),
    )


def _of_tags(tags: Sequence[str], told_by: str) -> Iterator[Choice]:
    if tags:
        why = f"{told_by} has it built with these tags"
        yield Choice(name="build", value=f"go build -tags={','.join(tags)}", reason=why)


def _told_of_c(path: str) -> tuple[str]:
    return (f"{path} is in C, so the build needs a C compiler (CGO_ENABLED=1).",)


def _names(tree: Tree, target: str) -> frozenset[str]:
    """What the program may be called: as its package, its module, or what a Dockerfile compiles."""
    own = (posixpath.basename(target), posixpath.basename(re.sub(r"/v\d+$", "", module_name(tree))))
    return frozenset(each for each in (*own, *image_program.programs_built(tree)) if each.strip("."))


def _program(tree: Tree, target: str, line: str) -> str:
    """Where the program is to lie: where the line that is told to start it has it, as the builds of others put it
    into bin/, which is in PATH.
    """
    word = next(iter(_ASSIGNMENTS.sub("", line).split()), "").removeprefix("./")
    folder, _, name = word.rpartition("/")
    return (
        f"bin/{name}"
        if name in _names(tree, target) and folder in {"", "bin"} and f"bin/{name}" not in tree
        else PROGRAM
    )


def _started(tree: Tree, target: str, keep: Collection[str]) -> tuple[str, str]:
    """The command line of the program, and by what it is led to PORT and to the folder that stays, unless it has its
    data in one that its owner has ``keep``.
    """
    image = image_program.arguments(tree, _names(tree, target))
    if keep and image.folders:
        image = image_program.Arguments()
    texts = list(loaded_sources(tree, target).values())
    if _POCKETBASE in "".join(texts):
        return _pocketbase(tree, texts)
    command = serving_command(texts)
    own = own_address(texts, command.variable if command is not None else "")
    why = "the program that the build makes"
    if image.line and (own is None or (image.is_led and image.folders)):
        return f"./{PROGRAM} {image.line}", f"{why}, with what {called(tree)} starts it with"
    line, why = (
        (f"./{PROGRAM}", why)
        if command is None
        else (f"./{PROGRAM} {command.name}", f"{why}, its command {command.name}")
    )
    if own is not None:
        return f"{own.before}{line}{own.after}", f"{why}, {own.reason}"
    named = led_variable(tree) if not reads_port(texts) else None
    if named is None:
        return line, why
    return (
        f'env {named[0]}="${{{named[0]}:-{named[1]}}}" {line}',
        f"{why}, which listens where {named[0]} of {called(tree)} says",
    )


def _pocketbase(tree: Tree, texts: Collection[str]) -> tuple[str, str]:
    """PocketBase, also extended: its own command serves, and looks for its other folders beside that of its data, but
    for the one of its pages, which is an option of some.
    """
    has_option = any('"publicDir"' in text for text in texts)
    has_pages = any(name.startswith("pb_public/") for name in tree.names)
    pages = " --publicDir=pb_public" if has_option and has_pages else ""
    return f"./{PROGRAM} serve --http=127.0.0.1:$PORT --dir={_PB_DATA}{pages}", "PocketBase, by its command serve"


def _own_port(tree: Tree, target: str) -> tuple[int, str] | None:
    """The port that the program has itself; else, where nothing of it says where it listens, the only one that the
    Dockerfile declares: whatever it reads, it listens there.
    """
    loaded = list(loaded_sources(tree, target).values())
    if reads_port(loaded):
        return None
    return own_port(own_sources(tree, target)) or declared(tree).only


def _built(tree: Tree, target: str) -> tuple[str, ...]:
    """What the compiler is told: the package, or its files where there is no module that it is of."""
    if target != "." or "go.mod" in tree or "go.work" in tree:
        return (target,)
    return tuple(name for name in tree.matching("*.go") if not name.endswith("_test.go")) or (target,)


def _downloads(tree: Tree) -> tuple[Phase, ...]:
    """What fetches the modules; nothing where they are in the repository, or where there are none."""
    is_asked = "go.work" in tree or _REQUIRES.search(tree.text("go.mod"))
    if not is_asked or "vendor/modules.txt" in tree:
        return ()
    follows = tuple(name for name in ("go.mod", "go.sum", "go.work", "go.work.sum") if name in tree)
    return (Phase(name="install", argv=("go", "mod", "download"), follows=follows),)


def _need(tree: Tree, settings: BuildSettings) -> Need:
    """The version by what is most exact about it. A module names the oldest that it is content with."""
    if wanted := settings.versions.get("go"):
        return Need(tool="go", wanted=wanted, source="the setting versions.go")
    if wanted := tree.text(".go-version").strip():
        return Need(tool="go", wanted=wanted.removeprefix("go"), source=".go-version")
    if found := _TOOL_VERSION.search(tree.text(".tool-versions")):
        return Need(tool="go", wanted=found[1], source=".tool-versions")
    for name in ("go.mod", "go.work"):
        text = tree.text(name)
        if found := _TOOLCHAIN.search(text) or _GO.search(text):
            return Need(tool="go", wanted=f">={found[1]}", source=name)
    return Need(tool="go", source=_recognise(tree) or "")


def _target(tree: Tree, settings: BuildSettings, built: Sequence[Compiled]) -> tuple[str, str, Question | None]:
    """The package that is built, why it is that one, and what is asked where another could be meant."""
    found = programs(tree)
    if settings.package is not None:
        wanted = posixpath.normpath(settings.package.strip().strip("/") or ".")
        match = next((each for each in found if wanted in {each, posixpath.basename(each)}), None)
        if match is None:
            raise BuildError(
                f"There is no Go program {wanted} to build (headway apps set APP --package FOLDER). "
                f"{_named(found) or 'None was found.'}"
            )
        return _path(match), "the setting package", None
    if not found:
        if settings.build is not None:
            return ".", "the build path", None
        raise BuildError(
            "This is a Go module without a program: there is no 'package main' at the build path, in cmd/ or in a "
            "folder of it. Set the build path to the folder that holds it, or the build command (headway apps "
            "set APP --build LINE)."
        )
    told = golang_builds.package_of(built, found, module_name(tree)) if len(found) > 1 else None
    if told is not None and (found[0] != "." or (told[0] != "." and told[1] == dockerfile(tree))):
        return _path(told[0]), f"the one of {len(found)} programs that {told[1]} has built", None
    if found[0] == "." or len(found) == 1:
        return _path(found[0]), "the only program" if len(found) == 1 else "the program at the build path", None
    wished = [posixpath.basename(module_name(tree)), *_USUAL]
    by_name = {posixpath.basename(each): each for each in reversed(found)}
    chosen = next((by_name[name] for name in wished if name in by_name), found[0])
    question = Question(name="package", text="The repository holds several programs: which is to run?", choices=found)
    return _path(chosen), f"one of {len(found)} programs", question


def _path(folder: str) -> str:
    return "." if folder == "." else f"./{folder}"


def _named(found: tuple[str, ...]) -> str:
    return f"There are: {', '.join(found)}." if found else ""


def _further(tree: Tree) -> tuple[str, ...]:
    return (*golang_packages.further(tree), *golang_frontend.further(tree))


PROVIDER: Final = Provider(
    name="go",
    reads=(
        "go.mod",
        "go.work",
        "*/go.mod",
        "*/*/go.mod",
        ".go-version",
        ".tool-versions",
        "*.go",
        "cmd/*/*.go",
        "internal/cmd/*/*.go",
        *golang_builds.READS,
        *golang_frontend.READS,
    ),
    recognise=_recognise,
    plan=_plan,
    further=_further,
)
