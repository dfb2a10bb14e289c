"""What an application of processes sees of the machine's other processes, and what it may ask of the kernel."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.panel.panel import Panel, git_repository, until, web

pytestmark = [pytest.mark.root, pytest.mark.slow]

LOOKER = """\
import ctypes, http.server, os, socket, subprocess, urllib.parse

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    ctypes.set_errno(0)
    given = libc.syscall(number, *(ctypes.c_long(each) if isinstance(each, int) else each for each in arguments))
    return "done" if given >= 0 else os.strerror(ctypes.get_errno())

def pids():
    return sorted(int(each) for each in os.listdir("/proc") if each.isdigit())

def ps():
    return subprocess.run(["ps", "axwwe"], capture_output=True, text=True).stdout

def opened(family, kind=socket.SOCK_STREAM, protocol=0):
    with socket.socket(family, kind, protocol):
        return "opened"

def own(line):
    return subprocess.run(line, shell=True, capture_output=True, text=True, timeout=20).stdout.strip()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.unquote(self.path[1:])
        try:
            said = str(eval(asked)) if asked else "up"
        except OSError as error:
            said = type(error).__name__ + " " + str(error.errno)
        self.send_response(200)
        self.send_header("Content-Length", str(len(said.encode())))
        self.end_headers()
        self.wfile.write(said.encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
FILES = {"app.py": LOOKER, "Procfile": "web: python3 app.py\nworker: sleep 9876\n", "requirements.txt": ""}
NEW_USER = 0x10000000
NUMBERS = {
    "x86_64": {
        "mount": 165,
        "umount2": 166,
        "pivot_root": 155,
        "setns": 308,
        "bpf": 321,
        "perf_event_open": 298,
        "userfaultfd": 323,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "open_by_handle_at": 304,
        "init_module": 175,
        "finit_module": 313,
        "delete_module": 176,
        "kexec_load": 246,
        "kexec_file_load": 320,
        "unshare": 272,
        "clone": 56,
    },
    "aarch64": {
        "mount": 40,
        "umount2": 39,
        "pivot_root": 41,
        "setns": 268,
        "bpf": 280,
        "perf_event_open": 241,
        "userfaultfd": 282,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "open_by_handle_at": 265,
        "init_module": 105,
        "finit_module": 273,
        "delete_module": 106,
        "kexec_load": 104,
        "kexec_file_load": 294,
        "unshare": 97,
        "clone": 220,
    },
}[os.uname().machine]
KILL, PTRACE, READ_OF, WRITE_TO = (62, 101, 310, 311) if os.uname().machine == "x86_64" else (129, 117, 270, 271)
PIDFD_OPEN, PIDFD_SIGNAL, PIDFD_GET = 434, 424, 438
_PIECE = "ctypes.byref((ctypes.c_void_p * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8))"
ON_A_PROCESS = (
    *((f"signal {number}", KILL, str(number)) for number in (0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP)),
    ("memory read", READ_OF, f"{_PIECE}, 1, {_PIECE}, 1, 0"),
    ("memory written", WRITE_TO, f"{_PIECE}, 1, {_PIECE}, 1, 0"),
)
NEW = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442, "io_uring_setup": 425}


class Stage:
    """A panel with an application that looks around, and a neighbour with a secret."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel = panel
        neighbour = panel.application(git_repository(folder / "neighbour", web("neighbour")), name="neighbour")
        panel.post("application.saveEnvironment", applicationId=neighbour, env="HTTPS_PROXY=http://u:neighbours-word@p")
        self.neighbour = panel.deploy(neighbour)
        panel.done(self.neighbour)
        self.looker = panel.application(git_repository(folder / "looker", FILES), name="looker")
        self.release = panel.deploy(self.looker)
        panel.done(self.release)

    def supervisor(self) -> int:
        """What keeps the panel's applications up."""
        named = str(self.panel.work).encode()
        found = (each for each in Path("/proc").iterdir() if each.name.isdecimal() and b"supervisord" in cmdline(each))
        return int(next(each.name for each in found if named in cmdline(each)))

    def started_with(self, record: Path, told: str) -> None:
        """Starts the looker anew with what its release's record says then."""
        record.write_text(told)
        self.panel.post("application.stop", applicationId=self.looker)
        self.panel.post("application.start", applicationId=self.looker)
        until(lambda: self.panel.visit("looker").text == "up", 20, what="it serves again")

    def asks(self, what: str) -> str:
        """What came of it."""
        return self.panel.visit("looker", f"/{quote(what)}").text


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("processes")
    panel = Panel(folder / "data").start()
    try:
        yield Stage(panel, folder)
    finally:
        panel.clean_up()


