"""Whatever a tree holds, detection answers: with a plan or a sentence, the same each time, and soon."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import READS, detect, further
from headway.drivers.buildplan.reader import (
    LARGEST,
    MOST_BYTES,
    MOST_BYTES_IN_ALL,
    MOST_FILES,
    MOST_FURTHER,
    chosen,
    chosen_further,
)
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree, tree_of

MARKERS = tuple(
    sorted(
        {each.replace("**/", "a/b/").replace("*", "x") for each in READS} | {"Gemfile", "index.html", "cmd/a/main.go"}
    )
)
FOLDERS = ("", "", "", "web/", "apps/api/", "cmd/x/", "a/b/c/")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)
_OF_FILES = (
    "name version scripts start build dependencies engines packageManager workspaces project tool poetry steps deploy "
    "phases cmds commands startCommand env provider packages services type buildCommand preDeployCommand rootDir "
    "envVars nixpacksPlan nodemonConfig exec script execMap setup nixPkgs"
)
WORDS = st.sampled_from(_OF_FILES.split())
OBJECTS = st.dictionaries(WORDS, VALUES | st.dictionaries(WORDS, VALUES, max_size=4), max_size=5)
TEXTS = st.one_of(
    st.binary(max_size=60),
    OBJECTS.map(lambda value: json.dumps(value).encode()),
    st.sampled_from((b"", b"web: x\n", b"package main\n", b"go 1.22\n", b"[project]\nname='x'\n", b"#!/bin/bash\n")),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    names = draw(st.lists(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(MARKERS)), max_size=12))
    contents = {f"{folder}{name}": draw(TEXTS) for folder, name in names if draw(st.booleans())}
    return Tree(names=frozenset((*contents, *(f"{folder}{name}" for folder, name in names))), contents=contents)


LINES = st.none() | st.sampled_from(("", " ", "make", "python app.py", "npm run build", "x" * 500))


@pytest.mark.slow
@given(
    tree=trees(),
    given_=st.fixed_dictionaries(
        dict.fromkeys(("install", "build", "start", "release", "publish", "provider", "package"), LINES)
    ),
    variables=st.dictionaries(
        st.sampled_from(
            ("NIXPACKS_START_CMD", "RAILPACK_PACKAGES", "NIXPACKS_NODE_VERSION", "RAILPACK_GO_BIN", "PORT")
        ),
        st.text(max_size=20),
        max_size=3,
    ),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_has_a_plan_or_a_sentence(tree: Tree, given_: dict[str, Any], variables: dict[str, str]) -> None:
    assert _answer(tree, given_, variables) == _answer(tree, given_, variables)


_OF_SERVICES = (
    "buildCommand startCommand preDeployCommand healthcheckPath healthCheckPath builder dockerfilePath nixpacksPlan "
    "env runtime rootDir envVars staticPublishPath name phases start"
)
_TOLD = st.sampled_from(
    ("web", "static", "docker", "cd a && npm i", "../..", "/app/x", "npm ci && npm run b", "NODE_VERSION")
)
_SERVICES = st.dictionaries(
    st.sampled_from((*_OF_SERVICES.split(), "type")),
    VALUES | _TOLD | st.lists(st.dictionaries(st.sampled_from(("key", "value", "generateValue")), VALUES | _TOLD)),
    max_size=8,
)


@pytest.mark.slow
@given(service=_SERVICES, build=_SERVICES, deploy=_SERVICES, nodemon=_SERVICES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_host_of_services_is_told_there_is_an_answer(**parts: dict[str, Any]) -> None:
    tree = tree_of(
        {
            "render.yaml": json.dumps({"services": [{"type": "web", **parts["service"]}, parts["build"]]}),
            "railway.json": json.dumps({"build": parts["build"], "deploy": parts["deploy"]}),
            "package.json": json.dumps({"scripts": {"start": "nodemon"}, "nodemonConfig": parts["nodemon"]}),
            "a/package.json": "{}",
        }
    )
    assert _answer(tree, {}, {}) == _answer(tree, {}, {})


def _answer(tree: Tree, given_: dict[str, Any], variables: dict[str, str]) -> object:
    try:
        found = detect(tree, BuildSettings(**given_), variables)
    except BuildError as error:
        return error.message[:3_000]
    assert found.processes or found.site
    json.dumps(found.dump())
    return found


def test_a_tree_of_as_many_files_as_are_looked_at_is_planned_soon() -> None:
    names = [f"a{number % 200}/b{number % 17}/package{number}.json" for number in range(20_000)]
    names += [f"m{number}/go.mod" for number in range(400)] + [f"x{number}/index.html" for number in range(400)]
    tree = Tree(names=frozenset(names), contents=dict.fromkeys(names[:MOST_FILES], b"{" * 2000))
    begin = time.process_time()
    assert isinstance(_answer(tree, {}, {}), str)
    assert time.process_time() - begin < 5


@given(st.lists(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(MARKERS), st.integers(0, 1 << 40)), max_size=600))
@settings(max_examples=30, deadline=None)
def test_what_is_read_is_bounded(files: list[tuple[str, str, int]]) -> None:
    sizes = {f"{folder}{number}{name}": size for number, (folder, name, size) in enumerate(files)}
    sizes |= {"package.json": 10, "Procfile": 5}
    taken = chosen(sizes.keys(), sizes, READS)
    assert len(taken) <= MOST_FILES
    assert sum(min(sizes[name], LARGEST) for name in taken) <= MOST_BYTES
    assert "Procfile" in taken


def test_what_files_refer_to_is_bounded_too() -> None:
    names = [f"f{number:03}" for number in range(200)]
    first = dict.fromkeys(("a", "b"), b"x" * LARGEST)
    tree = Tree(names=frozenset((*first, *names)), contents=first)
    assert chosen_further(tree, ["nowhere", "a", *reversed(names)], 2, dict.fromkeys(names, 5)) == names[:MOST_FURTHER]
    full = Tree(names=tree.names, contents={**first, "c": b"x" * (MOST_BYTES_IN_ALL - 2 * LARGEST - 12)})
    assert chosen_further(full, names, 3, dict.fromkeys(names, 5)) == names[:2]


def test_of_the_packages_that_a_program_is_made_of_no_more_are_read_than_is_allowed() -> None:
    loads = "".join(f'import "x/p{number}"\n' for number in range(300))
    sources = {f"p{number}/f{file}.go": f"package p\n\n{loads}" for number in range(300) for file in range(60)}
    tree = tree_of({"go.mod": "module x\n", "main.go": f"package main\n\n{loads}\nfunc main() {{}}\n"}, sources)
    begin = time.process_time()
    found = further(tree)
    read = Tree(names=tree.names, contents={**tree.contents, **{name: sources[name].encode() for name in found}})
    assert 0 < len(found) < MOST_FURTHER
    assert further(read) == found
    assert not isinstance(_answer(read, {}, {}), str)
    assert time.process_time() - begin < 4


_LENGTH = 1 << 18
_HOSTILE = {
    "spaces": " " * _LENGTH,
    "lines": "\n" * _LENGTH,
    "blank lines": " \n" * (_LENGTH // 2),
    "dots": ("a." * (_LENGTH // 2)),
    "dots in a line": "\t" + "a." * (_LENGTH // 2),
    "brackets": "[" * _LENGTH,
    "braces": '{"a":' * (_LENGTH // 5),
    "equals": "A=" * (_LENGTH // 2),
    "slashes": "#!/" + "/a" * (_LENGTH // 2),
    "root": "root:" + " " * _LENGTH + "x'",
    "roots": "root: \n" * (_LENGTH // 7),
    "modules": "module \n" * (_LENGTH // 8),
    "requires": "\trequire" * (_LENGTH // 8),
    "processes": "a: b\n" * (_LENGTH // 5),
    "a server": "web: " + "gunicorn -b " * (_LENGTH // 12),
    "examples": "A=" + "any " * (_LENGTH // 4) + "!",
    "anchors": "a: &a [1]\nservices:\n" + "- *a\n" * (_LENGTH // 5),
    "a line": '{"deploy": {"startCommand": "' + "cd /app && " * (_LENGTH // 12) + '"}}',
    "variables": "ENV A=/app/a\n" + "ENV B=$A/b C=${A:-$A}\nEXPOSE $B\nVOLUME $A $A\n" * (_LENGTH // 48),
    "variables of a line": "ARG A=" + "a" * 199 + "\nENV B=" + "$A " * (_LENGTH // 3),
    "helpers": "func a(b string) string {\n" * (_LENGTH // 27),
    "words": "env" * (_LENGTH // 3),
    "names": "".join(f"const A{number} = 8080\n" for number in range(_LENGTH // 20)),
    "uses": "const Port = 8080\n" + "Port," * (_LENGTH // 5),
    "tags": '\tA int `env:"PORT" default:"80" Prefix: "A_`\n' * (_LENGTH // 43),
    "fields": 'a(&b.c.d, "A_PORT")\n\td: 80,\n' * (_LENGTH // 29),
    "keys": 'viper.SetDefault("port", 80)\nviper.AutomaticEnv()\n' * (_LENGTH // 51),
    "recipes": "A=$(A) $(A)\nall:\n" + "\tgo build $(A) $(A)\n" * (_LENGTH // 20),
    "compiled": "RUN " + "go build && " * (_LENGTH // 12),
    "compiled each": "RUN go build -tags 'a' ./x\n" * (_LENGTH // 27),
    "brackets of make": "all:\n\tgo build " + "$(a " * (_LENGTH // 4),
    "targets": "a b c: d\n" * (_LENGTH // 9),
    "ignored": "".join(f"a/b{number}\n" for number in range(_LENGTH // 10)),
    "served": "".join(f'"a/b{number}/dist"\n' for number in range(_LENGTH // 18)),
    "capitals": '"' + "A_" * (_LENGTH // 2),
    "capitals each": '"A_B_C_D_DB_X"' * (_LENGTH // 14),
    "required": "require \tmodernc.org/sqlite v1.0.0 \n" * (_LENGTH // 33),
    "embedded": "//go:embed " + "all:a " * (_LENGTH // 6),
    "embedded each": "//go:embed all:dist\n" * (_LENGTH // 20),
    "embedded far right": (" " * 500 + "//go:embed\n") * (_LENGTH // 511),
}


@pytest.mark.parametrize(
    "name",
    [
        *("Staticfile", "go.mod", "main.go", "start.sh", "Procfile", "railpack.json", "nixpacks.toml", "app.json"),
        *("netlify.toml", "vercel.json", ".tool-versions", ".go-version", ".env.example", "Makefile"),
        *("railway.json", "railway.toml", "render.yaml", "web/embed.go", "Dockerfile", ".goreleaser.yml", ".gitignore"),
    ],
)
def test_a_hostile_file_is_read_in_bounded_time(name: str) -> None:
    for what, text in _HOSTILE.items():
        files = {"go.mod": "module x\n", "main.go": "package main\n//go:embed a\n", "index.html": "", "a/x": ""}
        tree = tree_of({**files, name: text})
        begin = time.process_time()
        _answer(tree, {}, {})
        assert time.process_time() - begin < 2, what


@pytest.mark.slow
@pytest.mark.parametrize("what", ["keys", "helpers", "uses", "fields"])
def test_the_packages_of_a_program_are_looked_through_in_bounded_time(what: str) -> None:
    loads = "".join(f'import "x/p{number}"\n' for number in range(4))
    main = {"go.mod": "module x\n", "main.go": f"package main\n{loads}\nfunc main() {{}}\n"}
    tree = tree_of({**main, **{f"p{number % 4}/f{number}.go": _HOSTILE[what] for number in range(32)}})
    begin = time.process_time()
    _answer(tree, {}, {})
    assert time.process_time() - begin < 12


def test_configurations_that_all_extend_each_other_are_put_together_once() -> None:
    names = [f"tsconfig.{number}.json" for number in range(40)]
    every = json.dumps({"extends": [f"./{name}" for name in names], "compilerOptions": {"outDir": "out"}})
    files = {**dict.fromkeys((*names, "tsconfig.json"), every), "index.ts": "", "package-lock.json": "{}"}
    tree = tree_of({**files, "package.json": '{"devDependencies": {"typescript": "5"}}'})
    begin = time.process_time()
    assert further(tree) == frozenset()  # each of them is read for its own name
    assert detect(tree, BuildSettings()).processes[0].command == "node out/index.js"
    assert time.process_time() - begin < 2


def test_a_base_that_is_named_thousands_of_times_is_read_once() -> None:
    every = json.dumps({"extends": ["./b"] * 8_000})
    files = {"tsconfig.json": every, "b.json": '{"a": [' + "1, " * 7_000 + "1]}", "index.ts": ""}
    tree = tree_of({**files, "package.json": '{"devDependencies": {"typescript": "5"}}'})
    begin = time.process_time()
    assert further(tree) == {"b.json"}
    detect(tree, BuildSettings())
    assert time.process_time() - begin < 2
