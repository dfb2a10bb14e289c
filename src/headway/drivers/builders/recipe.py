"""What is built of a Dockerfile: a copy, which BuildKit's own front end reads, whatever the file asks for; beside it
what no argument can carry, and which sources the engine may fetch for it.

No build reaches the machine's own network by the engine. What the engine fetches (``ADD`` of an address, a git
repository) is not judged by what a Dockerfile says, but by what BuildKit is about to do: it is BuildKit that is told.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.drivers.builders.base import BuildError
from headway.infra.docker.cli import DENIED, PATH, SOURCES, ImageBuild, is_acted_on
from headway.infra.docker.dockerfiles import escape_of, front_end_of, instructions, words_of
from headway.infra.docker.image_names import HUB, KEPT, OF_THE_MACHINE, normalized
from headway.infra.hosts.base import Host, LeadsOutside
from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.phrase import phrase

_LARGEST = 1 << 20
_PLAIN = "# Built by the front end of the engine itself."
_OWN_FRONT_ENDS = re.compile(rf"{re.escape(HUB)}/docker/dockerfile(-upstream)?[:@].*")
_BUILDKIT = re.compile(r"BUILDKIT_.*", re.IGNORECASE)
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PROXIES: Mapping[str, str] = {
    "http_proxy": "httpProxy",
    "https_proxy": "httpsProxy",
    "ftp_proxy": "ftpProxy",
    "no_proxy": "noProxy",
    "all_proxy": "allProxy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a build may begin with and fetch beside what it was given: ``own`` are the images of Headway's that are its
    own, ``registries`` those that its service was given; with ``anything`` it may fetch whatever the machine reaches.
    """

    own: Sequence[str] = ()
    registries: Sequence[str] = ()
    anything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The copy of a Dockerfile. ``arguments`` go by the environment, ``proxies`` in the command line's own file."""

    text: str
    arguments: Mapping[str, str]
    proxies: Mapping[str, str]
    front_end: str | None


async def lay_out(
    work: Work, build: ImageBuild, sources: Sources, configuration: str, *, owner: Account | None, below: str | None
) -> ImageBuild:
    """Writes what a build is made of into the folder of its command line's configuration; the build as it is typed
    then. ``below`` is the folder that the Dockerfile does not lead out of. Raises InvalidInput and BuildError.
    """
    check_names(build.arguments)
    host = work.host
    await host.write_file(f"{configuration}/{SOURCES}", policy(sources), owner=owner, lasting=False)
    if build.front_end is not None or (build.dockerfile is not None and not build.dockerfile.startswith("/")):
        left = {name: value for name, value in build.arguments.items() if not is_acted_on(name)}
        return replace(build, arguments=left, shown_labels={})
    text, ignored = await _read(host, build, below)
    copy = copied(text, build)
    if copy.front_end is not None:
        await work.say(
            phrase(
                "The Dockerfile names the front end {}. It is built by that of the engine, and nothing is fetched for "
                "it.",
                work.masked(copy.front_end),
            )
        )
    await _write_proxies(host, configuration, copy.proxies, owner)
    folder = f"{configuration}/{hashlib.sha256(build.tag.encode()).hexdigest()[:12]}"
    await host.make_folder(folder, owner=owner)
    file = f"{folder}/Dockerfile"
    await host.write_file(file, copy.text.encode(errors="surrogateescape"), owner=owner, lasting=False)
    if ignored is not None:
        await host.write_file(f"{file}.dockerignore", ignored, owner=owner, lasting=False)
    return replace(build, dockerfile=file, dockerfile_text="", arguments=copy.arguments, shown_labels={})


async def was_denied(work: Work, name: str, command: Command, configuration: str) -> bool:
    """Whether the command of a build fails for what BuildKit was not let fetch, and who may could let it."""
    ended = await work.command(name, command, check=False)
    if ended.succeeded:
        return False
    # A command tells it to the next panel as well: the file is gone by then, and the build is not carried out again.
    look = Command(stages=(Stage(argv=("test", "-e", f"{configuration}/{DENIED}")),), env={"PATH": PATH}, capture=True)
    return (await work.command(f"{name} denied", look, check=False)).succeeded


