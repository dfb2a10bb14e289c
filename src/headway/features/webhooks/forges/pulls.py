"""Pull requests in the words of each forge."""

from __future__ import annotations

from headway.features.previews.model import Pull
from headway.features.webhooks.events import Event, Other, PullRequestNews
from headway.features.webhooks.payload import Json, at, hash_at, list_at, moment_at, number_at, text_at, texts

_NEW = frozenset({"opened", "open", "reopened", "reopen", "pullrequest:created"})
_UNREADABLE = Other(why="The pull request lacks its number, its branch or its commit.")
_MOST_LABELS = 100


def github_pull(payload: Json) -> Event:
    """As GitHub tells of one, and Gitea after it."""
    pull, repository = at(payload, "pull_request"), at(payload, "repository")
    head, base = at(pull, "head"), at(pull, "base")
    mine, theirs = text_at(base, "repo", "full_name"), text_at(head, "repo", "full_name")
    return _told(
        number=number_at(pull, "number") or number_at(payload, "number"),
        branch=text_at(head, "ref"),
        head=hash_at(head, "sha"),
        base=text_at(base, "ref"),
        pull={
            "title": text_at(pull, "title"),
            "url": text_at(pull, "html_url"),
            "author": text_at(pull, "user", "login"),
            "told": moment_at(pull, "updated_at"),
            # A fork that is gone has no name: it is one all the same.
            "fork": mine is None or theirs is None or mine.lower() != theirs.lower(),
            "open": text_at(pull, "state") == "open" and text_at(payload, "action") != "closed",
            "new": text_at(payload, "action") in _NEW,
            "labels": [text_at(each, "name") for each in list_at(pull, "labels")[:_MOST_LABELS]],
            "urls": [text_at(repository, name) for name in ("clone_url", "ssh_url", "git_url", "html_url")],
        },
    )


def gitlab_pull(payload: Json) -> Event:
    """As GitLab tells of a merge request."""
    told, project = at(payload, "object_attributes"), at(payload, "project")
    source, target = at(told, "source_project_id"), at(told, "target_project_id")
    return _told(
        number=number_at(told, "iid"),
        branch=text_at(told, "source_branch"),
        head=hash_at(told, "last_commit", "id"),
        base=text_at(told, "target_branch"),
        pull={
            "title": text_at(told, "title"),
            "url": text_at(told, "url"),
            "author": text_at(told, "last_commit", "author", "name") or text_at(payload, "user", "username"),
            "told": moment_at(told, "updated_at"),
            "fork": source is None or source != target,
            "open": text_at(told, "state") in {"opened", "locked"},
            "new": text_at(told, "action") in _NEW,
            "labels": [text_at(each, "title") for each in list_at(payload, "labels")[:_MOST_LABELS]],
            "urls": [text_at(project, name) for name in ("git_http_url", "git_ssh_url", "web_url")],
        },
    )


def bitbucket_pull(payload: Json, event: str) -> Event:
    """As Bitbucket in the cloud tells of one; it knows no labels."""
    pull, repository = at(payload, "pullrequest"), at(payload, "repository")
    source, target = at(pull, "source"), at(pull, "destination")
    mine, theirs = text_at(target, "repository", "full_name"), text_at(source, "repository", "full_name")
    fork = mine is None or theirs is None or mine.lower() != theirs.lower()
    place = text_at(source, "repository", "links", "html", "href")
    return _told(
        number=number_at(pull, "id"),
        branch=text_at(source, "branch", "name"),
        head=hash_at(source, "commit", "hash"),
        base=text_at(target, "branch", "name"),
        pull={
            "title": text_at(pull, "title"),
            "url": text_at(pull, "links", "html", "href"),
            "author": text_at(pull, "author", "nickname") or text_at(pull, "author", "display_name"),
            "told": moment_at(pull, "updated_on"),
            "fork": fork,
            "open": text_at(pull, "state") == "OPEN",
            "new": event in _NEW,
            "labels": [],
            "urls": [text_at(repository, "links", "html", "href")],
            "source": f"{place}.git" if fork and place else None,
        },
    )


def _told(*, number: int | None, branch: str | None, head: str | None, base: str | None, pull: Json) -> Event:
    if number is None or branch is None or head is None or base is None:
        return _UNREADABLE
    return PullRequestNews(
        pull=Pull(
            number=number,
            title=pull["title"] or "",
            url=pull["url"] or "",
            author=pull["author"] or "",
            branch=branch,
            head=head,
            base=base,
            fork=pull["fork"],
            labels=texts(*pull["labels"]),
            is_open=pull["open"],
            told_at=pull["told"],
            is_new=pull["new"],
            source_url=pull.get("source"),
            urls=texts(*pull["urls"]),
        )
    )
