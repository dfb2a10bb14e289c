"""Becomes a process of a release: joins its cgroup, opens its sealed environment, drops rights and replaces itself.

supervisord runs this file as a script for every start, so it imports only what it needs, late:
``python -I -S launcher.py ROOT RELEASE PROCESS NUMBER``. What runs beside a release's processes begins here too:
``… --beside TERMS PROGRAM…``, with its environment, which may hold secrets, ahead of its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from typing import Any

SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
CONFIGURATION = "launch.json"
_WEB = "web"
RECORD = "release.json"
FULL = "full"  # in the folder of a release whose application fills a disk that has no more room
SUPERVISOR = "supervisord/supervisord.conf"
BESIDE = "--beside"
_OPEN_FILES = 65536
OOM_SCORE_ADJ = "200"
_WRONG, _NOT_FOUND = 78, 127
_PR_SET_NO_NEW_PRIVS, _PR_GET_SECCOMP, _PR_SET_SECCOMP = 38, 21, 22
_NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 2, 4, 8
_HIDES_SINCE = (5, 8)  # before, the option would have held for the whole machine
# With one of these the command line needs a shell that stays; without, the shell can be replaced by the program.
_SHELL_SIGNS = frozenset(";&|()<>`\n#!{}")
_SHELL_WORDS = frozenset(
    (
        *("if", "for", "while", "until", "case", "select", "function", "time", "exec", "cd", "export", "set", "unset"),
        *("source", ".", ":", "eval", "wait", "trap", "ulimit", "umask", "alias", "local", "return", "exit"),
        *("readonly", "shift", "times", "break", "continue", "command"),
    )
)


def main(arguments: list[str]) -> None:
    """Does not return, unless something is wrong: that is said on standard error, which is the application's log."""
    if arguments[:1] == [BESIDE]:
        run_beside(json.loads(arguments[1]), arguments[2:])
    root, release_id, process, number = arguments
    try:
        configuration = load(f"{root}/{CONFIGURATION}")
        record = load(f"{root}/releases/{release_id}/{RECORD}")
        # Programs take what they read as their bounds: releases of older versions go on without.
        bounded = join_groups(record["groups"], record["gid"] if record.get("shows_bounds") else None)
        if not _is_supervised(root):
            return  # supervisord has died: its successor starts this process, and a second one would be too many
        sys.path[:0] = configuration["path"]
        environment = build_environment(record, process, number, sealed(record, configuration))
        served = process in record["static"]
        record["full"] = not served and os.path.exists(f"{root}/releases/{release_id}/{FULL}")  # noqa: PTH110 - as below
        server = open_server(configuration) if served else None
        parted = (os.geteuid() == 0 or not served) and part()
        folder = record["folder"] if served else lay(root, record, program_of(process, number), parted=parted)
        hide_others(record, parted=parted)
        hide_groups(record, parted=parted)
        os.chdir(folder)  # a copy of the release lies where only its own account comes from here
        drop_rights(record, bounded, bytes.fromhex(configuration.get("filter", "")))
        become(record, process, environment, server)
    except Exception as error:  # noqa: BLE001 - whatever it is, the application's log is where it has to be read
        reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        sys.stderr.write(f"headway: the process {process} could not be started: {reason}\n")
        sys.stderr.flush()
        os._exit(_WRONG)


def run_beside(terms: dict[str, Any], argv: list[str]) -> None:
    """Becomes a program that runs over a release as its processes do, under its account and with a layer of its own.
    Does not return; what is wrong is said on standard error.
    """
    try:
        configuration = load(f"{terms['root']}/{CONFIGURATION}")
        environment = {**os.environ, **_told_environment()}
        environment.pop("LC_CTYPE", None)  # Python itself says that to its children
        sys.path[:0] = configuration["path"]
        parted = part()
        folder = lay(terms["root"], terms, "", parted=parted)
        hide_groups(terms, parted=parted)
        os.chdir(folder)
        _forbid_new_privileges()
        become_account(terms, bytes.fromhex(configuration.get("filter", "")))
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        if not terms["input"]:
            os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), 0)
        become_program(argv, environment)
    except Exception as error:  # noqa: BLE001 - as above: the log of the run is where it has to be read
        reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        sys.stderr.write(f"headway: {argv[0]} could not be started: {reason}\n")
        sys.stderr.flush()
        os._exit(_WRONG)


