"""The command line as a whole: what it offers, how it ends, and how quickly it is there."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

from headway import __version__
from headway.cli.main import shielded, short
from headway.cli.tree import TREE, Command, Group, completed, named_in
from tests.support.panel.command_line import run_headway

# What a call for help may not pay for; each costs tens of milliseconds and more.
HEAVY = (
    "httpx",
    "rich",
    "asyncio",
    "sqlalchemy",
    "pydantic",
    "starlette",
    "uvloop",
    "cryptography",
    "headway.panel",
)


def headway(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    of_nobody = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "HEADWAY_URL": "http://127.0.0.1:9"}
    return run_headway(arguments, of_nobody | env)


def test_help_names_every_command() -> None:
    shown = headway("--help").stdout
    told = {name for name, found in TREE.items() if not (isinstance(found, Command) and found.hidden)}
    assert {"serve", "deploy", "deployments"} <= told
    assert {name for name in TREE if f"  {name} " in shown} == told
    group = TREE["deployments"]
    assert isinstance(group, Group)
    shown = headway("deployments", "--help").stdout
    assert [name for name in group.commands if f"  {name} " not in shown] == []


@pytest.mark.parametrize(
    "group", ["", "deployments", "apps", "domains", "projects", "keys", "members", "env", "profiles"]
)
def test_a_list_of_commands_cuts_no_word_off(group: str) -> None:
    shown = headway(*filter(None, [group]), "--help", COLUMNS="80").stdout.partition("Commands:")[2]
    told = re.split(r"\n  (?! )", shown)[1:]
    assert [each for each in told if not each.rstrip().endswith(".")] == []
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown


def test_a_long_sentence_is_cut_where_it_goes_on_without_need_and_never_in_a_list() -> None:
    text = "Says whether this version can open a folder, and what it would do, and why; changes nothing.\n\nMore."
    assert short(text) == "Says whether this version can open a folder, and what it would do, and why."
    every = "Lists the projects, their environments, and how many applications each has."
    assert short(every) == every
    assert short("Lists deployments, the newest first.") == "Lists deployments, the newest first."
    assert short("Forgets a key. It stays valid.") == "Forgets a key."


def test_a_person_reads_whole_words_in_80_columns() -> None:
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "HEADWAY_URL": "http://127.0.0.1:9", "TERM": "xterm"}
    command = [sys.executable, "-m", "headway.cli.main", "apps", "list"]
    subprocess.run(command, env=env, stdin=follower, stdout=follower, stderr=follower, check=False, timeout=60)
    lines = os.read(leader, 65536).decode().splitlines()
    for descriptor in (leader, follower):
        os.close(descriptor)

    assert max(map(len, lines)) <= 80
    told = "No panel answers at http://127.0.0.1:9. Start one with 'headway serve', or set HEADWAY_URL to where it is."
    assert " ".join(lines) == f"headway: {told}"


@pytest.mark.slow
def test_help_fits_80_columns() -> None:
    for arguments in (
        (),
        ("deploy",),
        ("status",),
        ("rollback", "shop"),
        ("apps", "set"),
        ("domains", "add"),
        ("composes", "set"),
        ("serve",),
        ("deployments", "logs"),
        ("deployments", "search"),
        ("deployments", "wait"),
        ("apps", "delete"),
        ("doctor",),
        ("keys", "create"),
        ("members", "access"),
        ("audit",),
        ("login",),
    ):
        done = headway(*arguments, "--help")
        assert done.returncode == 0
        assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_the_version() -> None:
    assert headway("--version").stdout == f"headway {__version__}\n"


def test_what_is_heavy_is_imported_late() -> None:
    code = "import sys, headway.cli.main as m; m.build(); print(*[n for n in sys.argv[1:] if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["deployments", "list"], "deployments"),
        (["--verbose", "apps"], "apps"),
        (["--profile", "deploy", "apps", "list"], "apps"),
        (["--profile=deploy", "apps", "list"], "apps"),
        (["aps", "list"], None),
        (["--help"], None),
        ([], None),
    ],
)
def test_only_what_is_named_is_made(arguments: list[str], named: str | None) -> None:
    assert named_in(arguments, ["--profile"]) == named


def test_a_list_of_all_loads_what_is_in_no_group() -> None:
    loaded = modules_after(["--help"])
    ours = {name.rpartition(".")[2] for name in loaded if name.startswith("headway.cli.commands.")}
    assert ours == {"audit", "completion", "deploy", "doctor", "install", "profiles", "serve", "status", "upkeep"}


def test_an_answer_is_shown_without_what_draws_screens_or_knows_settings() -> None:
    loaded = modules_after(["apps", "list"])
    assert "httpx" in loaded
    heavy = {"rich", "httpx._main", "pygments", "asyncio", "sqlalchemy", "pydantic", "headway.kernel.settings"}
    assert heavy & loaded == set()


def test_help_of_a_command_with_options_loads_nothing_heavy() -> None:
    """Options of some versions of Typer are read by Pydantic, which takes longer to load than all else together."""
    assert set(HEAVY) & modules_after(["apps", "set", "--help"]) == set()


def modules_after(arguments: list[str]) -> set[str]:
    """What is loaded once a command has ended."""
    code = "import sys; from headway.cli.main import main; sys.argv = ['headway', *sys.argv[1:]]\n"
    code += "try: main()\nexcept SystemExit: pass\nprint('loaded', *sys.modules)"
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "HEADWAY_URL": "http://127.0.0.1:9", "HEADWAY_API_KEY": "k"}
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=env)
    return set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        (["rollback", "shop"], ["rollback", "back", "shop"]),
        (["rollback", "--version", "2", "shop"], ["rollback", "back", "--version", "2", "shop"]),
        (["--profile", "x", "rollback", "shop"], ["--profile", "x", "rollback", "back", "shop"]),
        (["rollback", "to", "3kfD"], ["rollback", "to", "3kfD"]),
        (["rollback", "--help"], ["rollback", "--help"]),
        (["rollback"], ["rollback"]),
        (["apps", "shop"], ["apps", "shop"]),
    ],
)
def test_a_group_takes_its_usual_command_for_granted(arguments: list[str], taken: list[str]) -> None:
    assert completed(arguments, named_in(arguments, ["--profile"])) == taken


def test_a_word_that_nobody_knows_brings_the_near_one() -> None:
    assert "Did you mean 'status'?" in headway("stats").stderr
    assert "Did you mean 'delete'?" in headway("apps", "delet").stderr


def test_a_command_loads_no_other() -> None:
    code = "import sys; from headway.cli.main import build; build('projects'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("headway.cli.commands.")}
    assert ours == {"headway.cli.commands.projects", "headway.cli.commands.completion"}


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("deployments", "list"), 4, "headway: No panel answers at http://127.0.0.1:9. Start one with 'headway serve'"),
        (("--profile", "shop", "apps", "list"), 5, "headway: There is no profile shop. 'headway login URL"),
        (("apps", "list", "--profile=shop"), 5, "headway: There is no profile shop."),
        (("logout",), 5, "headway: There is no profile default."),
        (("deploy", "/no/such/folder"), 2, "headway: There is no folder /no/such/folder."),
        (("deploy", "https://example.com/a", "--env", "=x"), 2, "headway: --env: it takes NAME=VALUE"),
        (("deployments", "search", "--since", "soon"), 2, "headway: --since: 'soon' is not possible; it takes 90m, 2h"),
        (("serve", "--port", "0"), 2, "headway: --port: '0' is not possible; it takes a whole number from 1 to 65535."),
        (("serve", "--log-level", "loud"), 2, "headway: --log-level: 'loud' is not possible"),
    ],
)
def test_an_error_is_one_sentence_and_a_status(arguments: tuple[str, ...], status: int, sentence: str) -> None:
    done = headway(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr


def test_a_bad_address_of_the_panel() -> None:
    done = headway("apps", "list", HEADWAY_URL="ftp://x")
    assert done.returncode == 2
    assert done.stderr.startswith("headway: HEADWAY_URL: 'ftp://x' is not possible; it takes http://HOST:PORT")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (
            ["deployments", "logs", "-5dZKHloJhquccc65M5_s", "-f"],
            ["deployments", "logs", "-f", "--", "-5dZKHloJhquccc65M5_s"],
        ),
        (["deployments", "show", "pDN-jXIZI6fnNE4F_pGTg"], ["deployments", "show", "pDN-jXIZI6fnNE4F_pGTg"]),
        (["x", "--inactivity-deadline", "1"], ["x", "--inactivity-deadline", "1"]),
        (["x", "--", "-5dZKHloJhquccc65M5_s"], ["x", "--", "-5dZKHloJhquccc65M5_s"]),
        (["--_ABCDEFGHIJKLMNOPQR"], ["--", "--_ABCDEFGHIJKLMNOPQR"]),
        (["apps", "list", "--profile", "shop", "--json"], ["--profile", "shop", "apps", "list", "--json"]),
        (["apps", "list", "--profile=shop"], ["--profile=shop", "apps", "list"]),
        (["x", "--", "--profile", "shop"], ["x", "--", "--profile", "shop"]),
    ],
)
def test_ids_are_no_options_and_the_profile_may_stand_anywhere(given: list[str], taken: list[str]) -> None:
    assert shielded(given) == taken


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("bash", {"COMP_WORDS": "headway dep", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "headway dep"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "headway dep", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_a_shell_is_told_how_words_go_on(shell: str, asked: dict[str, str]) -> None:
    assert "_HEADWAY_COMPLETE=complete_" + shell in headway("completion", shell).stdout
    offered = headway(_HEADWAY_COMPLETE=f"complete_{shell}", **asked).stdout
    assert "deployments" in offered
    assert "doctor" not in offered


def test_words_of_a_group_are_completed_too() -> None:
    asked = {"COMP_WORDS": "headway deployments ca", "COMP_CWORD": "2", "_HEADWAY_COMPLETE": "complete_bash"}
    assert headway(**asked).stdout.split() == ["cancel"]