def test_an_application_sees_its_own_processes_and_no_others(stage: Stage) -> None:
    seen = {int(each) for each in stage.asks("pids()").strip("[]").split(",")}
    mine = set(pids_of(stage.release))
    assert mine
    assert not {pid for pid in seen - mine if runs(pid)}, "it sees what is not its own"
    # Who was just started anew answers before its other process is there.
    until(lambda: "sleep 9876" in stage.asks("ps()"), 20, what="its worker is seen")
    listed = stage.asks("ps()")
    for secret in (stage.neighbour, "neighbours-word", "supervisord", "headway serve", "traefik"):
        assert secret not in listed


def test_no_other_way_leads_to_a_process_of_others(stage: Stage) -> None:
    pid = pids_of(stage.neighbour)[0]
    files = ("cmdline", "status", "stat", "environ", "maps", "mem", "root/etc/hostname", "cwd/app.py", "fd/1")
    tried = {path: stage.asks(f"open({path!r}, 'rb').read(1)") for path in ("/proc/1/cmdline", *paths_of(pid, files))}
    assert {path: said for path, said in tried.items() if not said.startswith("FileNotFoundError")} == {}
    assert stage.asks(f"os.listdir('/proc/{pid}/fd')").startswith("FileNotFoundError")


def test_nobody_ends_holds_or_reads_a_process_of_others(stage: Stage) -> None:
    """Whoever guesses its number learns that there is one, and no more."""
    (neighbour, *_), supervisor = pids_of(stage.neighbour), stage.supervisor()
    for pid in (neighbour, supervisor, 1):
        held = f"libc.syscall({PIDFD_OPEN}, {pid}, 0)"
        refused = {name: stage.asks(f"call({number}, {pid}, {rest})") for name, number, rest in ON_A_PROCESS}
        refused["trace"] = stage.asks(f"call({PTRACE}, 0x4206, {pid}, 0, 0)")
        refused["signal by descriptor"] = stage.asks(f"call({PIDFD_SIGNAL}, {held}, 9, 0, 0)")
        refused["descriptor of it"] = stage.asks(f"call({PIDFD_GET}, {held}, 1, 0)")
        assert {name: said for name, said in refused.items() if said != "Operation not permitted"} == {}
    assert pids_of(stage.neighbour)[0] == neighbour


