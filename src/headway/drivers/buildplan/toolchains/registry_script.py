"""Lists the versions that a registry has, and fetches and unpacks its packages: standard input and output hold JSON.

Run as a script by the system's Python, under an account that owns nothing but the folder to unpack into. What arrives
is judged by its hash before it is unpacked, and only plain files come out of it: no link, no device, and no mode but
755 and 644. Nothing of it is started here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import os
import re
import shutil
import ssl
import stat
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

SECONDS = 20
PIECE = 1 << 20
LARGEST_LIST = 64 << 20
MOST_FILES = 60_000
LONGEST_NAME = 1_000
NPM_LIST = "application/vnd.npm.install-v1+json, application/json;q=0.8"
PYPI_LIST = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*+["']([^"']*+)["']""")
HASHES = ("sha512", "sha384", "sha256")


class Refused(Exception):
    """What was asked for cannot be had; the text says why."""


def main() -> None:
    """Answers what is asked on standard input."""
    asked = json.load(sys.stdin)
    try:
        answer = {"list": listed, "fetch": fetched}[asked["do"]](asked)
    except Refused as refused:
        answer = {"refused": str(refused)}
    except urllib.error.HTTPError as error:
        answer = {"refused": f"it answered {error.code}", "status": error.code}
    except (OSError, EOFError, ValueError, LookupError, tarfile.TarError, zipfile.BadZipFile) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        answer = {"refused": str(reason)[:300], "away": isinstance(error, (urllib.error.URLError, TimeoutError))}
    json.dump(answer, sys.stdout)


def listed(asked: dict[str, Any]) -> dict[str, Any]:
    """The versions of a package: where each lies, its hash, and on what it runs (engines.node, requires-python)."""
    with opened(asked, asked["url"], NPM_LIST if asked["form"] == "npm" else PYPI_LIST) as answer:
        text = answer.read(LARGEST_LIST + 1)
        kind, url = answer.headers.get("content-type", ""), answer.url
    if len(text) > LARGEST_LIST:
        raise Refused("its list of versions is too long")
    if asked["form"] == "npm":
        return {"versions": dict(npm_versions(json.loads(text)))}
    files = json.loads(text)["files"] if "json" in kind else anchors(text.decode("utf-8", "replace"))
    return {"versions": wheels(files, url, re.compile(asked["wheel"]))}


