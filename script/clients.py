"""The clients on npm: which procedures their commands call, read from their own code, behind script/clients."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

VERSIONS: Mapping[str, str] = {"@dokploy/cli": "0.30.7", "@dokploy/mcp": "0.30.7"}
COMMANDS = Path(__file__).resolve().parents[1] / "tests/cases/clients.json"

_CODE: Mapping[str, str] = {
    "@dokploy/cli": "dist/generated/commands.js",
    "@dokploy/mcp": "build/generated/tools.js",
}
_CALLS = re.compile(r'\bapi(?:Get|Post)\("([\w.]+)"|\bpath: "/([\w.]+)"')

Routers = Mapping[str, Sequence[str]]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        found = read(Path(folder))
    COMMANDS.write_text(_written(found))
    return 0


def install(folder: Path, versions: Mapping[str, str] = VERSIONS) -> None:
    """Installs the clients, or other packages, below a folder. Raises CalledProcessError and TimeoutExpired."""
    wanted = [f"{name}@{version}" for name, version in versions.items()]
    argv = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *wanted]
    subprocess.run(argv, capture_output=True, text=True, timeout=100, check=True)


def read(folder: Path) -> dict[str, dict[str, list[str]]]:
    """The procedures that each client calls, by router, from where it was installed."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, code in _CODE.items():
        text = (folder / "node_modules" / name / code).read_text()
        routers = found.setdefault(name, {})
        for procedure in sorted({match[1] or match[2] for match in _CALLS.finditer(text)}):
            router, _, own = procedure.partition(".")
            routers.setdefault(router, []).append(own)
    return found


def kept() -> Mapping[str, Routers]:
    """What was read last."""
    found: dict[str, Routers] = json.loads(COMMANDS.read_text())
    return found


def procedures(routers: Routers) -> list[str]:
    """The procedures of these routers, by their whole names."""
    return [f"{router}.{name}" for router, names in routers.items() for name in names]


def command_of(procedure: str) -> str:
    """The command of the command line that calls a procedure."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", procedure).replace(".", " ").lower()


def tool_of(procedure: str) -> str:
    """The tool of the MCP server that calls a procedure."""
    return procedure.replace(".", "-")


def _written(found: Mapping[str, Routers]) -> str:
    """JSON with a line for each router, so that a difference can be read."""
    clients = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(router)}: {json.dumps(names)}" for router, names in routers.items())
        + "\n}"
        for name, routers in found.items()
    ]
    return "{\n" + ",\n".join(clients) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
