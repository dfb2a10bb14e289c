"""A registry of npm's and an index of Python's on the loopback, with packages that are made for a test."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ToolchainRegistry:
    """What it has: answers by path. ``asked`` counts what was asked for; ``gate`` holds back packages, not lists, while
    it is clear; ``knocked`` is set once one is asked for.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.knocked = threading.Event()
        self.url = ""

    def publish(self, name: str, version: str, packed: bytes, *, integrity: str | None = None) -> None:
        """Adds a version of an npm package."""
        path = f"/{name}/-/{version}.tgz"
        listed = json.loads(self.answers.get(f"/{name}", b'{"versions": {}}'))
        digest = integrity or "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
        listed["versions"][version] = {"dist": {"tarball": f"{self.url}{path}", "integrity": digest}}
        self.answers[f"/{name}"] = json.dumps(listed).encode()
        self.answers[path] = packed

    def publish_wheel(self, project: str, filename: str, packed: bytes, *, digest: str | None = None) -> None:
        """Adds a file of a Python project."""
        listed = json.loads(self.answers.get(f"/simple/{project}/", b'{"files": []}'))
        proof = digest or hashlib.sha256(packed).hexdigest()
        listed["files"].append({"filename": filename, "url": f"../../{filename}", "hashes": {"sha256": proof}})
        self.answers[f"/simple/{project}/"] = json.dumps(listed).encode()
        self.answers[f"/{filename}"] = packed


@contextmanager
def toolchain_registry(address: str = "127.0.0.1") -> Iterator[ToolchainRegistry]:
    """One that listens as long as the context lasts; at another address than the loopback's once that is there."""
    registry = ToolchainRegistry()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.replace("%2F", "/")
            registry.asked[path] += 1
            if path.endswith((".tgz", ".whl")):
                registry.knocked.set()
                registry.gate.wait(20)
            body = registry.answers.get(path)
            self.send_response(404 if body is None else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - as the server calls it
            pass

    server = ThreadingHTTPServer((address if address == "127.0.0.1" else "", 0), Answers)
    registry.url = f"http://{address}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def packed(files: Mapping[str, str | bytes], more: Sequence[tarfile.TarInfo] = (), *, mode: int = 0o755) -> bytes:
    """A package as npm packs it: files by their names below ``package``, and further members as they are."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return gzip.compress(data.getvalue(), 1)


def wheel(files: Mapping[str, str], *, mode: int = 0o100755) -> bytes:
    """A wheel with files of one mode."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return data.getvalue()
