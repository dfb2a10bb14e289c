"""What a lock file of npm lacks, which `npm ci` would refuse; and what is done about it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan, Phase
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

CI = ("npm", "ci", "--include=dev", "--no-audit", "--no-fund")
ADDING = ("npm", "install", "--include=dev", "--no-audit", "--no-fund", "--no-save")


def plan(
    records: dict[str, Any],
    more: dict[str, str] | None = None,
    *,
    install: str | None = None,
    **fields: Any,  # noqa: ANN401 - fields of a package.json
) -> BuildPlan:
    files = {
        "package.json": json.dumps({"scripts": {"start": "node a.js"}, **fields}),
        "package-lock.json": json.dumps({"lockfileVersion": 3, "packages": records}),
        "a.js": "require('express')().listen(process.env.PORT)\n",
        **(more or {}),
    }
    return detect(tree_of(files), BuildSettings(install=install), {})


def said(found: BuildPlan) -> str:
    notes = [each for each in found.notes if "out of step" in each]
    return notes[0].partition("it lacks ")[2].partition(". 'npm ci'")[0] if notes else ""


EXPRESS = {"version": "4.18.0", "dependencies": {"accepts": "~1.3.8"}}
ACCEPTS = {"version": "1.3.8"}
B = {"version": "1.0.0", "dependencies": {"accepts": "1"}}
WITHIN = {"node_modules/express": EXPRESS, "node_modules/express/node_modules/accepts": ACCEPTS}
OPTIONAL = {"version": "1.0.0", "optional": True, "dependencies": {"x": "1"}}
LINK = {"resolved": "packages/a", "link": True}


@pytest.mark.parametrize(
    ("records", "fields", "lacks"),
    [
        ({"node_modules/express": EXPRESS, "node_modules/accepts": ACCEPTS}, {"express": "^4.17.0"}, ""),
        ({}, {"express": "^4.17.0"}, "express ^4.17.0"),
        ({"node_modules/express": {"version": "3.0.0"}}, {"express": "4"}, "express 4 (it has 3.0.0)"),
        ({"node_modules/express": EXPRESS}, {"express": "*"}, "accepts (of express)"),
        (WITHIN, {"express": "*"}, ""),
        ({**WITHIN, "node_modules/b": B}, {"express": "4", "b": "1"}, "accepts (of b)"),
        ({"node_modules/a": {"version": "1.0.0"}}, {"a": "github:x/a"}, ""),
        ({"node_modules/a": {"version": "2.0.0-rc.1"}}, {"a": "*"}, ""),
        ({"node_modules/a": LINK}, {"a": "9"}, ""),
        ({"node_modules/a": OPTIONAL}, {"a": "1"}, ""),
        ({}, {"a": "1", "b": "1", "c": "1", "d": "1"}, "a 1, b 1, c 1 and more"),
    ],
)
def test_what_a_lock_file_lacks_is_said_before_the_build_and_added(
    records: dict[str, Any], fields: dict[str, str], lacks: str
) -> None:
    found = plan({"": {}, **records}, dependencies=fields)
    first = next(each for each in found.phases if each.name == "install")
    assert (said(found), first.argv, bool(first.makes)) == (lacks, ADDING if lacks else CI, not lacks)


def test_what_may_be_missing_or_is_told_otherwise_is_no_fault_of_the_lock_file() -> None:
    assert said(plan({"node_modules/express": {"version": "3.0.0"}}, dependencies={"express": "4"})) == "", "of npm 6"
    optional = plan({"": {}}, optionalDependencies={"fsevents": "2"}, dependencies={})
    assert said(optional) == ""
    told = plan({"": {}}, install="npm install", dependencies={"express": "4"})
    assert (said(told), told.phases[0]) == ("", Phase.of_user("install", "npm install"))


def test_the_packages_of_a_workspace_are_looked_at_where_the_lock_file_has_them() -> None:
    member = {"apps/web/package.json": '{"name": "web", "dependencies": {"koa": "2"}}'}
    records: dict[str, Any] = {
        "": {"workspaces": ["apps/*"]},
        "node_modules/web": {"resolved": "apps/web", "link": True},
    }
    outside = plan(records, member, workspaces=["apps/*"])
    assert said(outside) == ""
    inside = plan({**records, "apps/web": {}}, member, workspaces=["apps/*"])
    assert said(inside) == "koa 2"
    nested = {"apps/web/node_modules/koa": {"version": "2.1.0"}}
    assert said(plan({**records, "apps/web": {}, **nested}, member, workspaces=["apps/*"])) == ""


def test_the_lock_file_of_a_front_end_is_looked_at_too() -> None:
    files = {
        "requirements.txt": "flask\ngunicorn\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "frontend/package.json": '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6"}}',
        "frontend/package-lock.json": '{"packages": {"": {}}}',
    }
    found = detect(tree_of(files), BuildSettings(), {})
    first = next(each for each in found.phases if each.name == "frontend install")
    assert (first.argv, said(found)) == (ADDING, "vite 6")
    assert any(each.startswith("frontend/package-lock.json is out of step") for each in found.notes)


YARN = ("yarn", "install", "--frozen-lockfile", "--non-interactive", "--production=false")
LOCKED = '# yarn lockfile v1\n\n\n"@x/a@^1.0.0", "@x/a@~1.2.0":\n  version "1.2.3"\n\nkoa@2:\n  version "2.1.0"\n'


@pytest.mark.parametrize(
    ("lock", "fields", "lacks"),
    [
        (LOCKED, {"dependencies": {"@x/a": "~1.2.0", "koa": "2"}}, ""),
        (LOCKED, {"dependencies": {"koa": "^2.0.0"}, "devDependencies": {"@x/a": "1"}}, "@x/a 1, koa ^2.0.0"),
        (LOCKED.rstrip("\n"), {"dependencies": {"koa": "3"}}, ""),
        ("__metadata:\n" + LOCKED, {"packageManager": "yarn@1.22.22", "dependencies": {"koa": "3"}}, ""),
        (LOCKED, {"dependencies": {"koa": "3"}, "resolutions": {"**/koa": "2"}}, ""),
        (LOCKED, {"dependencies": {"b": "github:x/b", "c": "file:c"}}, ""),
        (LOCKED, {"optionalDependencies": {"fsevents": "2"}, "dependencies": {"koa": "2"}}, ""),
    ],
)
def test_what_a_lock_file_of_yarn_1_lacks_is_added_without_writing_it(
    lock: str, fields: dict[str, Any], lacks: str
) -> None:
    files = {
        "package.json": json.dumps({"scripts": {"start": "node a.js"}, **fields}),
        "yarn.lock": lock,
        "a.js": "require('koa')().listen(process.env.PORT)\n",
    }
    found = detect(tree_of(files), BuildSettings(), {})
    first = next(each for each in found.phases if each.name == "install")
    adding = tuple("--pure-lockfile" if each == "--frozen-lockfile" else each for each in YARN)
    notes = [each for each in found.notes if "out of step" in each]
    assert (first.argv, len(notes)) == (adding if lacks else YARN, 1 if lacks else 0)
    assert not lacks or f"it lacks {lacks}. 'yarn install --frozen-lockfile' refuses it" in notes[0]


def test_members_of_a_workspace_are_in_no_lock_file_of_yarn_1() -> None:
    files = {
        "package.json": '{"workspaces": ["lib"], "dependencies": {"lib": "1.0.0"}, "scripts": {"start": "node a.js"}}',
        "lib/package.json": '{"name": "lib", "version": "1.0.0", "dependencies": {"koa": "9"}}',
        "yarn.lock": LOCKED,
        "a.js": "require('koa')().listen(process.env.PORT)\n",
    }
    assert not any("out of step" in each for each in detect(tree_of(files), BuildSettings(), {}).notes)


def test_a_lock_file_that_is_made_to_be_walked_long_is_looked_at_in_time() -> None:
    names = {f"p{index}": "1" for index in range(39_000)}
    deep = "/".join(f"node_modules/{index}" for index in range(20))
    records = {"": {}, **{f"node_modules/{name}": {"version": "1.0.0"} for name in names}}
    began = time.process_time()
    some = {"p0": "1"}
    assert said(plan({**records, deep: {"dependencies": {**names, "x": "1"}}}, dependencies=some)) == "x (of 19)"
    far = "node_modules/a/" * 2_000 + "node_modules/b"
    assert said(plan({**records, far: {"dependencies": names}}, dependencies=some)) == ""
    more = {**names, **{f"q{name}": "1" for name in names}}
    assert said(plan({"": {}, "node_modules/p0": {"dependencies": more}}, dependencies=some)) == ""
    assert time.process_time() - began < 5
