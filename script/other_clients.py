"""Other clients that were written for Dokploy: their versions, and what of them gets another answer here, and why."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# What each is installed as. dokli does not start with a newer typer, here and anywhere.
DOKLI = ("dokli==0.7.0", "typer<0.17")
KCTL = ("kctl-dokploy==0.18.5", "kctl-lib==0.14.9")
SDK = ("dokploy-sdk@0.2.0",)

_OLD_TYPE = "its types are those of Dokploy 0.25, where the answer was `true`; now it is the row, there and here"
_WHOLE_ROWS = (
    "it wants whole rows of the services within; here a list of services shows what a list shows, without "
    "variables and passwords"
)
SDK_DIFFERENCES: Mapping[str, tuple[str, str]] = {
    "postgres.create": ("`ResponseValidationError`; the database is made", _OLD_TYPE),
    "environment.get": ("`ResponseValidationError` where services lie in it", _WHOLE_ROWS),
    "environment.byProjectId": ("`ResponseValidationError` where services lie in it", _WHOLE_ROWS),
    "deployment.all": (
        "`ResponseValidationError` while a deployment waits",
        "`pending` is no status to it: give the API key `pendingAs: running`, and it reads them",
    ),
    "settings.reloadTraefik": ("404", "the edge is the panel's own work; nobody starts it anew"),
    "application.readAppMonitoring": ("400", "figures are told by `service.usage`; Prometheus reads `/metrics`"),
}
DIFFERENCES: Sequence[tuple[str, str, str, str]] = (
    *(("dokploy-sdk", f"`{call}`", *told) for call, told in SDK_DIFFERENCES.items()),
    (
        "dokli",
        "`api … --body`",
        "415",
        "it sends JSON without saying so; Dokploy answers the same. `apply`, `plan` and the rest are not concerned",
    ),
    (
        "kctl-dokploy",
        "`applications create`",
        "400",
        "it names a project and no environment; Dokploy answers the same. `compose create` names one",
    ),
    (
        "kctl-dokploy",
        "`docker prune`, `traefik …`, `users create`, `git …` but for lists, `certificates renew`, all of clusters",
        "404",
        "not built; some of them Dokploy has not either",
    ),
)


def install_python(folder: Path, python: str, wanted: Sequence[str]) -> None:
    """Makes an environment with a client in the folder. Raises CalledProcessError and TimeoutExpired."""
    _run(python, "-m", "venv", "--clear", str(folder))
    _run(str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *wanted)


def install_node(folder: Path, wanted: Sequence[str]) -> None:
    """Installs packages of npm below a folder. Raises CalledProcessError and TimeoutExpired."""
    _run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *wanted)


def a_newer_python() -> str | None:
    """An interpreter that kctl-dokploy runs on."""
    return next((found for name in ("3.14", "3.13", "3.12") if (found := shutil.which(f"python{name}"))), None)


def _run(*argv: str) -> None:
    subprocess.run(argv, capture_output=True, text=True, timeout=200, check=True)
