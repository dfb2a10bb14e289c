"""A command has the rights of its account and no more, and its secrets are its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.local import LocalHost
from tests.support.machines.local_hosts import BUILD, MODES, OTHER, PATH, local_host, output, run, shell, until

pytestmark = pytest.mark.root

SECRET = "hunter2-correct-horse"


@pytest.fixture(params=["both", "neither"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with local_host(tmp_path, **MODES[request.param]) as host:
        yield host


async def said(anchor: LinkedAnchor, name: str, command: Command) -> str:
    begin = len(await output(anchor))
    await anchor.start(name, command)
    await anchor.wait(name)
    return (await output(anchor))[begin:]


async def test_each_stage_has_dropped_every_right_but_its_accounts(host: LocalHost) -> None:
    anchor = await run(host)
    line = "id -u; id -g; id -G; umask; grep -E 'Cap(Prm|Eff|Amb)|NoNewPrivs|SigIgn' /proc/self/status"
    stage = Stage(argv=("/bin/sh", "-c", line), account=BUILD)
    words = (await said(anchor, "build", Command(stages=(stage,), env={"PATH": PATH}))).split()
    number, nothing = str(BUILD.uid), "0" * 16
    assert words == [
        *(number, number, number, "0022"),
        *("SigIgn:", nothing, "CapPrm:", nothing, "CapEff:", nothing, "CapAmb:", nothing, "NoNewPrivs:", "1"),
    ]


async def test_stages_of_two_accounts_work_together(host: LocalHost) -> None:
    anchor = await run(host)
    stages = (
        Stage(argv=("/bin/sh", "-c", "id -u"), account=BUILD),
        Stage(argv=("/bin/sh", "-c", "cat; id -u"), account=OTHER),
        Stage(argv=("/bin/sh", "-c", "cat; id -u")),
    )
    text = await said(anchor, "build", Command(stages=stages, env={"PATH": PATH}))
    assert text.split() == [str(BUILD.uid), str(OTHER.uid), "0"]


async def test_the_environment_is_what_was_given_and_the_marks(host: LocalHost) -> None:
    anchor = await run(host)
    env = {"PATH": PATH, "A": "two\nlines", "Q": "'\"$`\\", "EMPTY": "", "HEADWAY_DEPLOYMENT_ID": "forged"}
    marks = {"HEADWAY_DEPLOYMENT_ID": anchor.handle.deployment_id, "HEADWAY_EPOCH": "1"}
    text = await said(anchor, "build", Command(stages=(Stage(argv=("env", "-0")),), env=env))
    assert dict(pair.split("=", 1) for pair in text.split("\0")[:-2]) == env | marks


async def test_a_program_that_cannot_be_run_says_why(host: LocalHost, tmp_path: Path) -> None:
    anchor = await run(host)
    plain = tmp_path / "plain"
    plain.write_text("text")
    cases = {
        "missing": (Stage(argv=("no-such-program",)), "/", 127, "cannot run no-such-program: No such file"),
        "plain": (Stage(argv=(str(plain),)), "/", 126, f"cannot run {plain}: Permission denied"),
        "folder": (Stage(argv=("ls",)), "/no/such", 126, "cannot enter the folder /no/such: No such file"),
        "closed": (Stage(argv=("ls",), account=BUILD), "/root", 126, "cannot enter the folder /root: Permission"),
    }
    for name, (stage, folder, status, reason) in cases.items():
        text = await said(anchor, name, Command(stages=(stage,), env={"PATH": PATH}, cwd=folder))
        assert (await anchor.wait(name)).statuses == (status,)
        assert text.startswith(f"headway: {reason}")


async def test_a_build_can_neither_see_nor_signal_its_anchor_or_another_account(host: LocalHost) -> None:
    anchor, other = await run(host), await run(host)
    await other.start("build", shell("echo $$; sleep 1000", OTHER, env={"SECRET": SECRET}))
    await other.changed(0)
    inits = Path(f"/proc/{other.handle.pid}/task/{other.handle.pid}/children").read_text().split()
    victims = [anchor.handle.pid, os.getpid(), int(inits[0])]
    line = "\n".join(f"kill -9 {pid} 2>&1; cat /proc/{pid}/environ /proc/{pid}/mem 2>&1" for pid in victims)
    text = await said(anchor, "build", shell(f"{line}\nkill -9 -1", BUILD))
    assert SECRET not in text
    assert all(Path(f"/proc/{pid}").exists() for pid in victims)
    assert await output(other)


async def test_secrets_are_in_no_list_of_arguments_and_in_no_file(host: LocalHost) -> None:
    anchor = await run(host)
    command = shell("cat > /dev/null; echo go; sleep 1000", BUILD, env={"SECRET": SECRET}, stdin=SECRET.encode())
    await anchor.start("build", command)
    await anchor.changed(0)
    listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 1000" in listed
    assert SECRET not in listed
    for file in Path(anchor.handle.run_folder).rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


async def test_the_first_process_holds_nothing_of_the_anchors(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell("echo go; sleep 1000"))
    await anchor.changed(0)
    (init,) = Path(f"/proc/{anchor.handle.pid}/task/{anchor.handle.pid}/children").read_text().split()
    held = [str(link.readlink()) for link in Path(f"/proc/{init}/fd").iterdir()]
    assert [name for name in held if name.startswith("socket:") or "spool" in name or "epochs" in name] == []
    await until(lambda: len(_pipes(init)) == 1)  # the one on which it reports; another lasts until it has begun


def _pipes(pid: str) -> list[str]:
    names = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [name for name in names if name.startswith("pipe:")]


UNPRIVILEGED = """
import asyncio, sys, os
from pathlib import Path
from headway.infra.hosts.base import AnchorSpec, StopMode
from headway.infra.hosts.command import Account, command
from headway.infra.hosts.local import LocalHost
from headway.kernel.errors import InvalidInput

