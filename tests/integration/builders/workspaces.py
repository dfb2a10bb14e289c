"""Workspaces as a source leaves them, and what an account may do to a release."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headway.drivers.builders.base import BuildSpec
from headway.drivers.buildplan.settings import BuildSettings
from headway.infra.hosts.command import Account
from headway.kernel.artifacts import Workspace
from headway.kernel.secret import Secret
from tests.integration.worksite import Worksite


def lay_out(site: Worksite, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Workspace:
    """A workspace with the files and symbolic links, owned by the build account."""
    root = site.folder / "releases" / "one"
    root.mkdir(parents=True, mode=0o711)
    root.parent.chmod(0o711)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, target in (links or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    give_to_build(site, root)
    return Workspace(root=str(root), folder=str(root))


def give_to_build(site: Worksite, root: Path) -> None:
    """Hands the folder to the build account."""
    if site.build is not None:
        for path in (root, *root.rglob("*")):
            os.chown(path, site.build.uid, site.build.gid, follow_symlinks=False)


def spec_of(site: Worksite, variables: Mapping[str, str] | None = None, **options: Any) -> BuildSpec:  # noqa: ANN401
    """The spec with its cache in the work site; ``options`` are other fields of it, or of its settings."""
    names = {"build_command": "build", "start_command": "start", "output_folder": "publish", "fallback": "fallback"}
    own = {names[name]: options.pop(name) for name in list(options) if name in names}
    options = {"settings": BuildSettings(**own), **options}
    secrets = {name: Secret(value) for name, value in (variables or {}).items()}
    cache = site.folder / "cache"
    return BuildSpec(cache_folder=str(cache), account=site.build, variables=secrets, step_seconds=60, **options)


def succeeds_as(account: Account | None, *argv: str, cwd: str = "/") -> bool:
    """Whether a command succeeds for an account that is in no other group."""
    if account is None:
        return subprocess.run(argv, cwd=cwd, capture_output=True, check=False).returncode == 0
    ended = subprocess.run(
        argv, cwd=cwd, user=account.uid, group=account.gid, extra_groups=[], capture_output=True, check=False
    )
    return ended.returncode == 0


def wheel(folder: Path, name: str) -> None:
    """A wheel with one module and one program, made without any tool."""
    import zipfile

    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": f"def main():\n    print('{name} runs')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-run = {name}:main\n",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
        archive.writestr(f"{info}/RECORD", record)
