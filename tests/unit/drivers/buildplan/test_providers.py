"""Sites, scripts, and the languages that are refused: tree to plan."""

from __future__ import annotations

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Phase, Site
from headway.drivers.buildplan.providers.refusals import LanguageRefused
from headway.drivers.buildplan.providers.registry import PROVIDERS, named
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of
from headway.kernel.artifacts import Process


def plan(files: dict[str, str], **settings: object) -> BuildPlan:
    return detect(tree_of(files), BuildSettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "site", "seen", "reason"),
    [
        ({"index.html": ""}, Site(folders=(".",)), "index.html", "it has index.html"),
        ({"public/index.html": ""}, Site(folders=("public",)), "public/index.html", "it has index.html"),
        ({"_site/index.html": ""}, Site(folders=("_site",)), "_site/index.html", "it has index.html"),
        (
            {"Staticfile": "root: 'web' # here\nindex_fallback: true\n", "web/index.html": ""},
            Site(folders=("web",), fallback=True),
            "Staticfile",
            "the root in Staticfile",
        ),
        (
            {"Staticfile": "root: .\n", "index.html": ""},
            Site(folders=(".",)),
            "Staticfile",
            "the root in Staticfile",
        ),
    ],
)
def test_sites(files: dict[str, str], site: Site, seen: str, reason: str) -> None:
    assert plan(files) == BuildPlan(
        provider="static",
        site=site,
        choices=(
            Choice(name="provider", value="static", reason=f"since there is {seen}"),
            Choice(name="publish", value=site.folders[0], reason=reason),
        ),
    )


@pytest.mark.parametrize(("text", "words"), [("", "no index.html"), ("root: ../x\n", "leads out")])
def test_a_staticfile_that_leads_nowhere(text: str, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        plan({"Staticfile": text})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("echo", "sh start.sh"),
        ("#!/bin/bash\n", "bash start.sh"),
        ("#! /usr/bin/env zsh\n", "zsh start.sh"),
        ("#!/bin/dash\n", "sh start.sh"),
        ("#!/usr/bin/env -S python3 -u\n", "python3 start.sh"),
    ],
)
def test_a_script_is_started_by_the_shell_that_it_names(text: str, line: str) -> None:
    assert plan({"start.sh": text}).processes == (Process(name="web", command=line),)


def test_commands_that_are_set_need_no_file() -> None:
    assert plan({}, start="./run", install="get") == BuildPlan(
        provider="shell",
        phases=(Phase.of_user("install", "get"),),
        processes=(Process(name="web", command="./run"),),
        choices=(
            Choice(name="provider", value="shell", reason="nothing but commands is told"),
            Choice(name="install", value="get", reason="as it is set", is_set=True),
            Choice(name="start", value="./run", reason="as it is set", is_set=True),
        ),
    )


@pytest.mark.parametrize(
    ("files", "language"),
    [
        (("composer.json", "package.json"), "PHP"),
        (("index.php",), "PHP"),
        (("Gemfile", "app.rb", "Procfile", "package.json"), "Ruby"),
        (("mix.exs", "assets/package.json"), "Elixir"),
        (("Cargo.toml", "src/main.rs"), "Rust"),
        (("pom.xml", "src/main/java/App.java"), "Java"),
        (("build.gradle.kts",), "Java"),
        (("Shop.csproj",), ".NET"),
        (("Shop.fsproj",), "F#"),
        (("shard.yml",), "Crystal"),
        (("pubspec.yaml",), "Dart"),
        (("gleam.toml",), "Gleam"),
        (("stack.yaml", "package.yaml"), "Haskell"),
        (("build.sbt",), "Scala"),
        (("project.clj",), "Clojure"),
        (("Package.swift",), "Swift"),
        (("build.zig",), "Zig"),
        (("elm.json",), "Elm"),
        (("CMakeLists.txt", "main.cpp"), "C++"),
        (("main.c", "Makefile"), "C"),
        (("main.f90",), "Fortran"),
        (("main.lua",), "Lua"),
        (("haunt.scm",), "Scheme"),
        (("src/index.cbl",), "COBOL"),
        (("_config.yml", "_layouts/default.html", "index.html"), "Jekyll"),
    ],
)
def test_a_language_that_is_not_built_is_named_with_its_file_and_the_ways_out(
    files: tuple[str, ...], language: str
) -> None:
    with pytest.raises(BuildError) as raised:
        plan({name: "web: x\n" if name == "Procfile" else "{}" for name in files})
    message = raised.value.message
    assert any(f" {language} application (it has {file})" in message for file in files), message
    for way in ("Dockerfile", "--start LINE", "--install LINE"):
        assert way in message


def test_a_dockerfile_that_is_there_is_the_way_out() -> None:
    with pytest.raises(BuildError, match=r"by its Dockerfile \(headway apps set APP --builder dockerfile\)"):
        plan({"Gemfile": "", "Dockerfile": ""})


@pytest.mark.parametrize(
    ("files", "has_engine", "programs", "told"),
    [
        (("Gemfile",), False, ("railpack",), "has no container engine that answers: headway doctor says"),
        (("Gemfile", "Dockerfile"), True, (), "--builder dockerfile."),
        (
            ("Gemfile",),
            True,
            ("nixpacks",),
            "has nixpacks and a container engine: headway apps set APP --builder nixpa",
        ),
        (("build.sbt",), True, ("railpack",), "with nixpacks in /usr/local/bin"),
        (("Gemfile",), True, (), "with railpack in /usr/local/bin"),
        (("main.lua",), True, ("railpack", "nixpacks"), "deploy --image IMAGE takes one that was built elsewhere."),
    ],
)
def test_the_ways_out_are_those_of_the_machine(
    files: tuple[str, ...],
    has_engine: bool,  # noqa: FBT001 - a column of the table
    programs: tuple[str, ...],
    told: str,
) -> None:
    with pytest.raises(LanguageRefused) as raised:
        plan(dict.fromkeys(files, ""))
    assert told in raised.value.ways(has_engine=has_engine, programs=programs)


def test_another_application_beside_is_named_too() -> None:
    with pytest.raises(BuildError, match=r"It has go\.mod too: .* headway apps set APP --provider go"):
        plan({"Gemfile": "", "go.mod": "", "main.go": "package main\n"})


def test_a_start_command_runs_what_is_not_built_with_what_the_machine_has() -> None:
    found = plan({"Gemfile": ""}, start="ruby app.rb", install="bundle install")
    assert found.processes == (Process(name="web", command="ruby app.rb"),)
    assert found.phases == (Phase.of_user("install", "bundle install"),)
    assert (found.provider, found.confidence) == ("ruby", Confidence.TOLD)
    assert "does not build Ruby" in found.notes[0]


def test_the_names_of_providers_are_their_own() -> None:
    names = [each.name for each in PROVIDERS]
    assert len(names) == len(set(names))
    assert all(named(name) for name in names)
    assert [each.name for each in PROVIDERS if each.name == getattr(named("Golang"), "name", None)] == ["go"]
