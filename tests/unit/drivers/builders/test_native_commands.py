"""The native builder's commands, whole."""

from __future__ import annotations

import io
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from headway.drivers.builders.base import BuildSpec
from headway.drivers.builders.native import Surroundings, link_python, phase_command, says_python, seal
from headway.drivers.builders.plan import Phase
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.toolchains.store import Provided
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.kernel.artifacts import Process
from headway.kernel.secret import Secret

BUILD = Account(uid=911, gid=912)
RUN = Account(uid=921, gid=922)
SPEC = BuildSpec(
    cache_folder="/h/cache",
    variables={"TOKEN": Secret('two\nlines "quoted"'), "CI": Secret("")},
    account=BUILD,
    limits=Limits(memory_bytes=1 << 30, oom_score_adj=500),
    step_seconds=60,
    inactivity_seconds=30,
    commit_hash="a" * 40,
)


def test_a_phase_is_one_argument_to_a_shell_under_the_build_account() -> None:
    assert phase_command(
        Phase.of_user("build", "make && true"), "/r/x", Surroundings(path=(".venv/bin",)), SPEC
    ) == Command(
        stages=(Stage(argv=("/bin/sh", "-c", "make && true"), account=BUILD),),
        env={
            "HOME": "/h/cache",
            "LANG": "C.UTF-8",
            "CI": "",
            "SOURCE_COMMIT": "a" * 40,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUNBUFFERED": "1",
            "UV_LINK_MODE": "copy",
            "npm_config_update_notifier": "false",
            "YARN_NODE_LINKER": "node-modules",
            "YARN_ENABLE_TELEMETRY": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "TOKEN": 'two\nlines "quoted"',
            "PATH": "/r/x/.venv/bin:/usr/local/bin:/usr/bin:/bin",
        },
        cwd="/r/x",
        limits=Limits(memory_bytes=1 << 30, oom_score_adj=500),
        step_seconds=60,
        inactivity_seconds=30,
    )


@pytest.mark.parametrize("phase", [Phase.of_user("install", "pnpm install"), Phase(name="install", argv=("pnpm", "i"))])
def test_pnpm_copies_from_its_store_which_is_kept(phase: Phase) -> None:
    env = phase_command(phase, "/r/x", Surroundings(), SPEC).env
    assert env["npm_config_package_import_method"] == "copy"
    assert env["npm_config_store_dir"] == "/h/cache/.pnpm-store"


def test_a_users_line_is_not_filled_in() -> None:
    command = phase_command(Phase.of_user("build", "echo {folder}"), "/r/x", Surroundings(), SPEC)
    assert command.stages[0].argv == ("/bin/sh", "-c", "echo {folder}")


def test_a_path_of_the_users_comes_after_what_the_build_made() -> None:
    spec = BuildSpec(cache_folder="/c", variables={"PATH": Secret("/opt/x")})
    given = Surroundings(
        path=("bin",), provided=Provided(path=("/t/node/22.1.0/bin",), env={"A": "1", "B": "1"}), env={"B": "2"}
    )
    env = phase_command(Phase.of_user("build", "x"), "/r", given, spec).env
    assert (env["PATH"], env["A"], env["B"]) == ("/r/bin:/t/node/22.1.0/bin:/opt/x", "1", "2")


def test_a_phase_runs_in_its_folder_with_what_it_adds() -> None:
    command = phase_command(Phase(name="build", argv=("x",), folder="web", env={"A": "1"}), "/r", Surroundings(), SPEC)
    assert (command.cwd, command.env["A"]) == ("/r/web", "1")


def test_secrets_do_not_show() -> None:
    assert "quoted" not in repr(phase_command(Phase.of_user("build", "make"), "/r/x", Surroundings(), SPEC))
    assert "quoted" not in repr(SPEC)


def test_the_link_to_python_is_unpacked_as_the_build_account() -> None:
    command = link_python("/r/x", SPEC)
    assert command.stages == (Stage(argv=("tar", "--extract", "--file=-", "--no-same-owner"), account=BUILD),)
    assert command.cwd == "/r/x"
    with tarfile.open(fileobj=io.BytesIO(command.stdin)) as archive:
        entries = [(entry.name, entry.linkname) for entry in archive]
    assert entries == [(".headway", ""), (".headway/bin", ""), (".headway/bin/python", "/usr/bin/python3")]


def test_sealing_tells_whose_files_it_takes_and_which_group_they_get() -> None:
    command = seal("/r/x", build=BUILD, run=RUN)
    stage = command.stages[0]
    assert (len(command.stages), stage.account, stage.argv[:2]) == (1, None, ("perl", "-e"))
    assert stage.argv[3:] == ("--", "/r/x", "911", "922")
    assert command.env == {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def test_a_panel_without_accounts_seals_by_modes_alone(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "file").write_text("x")
    (tmp_path / "closed" / "file").chmod(0o606)
    (tmp_path / "closed").chmod(0o100)
    before = tmp_path.stat()
    stage = seal(str(tmp_path), build=None, run=None).stages[0]
    subprocess.run(stage.argv, check=True)
    found = [tmp_path, tmp_path / "closed", tmp_path / "closed" / "file"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in found] == [0o750, 0o750, 0o640]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in found} == {(before.st_uid, before.st_gid)}


@pytest.mark.parametrize(
    ("command", "is_said"),
    [
        ("python app.py", True),
        ("exec python app.py", True),
        ("cd src;python app.py", True),
        ("python3 app.py", False),
        ("python3.13 app.py", False),
        ("./python app.py", False),
        ("ipython x", False),
    ],
)
def test_a_command_that_says_python_needs_a_link_but_in_a_virtual_environment(command: str, *, is_said: bool) -> None:
    processes = (Process(name="web", command=command),)
    assert says_python(BuildPlan(provider="python", processes=processes), Provided()) is is_said
    assert not says_python(BuildPlan(provider="python", processes=processes, path=(".venv/bin",)), Provided())
