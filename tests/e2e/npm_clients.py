"""The two clients of npm, unchanged: the command line, and the MCP server over stdio."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from script import clients
from tests.support.panel.panel import KEY, Panel

# What the command line prints for a procedure without a result: the answer as it came.
NO_RESULT = {"result": {"data": {"json": None, "meta": {"values": ["undefined"], "v": 1}}}}
Json = Any


def installed(cache: pytest.Cache, name: str = "npm-clients", versions: Mapping[str, str] = clients.VERSIONS) -> Path:
    """The folder of npm's packages, kept from run to run under a name."""
    folder = cache.mkdir(name)
    done = folder / "installed.json"
    if not done.exists() or json.loads(done.read_text()) != dict(versions):
        try:
            clients.install(folder, versions)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install {', '.join(versions)} within 100 s")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"npm could not install {', '.join(versions)}: {error.stderr[-500:]}")
        done.write_text(json.dumps(dict(versions)))
    return folder


class Cli:
    """The command ``dokploy``."""

    def __init__(self, installed: Path, running: Panel, folder: Path) -> None:
        self._program = installed / "node_modules/@dokploy/cli/dist/index.js"
        self._env = _environment(running)
        self._folder = folder

    def __call__(self, command: str, /, **options: Json) -> Json:
        """The JSON that a command prints."""
        ended = self.run(command, **options)
        assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
        return json.loads(ended.stdout)

    def run(self, command: str, /, **options: Json) -> subprocess.CompletedProcess[str]:
        """A command that may fail. An option that is True is a flag."""
        given = [
            each for name, value in options.items() for each in (f"--{name}", *([] if value is True else [str(value)]))
        ]
        return subprocess.run(
            ["node", str(self._program), *command.split(), *given, "--json"],
            env=self._env,
            cwd=self._folder,  # it reads a .env there
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


Tool = Callable[..., Json]


@contextmanager
def mcp(installed: Path, running: Panel, **env: str) -> Iterator[Tool]:
    """An MCP server over stdio that was greeted; gives a function that calls a tool by its name."""
    with subprocess.Popen(
        ["node", str(installed / "node_modules/@dokploy/mcp/build/index.js")],
        env={**_environment(running), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        stdin, stdout = server.stdin, server.stdout

        def send(message: Json) -> None:
            stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            stdin.flush()

        def ask(method: str, params: Json) -> Json:
            send({"id": 1, "method": method, "params": params})
            answer = json.loads(stdout.readline())
            assert "result" in answer, answer
            return answer["result"]

        def call(tool: str, /, **given: Json) -> Json:
            result = ask("tools/call", {"name": tool, "arguments": given})
            told = json.loads(result["content"][0]["text"])
            assert told["success"] is True, (tool, told)
            return told.get("data")

        client = {"name": "test", "version": "1"}
        ask("initialize", {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": client})
        send({"method": "notifications/initialized"})
        try:
            yield call
        finally:
            server.kill()


def _environment(running: Panel) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DOKPLOY_URL": f"http://127.0.0.1:{running.port}", "DOKPLOY_API_KEY": KEY}
