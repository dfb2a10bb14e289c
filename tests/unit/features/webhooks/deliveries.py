"""Deliveries as GitLab, Gitea, Bitbucket and the registries write them: made after their documentation, since no real
ones can be had.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

Json = Any
SECRET = "the secret"
A, B, ZEROS = "a" * 40, "b" * 40, "0" * 40
COMMIT: Mapping[str, Json] = {"id": A, "message": "Subject\n", "author": {"name": "Someone", "email": "s@example.org"}}
FILES: Mapping[str, Json] = {"added": ["new.txt"], "modified": ["src/a.py"], "removed": ["old.txt"]}

GITHUB_PUSH: Json = {
    "ref": "refs/heads/main",
    "before": B,
    "after": A,
    "forced": False,
    "deleted": False,
    "commits": [{**COMMIT, "id": B, **FILES}, {**COMMIT, "added": [], "modified": ["b.py"], "removed": []}],
    "head_commit": dict(COMMIT),
    "repository": {"full_name": "team/app", "default_branch": "main", "clone_url": "https://github.com/team/app.git"},
    "sender": {"login": "octocat"},
}
GITLAB_PUSH: Json = {
    "object_kind": "push",
    "ref": "refs/heads/main",
    "before": B,
    "after": A,
    "user_username": "jsmith",
    "project": {
        "path_with_namespace": "team/app",
        "default_branch": "main",
        "git_http_url": "https://gitlab.example/team/app.git",
        "git_ssh_url": "git@gitlab.example:team/app.git",
    },
    "commits": [{**COMMIT, **FILES}],
    "total_commits_count": 1,
}
GITEA_PUSH: Json = {
    "ref": "refs/heads/main",
    "before": B,
    "after": A,
    "commits": [{**COMMIT, **FILES}],
    "total_commits": 1,
    "head_commit": dict(COMMIT),
    "repository": {"default_branch": "main", "clone_url": "https://gitea.example/team/app.git"},
    "pusher": {"login": "gitea"},
}
BITBUCKET_PUSH: Json = {
    "actor": {"nickname": "emma"},
    "repository": {"full_name": "team/app", "links": {"html": {"href": "https://bitbucket.org/team/app"}}},
    "push": {
        "changes": [
            {
                "old": {"type": "branch", "name": "main", "target": {"hash": B}},
                "new": {"type": "branch", "name": "main", "target": {"hash": A, "message": "Subject\n"}},
                "forced": False,
                "truncated": False,
            }
        ]
    },
}
BITBUCKET_SERVER_PUSH: Json = {
    "eventKey": "repo:refs_changed",
    "actor": {"name": "admin"},
    "repository": {"slug": "app", "links": {"clone": [{"href": "ssh://git@bitbucket.example:7999/team/app.git"}]}},
    "changes": [{"ref": {"id": "refs/heads/main"}, "fromHash": B, "toHash": A, "type": "UPDATE"}],
}
HUB_PUSH: Json = {
    "callback_url": "https://registry.hub.docker.com/u/team/app/hook/1/",
    "push_data": {"pushed_at": 1_700_000_000, "pusher": "team", "tag": "2"},
    "repository": {"repo_name": "team/app", "repo_url": "https://hub.docker.com/r/team/app"},
}
DISTRIBUTION_PUSH: Json = {
    "events": [
        {"id": "1", "action": "push", "target": {"repository": "team/app", "digest": "sha256:1"}},
        {
            "id": "2",
            "action": "push",
            "target": {"repository": "team/app", "tag": "2", "digest": "sha256:2"},
            "request": {"host": "registry.example:5000"},
        },
    ]
}
AZURE_PUSH: Json = {
    "action": "push",
    "target": {"repository": "team/app", "tag": "2"},
    "request": {"host": "r.azurecr.io"},
}
HARBOR_PUSH: Json = {
    "type": "PUSH_ARTIFACT",
    "operator": "admin",
    "event_data": {
        "resources": [{"tag": "2", "digest": "sha256:2", "resource_url": "harbor.example/team/app:2"}],
        "repository": {"repo_full_name": "team/app"},
    },
}
QUAY_PUSH: Json = {"name": "app", "docker_url": "quay.io/team/app", "updated_tags": ["1", "2"]}


def signed(headers: Mapping[str, str], payload: Json, header: str, prefix: str = "") -> tuple[dict[str, str], bytes]:
    """Headers and body with the signature under a name."""
    body = json.dumps(payload).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", **headers, header: prefix + digest}, body


def github(payload: Json = GITHUB_PUSH, event: str = "push", delivery: str = "1") -> tuple[dict[str, str], bytes]:
    """A delivery of GitHub."""
    headers = {"x-github-event": event, "x-github-delivery": delivery}
    return signed(headers, payload, "x-hub-signature-256", "sha256=")


def pushed(number: int) -> tuple[dict[str, str], bytes]:
    """A delivery of GitHub about a push of its own."""
    return github({**GITHUB_PUSH, "after": f"{number + 1:040x}"}, delivery=str(number))


def gitea(payload: Json = GITEA_PUSH, event: str = "push", delivery: str = "1") -> tuple[dict[str, str], bytes]:
    """A delivery of Gitea, which sends GitHub's headers too."""
    headers = {"x-gitea-event": event, "x-gitea-delivery": delivery, "x-github-event": event}
    return signed(headers, payload, "x-gitea-signature")


def forgejo(payload: Json = GITEA_PUSH) -> tuple[dict[str, str], bytes]:
    """A delivery of Forgejo."""
    return signed({"x-forgejo-event": "push", "x-forgejo-delivery": "1"}, payload, "x-forgejo-signature")


def gitlab(payload: Json = GITLAB_PUSH, delivery: str = "1") -> tuple[dict[str, str], bytes]:
    """A delivery of GitLab, which shows the secret itself."""
    headers = {"x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": delivery, "x-gitlab-token": SECRET}
    return {"content-type": "application/json", **headers}, json.dumps(payload).encode()


def bitbucket(payload: Json = BITBUCKET_PUSH, event: str = "repo:push") -> tuple[dict[str, str], bytes]:
    """A delivery of Bitbucket."""
    return signed({"x-event-key": event, "x-request-uuid": "1"}, payload, "x-hub-signature", "sha256=")


def registry(payload: Json) -> tuple[dict[str, str], bytes]:
    """A delivery of an image registry, with the header that one can set there."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {SECRET}"}
    return headers, json.dumps(payload).encode()