def test_it_sees_no_control_group_of_others_and_its_own_bounds(stage: Stage) -> None:
    """They are called after releases and containers, name their processes, and say what those use."""
    seen = stage.asks("[(at, below) for at, below, _ in os.walk('/sys/fs/cgroup')]")
    told = stage.asks(
        "[*open('/proc/self/cgroup'), *(each for each in open('/proc/self/mountinfo') if 'cgroup' in each)]"
    )
    for other in (stage.neighbour, "releases", "docker"):
        assert other not in seen
        assert other not in told
    own = set(pids_of(stage.release))
    lists = "[open(at + '/cgroup.procs').read() for at, _, of in os.walk('/sys/fs/cgroup') if 'cgroup.procs' in of]"
    named = {int(each) for each in stage.asks(f"' '.join({lists})").split()}
    assert named
    assert named <= own
    (bound,) = {each.read_text() for each in groups_of(stage.release, "pids.max")}
    (folder,) = (each for each in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup") if Path(each, "cgroup.procs").exists())
    assert stage.asks(f"open('{folder}/pids.max').read()") == bound
    assert stage.asks(f"open('{folder}/cgroup.procs', 'w')").startswith(("PermissionError", "OSError 30"))


def test_a_release_of_an_older_version_goes_on_without_bounds_that_it_reads(stage: Stage) -> None:
    """What a program makes of its memory follows from what it reads there, and it has served without."""
    (record,) = stage.panel.work.rglob(f"{stage.release}/release.json")
    kept = record.read_text()
    told = json.loads(kept)
    del told["shows_bounds"]
    try:
        stage.started_with(record, json.dumps(told))
        assert stage.neighbour not in stage.asks("list(os.walk('/sys/fs/cgroup'))")
        listed = stage.asks("[at for at, _, files in os.walk('/sys/fs/cgroup') if files]")
    finally:
        stage.started_with(record, kept)
    assert listed == "[]"


def test_processes_of_one_application_are_one_account(stage: Stage) -> None:
    """What one may do, the other may: nothing parts them but what an account parts."""
    (worker,) = (pid for pid in pids_of(stage.release) if b"9876" in cmdline(Path(f"/proc/{pid}")))
    assert stage.asks(f"call({KILL}, {worker}, 0)") == "done"
    assert "HEADWAY_PROCESS=worker" in stage.asks(f"open('/proc/{worker}/environ').read()")


@pytest.mark.parametrize("name", [*(each for each in NUMBERS if each not in {"unshare", "clone"}), *NEW])
def test_the_kernel_takes_none_of_what_is_too_often_a_way_in(stage: Stage, name: str) -> None:
    number = {**NUMBERS, **NEW}[name]
    assert stage.asks(f"call({number}, 0, 0, 0, 0, 0)") == "Operation not permitted"


def test_no_namespace_of_users_is_to_be_had(stage: Stage) -> None:
    assert stage.asks(f"call({NUMBERS['unshare']}, {NEW_USER})") == "Operation not permitted"
    assert stage.asks(f"call({NUMBERS['clone']}, {NEW_USER | signal.SIGCHLD}, 0, 0, 0, 0)") == "Operation not permitted"
    assert stage.asks("call(435, ctypes.create_string_buffer(88), 88)") == "Function not implemented"
    assert stage.asks("own('unshare --user id -u')") == ""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only there are there two more ways to call the kernel")
def test_the_older_ways_to_call_the_kernel_lead_no_further(stage: Stage) -> None:
    assert stage.asks(f"call({0x40000000 + NUMBERS['mount']}, 0, 0, 0, 0, 0)") == "Function not implemented"


def test_sockets_are_those_of_the_internet_and_of_the_machine_itself(stage: Stage) -> None:
    for family in ("AF_INET", "AF_INET6", "AF_UNIX"):
        assert stage.asks(f"opened(socket.{family})") == "opened"
    assert stage.asks("opened(socket.AF_NETLINK, socket.SOCK_RAW)") == "opened"
    for number in (40, 38, 17, 21, 30, 43):
        assert stage.asks(f"opened({number})") == "OSError 97"
    for protocol in (262, 132, 33):
        assert stage.asks(f"opened(socket.AF_INET, socket.SOCK_STREAM, {protocol})") == "OSError 93"


def test_what_an_application_does_every_day_goes_on(stage: Stage) -> None:
    assert stage.asks("own('echo a | tr a b; nproc >/dev/null && head -c 3 /proc/meminfo')") == "b\nMem"
    assert stage.asks("__import__('threading').Thread(target=print).start()") == "None"
    assert stage.asks(f"call({NUMBERS['unshare']}, 0x200)") == "done"  # of open files, as some servers do


def test_kills_restarts_and_stops_reach_every_process(stage: Stage) -> None:
    stage.asks("subprocess.Popen(['setsid', 'sleep', '9877'], env={})")
    worker = next(pid for pid in pids_of(stage.release) if b"9876" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(worker, signal.SIGKILL)

    def is_back() -> bool:
        found = [each for each in pids_of(stage.release) if b"9876" in cmdline(Path(f"/proc/{each}"))]
        return bool(found) and found != [worker]

    until(is_back, 20, what="the worker is started again")
    stage.panel.post("application.stop", applicationId=stage.looker)
    assert not [each for each in Path("/proc").iterdir() if each.name.isdecimal() and b"\x009877\0" in cmdline(each)]
    assert pids_of(stage.release) == []
    stage.panel.post("application.start", applicationId=stage.looker)
    until(lambda: stage.panel.visit("looker").text == "up" and is_back(), 20, what="it serves again, and works")


def paths_of(pid: int, files: tuple[str, ...]) -> list[str]:
    return [f"/proc/{pid}/{each}" for each in files]


def cmdline(folder: Path) -> bytes:
    try:
        return b"\0" + (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def pids_of(release_id: str) -> list[int]:
    """The processes of a release, by its group."""
    for mount in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        for group in Path(mount).glob(f"headway/*/releases/{release_id}/cgroup.procs"):
            return [int(line) for line in group.read_text().split()]
    return []


def groups_of(release_id: str, file: str) -> list[Path]:
    mounts = (each.parent for each in (*Path("/sys/fs/cgroup").glob("*/headway"), Path("/sys/fs/cgroup/headway")))
    return [found for each in mounts for found in each.glob(f"headway/*/releases/{release_id}/{file}")]


def test_a_build_asks_no_more_of_the_kernel_than_what_runs(stage: Stage, tmp_path: Path) -> None:
    port = stage.panel.get("release.one", releaseId=stage.neighbour)["port"]
    tries = (
        "import ctypes, os, socket; c = ctypes.CDLL(None, use_errno=True);"
        f"print('users', c.syscall({NUMBERS['unshare']}, {NEW_USER}), ctypes.get_errno());"
        f"print('keys', c.syscall({NUMBERS['keyctl']}, 0, 0, 0), ctypes.get_errno());"
        "s = socket.socket();"
        f"print('panel', s.connect_ex(('127.0.0.1', {stage.panel.port})));"
        "s = socket.socket();"
        f"print('neighbour', s.connect_ex(('127.0.0.1', {port})));"
        "print('cloud', socket.socket().connect_ex(('169.254.169.254', 80)))"
    )
    url = git_repository(tmp_path / "builder", web("built"))
    application_id = stage.panel.application(url, name="builder", buildCommand=f'python3 -c "{tries}"')
    deployment_id = stage.panel.deploy(application_id)
    stage.panel.done(deployment_id, 60)
    said = stage.panel.deployment_log(deployment_id)
    for line in ("users -1 1", "keys -1 1", "panel 1", "neighbour 1", "cloud 1"):
        assert line in said


def runs(pid: int) -> bool:
    """Whether a process is more than an entry that nobody has read; one of that kind is in no group any more."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