def become_program(argv: list[str], environment: dict[str, str]) -> None:
    """Becomes a program that is looked for on the environment's PATH."""
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - to become it is the point
    except FileNotFoundError:
        sys.stderr.write(f"headway: there is no program {argv[0]} here; a line for a shell is given as sh -c '...'\n")
        sys.stderr.flush()
        os._exit(_NOT_FOUND)


def lay(root: str, record: dict[str, Any], program: str, *, parted: bool) -> str:
    """Gives the process a layer over its release; gives the folder to be in."""
    from headway.drivers.runtimes.launch import layer  # noqa: PLC0415 - a site that is served needs none

    terms = {
        "folder": record["folder"],
        "uid": record["uid"],
        "gid": record["gid"],
        "home": record["home"],
        "program": program,
        # Records of older versions have none of these.
        "app_name": record.get("app_name", ""),
        "keep": record.get("keep", []),
        "bytes": record.get("layer_bytes", layer.BYTES),
    }
    return layer.lay(root, record["release_id"], terms, parted=parted)


def part() -> bool:
    """Gives this process mounts of its own; whether that could be."""
    from headway.drivers.runtimes.launch.overlay import part_mounts  # noqa: PLC0415 - as above

    return part_mounts()


def hide_groups(record: dict[str, Any], *, parted: bool) -> None:
    """Leaves the process, of the machine's control groups, the sight of its own."""
    if parted and record["uid"] and os.geteuid() == 0:
        from headway.drivers.runtimes.launch.own_groups import show_own  # noqa: PLC0415 - not needed by who only looks in this file

        show_own()


def program_of(process: str, number: str) -> str:
    """What people call a copy of a process."""
    return process if number == "1" else f"{process}.{number}"


def join_groups(groups: list[dict[str, Any]], gid: int | None) -> set[str]:
    """Makes the groups where they are not there, sets their bounds, joins them, and opens them to the group ``gid``
    for reading; gives the files of bounds that hold. Where memory runs out, the kernel ends this process first.
    """
    with contextlib.suppress(OSError):
        _write("/proc/self/oom_score_adj", OOM_SCORE_ADJ)
    bounded: set[str] = set()
    for group in groups:
        folder = f"{group['tree']}/{group['folder']}"
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib is one import more
            _hand_down(group)
            for file, value in group["bounds"].items():
                with contextlib.suppress(OSError):
                    _write(f"{folder}/{file}", value)
                    bounded.add(file)
            _write(f"{folder}/cgroup.procs", "0")
            if gid is not None and os.geteuid() == 0:
                os.chown(folder, 0, gid)  # supervisord's umask has closed it to all but root
                os.chmod(folder, 0o750)  # noqa: PTH101, S103 - as above
    return bounded


def build_environment(record: dict[str, Any], process: str, number: str, user: dict[str, str]) -> dict[str, str]:
    """The whole environment: ours, then the builder's, then the user's, who wins over all but port and marker."""
    environment = {
        "PATH": ":".join([*record["path"], *SYSTEM_PATH]),
        "HOME": record["home"],
        "DATA_DIR": record["home"],
        "LANG": "C.UTF-8",
        **record.get("told", {}),
        **record["env"],
        **user,
        "HEADWAY_RELEASE_ID": record["release_id"],
        "HEADWAY_PROCESS": program_of(process, number),
    }
    if record["port"] is not None:
        environment["PORT"] = str(port_of(record, process, number))
    return environment


def port_of(record: dict[str, Any], process: str, number: str) -> int:
    """The port of a copy: those of web have one each, and all other processes know the first."""
    ports: list[int] = record.get("ports") or [record["port"]]  # records of older versions have one only
    return ports[int(number) - 1] if process == _WEB else ports[0]


