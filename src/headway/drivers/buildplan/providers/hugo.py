"""Hugo: a site that is made of ``content`` by templates, and served."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan, Choice, Need, Phase, Site
from headway.drivers.buildplan.providers import node_frontend
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.hugo_settings import (
    READS,
    TOOL,
    configuration,
    hugo_need,
    modules,
    read_settings,
)
from headway.drivers.buildplan.providers.node_frontend import NO_FRONT_END, Frontend, frontend
from headway.drivers.buildplan.providers.node_package import PACKAGE, seen_package
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

_PUBLISHED: Final = "public"
_BUILDS: Final = ("hugo", "--gc", "--minify")
_ADDRESS: Final = "HUGO_BASEURL"
_GIT: Final = "HUGO_ENABLEGITINFO"
# Without it Hugo has its cache in /tmp, in a folder of whoever was the first there.
_CACHE: Final = Phase(name="cache", argv=("/bin/sh", "-c", 'mkdir -p -- "$HOME/.cache"'))
_RUNS_HUGO: Final = re.compile(r"(?<![\w./-])hugo(?![\w-])")
# Addresses that stand in for another, or are other hosts' own: what is deployed here never answers at them.
_OTHERS: Final = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|org|net)|localhost|127\.0\.0\.1|replace-this-with-your-hugo-site\.com"
    r"|(?:github|gitlab)\.io|netlify\.(?:app|com)|vercel\.app|now\.sh|pages\.dev|onrender\.com|herokuapp\.com)"
)
_SUBMODULE: Final = re.compile(r"^[ \t]*path[ \t]*=[ \t]*(\S{1,300})[ \t\r]*$", re.MULTILINE)


def _recognise(tree: Tree) -> str | None:
    return configuration(tree)


def _plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    file = configuration(tree)
    told = read_settings(tree, file) if file is not None else {}
    _require_themes(tree, told)
    need, notes = hugo_need(tree, settings)
    front, script = _packages(tree, settings)
    fetched = modules(tree, told)
    folder, where, line = _published(told, script or _BUILDS)
    env, said = _environment(told)
    choices = [Choice(name="provider", value=TOOL, reason=file or "the setting provider"), *front.chosen]
    if need.wanted:
        is_set = need.source == "the settings"
        choices.append(Choice(name="versions.hugo", value=need.wanted, reason=need.source, is_set=is_set))
    choices += [
        Choice(name="build", value=" ".join(line), reason=f"{PACKAGE} runs Hugo by it" if script else "Hugo"),
        Choice(name="publish", value=folder, reason=where),
    ]
    return BuildPlan(
        provider=TOOL,
        framework="Hugo",
        needs=(need, *((Need(tool="go", source="the modules of Hugo"),) if fetched else ()), *front.needs),
        phases=(_CACHE, *front.phases, Phase(name="build", argv=line)),
        site=Site(folders=(folder,)),
        path=front.path,
        build_env={**front.build_env, **env},
        choices=tuple(choices),
        notes=(*notes, *_of_modules(fetched), *said, *front.notes),
    )


def _require_themes(tree: Tree, told: Mapping[str, Any]) -> None:
    """Raises BuildError where a theme is a submodule that is not there."""
    themes = told.get("theme")
    below = told.get("themesdir")
    above = posixpath.normpath(below) if isinstance(below, str) else "themes"
    named = [themes] if isinstance(themes, str) else themes if isinstance(themes, list) else []
    lacking = [f"{above}/{each}" for each in named if isinstance(each, str)]
    lacking = [each for each in lacking if not any(name.startswith(f"{each}/") for name in tree.names)]
    submodules = {posixpath.normpath(each) for each in _SUBMODULE.findall(tree.text(".gitmodules"))}
    missing = next((each for each in lacking if each in submodules), None)
    if missing is not None:
        raise BuildError(
            f"The theme of this site of Hugo is a submodule ({missing} in .gitmodules), and those are not "
            "fetched. Have them fetched (headway apps set APP --submodules), then deploy again."
        )


def _packages(tree: Tree, settings: BuildSettings) -> tuple[Frontend, tuple[str, ...]]:
    """What Hugo's pipes take from npm, such as PostCSS and Tailwind, which are what developers have as a rule; and the
    script that builds all, where it runs Hugo itself.
    """
    package = seen_package(tree) if PACKAGE in tree else None
    front = frontend(tree, settings, ("",), with_tools=True) if package is not None else None
    if package is None or front is None:
        return NO_FRONT_END, ()
    script = next((line for name in node_frontend.BUILDS if (line := package.script(name))), "")
    if not _RUNS_HUGO.search(script):
        return front, ()
    built = next((phase.argv for phase in front.phases if phase.name == "frontend build"), ())
    rest = tuple(phase for phase in front.phases if phase.name != "frontend build")
    return replace(front, phases=rest), built


def _published(told: Mapping[str, Any], line: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """The folder that is served, why, and the command that writes there."""
    named = told.get("publishdir")
    if not isinstance(named, str) or not named.strip():
        return _PUBLISHED, "where Hugo writes the site", line
    folder = posixpath.normpath(named.strip())
    if folder.startswith(("..", "/")) or folder == "." or "\0" in folder:  # a build writes below its own folder
        more = ("--destination", _PUBLISHED) if line == _BUILDS else ()
        return _PUBLISHED, f"publishDir leads to {named.strip()[:80]}, where nothing is served", (*line, *more)
    return folder, "publishDir says so", line


def _environment(told: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What Hugo is told otherwise than by its configuration, and what is to be said of that."""
    env: dict[str, str] = {}
    notes = []
    written = told.get("baseurl")
    address = written.strip() if isinstance(written, str) else ""
    host = _host(address)
    if host is None or _OTHERS.fullmatch(host):
        env[_ADDRESS] = "/"
        if address not in {"", "/"}:
            notes.append(
                f"baseURL is {address[:100]}, where this site is not: its links lead to / instead. Where it has an "
                f"address of its own: headway env set APP {_ADDRESS}=https://DOMAIN/."
            )
    else:
        notes.append(
            f"The links of this site lead to its baseURL, {address[:100]}. While it is reached elsewhere: headway env "
            f"set APP {_ADDRESS}=/."
        )
    if told.get("enablegitinfo") is True:
        env[_GIT] = "false"
        notes.append("enableGitInfo is off: Hugo would ask git when a page was changed, and a release has no .git.")
    return env, tuple(notes)


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _of_modules(fetched: tuple[str, ...]) -> Iterator[str]:
    if fetched:
        shown = ", ".join(each[:80] for each in fetched[:4])
        yield f"Hugo fetches modules by Go ({shown}); in the folder _vendor (hugo mod vendor) they need neither."


PROVIDER: Final = Provider(
    name=TOOL, reads=tuple(dict.fromkeys((*READS, *node_frontend.FILES))), recognise=_recognise, plan=_plan
)
