"""How Node applications are recognised: files and the host's programs in, a plan out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.first_rules import detect
from headway.drivers.builders.plan import Listing, Phase, Plan
from headway.drivers.buildplan.settings import BuildSettings
from headway.kernel.artifacts import Process
from headway.kernel.phrase import phrase, plain

HOST = {"node": "v20.1.0", "npm": ""}
EXEC = ("npm", "exec", "--yes")
BUILD = Phase(name="build script", argv=("npm", "run", "build"))
CLASSIC = (
    '# yarn lockfile v1\n\n\n"@a/b@^1.0.0", "@a/b@^1.1.0":\n  version "1.2.0"\n\nleft-pad@^1.0.0:\n  version "1.3.0"\n'
)
BERRY = '__metadata:\n  version: 8\n\n"left-pad@npm:^1.0.0":\n  version: 1.3.0\n'
PNPM = (
    "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      '@a/b':\n        specifier: ^1.0.0\n"
    "        version: 1.2.0\n      left-pad:\n        specifier: ^1.0.0\n        version: 1.3.0\n\npackages:\n\n"
    "  left-pad@1.3.0:\n"
)


def npm_lock(**root: Any) -> str:  # noqa: ANN401 - as JSON has it
    return json.dumps({"lockfileVersion": 3, "packages": {"": root}})


def plan(
    package: Mapping[str, Any] | str,
    files: Mapping[str, str] | None = None,
    *,
    host: Mapping[str, str] | None = None,
    **settings: Any,  # noqa: ANN401 - the fields of BuildSettings
) -> Plan:
    text = package if isinstance(package, str) else json.dumps(package)
    contents = {"package.json": text, **(files or {})}
    listing = Listing(
        files={name: text.encode() for name, text in contents.items()}, programs=HOST if host is None else host
    )
    spec = BuildSpec(cache_folder="/c", settings=BuildSettings(**settings))
    return detect(listing, spec)


def web(command: str) -> tuple[Process, ...]:
    return (Process(name="web", command=command),)


def test_an_application_without_dependencies_installs_nothing() -> None:
    assert plan({"scripts": {"start": "node server.js"}}) == Plan(
        language="node",
        processes=web("node server.js"),
        path=("node_modules/.bin",),
        env={"NODE_ENV": "production"},
        reasons=(
            "Node v20.1.0",
            phrase("Node application, started with: {} ({})", "node server.js", "the start script of package.json"),
        ),
    )


@pytest.mark.parametrize(
    ("package", "files", "command"),
    [
        ({"scripts": {"start": "next start"}}, {}, "next start"),
        ({"scripts": {"start": "node x", "prestart": "node y"}}, {}, "npm start"),
        ({"scripts": {"start": "echo $npm_package_version"}}, {}, "npm start"),
        ({"main": "./src/a b.js"}, {"src/a b.js": ""}, "node 'src/a b.js'"),
        ({"main": "dist/server.js", "scripts": {"build": "tsc"}}, {}, "node dist/server.js"),
        ({}, {"server.js": "", "index.js": ""}, "node server.js"),
        ({"main": "missing.js"}, {"index.js": ""}, "node index.js"),
        ({"scripts": {"start": "vite", "build": "vite build"}, "main": "server.js"}, {"Procfile": "web: x\n"}, "x"),
    ],
)
def test_start_commands_that_are_sure(package: dict[str, Any], files: dict[str, str], command: str) -> None:
    assert plan(package, files).processes == web(command)


@pytest.mark.parametrize(
    "start",
    [
        None,
        "vite",
        "vite --host",
        "react-scripts start",
        "ng serve",
        "vue-cli-service serve",
        "npx astro dev",
        "parcel index.html",
    ],
)
def test_a_site_that_is_built_is_served_from_what_the_build_makes(start: str | None) -> None:
    scripts = {"build": "make-it"} | ({"start": start} if start else {})
    found = plan({"scripts": scripts}, {"index.html": ""})
    assert found.phases == (BUILD,)
    assert found.processes == ()
    assert found.static_folders == ("dist", "build", "out", "public", "_site", ".")
    assert found.language == "static"


def test_a_server_that_begins_like_a_developers_one_is_a_server() -> None:
    assert plan({"scripts": {"start": "vite preview"}}).processes == web("vite preview")


def test_a_page_with_tools_beside_it_needs_no_node() -> None:
    found = plan({"devDependencies": {"eslint": "9"}}, {"index.html": "", "app.js": ""}, host={})
    assert (found.phases, found.static_folders) == ((), (".",))


@pytest.mark.parametrize(
    ("files", "argv"),
    [
        ({"package-lock.json": npm_lock(dependencies={"left-pad": "^1.0.0"})}, ("npm", "ci")),
        ({"npm-shrinkwrap.json": npm_lock(dependencies={"left-pad": "^1.0.0"})}, ("npm", "ci")),
        ({"package-lock.json": '{"lockfileVersion": 1, "dependencies": {}}'}, ("npm", "ci")),
        ({"pnpm-lock.yaml": PNPM.replace("'@a/b':\n        specifier: ^1.0.0\n        version: 1.2.0\n      ", "")},
         (*EXEC, "--package=pnpm@9", "--", "pnpm", "install", "--frozen-lockfile")),
        ({"yarn.lock": CLASSIC}, (*EXEC, "--package=yarn@1", "--", "yarn", "install", "--frozen-lockfile")),
        ({"yarn.lock": BERRY}, (*EXEC, "--package=@yarnpkg/cli-dist@4", "--", "yarn", "install", "--immutable")),
        ({}, ("npm", "install", "--include=dev")),
    ],
)  # fmt: skip
def test_dependencies_are_installed_as_the_lock_file_has_them(files: dict[str, str], argv: tuple[str, ...]) -> None:
    found = plan({"dependencies": {"left-pad": "^1.0.0"}, "scripts": {"start": "x", "build": "y"}}, files)
    install, build = found.phases
    assert (install.name, install.argv[: len(argv)]) == ("install", argv)
    assert build == BUILD
    assert any("no lock file" in reason for reason in map(plain, found.reasons)) is not bool(files)


@pytest.mark.parametrize(
    ("manager", "host", "program"),
    [
        (None, {"pnpm": "", "yarn": ""}, ("pnpm",)),
        ("pnpm@8.15.1+sha256.abc", {"pnpm": ""}, (*EXEC, "--package=pnpm@8.15.1", "--", "pnpm")),
        ("yarn@1.22.0", {}, (*EXEC, "--package=pnpm@9", "--", "pnpm")),
        ("pnpm; rm -rf /", {}, (*EXEC, "--package=pnpm@9", "--", "pnpm")),
    ],
)
def test_the_managers_version_is_the_projects(
    manager: str | None, host: dict[str, str], program: tuple[str, ...]
) -> None:
    package = {"dependencies": {"left-pad": "^1.0.0", "@a/b": "^1.0.0"}, "packageManager": manager, "main": "x.js"}
    found = plan(package, {"pnpm-lock.yaml": PNPM, "x.js": ""}, host=HOST | host)
    assert found.phases[0].argv[: len(program)] == program


@pytest.mark.parametrize(
    ("files", "about"),
    [
        (
            {"package-lock.json": npm_lock(dependencies={"left-pad": "^1.0.0"})},
            r"left-pad@\^2.*'npm install' and commit",
        ),
        ({"package-lock.json": npm_lock(dependencies={"left-pad": "^2", "gone": "1"})}, "gone@1"),
        ({"package-lock.json": npm_lock()}, r"left-pad@\^2"),
        ({"pnpm-lock.yaml": PNPM}, r"left-pad@\^2.*'pnpm install' and commit pnpm-lock\.yaml"),
        ({"yarn.lock": CLASSIC}, r"left-pad@\^2.*'yarn install' and commit yarn\.lock"),
        ({"yarn.lock": BERRY}, r"left-pad@\^2"),
    ],
)
def test_a_lock_file_that_does_not_match(files: dict[str, str], about: str) -> None:
    with pytest.raises(BuildError, match=f"does not match package.json.*{about}"):
        plan({"dependencies": {"left-pad": "^2"}, "main": "x.js"}, {**files, "x.js": ""})


def test_scoped_packages_of_a_yarn_lock_are_found() -> None:
    assert plan({"dependencies": {"@a/b": "^1.1.0"}}, {"yarn.lock": CLASSIC, "index.js": ""}).phases


@pytest.mark.parametrize(
    ("package", "host", "sentence"),
    [
        ({"main": "x.js"}, {}, r"no Node\. Install it \(apt-get install nodejs npm"),
        ({"main": "x.js", "engines": {"node": ">=22"}}, HOST, r"asks for Node >=22 .* this machine has v20\.1\.0"),
        ({"main": "x.js", "dependencies": {"a": "1"}}, {"node": "v20.1.0"}, "has Node, but not npm"),
        ("{", HOST, r"package\.json cannot be read.*Correct it"),
        ("[]", HOST, "holds no object"),
        ({"scripts": {"test": "x"}}, HOST, "Node application, but nothing says how it is started.*start script"),
        ({"scripts": ["x"], "dependencies": "x", "engines": 5, "main": 7}, HOST, "nothing says how it is started"),
    ],
)
def test_what_cannot_be_built_says_what_to_mend(package: Any, host: dict[str, str], sentence: str) -> None:  # noqa: ANN401
    files = {"x.js": ""} if "main" in package and package["main"] != 7 else {}
    with pytest.raises(BuildError, match=sentence):
        plan(package, files, host=host)


def test_an_own_build_command_takes_the_place_of_the_build_script() -> None:
    found = plan({"scripts": {"build": "x", "start": "y"}}, build="make")
    assert found.phases == (Phase.of_user("build", "make"),)


def test_a_package_json_beside_python_is_the_front_ends_unless_node_is_run() -> None:
    files = {"app.py": "", "server.js": ""}
    assert plan({}, files).language == "python"
    assert plan({}, files | {"Procfile": "web: node server.js\n"}).language == "node"
    assert plan({}, files | {"Procfile": "web: npm run x && python3 app.py\n"}).language == "python"
