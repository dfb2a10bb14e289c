"""The command line against a panel that runs: what a person types, sees and gets back as a status."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Panel, commit, git_repository, panel, until, web

pytestmark = pytest.mark.timeout(120)

HEADWAY = [sys.executable, "-m", "headway.cli.main"]
SLOW = "NIXPACKS_BUILD_CMD=echo building; sleep 600"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_CANCEL_GRACE="0.2") as started:
        yield started


def environment(of: Panel, **env: str) -> dict[str, str]:
    own = {"HEADWAY_URL": f"http://127.0.0.1:{of.port}", "HEADWAY_API_KEY": KEY, "HOME": "/nowhere"}
    return {"PATH": os.environ["PATH"]} | own | env


def headway(of: Panel, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return run_headway(arguments, environment(of, **env), cwd)


def succeed(of: Panel, *arguments: str, cwd: Path | None = None, **env: str) -> str:
    done = headway(of, *arguments, cwd=cwd, **env)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def begun(of: Panel, folder: Path, name: str) -> str:
    """A deployment whose build has begun and does not end; its id."""
    git_repository(folder, web("never"))
    deployment_id = succeed(of, "deploy", str(folder), "--name", name, "-e", SLOW, "--no-wait").strip()
    of.running(deployment_id, "building")
    return deployment_id


def test_a_folder_is_deployed_and_its_address_is_the_last_line(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "hello", web("hello"))

    shown = succeed(running, "deploy", cwd=tmp_path / "hello").splitlines()

    assert shown[0] == "==> source"
    assert "==> build" in shown
    assert re.fullmatch(r"hello is deployed \(\d+(\.\d)?m?s\)", shown[-2])
    assert shown[-1] == f"http://hello.localhost:{running.edge_port}"
    assert [line for line in shown if "hello.localhost" in line] == shown[-1:], "the address is told once"
    assert running.visit("hello").text == "hello"


def test_a_second_deploy_updates_the_same_application(running: Panel, tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    git_repository(folder, web("one"))
    succeed(running, "deploy", str(folder))
    commit(folder, web("two"), "Second version")

    succeed(running, "deploy", str(folder), "--title", "Once more")

    assert running.visit("twice").text == "two"
    rows = json.loads(succeed(running, "deployments", "list", "--application", "twice", "--json"))
    assert [row["title"] for row in rows] == ["Once more", "first commit"]
    assert len({row["applicationId"] for row in rows}) == 1
    for command, rest in (
        ("list", " of 2; --limit 2 shows all."),
        ("search", "; a larger --limit shows more."),
    ):
        cut_off = headway(running, "deployments", command, "--application", "twice", "--limit", "1")
        assert cut_off.stderr == f"These are the newest 1{rest}\n"


def test_a_subfolder_is_deployed_by_its_place_in_the_repository(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "many", {"shop/index.html": "the shop", "blog/index.html": "the blog"})
    (tmp_path / "many/shop/later.html").write_text("not yet")

    done = headway(running, "deploy", str(tmp_path / "many/shop"))

    assert done.returncode == 0, done.stderr
    assert done.stderr == "warning: 1 file has changes that are not committed and will not be deployed.\n"
    assert running.visit("shop").text == "the shop"
    assert running.visit("shop", "/later.html").status_code == 404


def test_variables_arrive_as_they_were_typed_and_stay(running: Panel, tmp_path: Path) -> None:
    app = web("").get("app.py", "").replace('b""', 'os.environ["ODD"].encode() + os.environ["OTHER"].encode()')
    git_repository(tmp_path / "variables", web("") | {"app.py": app})
    odd = 'it\'s $HOME, "quoted"\n\\n and #two lines'

    succeed(running, "deploy", str(tmp_path / "variables"), "-e", f"ODD={odd}", "-e", "OTHER=1")
    assert running.visit("variables").text == f"{odd}1"

    (tmp_path / "env").write_text("# secrets\nOTHER='2'\n")
    succeed(running, "deploy", str(tmp_path / "variables"), "--env-file", str(tmp_path / "env"))
    assert running.visit("variables").text == f"{odd}2"


def test_a_deploy_that_fails_says_why_and_exits_with_1(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "broken", web("x"))

    done = headway(running, "deploy", str(tmp_path / "broken"), "-e", "NIXPACKS_BUILD_CMD=echo no luck today; exit 7")

    assert done.returncode == 1
    assert "no luck today" in done.stdout
    assert done.stderr.startswith("headway: broken was not deployed: ")
    assert "exit status 7" in done.stderr


def test_a_deploy_whose_address_answers_with_an_error_says_so_at_its_end(running: Panel, tmp_path: Path) -> None:
    files = web("x")
    files["app.py"] = files["app.py"].replace("send_response(200)", "send_response(500)")
    git_repository(tmp_path / "failing", files)

    done = headway(running, "deploy", str(tmp_path / "failing"))

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"\nhttp://failing.localhost:{running.edge_port}\n")
    said = r"warning: it serves, and a visitor gets an error there: GET /: 500 \(after \d+ ms\)\n"
    assert re.fullmatch(said, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("file:///no/such/repository", "no/such/repository"),
        ("ext::sh -c true", "There is no folder"),
        ("--env-file=/no/such/file", "--env-file: /no/such/file cannot be read: No such file or directory."),
        ("--name", "requires an argument"),
    ],
)
def test_what_cannot_be_deployed(running: Panel, source: str, sentence: str) -> None:
    done = headway(running, "deploy", source)
    assert done.returncode in {1, 2}
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_the_deployment_alone_and_says_how_to_come_back(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "left", web("x"))
    # Whoever runs the tests in the background of a script has Ctrl-C ignored, and so would the command.
    command = ["env", "--default-signal=INT", *HEADWAY, "deploy", str(tmp_path / "left"), "-e", SLOW]
    with subprocess.Popen(
        command, env=environment(running), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any("building" in line for line in iter(process.stdout.readline, ""))
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)

    assert process.returncode == 130
    found = re.search(r"headway deployments logs -f (\S+)", told)
    assert found is not None, told
    assert running.one(found[1])["status"] == "running"
    assert "is cancelled" in succeed(running, "deployments", "cancel", found[1])
    assert running.one(found[1])["reason"] == "cancelled"


@pytest.mark.slow
def test_a_deployment_is_killed_followed_shown_and_removed(running: Panel, tmp_path: Path) -> None:
    deployment_id = begun(running, tmp_path / "doomed", "doomed")
    follower = subprocess.Popen(
        [*HEADWAY, "deployments", "logs", "-f", deployment_id],
        env=environment(running),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    assert succeed(running, "deployments", "kill", deployment_id[:8]) == f"{deployment_id} is killed\n"
    followed, _ = follower.communicate(timeout=20)

    assert follower.returncode == 1
    assert "==> build\n" in followed
    assert [line for line in followed.splitlines() if not line.startswith("==> ")] == succeed(
        running, "deployments", "logs", deployment_id
    ).splitlines()
    shown = succeed(running, "deployments", "show", deployment_id)
    assert re.search(r"^Reason +killed$", shown, re.MULTILINE)
    assert re.search(r"^build +\S+", shown, re.MULTILINE)

    again = headway(running, "deployments", "kill", deployment_id)
    assert (again.returncode, again.stderr) == (1, "headway: Deployment is not running\n")
    assert succeed(running, "deployments", "remove", deployment_id) == f"{deployment_id} is removed\n"
    gone = headway(running, "deployments", "show", deployment_id)
    assert (gone.returncode, gone.stderr) == (5, "headway: Deployment not found\n")


def test_a_running_deployment_is_not_removed(running: Panel, tmp_path: Path) -> None:
    deployment_id = begun(running, tmp_path / "held", "held")
    done = headway(running, "deployments", "remove", deployment_id)
    assert (done.returncode, done.stderr) == (1, "headway: Deployment is running; kill it first\n")
    succeed(running, "deployments", "kill", deployment_id)


# It takes its time to listen, and does not come up any more when a file says so.
SLOW_TO_START = """\
import os, pathlib, sys, time
if pathlib.Path(os.environ["HOME"], "broken").exists():
    sys.exit("the disk is gone")