def npm_versions(data: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What a registry of npm's says of each version."""
    for version, each in data["versions"].items():
        dist = each.get("dist", {})
        engines = each.get("engines")
        node = engines.get("node", "") if isinstance(engines, dict) else ""
        if dist.get("tarball"):
            yield version, [dist["tarball"], dist.get("integrity") or "", str(node)]


def wheels(files: list[dict[str, Any]], base: str, pattern: re.Pattern[str]) -> dict[str, list[str]]:
    """The files of a Python index that fit, by version; those that were taken back are left out."""
    found = {}
    for each in files:
        match = pattern.fullmatch(each["filename"])
        digest = each.get("hashes", {}).get("sha256")
        if match and digest and not each.get("yanked"):
            url = urllib.parse.urljoin(base, each["url"]).partition("#")[0]
            proof = f"sha256-{b64(bytes.fromhex(digest))}"
            found[match[1]] = [url, proof, str(each.get("requires-python") or "")]
    return found


def anchors(text: str) -> list[dict[str, Any]]:
    """The same from an index that answers in HTML."""
    found = []
    for link in re.finditer(r"<a\s([^>]{0,2000})>", text, re.IGNORECASE):
        had = {name.lower(): html.unescape(value) for name, value in ATTRIBUTE.findall(link[1])}
        url, _, proof = had.get("href", "").partition("#")
        kind, _, digest = proof.partition("=")
        one = {"filename": urllib.parse.unquote(url.rpartition("/")[2]), "url": url, "hashes": {kind: digest}}
        found.append({**one, "yanked": "data-yanked" in link[1], "requires-python": had.get("data-requires-python")})
    return found


def fetched(asked: dict[str, Any]) -> dict[str, Any]:
    """Fetches and unpacks the parts of a version, and gives its programs their names in ``bin``."""
    folder = Path(asked["folder"])
    for left in folder.iterdir():  # by an attempt that was cut off
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    room = Room(asked["most_bytes"])
    for part in asked["parts"]:
        packed = folder / ".packed"
        download(asked, part, packed)
        target = folder / part["into"]
        target.mkdir(mode=0o755, parents=True, exist_ok=True)
        unpack(packed, part["form"], target, room)
        packed.unlink()
    (folder / "bin").mkdir(mode=0o755, exist_ok=True)
    for name, within in programs(asked, folder).items():
        main = folder / within
        if not main.is_file():
            raise Refused(f"its package has no program {name}")
        main.chmod(0o755)
        (folder / "bin" / name).symlink_to(os.path.relpath(main, folder / "bin"))
    for name, text in asked.get("scripts", {}).items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return {"bytes": room.used}


def programs(asked: dict[str, Any], folder: Path) -> dict[str, str]:
    """Where the programs lie: as it was said, else as the package's own description has it."""
    said: dict[str, str | None] = asked["programs"]
    if all(said.values()):
        return {name: within for name, within in said.items() if within}
    package = json.loads((folder / "package" / "package.json").read_text())
    own = package.get("bin") or {}
    own = {package["name"]: own} if isinstance(own, str) else own
    found = {name: within or own.get(name) for name, within in said.items()}
    return {name: inside(f"package/{within}") for name, within in found.items() if within}


def download(asked: dict[str, Any], part: dict[str, Any], target: Path) -> None:
    """Fetches one package, and keeps it only where it is the one that the registry has named."""
    kind, _, proof = strongest(part["proof"]).partition("-")
    digest, size = hashlib.new(kind), 0
    with opened(asked, part["url"], "*/*") as answer, target.open("xb") as file:
        while piece := answer.read(PIECE):
            size += len(piece)
            if size > asked["most_bytes"]:
                raise Refused("its package is larger than a toolchain may be")
            digest.update(piece)
            file.write(piece)
    if not hmac.compare_digest(b64(digest.digest()), proof):
        target.unlink()
        raise Refused(f"its package is not the one that its list names ({kind} differs)")


def strongest(proof: str) -> str:
    """The best of the hashes that are given. Where there is none that one can rely on, nothing is fetched."""
    given = {each.partition("-")[0]: each.partition("?")[0] for each in proof.split()}
    for kind in HASHES:
        if kind in given:
            return given[kind]
    raise Refused("its list names no SHA-256 or SHA-512 of the package")


class Room:
    """What may still be unpacked."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self.files = 0

    def take(self, size: int) -> None:
        """Counts bytes. Raises Refused."""
        self.used += size
        if self.used > self.most:
            raise Refused("its package holds more than a toolchain may")

    def take_file(self) -> None:
        """Counts a file. Raises Refused."""
        self.files += 1
        if self.files > MOST_FILES:
            raise Refused("its package holds more files than a toolchain may")


def unpack(packed: Path, form: str, target: Path, room: Room) -> None:
    """Writes the plain files of a package below the target. Raises Refused for anything else in it."""
    if form == "npm":
        with tarfile.open(packed, "r:gz") as archive:
            for member in archive:
                room.take_file()
                if member.isdir():
                    continue
                if not member.isreg():
                    raise Refused(f"its package holds {member.name[:100]!r}, which is no plain file")
                source = archive.extractfile(member)
                name = "/".join(member.name.removeprefix("./").split("/")[1:])  # npm's own are below "package"
                if source is not None:
                    write(target / inside(name), source, runs=bool(member.mode & 0o111), room=room)
        return
    with zipfile.ZipFile(packed) as wheel:
        for entry in wheel.infolist():
            room.take_file()
            mode = entry.external_attr >> 16
            if entry.is_dir():
                continue
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
                raise Refused(f"its package holds {entry.filename[:100]!r}, which is no plain file")
            with wheel.open(entry) as content:
                write(target / inside(entry.filename), content, runs=bool(mode & 0o111), room=room)


def write(path: Path, source: IO[bytes], *, runs: bool, room: Room) -> None:
    """Writes one file anew."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.exists():  # of a part before, or twice in one: the last one counts
        path.unlink()
    with path.open("xb") as file:
        while piece := source.read(PIECE):
            room.take(len(piece))
            file.write(piece)
    path.chmod(0o755 if runs else 0o644)


def inside(name: str) -> str:
    """The name without what leads nowhere. Raises Refused for one that leads anywhere but below."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or name.startswith("/") or ".." in parts or "\0" in name or len(name) > LONGEST_NAME:
        raise Refused(f"its package holds the name {name[:100]!r}, which leads elsewhere")
    return "/".join(parts)


class SameOrSafer(urllib.request.HTTPRedirectHandler):
    """Follows redirections over HTTP only, and from https to https."""

    max_redirections = 5

    def redirect_request(  # noqa: PLR0917 - as urllib calls it
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request that follows, without what opens the registry."""
        if not is_web(newurl) or (req.full_url.startswith("https:") and not newurl.startswith("https:")):
            raise Refused("it leads to an address that is no web address, or an open one")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opened(asked: dict[str, Any], url: str, accept: str) -> Any:  # noqa: ANN401 - as urllib says
    """The answer to a request; what opens the registry is shown to the registry only."""
    if not is_web(url):
        raise Refused("it names an address that is no web address")
    request = urllib.request.Request(  # noqa: S310 - judged above
        url, headers={"Accept": accept, "User-Agent": "headway"}
    )
    if asked.get("authorization") and origin(url) == origin(asked["registry"]):
        request.add_unredirected_header("Authorization", asked["authorization"])
    context = ssl.create_default_context(cafile=asked.get("cafile") or None)
    proxies = {"https": asked["proxy"], "http": asked["proxy"]} if asked.get("proxy") else {}
    handlers = (urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context), SameOrSafer())
    return urllib.request.build_opener(*handlers).open(request, timeout=SECONDS)


def is_web(url: str) -> bool:
    """Whether it is an address of HTTP."""
    return url.startswith(("https://", "http://"))


def origin(url: str) -> tuple[str, str]:
    """Scheme, host and port."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def b64(data: bytes) -> str:
    """As hashes are written."""
    return base64.b64encode(data).decode()


if __name__ == "__main__":
    main()
