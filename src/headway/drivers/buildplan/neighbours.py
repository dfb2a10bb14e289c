"""What to do about a tree that nobody recognises, or that could be another's: the applications that lie below it."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan import server_pair
from headway.drivers.buildplan.composes import COMPOSES
from headway.drivers.buildplan.image_stages import dockerfile, joined_folders
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.node_package import PACKAGE, read_package, seen_package
from headway.drivers.buildplan.providers.node_workspaces import read_members
from headway.drivers.buildplan.tree import Tree

_MOST_FOLDERS: Final = 200
_SHOWN: Final = 10
_WAYS: Final = (
    "Add a Procfile with a line such as 'web: python3 app.py', or set the start command (headway apps set APP "
    "--start LINE), or set the "
    "build path to the folder that holds the application."
)
# What a provider says where its files tell no start, and of which providers that is heeded.
_UNSAID: Final = (
    "nothing says how it is started",
    "is a developer's server, and is not started",
    "for another program to serve",
)
_IN_FOLDERS: Final = frozenset({"node", "bun"})
_SERVERS: Final = frozenset({"server", "backend", "api"})
_FILE = re.compile(
    r"^(?:[A-Z]\w{0,60}=\S{0,200}\s+|cross-env\s+)*+node\s+(?:--?\S+\s+)*+([\w./-]{1,200}\.[cm]?js)(?=\s|$)"
)
# Never where an application lies by itself.
_ASIDE: Final = frozenset({"test", "tests", "docs", "doc", "examples", "vendor", "fixtures", "scripts", "dist", "e2e"})


def no_way(tree: Tree, providers: Sequence[Provider]) -> str:
    """The sentence for a tree that nobody recognises."""
    found = applications(tree, providers)
    if found:
        folder = next(iter(found))
        return (
            "No way to build this was found at its build path, but these folders hold an application: "
            f"{_listed(found)}. "
            f"{_joined(tree, found) or f'Set the build path to one of them: headway deploy --build-path {folder}.'}"
            f"{_composed(tree)} {server_pair.told(tree, found)}".rstrip()
        )
    dockerfile = (
        " There is a Dockerfile, which is used where the machine has a container engine."
        if "Dockerfile" in tree
        else ""
    )
    modules = (
        " What lies in its submodules is there with headway apps set APP --submodules." if ".gitmodules" in tree else ""
    )
    names = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in tree.names})[:_SHOWN]
    has = f"It has {', '.join(names)}." if names else "It is empty."
    return (
        "No way to build this was found: there is no Procfile, package.json, requirements.txt, pyproject.toml, app.py, "
        "main.py, manage.py, go.mod, deno.json or index.html at its build path. "
        f"{has}{modules}{dockerfile}{_composed(tree)} {_WAYS}"
    )


def _composed(tree: Tree) -> str:
    """How a compose file that is there is deployed; "" where there is none."""
    file = next((name for name in COMPOSES if name in tree), None)
    if file is None:
        return ""
    return (
        f" There is {file}, which is deployed as a compose service where the machine has a container engine: headway "
        "composes create NAME --git URL && headway composes deploy NAME."
    )


def _joined(tree: Tree, found: Collection[str]) -> str:
    """What is to be done where the Dockerfile makes one application of two folders; "" where it does not."""
    first, second = joined_folders(tree) or ("", "")
    if not first or not any(f"{name}/".startswith(f"{second}/") for name in found):
        return ""
    return (
        f"{dockerfile(tree)} puts what it makes of {first}/ into {second}/, so that {second}/ alone is without that, "
        "such as the pages. It takes a machine with a container engine, where that Dockerfile is used, or its image. "
        f"Without: headway deploy --build-path {second}."
    )


def hint(tree: Tree, providers: Sequence[Provider], refused: Provider, why: str = "") -> str:
    """What else a tree could be, that its provider will not have; where nothing says what is started (``why``), the
    folders below that hold an application. Those of a workspace are no applications of their own.
    """
    for each in providers:
        if each is not refused and not each.faint and not each.foreign and (seen := each.recognise(tree)):
            return f"It has {seen} too: if that is the application, headway apps set APP --provider {each.name}."
    if refused.name not in _IN_FOLDERS or not any(word in why for word in _UNSAID):
        return ""
    members = _members(tree)
    found = {folder: name for folder, name in applications(tree, providers).items() if folder not in members}
    if not found:
        return ""
    first = next((each for each in found if each in _SERVERS), next(iter(found)))
    return f"These folders hold an application: {_listed(found)}. For one: headway deploy --build-path {first}."


def applications(tree: Tree, providers: Sequence[Provider]) -> dict[str, str]:
    """The folders below, up to two deep, that hold an application, each with its language."""
    names: dict[str, list[str]] = defaultdict(list)
    for name in sorted(tree.names):
        parts = name.split("/")
        for depth in range(1, min(3, len(parts))):
            names["/".join(parts[:depth])].append("/".join(parts[depth:]))
    found: dict[str, str] = {}
    for folder in sorted(names, key=lambda each: (each.count("/"), each))[:_MOST_FOLDERS]:
        parts = folder.split("/")
        if parts[0] in found or _ASIDE & set(parts) or parts[-1].startswith("."):
            continue
        contents = {name: data for name in names[folder] if (data := tree.contents.get(f"{folder}/{name}")) is not None}
        below = Tree(names=frozenset(names[folder]), contents=contents, is_cut=tree.is_cut)
        try:
            provider = next((each for each in providers if not _is_vague(each) and each.recognise(below)), None)
        except BuildError:
            continue
        if provider is not None and not _is_part(below):
            found[folder] = provider.name
    return found


def _members(tree: Tree) -> frozenset[str]:
    """The folders of the packages of a workspace, and of what they lie in."""
    root = seen_package(tree)
    try:
        folders = [each.folder for each in read_members(tree, root)] if root is not None else []
    except BuildError:
        folders = []
    return frozenset(part for folder in folders for part in (folder, folder.partition("/")[0]))


def _listed(found: Mapping[str, str]) -> str:
    named = ", ".join(f"{name}/ ({what})" for name, what in list(found.items())[:_SHOWN])
    return f"{named} and {len(found) - _SHOWN} more" if len(found) > _SHOWN else named


def _is_part(tree: Tree) -> bool:
    """Whether its package is for another folder: its start script names a file that neither is there nor is built."""
    try:
        package = read_package(tree) if PACKAGE in tree else None
    except BuildError:
        return False
    if package is None or package.build is not None:
        return False
    named = [posixpath.normpath(each) for each in _FILE.findall(package.short("start"))]
    return bool(named) and not any(file in tree for file in named)


def _is_vague(provider: Provider) -> bool:
    return provider.faint and provider.name != "static"
