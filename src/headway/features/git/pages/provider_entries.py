"""What is typed of a git provider, by its forge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headway.pages.entries import Entry, Look

FORGES: Mapping[str, str] = {"github": "GitHub", "gitlab": "GitLab", "gitea": "Gitea", "bitbucket": "Bitbucket"}
_NAME = Entry(name="name", label="Name", hint="Left empty, it is called after its forge.")
_API = Entry(
    name="apiUrl", label="Address of its API", look=Look.CODE, hint="Where it is not the usual one.", further=True
)


def spared(forge: str) -> Sequence[str]:
    """What no form shows of a forge's provider, which can do without it."""
    return (*(("accessToken", "githubPrivateKey", "githubWebhookSecret") if forge == "github" else ()), _API.name)


def entries_of(forge: str, has: Sequence[str] = ()) -> Sequence[Entry]:
    """The entries of a forge's provider. Of what it ``has`` a secret is left as it is where nothing is typed."""
    kept = "There is one, which is not shown. Left empty, it stays." if has else ""
    return (_NAME, *_OWN[forge](kept), _API)


def _github(kept: str) -> tuple[Entry, ...]:
    return (
        _secret(
            "accessToken", "Access token", kept or "One that may read contents, metadata and hooks of repositories."
        ),
        Entry(
            name="githubUrl",
            label="Address",
            look=Look.CODE,
            hint="Of a GitHub Enterprise server; left empty, https://github.com.",
            further=True,
        ),
        Entry(
            name="githubAppId",
            label="App ID",
            look=Look.CODE,
            hint="To connect as an app, in place of a token.",
            further=True,
        ),
        Entry(name="githubAppName", label="App name", look=Look.CODE, further=True),
        Entry(name="githubInstallationId", label="Installation ID", look=Look.CODE, further=True),
        Entry(
            name="githubPrivateKey",
            label="Private key of the app",
            look=Look.SECRET_AREA,
            hint=kept,
            further=True,
        ),
        Entry(name="githubWebhookSecret", label="Webhook secret of the app", look=Look.SECRET, hint=kept, further=True),
    )


def _gitlab(kept: str) -> tuple[Entry, ...]:
    return (
        _secret("accessToken", "Access token", kept or "A personal, group or project token with the scope api."),
        _address("gitlabUrl", "Left empty, https://gitlab.com."),
        Entry(
            name="groupName",
            label="Group",
            look=Look.CODE,
            hint="To show the repositories of this group alone.",
            further=True,
        ),
    )


def _gitea(kept: str) -> tuple[Entry, ...]:
    scopes = "One with read:repository, write:issue and, for statuses, write:repository."
    return (
        _address("giteaUrl", "Such as https://git.example."),
        _secret("accessToken", "Access token", kept or scopes),
        Entry(name="giteaUsername", label="User", look=Look.CODE, further=True),
        Entry(
            name="organizationName",
            label="Organisation",
            look=Look.CODE,
            hint="To show its repositories alone.",
            further=True,
        ),
    )


def _bitbucket(kept: str) -> tuple[Entry, ...]:
    return (
        Entry(
            name="bitbucketEmail",
            label="E-mail address",
            look=Look.CODE,
            hint="That of the account whose API token it is.",
        ),
        _secret("apiToken", "API token", kept or "One that may read repositories and write webhooks."),
        Entry(name="bitbucketWorkspaceName", label="Workspace", look=Look.CODE, hint="To show its repositories alone."),
        Entry(name="bitbucketUsername", label="User", look=Look.CODE, hint="That of an app password.", further=True),
        Entry(name="appPassword", label="App password", look=Look.SECRET, hint=kept, further=True),
        Entry(name="accessToken", label="Access token", look=Look.SECRET, hint=kept, further=True),
        Entry(
            name="bitbucketUrl",
            label="Address",
            look=Look.CODE,
            hint="Left empty, https://bitbucket.org.",
            further=True,
        ),
    )


def _secret(name: str, label: str, hint: str) -> Entry:
    return Entry(name=name, label=label, look=Look.SECRET, hint=hint)


def _address(name: str, hint: str) -> Entry:
    return Entry(name=name, label="Address", look=Look.CODE, hint=hint)


_OWN: Mapping[str, Callable[[str], tuple[Entry, ...]]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _gitea,
    "bitbucket": _bitbucket,
}