def open_server(configuration: dict[str, Any]) -> int:
    """The file server's program, opened while we may: it can lie where the release's account cannot look it up."""
    return os.open(configuration["caddy"], os.O_RDONLY | os.O_CLOEXEC)


def hide_others(record: dict[str, Any], *, parted: bool) -> bool:
    """Gives the process a /proc in which it sees its own account's processes and no others; whether that could be.

    It stays among the machine's processes: a namespace of their own would put a first process before each application,
    which takes its signals and does not pass them on.
    """
    if not parted or record["uid"] is None or os.geteuid() != 0 or record["uid"] == 0 or not _hides():
        return False
    import ctypes  # noqa: PLC0415 - as below

    flags = _NO_SETUID | _NO_DEVICES | _NO_PROGRAMS
    return bool(ctypes.CDLL(None).mount(b"proc", b"/proc", b"proc", flags, b"hidepid=2") == 0)


def can_hide() -> bool:
    """Whether it would be so here: tried in a process that ends at once."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if hide_others({"uid": 1}, parted=os.geteuid() == 0 and part()) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def drop_rights(record: dict[str, Any], bounded: set[str], call_filter: bytes = b"") -> None:
    """Sets the limits, becomes the release's account and closes the way back."""
    _forbid_new_privileges()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if record.get("full"):
        _limit(resource.RLIMIT_FSIZE, 0)  # it may read, and clear up
    elif record.get("disk_bytes") is not None:
        _limit(resource.RLIMIT_FSIZE, record["disk_bytes"])  # the sum is watched, and that takes seconds
    if record["memory_bytes"] is not None and not bounded & {"memory.max", "memory.limit_in_bytes"}:
        _limit(resource.RLIMIT_DATA, record["memory_bytes"])
    if record["process_limit"] is not None and "pids.max" not in bounded:
        _limit(resource.RLIMIT_NPROC, record["process_limit"])
    os.umask(0o027)
    if record["uid"] is not None and os.geteuid() == 0:
        for descriptor in (1, 2):
            os.fchown(descriptor, record["uid"], record["gid"])  # so that /dev/stdout and /dev/stderr can be opened
    become_account(record, call_filter)


def become_account(record: dict[str, Any], call_filter: bytes) -> None:
    """Becomes the release's account, asked by the kernel's filter from then on; as root only."""
    if record["uid"] is not None and os.geteuid() == 0:
        if call_filter:
            filter_calls(call_filter)
        os.setgroups([])
        os.setgid(record["gid"])
        os.setuid(record["uid"])


def filter_calls(call_filter: bytes) -> None:
    """From now on the kernel asks the filter before each system call, of whatever this process becomes or starts. A
    kernel that has no filters goes without. Raises OSError.
    """
    import ctypes  # noqa: PLC0415 - as below
    import struct  # noqa: PLC0415 - as below

    rows = ctypes.create_string_buffer(call_filter, len(call_filter))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(call_filter) // 8, ctypes.addressof(rows)))
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_SECCOMP, 2, program, 0, 0) != 0 and prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0:
        raise OSError("the kernel does not take the filter of system calls")


def become(record: dict[str, Any], process: str, environment: dict[str, str], server: int | None) -> None:
    """Replaces this program by the application, or by the file server."""
    # Python ignores both, which a program would inherit; on a full disk it is to be told, not ended.
    for number in (signal.SIGPIPE, *(() if record.get("full") else (signal.SIGXFSZ,))):
        signal.signal(number, signal.SIG_DFL)
    if server is None:
        os.execve("/bin/sh", ["sh", "-c", shell_line(record["processes"][process])], environment)  # noqa: S606 - to become it is the point
    else:
        routes = record.get("routes", {}).get(process)  # records of older versions have none
        configuration = json.dumps(file_server(record["static"][process], record["port"], routes))
        given = os.memfd_create("configuration")
        os.write(given, configuration.encode())
        os.lseek(given, 0, os.SEEK_SET)
        os.dup2(given, 0)
        os.execve(server, ["caddy", "run", "--config", "-"], environment)  # noqa: S606 - as above


