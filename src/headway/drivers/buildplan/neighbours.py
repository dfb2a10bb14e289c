"""What to do about a tree that nobody recognises, or that could be another's: the applications that lie below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.image_stages import dockerfile, joined_folders
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.tree import Tree

_MOST_FOLDERS: Final = 200
_SHOWN: Final = 10
_WAYS: Final = (
    "Add a Procfile with a line such as 'web: python3 app.py', or set the start command (headway apps set APP "
    "--start LINE), or set the "
    "build path to the folder that holds the application."
)
# Never where an application lies by itself.
_ASIDE: Final = frozenset({"test", "tests", "docs", "doc", "examples", "vendor", "fixtures", "scripts", "dist", "e2e"})


def no_way(tree: Tree, providers: Sequence[Provider]) -> str:
    """The sentence for a tree that nobody recognises."""
    found = applications(tree, providers)
    if found:
        folder = next(iter(found))
        named = ", ".join(f"{name}/ ({what})" for name, what in list(found.items())[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return (
            f"No way to build this was found at its build path, but these folders hold an application: {named}{more}. "
            f"{_joined(tree, found) or f'Set the build path to one of them: headway deploy --build-path {folder}.'}"
        )
    dockerfile = (
        " There is a Dockerfile, which is used where the machine has a container engine."
        if "Dockerfile" in tree
        else ""
    )
    names = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in tree.names})[:_SHOWN]
    has = f"It has {', '.join(names)}." if names else "It is empty."
    return (
        "No way to build this was found: there is no Procfile, package.json, requirements.txt, pyproject.toml, app.py, "
        f"main.py, manage.py, go.mod, deno.json or index.html at its build path. {has}{dockerfile} {_WAYS}"
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


def hint(tree: Tree, providers: Sequence[Provider], refused: Provider) -> str:
    """What else a tree could be, that its provider will not have."""
    for each in providers:
        if each is not refused and not each.faint and not each.foreign and (seen := each.recognise(tree)):
            return f"It has {seen} too: if that is the application, headway apps set APP --provider {each.name}."
    return ""


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
        if provider is not None:
            found[folder] = provider.name
    return found


def _is_vague(provider: Provider) -> bool:
    return provider.faint and provider.name != "static"
