"""Pages hold to what the panel has: operations by their names, paths of their own, and types as the operations say."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import headway
from headway.api.operation import Kind
from headway.core.access.topics import words
from headway.operations import all_pages, bare_registry
from headway.pages.page import Page, Visit
from headway.web.frame import _GROUPS

ROOT = Path(headway.__file__).parent
MODULES = sorted(
    path for floor in ("features", "pages") for path in (ROOT / floor).rglob("*.py") if "pages" in path.parts
)
_NAME = re.compile(r"[a-z][A-Za-z]*\.[a-z][A-Za-z]*")


def asked() -> Iterator[tuple[str, str]]:
    """Each operation that a page asks, with where it does."""
    for path in (*MODULES, *sorted((ROOT / "web").rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="Asked"), args=[ast.Constant(value=str(name))]):
                    yield name, f"{path.relative_to(ROOT)}:{node.lineno}"


def pages() -> list[Page]:
    return [make() for make in all_pages().values()]


def test_each_page_has_the_path_by_which_it_is_made() -> None:
    made = all_pages()
    assert made
    assert {path: make().path for path, make in made.items()} == {path: path for path in made}


def test_what_pages_ask_is_there_and_only_reads() -> None:
    registry = bare_registry()
    found = dict(asked())
    assert len(found) > 5
    assert {name: where for name, where in found.items() if registry.find(name, Kind.QUERY) is None} == {}


def test_what_opens_a_page_is_a_query() -> None:
    registry = bare_registry()
    wanted = {page.path: page.permission for page in pages() if page.permission is not None}
    assert wanted
    assert {path: name for path, name in wanted.items() if registry.find(name, Kind.QUERY) is None} == {}


def test_names_in_pages_are_names_of_operations() -> None:
    """What a form performs, and what is asked of ``may``: a misspelt one is a fault at the first click."""
    registry = bare_registry()
    routers = {router.name for router in registry.routers()}
    unknown = {
        f"{path.relative_to(ROOT)}:{node.lineno}": node.value
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _NAME.fullmatch(node.value)
        and node.value.partition(".")[0] in routers
        and not node.value.endswith(".html")
        and registry.named(node.value) is None
    }
    assert unknown == {}


def test_what_a_page_depends_on_is_told() -> None:
    """Each page with parts names topics, and those that it and its templates name are such as there are."""
    visit = SimpleNamespace(path=defaultdict(lambda: "id"))
    of_pages = {page.path: page.topics(cast("Visit", visit)) for page in pages() if page.parts}
    assert {path for path, topics in of_pages.items() if not topics} == {
        "/new/services/{serviceId}",  # its parts are pulled while something is looked for, and never after
        "/settings",  # of its health nobody tells
        "/shared/{token}",  # and nobody tells anything to who has not signed in
    }
    of_parts = {
        f"{path.relative_to(ROOT)}": found[1].split()
        for path in ROOT.rglob("*.html")
        for found in re.finditer(r'\{%-? call part\(.*topic="([a-zA-Z: ]+)', path.read_text())
    }
    assert len(of_parts) > len(of_pages)
    named = {path: {topic.partition(":")[0] for topic in topics} for path, topics in {**of_pages, **of_parts}.items()}
    assert {path: found for path, topics in named.items() if (found := topics - words())} == {}


def test_what_is_open_takes_nothing_and_is_opened_by_no_right() -> None:
    """Whoever has its address is shown it: of a form nobody would ask who sends it."""
    opened = [page for page in pages() if page.is_open]
    assert [page.path for page in opened] == ["/shared/{token}"]
    assert [page.path for page in opened if page.forms or page.several or page.permission is not None] == []


def test_each_group_of_places_is_told_of() -> None:
    told = (ROOT.parents[1] / "docs" / "dashboard.md").read_text()
    rows = " ".join(re.findall(r"^\| Settings: ([^|]+) \|", told, re.MULTILINE))
    assert [label for label, _ in _GROUPS if label not in rows] == []


def test_names_of_parts_and_forms_can_stand_in_an_address() -> None:
    names = [name for page in pages() for name in (*page.parts, *page.forms)]
    assert names
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9-]*", name)] == []


def test_what_a_page_may_be_shown_lies_in_the_package() -> None:
    """Each template that code names is there."""
    named = {
        node.value
        for path in (*MODULES, *(ROOT / "web").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".html")
    }
    assert named
    assert {name for name in named if "/" in name and not name.startswith("/") and not (ROOT / name).is_file()} == set()
