"""The demonstration behind script/demo: a panel of its own, one example deployed, and nothing left behind."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
HEADWAY = CHECKOUT / ".venv/bin/headway"
NAME = "hello"
GREETING = "Hello from Headway"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot reach this machine's loopback
SECONDS_TO_START = 30.0
SECONDS_TO_ANSWER = 10.0
SECONDS_TO_STOP = 20.0


class DemoFailed(Exception):
    """The demonstration could not go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A running `headway serve` and how to reach it."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str
    edge_port: int
    key: str

    def environment(self) -> Mapping[str, str]:
        return _environment() | {"HEADWAY_URL": self.url, "HEADWAY_API_KEY": self.key}


def main() -> int:
    once = _arguments().once
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="headway-demo.", dir="/tmp"))  # the accounts of applications reach it
    folder.chmod(0o711)
    try:
        panel = _start_panel(folder)
        try:
            _deploy_and_ask(panel)
            if not once:
                _stay_up(panel)
        finally:
            _stop(panel)
    except DemoFailed as error:
        print(f"script/demo: {error}", file=sys.stderr)
        _show_panel_log(folder)
        return 1
    except KeyboardInterrupt:
        print("\nscript/demo: interrupted", file=sys.stderr)
        return 130
    finally:
        _end_processes_of(folder)
        _remove_groups_of(folder / "data/panel.id")
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/demo", description="Deploys an example on a Headway of its own.")
    parser.add_argument("--once", action="store_true", help="end everything after the example has answered")
    return parser.parse_args()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _start_panel(folder: Path) -> Panel:
    port, edge_port = _free_ports()
    key = secrets.token_hex(32)
    command = [str(HEADWAY), "serve", "--data-dir", str(folder / "data")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--edge-host", "127.0.0.1", "--edge-port", str(edge_port)]
    _say(" ".join(["headway", *command[1:]]))
    with (folder / "panel.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment() | {"HEADWAY_OWNER_KEY": key},
            start_new_session=True,  # Ctrl-C is for the demonstration, which then stops the panel in order
        )
    panel = Panel(process=process, folder=folder, url=f"http://127.0.0.1:{port}", edge_port=edge_port, key=key)
    _wait_until(lambda: _is_healthy(panel), SECONDS_TO_START, "the panel did not become healthy")
    print(f"up: {panel.url}/api/health says ok")
    return panel


def _environment() -> dict[str, str]:
    """Ours, without another panel's settings, and without a proxy, which could not reach this machine's loopback."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    return own | {"NO_PROXY": "127.0.0.1,localhost"}


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def _is_healthy(panel: Panel) -> bool:
    if panel.process.poll() is not None:
        message = f"the panel ended with exit status {panel.process.returncode}"
        raise DemoFailed(message)
    try:
        with OPENER.open(f"{panel.url}/api/health", timeout=2) as answer:
            return bool(json.load(answer).get("ok"))
    except OSError:
        return False


def _deploy_and_ask(panel: Panel) -> None:
    repository = _make_repository(panel.folder / "python-web")
    _headway(panel, "deploy", str(repository), "--name", NAME, "--wait")
    _headway(panel, "deployments", "list")
    address = f"http://{NAME}.localhost:{panel.edge_port}"
    _wait_until(lambda: GREETING in _ask(panel), SECONDS_TO_ANSWER, f"{address} does not answer with '{GREETING}'")
    print(f"\n{address} answers: {GREETING}")


def _make_repository(folder: Path) -> Path:
    shutil.copytree(CHECKOUT / "examples/python-web", folder)
    author = ["-c", "user.name=Headway demo", "-c", "user.email=demo@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-q", "-m", "Greet the world"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)
    return folder


def _headway(panel: Panel, *arguments: str) -> None:
    _say(" ".join(["headway", *arguments]))
    status = subprocess.run([str(HEADWAY), *arguments], env=panel.environment(), check=False).returncode
    if status:
        message = f"headway {arguments[0]} ended with exit status {status}"
        raise DemoFailed(message)


def _ask(panel: Panel) -> str:
    """What the edge answers; NAME.localhost goes into the header, as not each resolver knows such names."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{panel.edge_port}/", headers={"Host": f"{NAME}.localhost:{panel.edge_port}"}
    )
    try:
        with OPENER.open(request, timeout=2) as answer:
            return str(answer.read(), "utf-8", "replace")
    except OSError as error:
        return str(error)


def _stay_up(panel: Panel) -> None:
    print("\nIt stays up until Ctrl-C. In another terminal:", flush=True)
    print(f"  export HEADWAY_URL={panel.url} HEADWAY_API_KEY={panel.key}")
    print(f"  {HEADWAY} deployments list")
    print(f"  curl -H \"x-api-key: $HEADWAY_API_KEY\" '{panel.url}/api/deployment.allCentralized'")
    try:
        panel.process.wait()
    except KeyboardInterrupt:
        return
    message = f"the panel ended with exit status {panel.process.returncode}"
    raise DemoFailed(message)


def _stop(panel: Panel) -> None:
    """Ends the panel, then what outlives it on purpose: applications, their supervisor and the edge."""
    _say("ending what was started")
    panel.process.terminate()
    try:
        panel.process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        panel.process.kill()
        panel.process.wait()
    _headway(panel, "down", "--data-dir", str(panel.folder / "data"))


def _end_processes_of(folder: Path) -> None:
    """Ends whatever still works in ``folder``, where the panel could not be stopped in order."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _processes_of(folder):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        try:
            _wait_until(lambda: not _processes_of(folder), SECONDS_TO_STOP, "something is left")
        except DemoFailed:
            continue
        return
    print(f"script/demo: still there: {_processes_of(folder)}", file=sys.stderr)


def _remove_groups_of(panel_id: Path) -> None:
    """Removes the panel's control groups, which would stay until the next reboot; one that is not empty stays."""
    if not panel_id.exists():
        return
    for top in Path("/sys/fs/cgroup").glob(f"**/headway/{panel_id.read_text().strip()}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()


def _processes_of(folder: Path) -> list[int]:
    return [
        pid for entry in Path("/proc").iterdir() if entry.name.isdigit() and _works_in(pid := int(entry.name), folder)
    ]


def _works_in(pid: int, folder: Path) -> bool:
    process = Path("/proc") / str(pid)
    try:
        if process.joinpath("cwd").readlink().is_relative_to(folder):
            return True
        return any(str(folder).encode() in process.joinpath(name).read_bytes() for name in ("cmdline", "environ"))
    except OSError:
        return False


def _wait_until(is_so: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            message = f"{otherwise} within {seconds:.0f} seconds"
            raise DemoFailed(message)
        time.sleep(0.05)


def _show_panel_log(folder: Path) -> None:
    log = folder / "panel.log"
    if log.exists():
        print("the end of the panel's own log:", file=sys.stderr)
        print("\n".join(log.read_text(errors="replace").splitlines()[-40:]), file=sys.stderr)


def _say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
