"""Languages that Headway knows by their files and does not build: said before anything is installed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

_LEAVES: Final[Mapping[str, str]] = {"Jekyll": "_site", "mdBook": "book"}
# The programs of others that make images, the first that has a language goes before.
_BOTH = ("PHP", "Ruby", "Elixir", "Gleam", "Java", ".NET", "Rust", "C++")
_BUILT: Final[Mapping[str, frozenset[str]]] = {
    "railpack": frozenset(_BOTH),
    "nixpacks": frozenset((*_BOTH, "Scala", "Clojure", "F#", "Swift", "Dart", "Crystal", "Haskell", "Zig", "COBOL")),
}
OTHERS: Final = tuple(_BUILT)


class LanguageRefused(BuildError):
    """Headway knows the language by its files, and does not build it; ``has_dockerfile`` says whether they do."""

    def __init__(self, message: str, language: str, *, has_dockerfile: bool) -> None:
        super().__init__(message)
        self.language = language
        self.has_dockerfile = has_dockerfile

    def followed_by(self, more: str) -> LanguageRefused:
        """The same with more that there is to say."""
        message = f"{self.message} {more}".strip()
        return LanguageRefused(message, self.language, has_dockerfile=self.has_dockerfile)

    def ways(self, *, has_engine: bool, programs: Collection[str]) -> str:
        """What of it can be done on a machine that has these, or what is to be installed there first."""
        if not has_engine:
            return (
                "This machine has no container engine that answers: headway doctor says what to install, and headway "
                "deploy --server NAME takes a machine that has one."
            )
        if self.has_dockerfile:
            return "This machine has a container engine: headway apps set APP --builder dockerfile."
        by = [name for name, languages in _BUILT.items() if self.language in languages]
        there = next((name for name in by if name in programs), None)
        if there is not None:
            return f"This machine has {there} and a container engine: headway apps set APP --builder {there}."
        image = "headway deploy --image IMAGE takes one that was built elsewhere"
        if not by:
            return f"This machine has a container engine, which builds a Dockerfile; {image}."
        return (
            f"This machine has a container engine, which builds a Dockerfile; {image}; and with {by[0]} in "
            f"/usr/local/bin (https://{by[0]}.com) headway apps set APP --builder {by[0]} needs no Dockerfile."
        )


def refused(name: str, language: str, *patterns: str, faint: bool = False, beside: Sequence[str] = ()) -> Provider:
    """A language that is told by these files, and by one of those ``beside`` them too."""
    return Provider(
        name=name,
        reads=(),
        recognise=partial(_recognise, patterns, beside),
        plan=partial(_plan, name, language, (patterns, beside)),
        faint=faint,
        foreign=True,
    )


def _recognise(patterns: Sequence[str], beside: Sequence[str], tree: Tree) -> str | None:
    if beside and not any(tree.matching(pattern) for pattern in beside):
        return None
    return next((found[0] for pattern in patterns if (found := tree.matching(pattern))), None)


def _plan(
    name: str, language: str, by: tuple[Sequence[str], Sequence[str]], tree: Tree, settings: BuildSettings
) -> BuildPlan:
    """What the owner says is done with what the machine has; without a start command there is nothing to do."""
    seen = _recognise(*by, tree) or "the setting provider"
    if settings.start is None and settings.publish is None:
        raise LanguageRefused(sentence(language, seen, tree), language, has_dockerfile="Dockerfile" in tree)
    return BuildPlan(
        provider=name,
        confidence=Confidence.TOLD,
        choices=(Choice(name="provider", value=name, reason=f"{seen} says {language}"),),
        notes=(f"Headway does not build {language} by itself: what is set is run, with what this machine has.",),
    )


def sentence(language: str, seen: str, tree: Tree) -> str:
    """Why nothing was begun, and the ways out."""
    dockerfile = (
        "have it built by its Dockerfile (headway apps set APP --builder dockerfile), which takes a container engine"
        if "Dockerfile" in tree
        else "add a Dockerfile, which takes a container engine"
    )
    leaves = _LEAVES.get(language)
    elsewhere = f"build it where {language} is, and deploy what it leaves (headway deploy {leaves}); " if leaves else ""
    article = "an" if language[0] in "AEIOU" or language in {"F#", "R"} else "a"
    return (
        f"This is {article} {language} application (it has {seen}), and Headway does not build {language} by itself. "
        f"Either {elsewhere}{dockerfile}; or, if the machine has {language}, set the start command "
        "(headway apps set APP --start LINE), and the commands that install and build it (--install LINE, --build "
        "LINE)."
    )


# Before the languages that Headway builds: a package.json or a script beside these is theirs.
FIRST: Final = (
    refused("meteor", "Meteor", ".meteor/release"),
    refused("php", "PHP", "composer.json", "artisan", "index.php", "public/index.php"),
    refused("jekyll-gem", "Jekyll", "_config.yml", beside=("Gemfile", "*.gemspec", "_posts/*", "_layouts/*.html")),
    refused("ruby", "Ruby", "Gemfile", "gems.rb", "config.ru", "*.gemspec"),
    refused("elixir", "Elixir", "mix.exs"),
    refused("gleam", "Gleam", "gleam.toml"),
    refused("scala", "Scala", "build.sbt", "build.sc"),
    refused("clojure", "Clojure", "project.clj", "deps.edn", "build.boot"),
    refused("java", "Java", "pom.xml", "build.gradle", "build.gradle.kts", "gradlew"),
    refused("fsharp", "F#", "*.fsproj"),
    refused("dotnet", ".NET", "*.csproj", "*.vbproj", "*.sln", "*.slnx"),
    refused("swift", "Swift", "Package.swift"),
    refused("dart", "Dart", "pubspec.yaml"),
    refused("crystal", "Crystal", "shard.yml"),
    refused("haskell", "Haskell", "stack.yaml", "cabal.project", "*.cabal"),
    refused("zig", "Zig", "build.zig"),
    refused("nim", "Nim", "*.nimble"),
    refused("julia", "Julia", "Project.toml"),
    refused("r", "R", "renv.lock", "app.R", "server.R", "plumber.R"),
    refused("perl", "Perl", "cpanfile", "Makefile.PL"),
    refused("ocaml", "OCaml", "dune-project", "*.opam"),
    refused("erlang", "Erlang", "rebar.config"),
)
# After Python: what is written in them beside it is an extension of it.
RUST: Final = refused("rust", "Rust", "Cargo.toml")
# After Node too: its tools build these.
LAST: Final = (
    refused("elm", "Elm", "elm.json"),
    refused("mdbook", "mdBook", "book.toml"),
    refused("jekyll", "Jekyll", "_layouts/*.html"),
)
# Known by no more than the ending of their files.
FAINT: Final = (
    refused("cpp", "C++", "CMakeLists.txt", "meson.build", "*.cpp", "*.cc", "*.cxx", "src/*.cpp", faint=True),
    refused("c", "C", "*.c", "src/*.c", faint=True),
    refused("fortran", "Fortran", "fpm.toml", "*.f90", "*.f", "src/*.f90", faint=True),
    refused("cobol", "COBOL", "*.cbl", "*.cob", "src/*.cbl", "src/*.cob", faint=True),
    refused("scheme", "Scheme", "*.scm", "*.rkt", faint=True),
    refused("lua", "Lua", "*.lua", "*.rockspec", faint=True),
    refused("ruby-scripts", "Ruby", "*.rb", faint=True),
    refused("perl-scripts", "Perl", "*.pl", "*.psgi", faint=True),
    refused("java-files", "Java", "*.java", "src/*.java", faint=True),
    refused("swift-files", "Swift", "*.swift", faint=True),
    refused("haskell-files", "Haskell", "*.hs", "app/*.hs", faint=True),
    refused("rust-files", "Rust", "*.rs", faint=True),
    refused("jekyll-site", "Jekyll", "_config.yml", faint=True),
)
