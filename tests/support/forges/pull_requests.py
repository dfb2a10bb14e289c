"""Pull requests of a repository on the loopback, told of as GitHub tells of them."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any

import httpx

from tests.support.forges.forge import Forge
from tests.support.panel.panel import Panel, commit, git

SECRET = "the secret"
Json = Any


class PullRequest:
    """A pull request of the repository, as GitHub tells of it; the clock of the forge goes on with every word."""

    clock = 0

    def __init__(
        self,
        running: Panel,
        git_host: Forge,
        service_id: str,
        number: int,
        *,
        fork: bool = False,
        of: str = "application",
    ) -> None:
        self.number, self.fork, self.branch, self.labels = number, fork, f"change-{number}", list[str]()
        self._running, self._host, self._service = running, git_host, (of, service_id)
        self.head = ""

    def push(self, files: dict[str, str], message: str = "a change") -> str:
        """A new commit; of a fork it lies where GitHub keeps it, and in no branch of the repository."""
        commit(self._host.clone, files, message)
        where = f"refs/pull/{self.number}/head" if self.fork else f"refs/heads/{self.branch}"
        git(self._host.clone, "push", "--quiet", "--force", "origin", f"HEAD:{where}")
        self.head = git(self._host.clone, "rev-parse", "HEAD").strip()
        return self.head

    def tell(self, action: str, *, state: str = "open", at: int | None = None, head: str | None = None) -> Json:
        """Tells the panel; what it has done."""
        PullRequest.clock += 1
        seconds = PullRequest.clock if at is None else at
        theirs = "stranger/app" if self.fork else "team/app"
        payload = {
            "action": action,
            "number": self.number,
            "sender": {"login": "ann"},
            "repository": {"clone_url": self._host.url},
            "pull_request": {
                "number": self.number,
                "title": f"Change {self.number}",
                "html_url": f"https://git.example/team/app/pull/{self.number}",
                "state": state,
                "updated_at": f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z",
                "user": {"login": "ann"},
                "head": {"ref": self.branch, "sha": head or self.head, "repo": {"full_name": theirs}},
                "base": {"ref": "main", "repo": {"full_name": "team/app"}},
                "labels": [{"name": each} for each in self.labels],
            },
        }
        body = json.dumps(payload).encode()
        headers = {
            "content-type": "application/json",
            "x-github-event": "pull_request",
            "x-github-delivery": str(uuid.uuid4()),
            "x-hub-signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }
        of, service_id = self._service
        token = self._running.get(f"{of}.one", **{f"{of}Id": service_id})["refreshToken"]
        place = "deploy" if of == "application" else f"deploy/{of}"
        url = f"http://127.0.0.1:{self._running.port}/api/{place}/{token}"
        answer = httpx.post(url, content=body, headers=headers, timeout=20, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()["services"][0]
