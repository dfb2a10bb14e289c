"""Node, Bun and Deno: the plans of small trees."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.providers import bun, deno, node
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of
from headway.kernel.release_facts import SECRET, secrets_of
from headway.kernel.vault import Vault
from tests.support.toolchains.plans import cases, expected, planned, read_of

PROVIDERS = (deno.PROVIDER, bun.PROVIDER, node.PROVIDER)
GROUPS = ("managers", "versions", "frameworks", "sites", "programs", "workspaces", "bun", "deno", "refusals")
TABLE = cases(*(f"node/{name}" for name in GROUPS))
CASES: dict[str, dict[str, Any]] = {str(each.id): each.values[0] for each in TABLE}
TREES = {title: tree_of(case["files"], case.get("more", ())) for title, case in CASES.items()}


@pytest.mark.parametrize("case", TABLE)
def test_a_tree_has_the_plan_of_its_case(case: dict[str, Any]) -> None:
    assert planned(case, PROVIDERS) == expected(case)


def test_a_tree_belongs_to_one_of_them_alone() -> None:
    seen = {
        title: [each.name for each in PROVIDERS if each.recognise(tree) is not None] for title, tree in TREES.items()
    }
    assert {title: names for title, names in seen.items() if len(names) != 1} == {}


def test_a_plan_needs_no_file_but_those_that_its_provider_says_it_reads() -> None:
    others = {}
    for title, case in CASES.items():
        tree = TREES[title]
        provider = next(each for each in PROVIDERS if each.recognise(tree) is not None)
        read = read_of(provider, tree)
        found = planned(
            {**case, "files": dict(read.contents), "more": sorted(tree.names - set(read.contents))}, PROVIDERS
        )
        if found != expected(case):
            others[title] = found
    assert others == {}


def test_a_script_that_is_longer_than_any_is_judged_in_time() -> None:
    start = "FOO=" + "a" * 20_000 + " npx -- " * 500 + "node" + " --watch" * 2_000
    tree = tree_of({"package.json": f'{{"scripts": {{"start": "{start}"}}}}'})

    assert node.PROVIDER.plan(tree, BuildSettings()).processes


def test_what_the_commands_of_its_owner_make_is_read_and_what_they_leave_is_built_at_the_start() -> None:
    start = "npm run build && node --env-file=.env dist/a.js"
    tree = tree_of({"package.json": f'{{"scripts": {{"build": "tsc", "start": "{start}"}}}}'})
    said = {
        line: node.PROVIDER.plan(tree, BuildSettings(build=line)).processes[0].command
        for line in ("cp stage.env .env", "npm run build:css")
    }
    assert said == {
        "cp stage.env .env": start,
        "npm run build:css": "npm run build && node dist/a.js",
    }
    assert node.PROVIDER.plan(tree, BuildSettings()).processes[0].command == "node dist/a.js"


def test_a_file_of_variables_that_the_dockerfile_puts_there_is_read() -> None:
    files = {
        "package.json": '{"scripts": {"start": "node --env-file .env server.js"}}',
        "server.js": "app.listen(process.env.PORT)\n",
        "prod.env": "A=1\n",
    }
    for copied, command in (("prod.env .env", "node --env-file .env server.js"), ("prod.env b.env", "node server.js")):
        tree = tree_of({**files, "Dockerfile": f"FROM node\nWORKDIR /app\nCOPY {copied}\n"})
        found = detect(tree, BuildSettings())
        assert [each.command for each in found.processes] == [command]
        assert [each.argv[-2:] for each in found.phases if each.name == "file 1"] == [tuple(copied.split())]


def test_a_number_beside_a_server_that_reads_port_is_that_of_something_else() -> None:
    main = "metrics.listen(9100)\nrequire('./server').start()\n"
    files = {"package.json": '{"scripts": {"start": "node index.js"}}', "index.js": main}
    assert node.PROVIDER.plan(tree_of(files), BuildSettings()).port == 9100
    for reads in ("app.listen(process.env.PORT)", "const { env } = process; app.listen(env['PORT'] || 80)"):
        led = node.PROVIDER.plan(tree_of({**files, "server.js": reads}), BuildSettings())
        assert (led.port, "port" in [each.name for each in led.choices]) == (None, False)


def test_a_manager_that_runs_on_no_older_node_asks_for_one_where_nothing_else_does() -> None:
    def node_of(manager: str, **more: str) -> tuple[str, str]:
        text = f'{{"scripts": {{"start": "node a.js"}}, "packageManager": "{manager}"}}'
        found = node.plan(tree_of({"package.json": text, **more}), BuildSettings())
        return next((need.wanted, need.source) for need in found.needs if need.tool == "node")

    assert {each: node_of(each) for each in ("pnpm@10.1.0", "pnpm@11.9.0", "npm@12.2.2", "yarn@4.9.2")} == {
        "pnpm@10.1.0": ("", ""),
        "pnpm@11.9.0": (">=22.13", "pnpm 11"),
        "npm@12.2.2": ("^22.22.2 || ^24.15.0 || >=26.0.0", "npm 12"),
        "yarn@4.9.2": ("", ""),
    }
    assert node_of("pnpm@11.9.0", **{".nvmrc": "20"}) == ("20", ".nvmrc")


def test_each_secret_that_is_given_is_one_that_a_release_has() -> None:
    given = {
        name
        for case in CASES.values()
        for name, value in case.get("plan", {}).get("run_env", {}).items()
        if value == SECRET
    }
    assert {"SESSION_SECRET", "AUTH_SECRET", "APP_KEYS"} <= given <= secrets_of(Vault(Vault.new_key()), "a").keys()


def test_no_secret_is_given_where_a_command_of_its_owner_makes_a_file_of_variables() -> None:
    tree = TREES["Express with sessions"]
    assert node.PROVIDER.plan(tree, BuildSettings(build="cp stage.env .env")).run_env == {}
    assert node.PROVIDER.plan(tree, BuildSettings(build="npm run css")).run_env == {"SESSION_SECRET": SECRET}
