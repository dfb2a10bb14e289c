"""A small forge on the loopback: a bare repository behind git's own HTTP server, which tells of every push as a real
one would.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.sources.servers import serve_http
from tests.support.panel.panel import commit, git, git_repository

# Git runs it after a push, with a line for each ref; it tells of it in GitHub's words and waits for the answer.
HOOK = """\
#!{python}
import hashlib, hmac, json, subprocess, sys, urllib.request, uuid

def git(*arguments):
    return subprocess.run(["git", *arguments], capture_output=True, check=True, text=True).stdout

def files(commit):
    lines = git("diff-tree", "--root", "--no-commit-id", "--name-status", "-r", commit).splitlines()
    found = [line.split("\\t") for line in lines]
    kinds = {{"added": "A", "modified": "M", "removed": "D"}}
    return {{kind: [each[1] for each in found if each[0] == letter] for kind, letter in kinds.items()}}

for line in sys.stdin:
    before, after, ref = line.split()
    gone = not after.strip("0")
    between = after if not before.strip("0") else f"{{before}}..{{after}}"
    hashes = [] if gone else git("rev-list", "--reverse", "--max-count=20", between).split()
    commits = [{{"id": each, "message": git("log", "-1", "--format=%B", each), **files(each)}} for each in hashes]
    payload = {{
        "ref": ref, "before": before, "after": after, "deleted": gone, "forced": False, "commits": commits,
        "head_commit": commits[-1] if commits else None, "sender": {{"login": "pusher"}},
        "repository": {{"default_branch": "main", "clone_url": {url!r}}},
    }}
    body = json.dumps(payload).encode()
    headers = {{
        "content-type": "application/json", "x-github-event": "push", "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": "sha256=" + hmac.new({secret!r}.encode(), body, hashlib.sha256).hexdigest(),
    }}
    for address in open({addresses!r}).read().split():
        request = urllib.request.Request(address, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                print(answer.read().decode())
        except OSError as error:
            print("not told:", error)
"""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """The repository and where a person works on it. ``addresses`` is the file of those who are told, ``asked`` holds
    the path and the Authorization header of each request.
    """

    url: str
    clone: Path
    addresses: Path
    asked: Sequence[tuple[str, str]]

    def tell(self, *addresses: str) -> None:
        """From now on these are told."""
        self.addresses.write_text("\n".join(addresses))

    def push(self, files: Mapping[str, str], message: str = "a change", *, branch: str = "main") -> str:
        """Commits and pushes; what was pushed, as its hash."""
        commit(self.clone, files, message)
        git(self.clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.clone, "rev-parse", "HEAD").strip()

    def push_tag(self, name: str) -> None:
        """Tags what is there and pushes the tag."""
        git(self.clone, "tag", name)
        git(self.clone, "push", "--quiet", "origin", f"refs/tags/{name}")


@contextmanager
def forge(folder: Path, files: Mapping[str, str], secret: str = "the secret") -> Iterator[Forge]:
    """A forge with one repository that holds these files."""
    bare, clone, addresses = folder / "served/app.git", folder / "clone", folder / "addresses"
    git_repository(clone, files)
    bare.parent.mkdir(parents=True)
    git(folder, "clone", "--quiet", "--bare", str(clone), str(bare))
    git(bare, "config", "http.receivepack", "true")
    addresses.write_text("")
    with serve_http(bare.parent) as server:
        url = f"{server.url}/app.git"
        hook = bare / "hooks/post-receive"
        hook.write_text(HOOK.format(python=sys.executable, url=url, secret=secret, addresses=str(addresses)))
        hook.chmod(0o755)
        git(clone, "remote", "add", "origin", url)
        yield Forge(url=url, clone=clone, addresses=addresses, asked=server.asked)
