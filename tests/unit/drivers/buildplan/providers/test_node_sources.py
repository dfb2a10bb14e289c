"""Which sources of a program of Node are read."""

from __future__ import annotations

import time

from headway.drivers.buildplan.providers import node
from headway.drivers.buildplan.providers.node_data import find_data
from headway.drivers.buildplan.providers.node_databases import Lines
from headway.drivers.buildplan.providers.node_sources import begun, loaded, unread
from headway.drivers.buildplan.tree import Tree, tree_of


def read(files: dict[str, str], *first: str) -> set[str]:
    """The names that are read in the end, where the ``first`` are to begin with."""
    whole = tree_of(files)
    tree = Tree(names=whole.names, contents={name: whole.contents[name] for name in first})
    while more := {name for name in node.further(tree) if name in whole} - tree.contents.keys():
        tree = Tree(names=whole.names, contents={**tree.contents, **{name: whole.contents[name] for name in more}})
    return set(tree.contents)


def test_what_a_start_script_is_compiled_from_and_what_that_loads_is_read() -> None:
    files = {
        "package.json": '{"scripts": {"start": "NODE_ENV=production node dist/index.js"}}',
        "server/index.ts": "import express from 'express';\nimport { source } from '@server/datasource';\n",
        "server/datasource.ts": "import { path } from './constants.js';\n",
        "server/constants.ts": "",
        "server/elsewhere.ts": "",
    }
    assert read(files, "package.json") == {*files} - {"server/elsewhere.ts"}


def test_what_is_compiled_into_a_folder_is_followed_there() -> None:
    files = {
        "package.json": '{"main": "index.js"}',
        "index.js": 'const { Controller } = await import("./dist/controller.js");',
        "lib/controller.ts": 'import data from "./util/data";',
        "lib/util/data.ts": "",
    }
    assert read(files, "package.json") == {*files}


def test_a_package_of_a_workspace_is_read_below_its_folder() -> None:
    files = {
        "package.json": '{"workspaces": ["apps/*"]}',
        "apps/api/package.json": '{"scripts": {"start": "node dist/main"}}',
        "apps/api/src/main.ts": "import './db'; import '~/settings/paths';",
        "apps/api/src/db.ts": "",
        "apps/api/src/settings/paths.ts": "",
    }
    assert read(files, "package.json", "apps/api/package.json") == {*files}


def test_what_tells_of_data_is_read_before_the_rest() -> None:
    routes = {f"routes/r{number}.js": "" for number in range(30)}
    loads = "".join(f"require('./{name}');" for name in routes)
    files = {"index.js": f"{loads}require('./models/database');", "models/database.js": "", **routes}
    whole = tree_of(files)
    tree = Tree(names=whole.names, contents={"index.js": whole.contents["index.js"]})
    assert unread(tree, [("index.js", "")]) == ["models/database.js"]


def test_sources_that_load_each_other_or_lead_outside_come_to_an_end() -> None:
    tree = tree_of({"a.js": "require('./b'); require('../../x'); require('/etc/passwd')", "b.js": "require('./a')"})
    assert (unread(tree, [("a.js", "")]), list(loaded(tree, "a.js")), [*begun(tree, "node ../a.js")]) == (
        [],
        ["b.js"],
        [],
    )


def test_a_source_that_loads_without_an_end_is_looked_through_in_time() -> None:
    texts = ("import" + " " * 200_000, "from(" * 50_000, "require('" + "x" * 200_000, "import './a';" * 20_000)
    begin = time.process_time()
    for text in texts:
        list(loaded(tree_of({"a.js": text}), "a.js"))
        list(begun(tree_of({"a.js": ""}), "node " + "--x " * 50_000))
    assert time.process_time() - begin < 2


def test_sources_that_speak_of_data_without_an_end_are_looked_through_in_time() -> None:
    spaces = " " * 170
    texts = (
        f"process.env.DATA_DIR ?{spaces}" * 1_500,
        f"process.env.DATA_DIR{spaces}" * 1_500,
        "process.env.DATA_DIR || path.join(" * 7_000,
        "process.env.DATA_DIR || './data';" * 7_000,
        "new Database('" + "a." * 120_000,
        "storage: './data/a.db', " * 10_000,
        "new Database(path);" * 7_000,
        "new Database(join(" * 7_000,
        "const path = join(" * 7_000 + "new Database(path)",
    )
    names = {f"a{number}/b{number}": "" for number in range(20_000)}
    begin = time.process_time()
    for text in texts:
        find_data(tree_of({"a.js": text}, names), "", [""], (), Lines())
    assert time.process_time() - begin < 3
