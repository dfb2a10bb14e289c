"""The Dockerfile of a plan, and that what is started there is reached."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.base_image_names import read_bases
from headway.drivers.builders.plan_dockerfile import dockerfile, reached
from headway.drivers.builders.plan_image import describe, recipe_of
from headway.drivers.buildplan.plan import BuildPlan, Choice, Need, Phase
from headway.infra.docker.dockerfiles import instructions, words_of
from headway.kernel.artifacts import Process, Workspace
from headway.kernel.secret import Secret
from tests.unit.drivers.builders.test_foreign_builders import IMAGE

WORKSPACE = Workspace(root="/w", folder="/w/shop")
BASES = read_bases("node=node:test other=debian:test")
SPEC = BuildSpec(cache_folder="/c", image=IMAGE, variables={"TOKEN": Secret("s3cret '$(x)'")}, commit_hash="abc")
PLAN = BuildPlan(
    provider="node",
    needs=(Need(tool="node"), Need(tool="pnpm", wanted="9.15.4")),
    packages=("libpq5",),
    phases=(
        Phase(name="install", argv=("pnpm", "i"), follows=("pnpm-lock.yaml",), makes=("node_modules",)),
        Phase.of_user("build", "echo '$HOME' && pnpm run build"),
    ),
    processes=(Process(name="web", command="serve --host 127.0.0.1:$PORT"), Process(name="mail", command="x", scale=2)),
    path=("node_modules/.bin",),
    env={"HOST": "127.0.0.1", "NOTE": 'a "$b" \\', "LINES": "one\ntwo"},
)


def text_of(plan: BuildPlan = PLAN, *, fresh: bool = False, workspace: Workspace = WORKSPACE) -> str:
    return dockerfile(recipe_of(plan, workspace, replace(SPEC, fresh=fresh), replace(IMAGE, bases=BASES)))


def read(text: str) -> str:
    """A word as BuildKit reads it, with a sign in place of the dollar of a variable."""
    found, quote, signs = "", "", iter(text)
    for sign in signs:
        if sign in "'\"" and quote in {"", sign}:
            quote = "" if quote else sign
        elif sign == "\\" and quote != "'":
            after = next(signs, "")
            found += after if not quote or after in '"$\\' else sign + after
        else:
            found += "\0" if sign == "$" and quote != "'" else sign
    return found


def instructions_of(text: str) -> list[str]:
    """The instructions, without the scripts that are put into files."""
    found, end = [], None
    for line in text.splitlines():
        if end is None:
            found.append(line)
            end = line.partition('<<"')[2].partition('"')[0] or None
        elif line == end:
            end = None
    return [line for line in found if not line.startswith("COPY --chmod=")]


def test_the_instructions_build_in_one_stage_and_leave_what_was_built() -> None:
    run = "RUN --mount=type=cache,target=/headway/home,sharing=locked --mount=type=secret,id=headway"
    assert instructions_of(text_of()) == [
        "FROM node:test AS system",
        "USER 0:0",
        f'{run} ["/headway/phase/packages"]',
        f'{run} ["/headway/phase/pnpm"]',
        "FROM system AS build",
        "WORKDIR /app",
        f'{run} ["/headway/phase/versions"]',
        "COPY . /app",
        "ARG HEADWAY_VARIABLES",
        f'{run} ["/headway/phase/install"]',
        f'{run} ["/headway/phase/build"]',
        "FROM system",
        'RUN ["/headway/account"]',
        "COPY --from=build --chown=1000:1000 /app /app",
        'ENV PATH="/app/shop/node_modules/.bin:$PATH"',
        'ENV HOME="/data"',
        'ENV DATA_DIR="/data"',
        'ENV LANG="C.UTF-8"',
        'ENV npm_config_manage_package_manager_versions="false"',
        'ENV pnpm_config_manage_package_manager_versions="false"',
        'ENV pnpm_config_pm_on_fail="ignore"',
        'ENV HOST="127.0.0.1"',
        'ENV NOTE="a \\"\\$b\\" \\\\"',
        'WORKDIR "/app/shop"',
        "USER 1000:1000",
        "EXPOSE 3000",
        "ENTRYPOINT []",
        'CMD ["/headway/start"]',
    ]


def test_scripts_have_command_lines_as_they_are_and_start_all_processes() -> None:
    lines = text_of().splitlines()
    assert "( cd /app/shop || exit; exec pnpm i ) || exit $?" in lines
    assert """( cd /app/shop || exit; exec /bin/sh -c 'echo '"'"'$HOME'"'"' && pnpm run build' ) || exit $?""" in lines
    assert lines[-lines[::-1].index("export LINES='one")] == "two'"
    begun = [line for line in lines if line.startswith("one ")]
    assert begun == ["one web 1 'serve --host 127.0.0.1:$PORT'", "one mail 1 x", "one mail 2 x"]
    assert "recall && exit" in lines
    assert not any("fresh=yes" in line for line in lines)
    assert any("fresh=yes" in line for line in text_of(fresh=True).splitlines())


def test_what_listens_to_the_loopback_listens_to_all_unless_its_owner_says_how_it_is_started() -> None:
    plan = reached(PLAN)
    assert (plan.processes[0].command, plan.env["HOST"]) == ("serve --host 0.0.0.0:$PORT", "0.0.0.0")  # noqa: S104
    for choice in (
        Choice(name="start", value="x", reason="as it is set", is_set=True),
        Choice(name="start", value="x", reason="NIXPACKS_START_CMD says so"),
        Choice(name="processes", value="web", reason="Procfile says so"),
    ):
        assert reached(replace(PLAN, choices=(choice,))).processes == PLAN.processes


def test_variables_are_a_secret_and_the_cache_follows_them_but_not_the_commit() -> None:
    recipe = recipe_of(PLAN, WORKSPACE, SPEC, replace(IMAGE, bases=BASES))
    built = describe(recipe, WORKSPACE, SPEC)
    assert "s3cret" not in built.dockerfile_text
    assert built.secrets["headway"].reveal() == (
        "export SOURCE_COMMIT=abc\n" + """export TOKEN='s3cret '"'"'$(x)'"'"''\n"""
    )
    another = describe(recipe, WORKSPACE, replace(SPEC, commit_hash="other"))
    assert another.arguments == built.arguments
    changed = describe(recipe, WORKSPACE, replace(SPEC, variables={"TOKEN": Secret("other")}))
    assert changed.arguments != built.arguments
    assert built.context == "/w"


@given(st.text(" \\\"'$#`{}=<ntüß漢ab", min_size=1))
@example("größe und maß")
@example("back\\")
@example(" x ")
@example("#")
@example("$HOME")
def test_a_build_path_is_where_it_is_whatever_it_is_called(name: str) -> None:
    found = [*instructions(text_of(workspace=Workspace(root="/w", folder=f"/w/{name}")))]
    assert [each.word for each in found] == [each.word for each in instructions(text_of())]
    folders = [each.rest for each in found if each.word == "workdir"]
    (path,) = [each.rest for each in found if each.rest.startswith("PATH=")]
    assert [len(words_of(each)) for each in (*folders, path)] == [1, 1, 1]
    assert [read(each) for each in folders] == ["/app", f"/app/{name}"]
    assert read(path) == f"PATH=/app/{name}/node_modules/.bin:\0PATH"


@pytest.mark.parametrize("name", ["a\nUSER 0:0", "a\r", "\udcff"])
def test_a_build_path_that_no_dockerfile_can_name_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match="Rename the folder"):
        text_of(workspace=Workspace(root="/w", folder=f"/w/{name}"))