async def main():
    host = LocalHost(Path(sys.argv[1]), "plain")
    found = await host.capabilities()
    anchor = await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=1, total_seconds=60))
    await anchor.go()
    env = {"PATH": "/usr/bin:/bin"}
    me = Account(uid=os.geteuid(), gid=os.getegid())
    await anchor.start("build", command("/bin/sh", "-c", "id -u; echo $$", env=env, account=me))
    print((await anchor.wait("build")).statuses, (await anchor.read(0, 100)).split(), found.pid_namespaces)
    try:
        await anchor.start("other", command("id", account=Account(uid=1, gid=1)))
    except InvalidInput as error:
        print(error.message)
    line = "(setsid sleep 98765 &); (env -i setsid sleep 98766 &) ; echo up; sleep 98767"
    await anchor.start("long", command("/bin/sh", "-c", line, env=env))
    await anchor.changed(10)
    await anchor.stop(StopMode.KILL)
    print((await anchor.wait("long")).cause)
    await anchor.close()
    await host.aclose()

asyncio.run(main())
"""


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder of the account, where it can be reached (those of pytest are root's alone)."""
    with tempfile.TemporaryDirectory(prefix="headway-test-") as folder:
        os.chown(folder, BUILD.uid, BUILD.gid)
        yield Path(folder)


def test_a_panel_without_rights_runs_commands_as_itself(own_folder: Path) -> None:
    folder = own_folder / "host"
    ended = subprocess.run(
        ["setpriv", f"--reuid={BUILD.uid}", f"--regid={BUILD.gid}", "--clear-groups", "/usr/bin/python3", "-", folder],
        input=UNPRIVILEGED,
        env={"PATH": PATH, "PYTHONPATH": str(Path(__file__).parents[3] / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == ""
    first, refusal, cause = ended.stdout.splitlines()
    statuses, _, rest = first.partition(" ")
    assert statuses == "(0,)"
    assert f"b'{BUILD.uid}'" in rest
    assert "only root may take on another account" in refusal
    assert cause == "killed"
    assert list((folder / "runs").iterdir()) == []