time.sleep(2.5)
"""


@pytest.mark.slow
def test_a_start_is_told_once_the_application_answers(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "slow", {**web("slow"), "app.py": SLOW_TO_START + web("slow")["app.py"]})
    succeed(running, "deploy", str(tmp_path / "slow"))
    succeed(running, "apps", "stop", "slow")
    row = json.loads(succeed(running, "apps", "start", "slow", "--no-wait", "--json"))
    assert row["applicationStatus"] == "running"
    assert succeed(running, "apps", "start", "slow") == "slow is started\n"
    assert running.visit("slow").text == "slow"
    assert json.loads(succeed(running, "apps", "show", "slow", "--json"))["applicationStatus"] == "done"

    succeed(running, "apps", "stop", "slow")
    application_id = json.loads(succeed(running, "apps", "show", "slow", "--json"))["applicationId"]
    (next(running.work.rglob(f"data/{application_id}")) / "broken").touch()
    done = headway(running, "apps", "start", "slow")
    assert (done.returncode, done.stdout) == (1, "")
    assert "headway: slow was started and does not serve (error); headway apps logs slow shows" in done.stderr
    assert json.loads(succeed(running, "apps", "show", "slow", "--json"))["applicationStatus"] == "error"


@pytest.mark.slow
def test_an_application_is_stopped_started_and_deleted(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "served", web("served"))
    succeed(running, "deploy", str(tmp_path / "served"))

    assert succeed(running, "apps", "stop", "served") == "served is stopped\n"
    until(lambda: running.visit("served").status_code == 404, what="the route is gone")
    assert succeed(running, "apps", "start", "served") == "served is started\n"
    assert running.visit("served").status_code == 200
    shown = succeed(running, "apps", "show", "served")
    assert re.search(rf"^Address +http://served\.localhost:{running.edge_port}$", shown, re.MULTILINE)

    refused = headway(running, "apps", "delete", "served")
    assert (refused.returncode, "--yes does it without asking" in refused.stderr) == (2, True)
    deleted = succeed(running, "apps", "delete", "served", "--yes")
    assert deleted.startswith("served is deleted, with the data folder that it had without containers. What stays: ")
    assert "docker volume ls --filter label=headway.application=" in deleted
    unknown = headway(running, "apps", "show", "served")
    assert unknown.returncode == 5
    assert unknown.stderr.startswith("headway: There is no application served.")


@pytest.mark.slow
def test_tables_fit_a_terminal_of_80_columns(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "wide", web("x"))
    title = "A title that says a great deal more than any table has room for, \x1b[31mwith colours"
    succeed(running, "deploy", str(tmp_path / "wide"), "--name", "an-application-with-a-long-name", "--title", title)

    for arguments in (["deployments", "list"], ["apps", "list"], ["deployments", "--help"], ["doctor"]):
        lines = plain(on_terminal(running, arguments, columns=80)).splitlines()
        assert max(len(line.rstrip()) for line in lines) <= 80, lines
    mine = ["deployments", "list", "--application", "an-application-with-a-long-name"]  # others' states may be wider
    row = next(line for line in on_terminal(running, mine, columns=80).splitlines() if "A title" in line)
    assert re.match(r"[A-Za-z0-9_-]{21}  an-application-…", plain(row))
    assert "\x1b[31mwith" not in row


@pytest.mark.slow
def test_a_followed_log_survives_a_restart_of_the_panel(tmp_path: Path) -> None:
    count = "for i in $(seq 1 30); do echo line $i; sleep 0.1; done"
    git_repository(tmp_path / "long", web("x"))
    with panel(tmp_path / "data") as own:
        deployment_id = succeed(
            own, "deploy", str(tmp_path / "long"), "-e", f"NIXPACKS_BUILD_CMD={count}", "--no-wait"
        ).strip()
        follower = subprocess.Popen(
            [*HEADWAY, "deployments", "logs", "-f", deployment_id],
            env=environment(own),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        own.running(deployment_id, "line 5\n")
        own.kill()
        own.start()
        followed, told = follower.communicate(timeout=60)

        assert follower.returncode == 0, told
        assert [line for line in followed.splitlines() if line.startswith("line ")] == [
            f"line {i}" for i in range(1, 31)
        ]
        assert followed.count("==> build\n") == 1


def test_the_owners_key_is_found_in_the_data_folder(running: Panel) -> None:
    env = environment(running, HEADWAY_API_KEY="", HEADWAY_DATA_DIR=str(running.data_dir))
    done = subprocess.run([*HEADWAY, "-v", "apps", "list"], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == (
        f"asking http://127.0.0.1:{running.port} with the key from {running.data_dir / 'owner.key'}\n"
    )


def test_a_wrong_key_and_no_key(running: Panel) -> None:
    wrong = headway(running, "apps", "list", HEADWAY_API_KEY="wrong-key")
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert "refuses the API key from HEADWAY_API_KEY" in wrong.stderr
    none = headway(running, "apps", "list", HEADWAY_API_KEY="", HEADWAY_DATA_DIR="/nowhere")
    assert "HEADWAY_API_KEY is not set" in none.stderr


def test_a_second_panel_on_one_data_folder_is_refused(running: Panel) -> None:
    done = headway(running, "serve", "--data-dir", str(running.data_dir), "--port", "3997", "--edge-port", "3998")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("headway: Another panel (process ")
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "talkative", web("x"))
    succeed(running, "deploy", str(tmp_path / "talkative"), "-e", "NIXPACKS_BUILD_CMD=seq 1 200000")
    deployment_id = running.get("deployment.allCentralized")[0]["deploymentId"]
    process = subprocess.Popen(
        [*HEADWAY, "deployments", "logs", "-f", deployment_id],
        env=environment(running),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(20) == 1


def on_terminal(of: Panel, arguments: Sequence[str], columns: int) -> str:
    """What a command writes to a real terminal of that width."""
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = environment(of, TERM="xterm-256color", HEADWAY_DATA_DIR="/tmp/headway-of-a-test")
    process = subprocess.Popen([*HEADWAY, *arguments], env=env, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    written = b""
    deadline = time.monotonic() + 30
    with suppress(OSError):  # the terminal's other side is closed
        while select.select([leader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            written += os.read(leader, 65536)
    os.close(leader)
    assert process.wait(10) == 0, written
    return written.decode()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
