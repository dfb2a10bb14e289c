"""Variables by which an application is told its own address, as files of examples have it for a developer's machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan import env_example
from headway.drivers.buildplan.composes import COMPOSES
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.tree import Tree
from headway.kernel.release_facts import ADDRESS

_MOST_TEXT: Final = 64 << 10
_MOST_SERVICES: Final = 50
# `APP_URL=http://localhost:3000`, `- BASE_URL=http://localhost:3000` and `APP_URL: 'http://localhost:3000'`
_URL: Final = re.compile(
    r"^[ \t]*(?:-[ \t]*[\"']?)?(?:export[ \t]+)?((?:[A-Z][A-Z0-9_]{0,60}_)?URL)[ \t]*[=:][ \t]*[\"']?"
    r"https?://(?:localhost|127\.0\.0\.1):(\d{2,5})/?[\"']?[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_PORT: Final = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:(?:APP|SERVER|HTTP|WEB)_)?PORT[ \t]*=[ \t]*[\"']?(\d{2,5})[\"']?[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_PUBLISHED: Final = re.compile(
    r"^[ \t]*-[ \t]*[\"']?(?:[\d.]{7,15}:)?(\d{2,5}):\d{2,5}(?:/tcp)?[\"']?[ \t]*(?:#.*)?$", re.MULTILINE
)
_SERVICES: Final = re.compile(r"^services[ \t]*:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*([ ]{1,8})(?=[\w.-])", re.MULTILINE)
_SET: Final = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{1,60})[ \t]*=[ \t]*[^\s#]", re.MULTILINE)
# What is written into pages by the build, which does not know the address yet.
_OF_PAGES: Final = ("NEXT_PUBLIC_", "VITE_", "REACT_APP_", "VUE_APP_", "PUBLIC_", "EXPO_PUBLIC_", "GATSBY_")


def with_address(plan: BuildPlan, tree: Tree, variables: Mapping[str, str]) -> BuildPlan:
    """The plan with the variables by which it is told its own address, where it is started and asked."""
    if not plan.processes or not plan.takes_requests:
        return plan
    own = _own_addresses(tree, {*variables, *plan.env, *plan.run_env})
    notes = [
        f"{name} is its own address unless you set it: {file} has it with its own port." for name, file in own.items()
    ]
    return replace(plan, run_env={**plan.run_env, **dict.fromkeys(own, ADDRESS)}, notes=(*plan.notes, *notes))


def _own_addresses(tree: Tree, known: Collection[str]) -> dict[str, str]:
    """The variables that have the application's own address, by its port beside them, each with the file that has it:
    none that is ``known``, or that the repository sets. A name alone says nothing.
    """
    found = {name: file for file, name in (*_of_examples(tree), *_of_composes(tree)) if not name.startswith(_OF_PAGES)}
    own = {name for file in (".env", ".env.production") for name in _SET.findall(tree.text(file)[:_MOST_TEXT])}
    return {name: file for name, file in found.items() if name not in known and name not in own}


def _of_examples(tree: Tree) -> Iterator[tuple[str, str]]:
    for file in (name for name in env_example.FILES if name in tree.contents):
        text = tree.text(file)[:_MOST_TEXT]
        ports = {*_PORT.findall(text)}
        yield from ((file, name) for name, port in _URL.findall(text) if port in ports)


def _of_composes(tree: Tree) -> Iterator[tuple[str, str]]:
    """Those of the only service that has its own address."""
    for file in (name for name in COMPOSES if name in tree.contents):
        texts = _services(tree.text(file)[:_MOST_TEXT])
        named = [[name for name, port in _URL.findall(text) if port in {*_PUBLISHED.findall(text)}] for text in texts]
        mine = [names for names in named if names]
        yield from ((file, name) for names in mine[:1] if len(mine) == 1 for name in names)


def _services(text: str) -> list[str]:
    """What a compose file says of each of its services."""
    begins = _SERVICES.search(text)
    if begins is None:
        return []
    rest = text[begins.start(1) :]
    return re.split(rf"^{begins[1]}(?=[\w.-]+[ \t]*:)", rest, maxsplit=_MOST_SERVICES, flags=re.MULTILINE)[1:]