async def let_fetch(
    work: Work, sources: Sources, configuration: str, note: Callable[[], Awaitable[None]], *, owner: Account | None
) -> None:
    """Lets a build fetch whatever the machine reaches, which is noted before."""
    await note()
    told = policy(replace(sources, anything=True))
    await work.host.write_file(f"{configuration}/{SOURCES}", told, owner=owner, lasting=False)
    await work.host.remove_tree(f"{configuration}/{DENIED}")  # which is of this build, and not of the next one
    await work.say(
        phrase(
            "It could be fetched before Headway asked who allows that, so that this service may go on with it: "
            "engineFetch is set from now on. The build begins again."
        )
    )


def check_names(names: Iterable[str]) -> None:
    """Raises InvalidInput for names of build arguments, or of build secrets, that nobody may give."""
    for name in names:
        if _BUILDKIT.fullmatch(name.strip()):
            raise InvalidInput(
                f"{name} is no build argument that can be given: by BUILDKIT_… one tells BuildKit itself how to build, "
                "and whose caches to use. Headway sets these. Remove it from the build arguments."
            )
        if not _ARGUMENT.fullmatch(name):
            raise InvalidInput(f"A build argument cannot be called {name!r}: use letters, digits, '_', '-' and '.'.")


def policy(sources: Sources) -> bytes:
    """What BuildKit may fetch, as it wants to be told: of all rules that fit, the last one counts. It asks before each
    step, also for what a base image, a front end or an argument leads to.
    """
    rules = [("DENY", ".*"), ("ALLOW", "(local|docker-image)://.*")]
    rules += [("DENY", f"docker-image://{OF_THE_MACHINE}")]
    rules += [("ALLOW", f"docker-image://{re.escape(each)}/.*") for each in sources.registries if each]
    if sources.anything:
        rules = [("ALLOW", ".*")]
    rules += [("DENY", f"docker-image://({KEPT})(@.*)?")]
    rules += [("ALLOW", f"docker-image://{re.escape(normalized(each))}(@.*)?") for each in sources.own]
    return json.dumps({"rules": [_rule(action, pattern) for action, pattern in rules]}).encode()


def copied(text: str, build: ImageBuild) -> Copy:
    """The Dockerfile as it is built. Its first lines let it choose no front end; what a program on the way would act
    on goes by another name, and gets its own in the file. Raises InvalidInput.
    """
    front_end = front_end_of(text)
    if front_end is not None and not _OWN_FRONT_ENDS.fullmatch(normalized(front_end)):
        raise InvalidInput(
            f"The Dockerfile wants to be built by the front end {front_end[:100]!r}, a program of somebody else's that "
            "decides what the engine fetches and whose caches it uses. That is for nobody here: remove the line "
            "'# syntax=…', name docker/dockerfile, or build the image elsewhere and deploy that."
        )
    acted_on = {name: value for name, value in build.arguments.items() if is_acted_on(name)}
    proxies = {name: value for name, value in acted_on.items() if name.lower() in _PROXIES}
    given = {name: value for name, value in build.arguments.items() if name not in acted_on}
    renamed = {name: f"HEADWAY_ARGUMENT_{number}" for number, name in enumerate(acted_on) if name not in proxies}
    labels = {name: f"HEADWAY_LABEL_{number}" for number, name in enumerate(build.shown_labels)}
    lines = text.removeprefix("\ufeff").split("\n")
    if renamed or labels:
        lines = list(_rewritten(text, lines, renamed, labels, build.stage))
    by_name = {
        **given,
        **{other: acted_on[name] for name, other in renamed.items()},
        **{other: build.shown_labels[name] for name, other in labels.items()},
    }
    head = (f"# escape={escape_of(text)}", _PLAIN)
    return Copy(text="\n".join([*head, *lines]), arguments=by_name, proxies=proxies, front_end=front_end)


