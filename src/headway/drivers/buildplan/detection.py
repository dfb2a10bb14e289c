"""Decides how a tree is built and started: what its owner has set, then what its files say, then what they are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan import env_example, image_files, image_program, local_procfile, platforms, volumes
from headway.drivers.buildplan.config_example import IGNORED, config_note
from headway.drivers.buildplan.env_example import flask_app
from headway.drivers.buildplan.image_stages import dockerfile
from headway.drivers.buildplan.named_folder import named_provider
from headway.drivers.buildplan.needed_variables import needed
from headway.drivers.buildplan.neighbours import hint, no_way
from headway.drivers.buildplan.own_address import with_address
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase, Question, Site
from headway.drivers.buildplan.platforms import Heard
from headway.drivers.buildplan.procfile import PROCFILE, WEB, Procfile, parse_procfile
from headway.drivers.buildplan.providers import registry, shell, static
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.refusals import LanguageRefused
from headway.drivers.buildplan.server_pair import with_question
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA, FOR_THE_BUILD, SECRET, TURNS

READS: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        (
            PROCFILE,
            local_procfile.MAKEFILE,
            *env_example.READS,
            IGNORED,
            *platforms.FILES,
            *volumes.FILES,
            *(pattern for provider in registry.PROVIDERS for pattern in provider.reads),
        )
    )
)
WORKER: Final = "worker"

# By what a command line begins with, the provider that it is of, and the toolchain that it needs.
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("python", "python3", "gunicorn", "uvicorn", "hypercorn", "daphne", "flask", "celery"), "python")
    | dict.fromkeys(("streamlit", "waitress-serve", "fastapi", "litestar", "uv", "poetry", "pipenv", "pdm"), "python")
    | dict.fromkeys(("node", "npm", "npx", "pnpm", "yarn", "next", "nuxt", "nest", "tsx", "ts-node"), "node")
    | dict.fromkeys(("bun", "bunx"), "bun")
    | dict.fromkeys(("ruby", "bundle", "rails", "puma"), "ruby")
    | {name: name for name in ("deno", "go", "hugo", "php")}
    | {"java": "java", "dotnet": "dotnet", "mix": "elixir", "cargo": "rust"}
)
_TOOLS: Final = frozenset({"python", "node", "bun", "deno", "go", "hugo"})
_FRONT_ENDS: Final = frozenset({"node", "bun"})
_PARTS = re.compile(r"&&|\|\||[;|\n]")
# A line that may install into a virtual environment, by itself or by a script that it runs.
_INSTALLS = re.compile(r"\b(?:pip3?|uv|poetry|pdm|pipenv|python3?|sh|bash|make|just|invoke|tox|nox)\b|\./|(?:^|\s)\.\s")
_BEFORE_THE_PROGRAM = re.compile(r"^(?:exec\s+|env\s+|cd\s+\S+\s*(?:&&|;)\s*|[A-Za-z_]\w*=\S*\s+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What is told about a tree: ``own`` are the settings of its owner, ``settings`` those together with what files
    and variables say, whose ``sources`` are named.
    """

    own: BuildSettings
    settings: BuildSettings
    heard: Heard
    procfile: Procfile

    @property
    def line(self) -> str:
        """The command line that says most about what is started."""
        first = next(iter(self.procfile.processes.values()), "")
        return self.settings.start or self.procfile.processes.get(WEB) or first

    @property
    def is_started(self) -> bool:
        """Whether it is told what is started, rather than that a folder is served."""
        if self.own.start is not None or self.own.publish is not None:
            return self.own.start is not None
        return self.settings.start is not None or bool(self.procfile.processes)

    def chosen(self, name: str, value: str) -> Choice:
        """The choice that was not ours."""
        if getattr(self.own, name) is not None:
            return Choice(name=name, value=value, reason="as it is set", is_set=True)
        return Choice(name=name, value=value, reason=f"{self.heard.sources.get(name, PROCFILE)} says so")


def further(tree: Tree) -> frozenset[str]:
    """The names of the files that files which were read refer to."""
    return frozenset(name for provider in registry.PROVIDERS for name in provider.further(tree))


