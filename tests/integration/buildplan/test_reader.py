"""Looking at a real workspace: within bounds, and never outside of it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Collection
from pathlib import Path

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.reader import LARGEST, LARGEST_LOCK, LARGEST_TOLD, MOST_FURTHER, MOST_NAMES, read_tree
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Workspace
from headway.kernel.own_threads import OwnThreads
from tests.integration.builders.workspaces import give_to_build, lay_out
from tests.integration.worksite import Worksite

READS = ("Procfile", "package.json", "package-lock.json", "go.sum", "**/go.mod", "public/index.html", "shared/x.txt")


async def look(site: Worksite, workspace: Workspace) -> Tree:
    return await read_tree(site, workspace, READS)


async def test_names_are_listed_and_those_that_are_asked_for_are_read(site: Worksite) -> None:
    files = {
        "package.json": "{}",
        "a/b/go.mod": "module b",
        "a/readme": "not read",
        "node_modules/x/package.json": "{}",
    }
    files |= {".git/config": "", ".venv/bin/python": "", "with space\nand line/ü": ""}
    tree = await look(site, lay_out(site, files))
    assert tree == Tree(
        names=frozenset({"package.json", "a/b/go.mod", "a/readme", "with space\nand line/ü"}),
        contents={"package.json": b"{}", "a/b/go.mod": b"module b"},
    )
    assert site.names == []


async def test_what_files_refer_to_is_looked_for_in_the_threads_of_detection(site: Worksite) -> None:
    asked = set[str]()

    def further(_: Tree) -> Collection[str]:
        asked.add(threading.current_thread().name.partition("_")[0])
        return ("a.py",)

    tree = await read_tree(site, lay_out(site, {"Procfile": "", "a.py": "x"}), READS, further)
    assert (asked, tree.contents["a.py"]) == ({"detection"}, b"x")


@pytest.mark.slow
async def test_a_tree_that_is_looked_through_without_an_end_is_given_up_and_others_are_looked_at_meanwhile(
    site: Worksite,
) -> None:
    threads, began = OwnThreads(2, "detection", seconds=1.5), threading.Event()

    def further(_: Tree) -> Collection[str]:
        began.set()
        while True:
            pass

    workspace = lay_out(site, {"Procfile": "web: x"})
    spinning = asyncio.create_task(read_tree(site, workspace, READS, further, threads))
    assert await asyncio.to_thread(began.wait, 20)
    tree = await asyncio.wait_for(read_tree(site, workspace, READS, threads=threads), 20)
    assert (tree.contents, spinning.done()) == ({"Procfile": b"web: x"}, False)
    with pytest.raises(BuildError, match=r"more than 1\.5 seconds of a processor and was given up.*--build-path"):
        await asyncio.wait_for(spinning, 60)


async def test_what_is_long_is_read_in_part(site: Worksite) -> None:
    long = {"package.json": "x" * 400_000, "go.sum": "y" * 400_000, "package-lock.json": "z" * 4_000_000}
    tree = await look(site, lay_out(site, long))
    assert {name: len(data) for name, data in tree.contents.items()} == {
        "package.json": LARGEST,
        "go.sum": LARGEST_LOCK,
        "package-lock.json": LARGEST_TOLD,
    }


@pytest.mark.parametrize(
    ("link", "target"), [("Procfile", "/etc/passwd"), ("public", "../../secret"), ("a/go.mod", "/x")]
)
async def test_a_link_out_of_the_repository_is_refused_where_it_is_looked_for(
    site: Worksite, link: str, target: str
) -> None:
    (site.folder / "secret").mkdir()
    (site.folder / "secret" / "index.html").write_text("the panel's")
    workspace = lay_out(site, {"a/readme": ""}, {link: target})
    with pytest.raises(BuildError, match=f"{link} is a symbolic link that leads out of the repository"):
        await look(site, workspace)


async def test_other_links_are_names_and_those_inside_are_followed(site: Worksite) -> None:
    links = {"etc": "/etc", "Procfile": "deploy/Procfile", "shared": "deploy", "loop": "."}
    tree = await look(site, lay_out(site, {"deploy/Procfile": "web: x", "deploy/x.txt": "x"}, links))
    assert tree.contents == {"Procfile": b"web: x", "shared/x.txt": b"x"}
    assert "etc" in tree
    assert not tree.matching("etc/*")


async def test_a_link_inside_of_the_repository_but_above_the_build_path_is_none_that_leads_out(site: Worksite) -> None:
    whole = lay_out(site, {"Procfile": "web: x", "app/readme": ""}, {"app/Procfile": "../Procfile"})
    tree = await look(site, Workspace(root=whole.root, folder=f"{whole.root}/app"))
    assert tree.contents == {"Procfile": b"web: x"}


@pytest.mark.slow
async def test_of_a_tree_that_is_too_large_the_top_is_known(site: Worksite) -> None:
    workspace = lay_out(site, {"zz/go.mod": "module zz", "package.json": "{}"})
    deep = Path(workspace.root, "a", "b", "c")
    deep.mkdir(parents=True)
    for number in range(MOST_NAMES + 5_000):
        os.close(os.open(deep / f"{'n' * 40}{number}", os.O_CREAT))
    give_to_build(site, Path(workspace.root))
    tree = await look(site, workspace)
    assert tree.is_cut
    assert len(tree.names) <= MOST_NAMES
    assert tree.contents == {"package.json": b"{}", "zz/go.mod": b"module zz"}


async def test_what_a_file_that_is_read_refers_to_is_read_too_and_no_more_than_is_allowed(site: Worksite) -> None:
    def further(tree: Tree) -> list[str]:
        return [name for data in tree.contents.values() for name in data.decode().split()]

    files = {"package.json": "one nowhere", "one": "two deep/three", "two": "package.json", "deep/three": ""}
    workspace = lay_out(site, {**files, **{f"f{n:02}": "" for n in range(40)}, "Procfile": ""}, {"out": "/etc/passwd"})
    tree = await read_tree(site, workspace, READS, further)
    assert set(tree.contents) == {"package.json", "Procfile", "one", "two", "deep/three"}
    Path(workspace.folder, "two").write_text(" ".join(f"f{n:02}" for n in range(40)))
    tree = await read_tree(site, workspace, READS, further)
    assert len(tree.contents) == 2 + MOST_FURTHER
    Path(workspace.folder, "two").write_text("out")
    with pytest.raises(BuildError, match="out is a symbolic link that leads out of the repository"):
        await read_tree(site, workspace, READS, further)