def shell_line(command: str) -> str:
    """The user's command line, led by ``exec`` where it is one simple command, so that no shell stays between."""
    words = command.split()
    if not words or _SHELL_SIGNS & set(command) or words[0] in _SHELL_WORDS or set("=\"'\\$") & set(words[0]):
        return command
    return f"exec {command}"


def file_server(folder: str, port: int, routes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Caddy's configuration: the site's ``routes`` (None: its files alone), no listing, nothing that begins with a dot,
    404.html where there is one, and no part of Caddy that listens, writes or phones beside it.
    """
    # Its own ``hide`` looks at the folder's path too, which would hide all of ``.vitepress/dist``.
    files = {"handler": "file_server", "root": folder}
    hidden = {"match": [{"path_regexp": {"pattern": r"/\."}}], "handle": [{"handler": "error", "status_code": 404}]}
    compressed = {"handler": "encode", "encodings": {"gzip": {}, "zstd": {}}, "prefer": ["zstd", "gzip"]}
    missing = {
        "match": [{"file": {"root": folder, "try_files": ["/404.html"]}}],
        "handle": [{"handler": "rewrite", "uri": "/404.html"}, {**files, "status_code": "{http.error.status_code}"}],
    }
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "routes": [{"handle": [compressed]}, *(routes or [hidden, {"handle": [files]}])],
        "errors": {"routes": [missing]},
    }
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {
            "http": {"servers": {"static": server}},
            "tls": {"disable_storage_check": True, "disable_storage_clean": True},
        },
    }


def sealed(record: dict[str, Any], configuration: dict[str, Any]) -> dict[str, str]:
    """The variables that its owner has set."""
    if record["sealed_env"] is None:
        return {}
    from headway.kernel.vault import Vault  # noqa: PLC0415 - half of the launcher's time; many releases need none

    with open(configuration["vault_key"], "rb") as file:  # noqa: PTH123 - pathlib is one import more
        opened: dict[str, str] = Vault(file.read().strip()).open(record["sealed_env"])
    return opened


def _hand_down(group: dict[str, Any]) -> None:
    """Version 2 only: a bound can be set where every group above hands its controller down."""
    if group["controllers"]:
        folder = group["tree"]
        for part in ["", *group["folder"].split("/")[:-1]]:
            folder = f"{folder}/{part}" if part else folder
            for name in group["controllers"]:  # one that is refused keeps none of the others away
                with contextlib.suppress(OSError):
                    _write(f"{folder}/cgroup.subtree_control", f"+{name}")


def _is_supervised(root: str) -> bool:
    with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is one import more
        return f"{root}/{SUPERVISOR}".encode() in file.read().split(b"\0")


def _hides() -> bool:
    numbers = os.uname().release.split(".")[:2]
    return all(each.isdecimal() for each in numbers) and tuple(map(int, numbers)) >= _HIDES_SINCE


def _forbid_new_privileges() -> None:
    # Nothing can be imported once the rights are dropped: the interpreter may lie where the account cannot look.
    import ctypes  # noqa: PLC0415 - not needed by who only wants to know what is in this file

    if ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError("the kernel does not forbid new privileges")


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    bound = value if most == resource.RLIM_INFINITY or os.geteuid() == 0 else min(value, most)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (bound, bound))


def _told_environment() -> dict[str, str]:
    """What comes ahead of the standard input: its length in a line, and names with their values. What follows is the
    program's to read, so nothing more is taken.
    """
    length = b""
    while not length.endswith(b"\n"):
        length += os.read(0, 1) or b"\n"
    told = b""
    while len(told) < int(length):
        if not (piece := os.read(0, int(length) - len(told))):
            raise OSError("its environment has not come whole")
        told += piece
    environment: dict[str, str] = json.loads(told)
    return environment


def load(path: str) -> dict[str, Any]:
    """A file of JSON."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is one import more
        loaded: dict[str, Any] = json.load(file)
    return loaded


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main(sys.argv[1:])
