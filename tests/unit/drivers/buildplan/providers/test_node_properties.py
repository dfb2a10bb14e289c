"""Node, Bun and Deno on trees that nobody wrote: an answer each time, the same one, and soon."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.providers import bun, deno, node
from headway.drivers.buildplan.providers.node_frontend import Frontend, frontend
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree, tree_of

PROVIDERS = (deno.PROVIDER, bun.PROVIDER, node.PROVIDER)
SECONDS = 10.0  # of processor time; a tenth of it is enough

NAMES = st.sampled_from(
    [
        *(
            "package.json",
            "package.json5",
            "deno.json",
            "deno.jsonc",
            "deno.lock",
            "package-lock.json",
            "pnpm-lock.yaml",
        ),
        *(
            "yarn.lock",
            "bun.lock",
            "bun.lockb",
            ".yarnrc.yml",
            "pnpm-workspace.yaml",
            "lerna.json",
            "nx.json",
            "turbo.json",
        ),
        *(
            ".nvmrc",
            ".node-version",
            ".tool-versions",
            "mise.toml",
            ".bun-version",
            "index.html",
            "index.js",
            "src/index.ts",
        ),
        *("next.config.js", "nuxt.config.ts", "svelte.config.js", "vite.config.ts", "astro.config.mjs", "angular.json"),
        *("react-router.config.ts", "nest-cli.json", "tsconfig.json", "app.json", "prisma/schema.prisma", "main.ts"),
        *("apps/web/package.json", "apps/api/package.json", "packages/ui/package.json", "apps/api/project.json"),
        *(
            "prisma/migrations/1/migration.sql",
            "docs/.vitepress/config.mts",
            "webpack.config.js",
            "frontend/package.json",
        ),
    ]
)
PACKAGES = st.sampled_from(
    [
        *(
            "next",
            "nuxt",
            "@sveltejs/kit",
            "astro",
            "@react-router/dev",
            "@remix-run/dev",
            "@tanstack/react-start",
            "vite",
        ),
        *(
            "@nestjs/core",
            "@angular/core",
            "react-scripts",
            "@vue/cli-service",
            "gatsby",
            "@11ty/eleventy",
            "vitepress",
        ),
        *(
            "expo",
            "react-native-web",
            "express",
            "discord.js",
            "prisma",
            "typescript",
            "tsx",
            "nx",
            "turbo",
            "lerna",
            "a",
        ),
    ]
)
WORDS = st.sampled_from(
    [
        *(
            "node",
            "next",
            "vite",
            "build",
            "start",
            "dev",
            "server.js",
            "&&",
            "--watch",
            "-p",
            "3000",
            "nodemon",
            "--exec",
        ),
        *(
            "npm",
            "run",
            "yarn",
            "pnpm",
            "bun",
            "tsc",
            "PORT=1",
            "cross-env",
            "'",
            '"',
            "dist/index.js",
            "serve",
            "-r",
            "|",
        ),
    ]
)
LINES = st.one_of(st.lists(WORDS, max_size=8).map(" ".join), st.text(max_size=40))
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
VERSIONS = st.sampled_from(["^1.0.0", "*", "workspace:*", "file:./x", "latest", "9" * 40, "", "npm:a@1"]) | st.text(
    max_size=9
)
DEPENDENCIES = st.dictionaries(PACKAGES | st.text(max_size=8), VERSIONS, max_size=5)
SCRIPTS = st.dictionaries(
    st.sampled_from(
        ["start", "build", "prestart", "postinstall", "start:prod", "dev", "generate", "serve", "docs:build"]
    ),
    LINES,
    max_size=5,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "@x/web", "web"]) | ANYTHING,
        "scripts": SCRIPTS | ANYTHING,
        "dependencies": DEPENDENCIES | ANYTHING,
        "devDependencies": DEPENDENCIES | ANYTHING,
        "workspaces": st.just(["apps/*", "packages/*", "**"]) | ANYTHING,
        "packageManager": st.sampled_from(["yarn@4.1.0", "pnpm@9", "bun@1", "npm"]) | ANYTHING,
        "engines": st.dictionaries(st.sampled_from(["node", "pnpm", "bun"]), VERSIONS, max_size=2) | ANYTHING,
        "main": st.sampled_from(["index.js", "dist/index.js", "../x.js"]) | ANYTHING,
        "volta": ANYTHING,
        "devEngines": ANYTHING,
        "prisma": ANYTHING,
        "projects": ANYTHING,
        "targets": ANYTHING,
        "tasks": SCRIPTS | ANYTHING,
        "compilerOptions": ANYTHING,
    },
)
CONTENTS = st.one_of(
    FIELDS.map(json.dumps),
    FIELDS.map(json.dumps),
    st.sampled_from(
        [
            *("lockfileVersion: '6.0'", "lockfileVersion: 9", "__metadata:\n  version: 8", "nodeLinker: pnp"),
            *(
                "packages:\n  - 'apps/*'\n  - '!x'\n",
                "output: 'export'",
                "outDir: '../../x', root: '/'",
                "lts/*",
                "v22",
            ),
            *(
                "[tools]\nnode = '22'",
                "nodejs 22",
                "import a from '@sveltejs/adapter-node'",
                "adapter: node()",
                "ssr: false",
            ),
        ]
    ),
    st.text(max_size=60),
    st.binary(max_size=60),
)
TREES = st.dictionaries(NAMES, CONTENTS, max_size=9).map(tree_of)
# With something to build: of trees at large hardly any has a front end.
FRONT_ENDS = st.builds(
    lambda fields, files: tree_of(
        {**files, "package.json": json.dumps({"scripts": {"build": "vite build"}, **fields})}
    ),
    FIELDS,
    st.dictionaries(NAMES, CONTENTS, max_size=6),
)
SETTINGS = st.builds(
    BuildSettings,
    start=st.none() | LINES,
    publish=st.none() | st.sampled_from(["dist", "apps/web/dist"]),
    package=st.none() | st.sampled_from(["web", "apps/api", ".", "", "../x"]),
    versions=st.dictionaries(st.sampled_from(["node", "pnpm", "yarn", "bun", "deno"]), VERSIONS, max_size=2),
)


def answer(tree: Tree, chosen: BuildSettings) -> list[BuildPlan | str]:
    """What each provider says that recognises the tree."""
    found: list[BuildPlan | str] = []
    for provider in PROVIDERS:
        if provider.recognise(tree) is None:
            continue
        try:
            found.append(provider.plan(tree, chosen))
        except BuildError as error:
            found.append(str(error))
    return found


def front_end(tree: Tree) -> Frontend | str | None:
    """The front end that the tree has, or why it cannot be planned."""
    try:
        return frontend(tree, BuildSettings())
    except BuildError as error:
        return str(error)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(TREES, SETTINGS)
def test_every_tree_has_an_answer_that_is_the_same_each_time(tree: Tree, chosen: BuildSettings) -> None:
    again = Tree(
        names=frozenset(sorted(tree.names, reverse=True)), contents=dict(sorted(tree.contents.items(), reverse=True))
    )

    assert answer(tree, chosen) == answer(again, chosen)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(TREES, SETTINGS)
def test_a_plan_names_no_place_outside_of_the_tree(tree: Tree, chosen: BuildSettings) -> None:
    for plan in answer(tree, chosen):
        if isinstance(plan, str):
            assert plan.strip()
            continue
        places = [*plan.path, *(plan.site.folders if plan.site is not None else ())]
        places += [place for phase in plan.phases for place in (phase.folder, *phase.makes, *phase.follows)]
        assert not [each for each in places if each.startswith(("/", "..")) or "/../" in each or each.endswith("/..")]
        assert all(part and "\0" not in part for phase in plan.phases for part in phase.argv)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(FRONT_ENDS)
def test_every_front_end_is_planned_or_refused_in_words(tree: Tree) -> None:
    found = front_end(tree)
    assert found is None or (found.strip() if isinstance(found, str) else found.needs)


def test_a_workspace_of_many_packages_is_planned_in_time() -> None:
    package = json.dumps({"name": "x", "scripts": {"start": "node x.js"}, "dependencies": {"express": "^4"}})
    files = {f"apps/a{number}/package.json": package for number in range(2_000)}
    files["package.json"] = json.dumps({"workspaces": ["apps/*", "**", "apps/**"] * 30})
    tree = tree_of(files, (f"apps/a{number % 2_000}/src/f{number}.ts" for number in range(20_000)))
    began = time.process_time()

    assert answer(tree, BuildSettings())
    assert time.process_time() - began < SECONDS


def test_files_that_are_cut_or_deep_are_refused_in_words() -> None:
    deep = "[" * 100_000
    for content in (deep, '{"dependencies": {"a": "1'):
        assert [str(each)[:12] for each in answer(tree_of({"package.json": content}), BuildSettings())] == [
            "package.json"
        ]


def test_files_written_to_be_read_for_ever_are_not() -> None:
    package = {"scripts": {"build": "tsc"}, "devDependencies": {"next": "1", "@angular/core": "1", "vite": "1"}}
    endless = ("a" * 200_000, '"' + '\\"' * 100_000, "/* " * 66_000, "'" + "\\'" * 100_000, "key : " * 33_000)
    names = ("angular.json", "tsconfig.json", "next.config.js", "vite.config.ts", "deno.json", "pnpm-workspace.yaml")
    began = time.process_time()

    for text in endless:
        answer(tree_of({"package.json": json.dumps(package), **dict.fromkeys(names, text)}), BuildSettings())
    assert time.process_time() - began < SECONDS