def detect(tree: Tree, settings: BuildSettings, variables: Mapping[str, str] = MappingProxyType({})) -> BuildPlan:
    """The plan. Raises BuildError with what to add or change, where nothing tells how."""
    tree, said = local_procfile.suited(tree)
    told = _told(tree, settings.stripped(), variables)
    provider, seen, question = _provider(tree, told)
    told = _made(tree, told) if provider is static.PROVIDER else told
    plan = _planned(tree, provider, told)
    plan = _with_commands(plan, told)
    plan = _with_processes(plan, told)
    plan = _without_port(plan) if variables.get("PORT") else plan
    plan = _without_idle(_with_site(plan, told, tree), told)
    if not plan.processes and plan.site is None:
        raise BuildError(no_way(tree, registry.PROVIDERS))
    plan = _with_kept(_finished(_with_folders(plan, told, tree), told, seen, question), told, tree)
    if not (told.is_started or told.settings.provider or told.settings.package or told.settings.publish):
        plan = with_question(plan, tree)
    if (found := flask_app(tree)) is not None and plan.framework == "Flask" and "FLASK_APP" not in plan.env:
        said = (*said, f"FLASK_APP is {found[0]}, as {found[1]} has it, unless you set it.")
        plan = replace(plan, env={**plan.env, "FLASK_APP": found[0]})
    plan = with_address(plan, tree, variables)
    example = config_note(tree) if plan.processes or plan.is_built else ""
    asked = (*needed(tree, plan, variables), *((example,) if example else ()))
    return replace(plan, notes=(*plan.notes, *said, *asked))


def _told(tree: Tree, own: BuildSettings, variables: Mapping[str, str]) -> _Told:
    heard = platforms.heard(tree, variables)
    procfile = Procfile(processes={})
    if tree.text(PROCFILE).strip():
        procfile = parse_procfile(tree.contents[PROCFILE])
    named = ("provider", "install", "build", "start", "release", "publish", "fallback", "package")
    set_ = {name: value for name in named if (value := getattr(own, name)) is not None}
    versions = {**heard.settings.versions, **own.versions}
    both = replace(heard.settings, **set_, versions=versions, keep=own.keep, detection=own.detection)
    if both.release is None:
        both = replace(both, release=procfile.release)
    return _Told(own=own, settings=both, heard=heard, procfile=procfile)


def _provider(tree: Tree, told: _Told) -> tuple[Provider, str, Question | None]:
    """Who plans it, what that is seen by, and what to ask where it could be another."""
    wanted = told.settings.provider
    if wanted is not None:
        provider = registry.named(wanted)
        if provider is not None:
            return provider, provider.recognise(tree) or "", None
        if told.own.provider is not None:
            names = ", ".join(each.name for each in registry.PROVIDERS if not each.foreign)
            raise BuildError(
                f"There is no provider {wanted[:60]} (headway apps set APP --provider NAME). There are: {names}."
            )
    found = [(each, seen) for each in registry.PROVIDERS if (seen := each.recognise(tree)) is not None]
    if not found:
        if (named := named_provider(tree, told.line, _language(told.line), registry.PROVIDERS)) is not None:
            return *named, None
        if told.settings.start or told.procfile.processes:
            return shell.PROVIDER, PROCFILE if told.procfile.processes else "", None
        if told.settings.build or told.settings.publish or platforms.built(tree) is not None:
            return static.PROVIDER, "", None
        raise BuildError(no_way(tree, registry.PROVIDERS))
    spoken = _language(told.line)
    provider, seen = next((each for each in found if each[0].name == spoken), found[0])
    others = [(each, why) for each, why in found if each is not provider and not each.faint]
    others = [(each, why) for each, why in others if each.name not in _FRONT_ENDS and not provider.faint]
    if not others or provider.name in {spoken, *_FRONT_ENDS}:
        return provider, seen, None
    also = " and ".join(f"{why} says {each.name}" for each, why in others[:4])
    text = f"There are several languages: {seen} says {provider.name}, {also}. Which is the application?"
    choices = tuple(dict.fromkeys((provider.name, *(each.name for each, _ in others))))
    return provider, seen, Question(name="provider", text=text, choices=choices)


