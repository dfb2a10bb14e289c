"""What is sent to a server so that an attendant can run there: the panel's own code, and what that takes from others
that is plain Python. So both ends are always of one version.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import tarfile
from functools import cache
from pathlib import Path

import headway
from headway.kernel.dataclass import dataclass

_MODULES = ("attendant.py", "infra/http_client.py", "infra/http_request.py")
_PARTS = ("kernel", "infra/daemons", "infra/docker", "infra/hosts", "infra/logs", "drivers/edge", "drivers/runtimes")
_OTHERS = ("supervisor",)
_START = """\
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from headway.attendant import main

main()
"""
START = "start.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A tar of files, and what tells its content from any other."""

    content: bytes
    digest: str


@cache
def bundle() -> Bundle:
    """The parcel of this version. Blocks for a moment, once."""
    package = Path(headway.__file__).parent
    files = {START: _START.encode(), "headway/__init__.py": b""}
    files |= {f"headway/{name}": _read(package, name) for name in _MODULES}
    for part in _PARTS:
        for above in (Path(part), *Path(part).parents):
            if str(above) != ".":
                files[f"headway/{above}/__init__.py"] = _read(package, f"{above}/__init__.py")
        for path in sorted((package / part).rglob("*.py")):
            files[f"headway/{path.relative_to(package)}"] = path.read_bytes()
    for name in _OTHERS:
        files |= _other(name)
    return _packed(files)


def _other(name: str) -> dict[str, bytes]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        msg = f"{name} is not installed beside Headway"
        raise AssertionError(msg)
    folder = Path(spec.origin).parent
    wanted = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {
        f"{name}/{path.relative_to(folder)}": path.read_bytes()
        for path in wanted
        if not {"tests", "ui", "skel"} & set(path.relative_to(folder).parts)
    }


def _packed(files: dict[str, bytes]) -> Bundle:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)  # of no time and nobody, so that the same files are the same bytes
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    content = buffer.getvalue()
    return Bundle(content=content, digest=hashlib.sha256(content).hexdigest()[:16])


def _read(package: Path, name: str) -> bytes:
    return (package / name).read_bytes()