def with_proxies(configuration: bytes | None, proxies: Mapping[str, str]) -> bytes:
    """The command line's own file, which it makes predefined arguments of."""
    told: dict[str, Any] = json.loads(configuration or b"{}")
    wanted = {_PROXIES[name.lower()]: value for name, value in sorted(proxies.items(), reverse=True)}
    return json.dumps({**told, "proxies": {"default": wanted}}).encode()


def _rewritten(
    text: str, lines: Sequence[str], renamed: Mapping[str, str], labels: Mapping[str, str], stage: str | None
) -> Iterator[str]:
    escape, found = escape_of(text), list(instructions(text))
    last = _last_of_stage([(each.word, each.rest) for each in found], stage)
    position = 0
    for number, each in enumerate(found):
        yield from lines[position : each.first]
        position = each.end
        words = words_of(each.rest, escape)
        if each.word == "arg" and any(word.partition("=")[0] in renamed for word in words):
            for word in words:
                yield from _argument(word, renamed)
        else:
            yield from lines[each.first : each.end]
        if number == last and labels and not each.is_open:
            for name, other in labels.items():
                yield f"ARG {other}"
                yield f"LABEL {json.dumps(name)}=${{{other}}}"
    yield from lines[position:]


def _argument(word: str, renamed: Mapping[str, str]) -> Iterator[str]:
    name = word.partition("=")[0]
    if name not in renamed:
        yield f"ARG {word}"
        return
    yield f"ARG {renamed[name]}"
    yield f"ARG {name}=${{{renamed[name]}}}"


def _last_of_stage(found: Sequence[tuple[str, str]], stage: str | None) -> int:
    """The number of the last instruction of the stage that is built."""
    begins = [number for number, (word, _) in enumerate(found) if word == "from"]
    ends = [*(number - 1 for number in begins[1:]), len(found) - 1]
    for place, (begin, end) in enumerate(zip(begins, ends, strict=False)):
        words = found[begin][1].split()
        name = words[-1] if len(words) > 2 and words[-2].lower() == "as" else str(place)
        if stage is not None and stage.lower() in {name.lower(), str(place)}:
            return end
    return ends[-1]


async def _read(host: Host, build: ImageBuild, below: str | None) -> tuple[str, bytes | None]:
    if build.dockerfile is None:
        return build.dockerfile_text, None if build.ignored is None else build.ignored.encode()
    paths = [build.dockerfile, f"{build.dockerfile}.dockerignore"]
    if build.dockerfile.endswith("/Dockerfile"):
        paths.append(build.dockerfile.removesuffix("Dockerfile") + "dockerfile")  # which BuildKit takes as well
    try:
        found = await host.read_files(paths, _LARGEST + 1, below=below)
    except LeadsOutside as error:
        raise BuildError(
            "The Dockerfile is a symbolic link that leads out of the repository, and is not read. Put the file itself "
            "there."
        ) from error
    data = next((each for each in (found[0], *found[2:]) if each is not None), None)
    if data is None:
        raise BuildError("The Dockerfile is not where it is said to be. Add it, or correct its path.")
    if len(data) > _LARGEST:
        raise BuildError(f"The Dockerfile is larger than {_LARGEST >> 20} MiB. Make it smaller.")
    return data.decode(errors="surrogateescape"), found[1]


async def _write_proxies(host: Host, configuration: str, proxies: Mapping[str, str], owner: Account | None) -> None:
    if proxies:
        file = f"{configuration}/config.json"
        told = with_proxies(await host.read_file(file, below=configuration), proxies)
        await host.write_file(file, told, owner=owner, lasting=False)


def _rule(action: str, pattern: str) -> dict[str, Any]:
    return {"action": action, "selector": {"identifier": f"^{pattern}$", "match_type": "REGEX"}}