def _made(tree: Tree, told: _Told) -> _Told:
    """With the command by which a host of sites makes what it serves, where nothing else is told."""
    said = platforms.built(tree)
    if said is None or told.settings.build is not None or told.is_started or told.settings.publish is not None:
        return told
    line, file = said
    heard = replace(told.heard, sources={**told.heard.sources, "build": file})
    return replace(told, settings=replace(told.settings, build=line), heard=heard)


def _planned(tree: Tree, provider: Provider, told: _Told) -> BuildPlan:
    """The provider's own plan, which is told by what commands the rest is decided."""
    given = replace(told.settings, start=told.line or None)
    if provider.foreign and told.own.start is None:
        given = replace(given, start=None)  # what others say needs what their platforms install
    try:
        plan = _of_provider(tree, provider, given)
    except BuildError as error:
        more = hint(tree, registry.PROVIDERS, provider, error.message)
        if isinstance(error, LanguageRefused):
            raise error.followed_by(more) from error
        raise BuildError(f"{error.message} {more}".strip()) from error
    if not plan.takes_requests and WEB in {each.name for each in plan.processes}:
        renamed = (replace(each, name=WORKER) if each.name == WEB else each for each in plan.processes)
        plan = replace(plan, processes=tuple(renamed))
    return plan


def _of_provider(tree: Tree, provider: Provider, given: BuildSettings) -> BuildPlan:
    try:
        return provider.plan(tree, given)
    except BuildError:
        if given.build is None or given.start is not None or given.publish is not None or provider.foreign:
            raise
        # What is built and not started is a site.
        plan = provider.plan(tree, replace(given, publish=static.ROOT))
        return replace(plan, processes=(), site=Site(folders=(static.ROOT,)))


def _with_commands(plan: BuildPlan, told: _Told) -> BuildPlan:
    """The plan with the install and build commands that are told, in the places of those that it has."""
    phases, choices = list(plan.phases), list(plan.choices)
    for name in ("install", "build"):
        line = getattr(told.settings, name)
        is_own = getattr(told.own, name) is not None
        if line is not None:
            phases = _replaced(phases, name, line)
            choices = [*(each for each in choices if each.name != name), told.chosen(name, line)]
        if not is_own:
            phases = _around(phases, name, told.heard)
    ends = _end(phases, "build")
    return replace(plan, phases=(*phases[:ends], *told.heard.more, *phases[ends:]), choices=tuple(choices))


def _replaced(phases: Sequence[Phase], name: str, line: str) -> list[Phase]:
    own = Phase.of_user(name, line)
    places = [place for place, phase in enumerate(phases) if phase.name.startswith(name)]
    rest = [phase for phase in phases if not phase.name.startswith(name)]
    at = places[0] if places else _end(phases, name)
    return [*rest[:at], own, *rest[at:]]


def _around(phases: list[Phase], name: str, heard: Heard) -> list[Phase]:
    """With the lines that a file puts before and after what is planned."""
    before = [Phase.of_user(f"before {name}", " && ".join(lines))] if (lines := heard.before.get(name)) else []
    after = [Phase.of_user(f"after {name}", " && ".join(lines))] if (lines := heard.after.get(name)) else []
    places = [place for place, phase in enumerate(phases) if phase.name.startswith(name)]
    first = places[0] if places else _end(phases, name)
    last = places[-1] + 1 if places else first
    return [*phases[:first], *before, *phases[first:last], *after, *phases[last:]]


def _end(phases: Sequence[Phase], name: str) -> int:
    """Where a phase of that name comes, where there is none: an install after what prepares it (a virtual environment),
    a build after the installs, or after the last build.
    """
    before = ("venv",) if name == "install" else ("venv", "install", "before install", "after install", "build")
    return max((place + 1 for place, phase in enumerate(phases) if phase.name.startswith(before)), default=0)


def _with_processes(plan: BuildPlan, told: _Told) -> BuildPlan:
    """The plan with what is told about its processes: the start command takes the place of web, the Procfile says the
    others.
    """
    start, lines = told.settings.start, told.procfile.processes
    if not told.is_started:
        return _released(plan, told)
    commands = {WEB: start} if start is not None else {}
    commands |= {name: line for name, line in lines.items() if name != WEB or start is None}
    if start is not None and not plan.takes_requests and WEB not in lines:
        commands = {WORKER if name == WEB else name: line for name, line in commands.items()}
    choices = [each for each in plan.choices if each.name not in {"start", "port"}]
    if start is not None:
        choices.append(told.chosen("start", start))
    if lines:
        shown = ", ".join(name for name in lines if name != WEB or start is None)
        choices += [Choice(name="processes", value=shown, reason=f"{PROCFILE} says so")] if shown else []
    processes = tuple(Process(name=name, command=line) for name, line in commands.items())
    return _released(replace(plan, processes=processes, site=None, port=None, choices=tuple(choices)), told)


def _released(plan: BuildPlan, told: _Told) -> BuildPlan:
    line = told.settings.release
    if line is None:
        return plan
    choices = (*(each for each in plan.choices if each.name != "release"), told.chosen("release", line))
    return replace(plan, release_command=line, choices=choices)


def _with_site(plan: BuildPlan, told: _Told, tree: Tree) -> BuildPlan:
    """The plan with the folder that is to be served, where nothing is started."""
    publish, site = told.settings.publish, plan.site
    if publish is not None and not told.is_started:
        folder = static.inside(publish, "The publish directory")
        site = Site(folders=(folder,), fallback=site.fallback if site is not None else None)
        choices = (each for each in plan.choices if each.name not in {"start", "publish"})
        plan = replace(plan, processes=(), choices=(*choices, told.chosen("publish", folder)))
    elif site is not None and (said := platforms.published(tree)) is not None and told.settings.publish is None:
        folder = static.inside(said[0], f"The folder in {said[1]}")
        site = replace(site, folders=tuple(dict.fromkeys((folder, *site.folders))))
        plan = replace(plan, choices=(*plan.choices, Choice(name="publish", value=folder, reason=f"{said[1]} says so")))
    if site is None:
        return plan
    if told.settings.build is not None and publish is None:  # it may write elsewhere than what it takes the place of
        before = (folder for folder in site.folders if folder != static.ROOT)
        site = replace(site, folders=tuple(dict.fromkeys((*before, *static.BUILT))))
    if told.settings.fallback is not None:
        site = replace(site, fallback=told.settings.fallback)
        word = "on" if site.fallback else "off"
        plan = replace(plan, choices=(*plan.choices, told.chosen("fallback", word)))
    return replace(plan, site=site)


def _with_folders(plan: BuildPlan, told: _Told, tree: Tree) -> BuildPlan:
    """The plan with the folders that stay there from the first, for what the build writes into them."""
    keep = tuple(told.own.keep) or plan.keep
    folders = [each for each in keep if each not in tree.names]
    if not folders or plan.site is not None:
        return plan
    if not told.own.keep and not any(each.name == "keep" for each in plan.choices):
        why = "where its file of SQLite is"
        plan = replace(plan, choices=(*plan.choices, Choice(name="keep", value=", ".join(keep), reason=why)))
    return replace(plan, phases=(Phase(name="folders", argv=("mkdir", "-p", "--", *folders)), *plan.phases))


def _without_port(plan: BuildPlan) -> BuildPlan:
    """The plan without the port that is in the program, where a variable says which it is."""
    return replace(plan, port=None, choices=tuple(each for each in plan.choices if each.name != "port"))


def _without_idle(plan: BuildPlan, told: _Told) -> BuildPlan:
    """The plan without a virtual environment into which nothing is installed: to make one takes seconds."""
    lines = (told.settings.install, told.settings.build)
    if not {phase.name for phase in plan.phases} <= {"venv", "build"} or any(_INSTALLS.search(e or "") for e in lines):
        return plan
    idle = [phase for phase in plan.phases if phase.name == "venv"]
    made = [posixpath.join(phase.folder, folder) for phase in idle for folder in phase.makes]
    path = tuple(each for each in plan.path if not any(each.startswith(f"{folder}/") for folder in made))
    return replace(plan, phases=tuple(phase for phase in plan.phases if phase not in idle), path=path)


def _finished(plan: BuildPlan, told: _Told, seen: str, question: Question | None) -> BuildPlan:
    """The plan with the choice of its provider, its questions, and what else its commands need."""
    is_set = told.own.provider is not None
    since = f"{plan.framework}, since there is {seen}" if plan.framework else f"since there is {seen}"
    reason = "as it is set" if is_set else since if seen else "nothing but commands is told"
    first = Choice(name="provider", value=plan.provider, reason=reason, is_set=is_set)
    choices = (first, *(each for each in plan.choices if each.name != "provider"))
    lines = [each.command for each in plan.processes]
    lines += [line for line in (told.settings.install, told.settings.build, plan.release_command) if line]
    heard = told.heard
    run_env = {**plan.run_env, **dict.fromkeys(sorted(heard.secrets), SECRET)}
    build_env = {**dict.fromkeys(heard.secrets, FOR_THE_BUILD), **plan.build_env}
    return replace(
        plan,
        confidence=Confidence.GUESSED if question is not None else plan.confidence,
        needs=(*plan.needs, *_further(plan.needs, lines, told.settings)),
        takes_requests=plan.site is not None or WEB in {each.name for each in plan.processes},
        env={**plan.env, **heard.env},
        build_env={name: value for name, value in build_env.items() if value != FOR_THE_BUILD or name not in heard.env},
        run_env={name: value for name, value in run_env.items() if name not in heard.env},
        packages=tuple(dict.fromkeys((*plan.packages, *heard.packages))),
        choices=choices,
        questions=(*(() if question is None else (question,)), *plan.questions),
        notes=(*plan.notes, *heard.notes),
    )


def _with_kept(plan: BuildPlan, told: _Told, tree: Tree) -> BuildPlan:
    """The plan with what its files say of folders that stay, which is nothing for a site."""
    if not plan.processes:
        return plan
    keep = told.own.keep or plan.keep
    # Who has folders stay has said where the data is: a variable must not lead the program elsewhere.
    places = {} if told.own.keep else image_program.places(tree, keep)
    led = {name: value for name, value in places.items() if name not in plan.run_env}
    notes = [
        f"{name} is {value}, since {dockerfile(tree)} has it in a folder that stays." for name, value in led.items()
    ]
    plan = replace(plan, run_env={**plan.run_env, **led}, notes=(*plan.notes, *notes))
    lines = (each.command.replace(TURNS, "") for each in plan.processes)
    is_led = any(DATA in text for text in (*plan.run_env.values(), *lines))
    inner = (note(tree, keep, plan.run_env) for note in (volumes.kept_note, volumes.empty_note))
    told_of = (*inner, "" if is_led else volumes.outer_note(tree))
    put = image_files.files_put(tree)
    notes = [f"{target} is {file}, as {dockerfile(tree)} has it." for target, file in put.items()]
    phases = (*image_files.phases(put), *plan.phases)
    return replace(plan, phases=phases, notes=(*plan.notes, *notes, *(note for note in told_of if note)))


def _further(needs: Iterable[Need], lines: Iterable[str], settings: BuildSettings) -> Iterable[Need]:
    """The tools that the command lines name, beside what is needed anyhow."""
    known = {each.tool for each in needs}
    for part in (part for line in lines for part in _PARTS.split(line)):
        tool = _language(part)
        if tool in _TOOLS and tool not in known:
            known.add(tool)
            yield Need(tool=tool, wanted=settings.versions.get(tool, ""), source="a command line")


def _language(line: str) -> str | None:
    """The language that a command line is of, by its program."""
    program = _BEFORE_THE_PROGRAM.sub("", line.strip()).split(maxsplit=1)
    word = program[0].rpartition("/")[2] if program else ""
    return _WORDS.get(re.sub(r"(?<=python3)[.\d]+$", "", word))
