"""What can be set of a service, by topics: the fields of each, and when a change of them takes effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import DatabaseKind
from headway.features.services.pages.service_fields import Setting
from headway.kernel.dataclass import dataclass
from headway.pages.forms import Kind

AT_ONCE = "It takes effect at once."
BY_DEPLOY = "What runs stays as it is; the next deploy takes it up."
BY_RESTART = "What runs stays as it is, until it is restarted with the settings of now, or deployed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic. ``operation`` saves its fields, of the service's own router; ``takes`` says when that has an effect;
    ``sources`` are the sources of those that have it (none: all have it); ``unset`` is what holds where a field says
    nothing. ``fixed`` is sent along with what was typed.
    """

    title: str
    fields: Mapping[str, Setting]
    takes: str
    operation: str = "update"
    sources: frozenset[str] = frozenset()
    unset: str = "the default"
    fixed: Mapping[str, object] = field(default_factory=dict)


def _text(label: str, hint: str = "") -> Setting:
    return Setting(label=label, hint=hint, clears=True)


def _whole(label: str, hint: str = "") -> Setting:
    return Setting(kind=Kind.WHOLE, label=label, hint=hint, clears=True)


def _seconds(label: str, hint: str = "") -> Setting:
    return Setting(kind=Kind.NUMBER, label=f"{label} (seconds)", hint=hint, clears=True)


def _lines(label: str, hint: str = "One a line.") -> Setting:
    return Setting(kind=Kind.LINES, label=label, hint=hint, clears=True)


def _flag(label: str, hint: str = "") -> Setting:
    return Setting(kind=Kind.FLAG, label=label, hint=hint)


def _choice(label: str, *options: tuple[str, str], hint: str = "") -> Setting:
    return Setting(label=label, hint=hint, options=options, none="as by default", clears=True)


_GENERAL = Topic(
    title="Name",
    fields={"name": Setting(label="Name"), "description": Setting(label="Description")},
    takes=AT_ONCE,
    unset="none",
)
_GIT: Mapping[str, Setting] = {
    "customGitUrl": Setting(label="Repository", hint="https://git.example/team/repository.git, or an address for SSH."),
    "customGitBranch": _text("Branch"),
}
_KEY = Setting(label="SSH key", options=(), none="none", clears=True)
_MODULES = _flag("Fetch its submodules")
_OF_PROVIDERS: Mapping[str, str] = {"github": "", "gitlab": "gitlab", "gitea": "gitea", "bitbucket": "bitbucket"}
_LIMITS: Mapping[str, Setting] = {
    "cpuLimit": _text("Processors at most", "Such as 0.5 or 2."),
    "memoryLimit": _text("Memory at most", "Such as 512m or 2g."),
    "cpuReservation": _text("Processors kept free for it"),
    "memoryReservation": _text("Memory kept free for it"),
}
_DEADLINES: Mapping[str, Setting] = {
    "stepSeconds": _seconds("A step at most"),
    "inactivitySeconds": _seconds("Without a word at most"),
    "totalSeconds": _seconds("A deployment at most"),
}
_PUSHES: Mapping[str, Setting] = {
    "autoDeploy": _flag("Deploy what is pushed"),
    "triggerType": _choice("Deploys", ("push", "a push to its branch"), ("tag", "a new tag")),
    "watchPaths": _lines("Only where these paths change", "One a line, such as src/**; empty for any."),
    "newestWins": _flag("A newer push takes the place of one that waits or runs"),
    "webhookSecret": Setting(kind=Kind.SECRET, label="Secret of the webhook", hint="Left empty, it stays as it is."),
}
_HEALTH: Mapping[str, Setting] = {
    "healthDeadlineSeconds": _seconds("Has to answer within"),
    "settleSeconds": _seconds("Is watched for, after it answers"),
}


def _provider(prefix: str) -> Mapping[str, Setting]:
    names = ("branch", "buildPath") if not prefix else (f"{prefix}Branch", f"{prefix}BuildPath")
    return dict(zip(names, (_text("Branch"), _text("Folder that is built")), strict=True))


_APPLICATION: Mapping[str, Topic] = {
    "name": _GENERAL,
    **{
        f"source-{name}": Topic(
            title="Source: a repository of a git provider",
            fields=_provider(prefix),
            takes=BY_DEPLOY,
            sources=frozenset({name}),
        )
        for name, prefix in _OF_PROVIDERS.items()
    },
    "source-git": Topic(
        title="Source: a git repository",
        fields={
            **_GIT,
            "customGitBuildPath": _text("Folder that is built", "Empty for the whole repository."),
            "tag": _text("Tag", "Deploys this tag in place of the branch."),
            "commit": _text("Commit", "Deploys this commit in place of the newest."),
            "customGitSSHKeyId": _KEY,
            "enableSubmodules": _MODULES,
        },
        takes=BY_DEPLOY,
        operation="saveGitProvider",
        sources=frozenset({"git"}),
        unset="not set",
    ),
    "source-image": Topic(
        title="Source: an image",
        fields={
            "dockerImage": Setting(label="Image", hint="Such as nginx:stable."),
            "registryId": Setting(label="Registry", options=(), none="none", clears=True),
            "registryUrl": _text("Registry's address", "Where none of the registries above is chosen."),
            "username": _text("User of the registry"),
            "password": Setting(kind=Kind.SECRET, label="Password", hint="Left empty, it stays as it is."),
        },
        takes=BY_DEPLOY,
        operation="saveDockerProvider",
        sources=frozenset({"docker"}),
        unset="none",
    ),
    "pushes": Topic(title="Pushes", fields=_PUSHES, takes=AT_ONCE, unset="none"),
    "build": Topic(
        title="Build",
        fields={
            "builder": _choice(
                "Built by",
                ("auto", "what was detected"),
                ("native", "Headway itself, without containers"),
                ("dockerfile", "its Dockerfile"),
                ("nixpacks", "Nixpacks"),
                ("railpack", "Railpack"),
                ("heroku_buildpacks", "Heroku's buildpacks"),
                ("paketo_buildpacks", "Paketo's buildpacks"),
                ("static", "nothing: its files are served"),
            ),
            "build.provider": _text("Language", "Such as python or node."),
            "build.package": _text("Package", "The folder of a workspace that is meant."),
            "build.install": _text("Install command"),
            "buildCommand": _text("Build command"),
            "publishDirectory": _text("Folder that is published"),
            "build.versions": Setting(
                kind=Kind.PAIRS, label="Versions", hint="NAME=VERSION, one a line: node=22.", clears=True
            ),
            "build.keep": _lines("Folders that outlive a release", "Below the build path, one a line."),
            "dockerfile": _text("Dockerfile"),
            "dockerContextPath": _text("Folder that a Dockerfile is given"),
            "dockerBuildStage": _text("Stage of the Dockerfile"),
            "cleanCache": _flag("Build without what earlier builds kept"),
        },
        takes=BY_DEPLOY,
        unset="as detected",
    ),
    "start": Topic(
        title="Start",
        fields={
            "startCommand": _text("Start command", "Of what Headway has built."),
            "command": _text("Command in an image's own place"),
            "args": _lines("Arguments", "One a line."),
            "restartPolicy": _choice(
                "When it ends", ("always", "start it again"), ("on_failure", "if it failed"), ("never", "leave it")
            ),
            "restartAttempts": _whole("Starts again at most"),
        },
        takes=BY_RESTART,
        unset="as detected",
    ),
    "release-command": Topic(
        title="Release command",
        fields={"build.release": _text("Runs before a release serves", "Migrations, for example: once a deploy.")},
        takes=BY_DEPLOY,
        unset="as detected",
    ),
    "health": Topic(
        title="Health",
        fields={
            "healthCheckPath": _text("Asked at", "A path such as /health."),
            **_HEALTH,
            "drainSeconds": _seconds("The one before goes on answering for"),
        },
        takes=BY_RESTART,
    ),
    "processes": Topic(
        title="Processes",
        fields={
            "scale": Setting(
                kind=Kind.COUNTS, label="How often each runs", hint="NAME=NUMBER, one a line: web=2.", clears=True
            ),
            "port": _whole("Port", "A fixed one; empty for one that Headway chooses and tells in PORT."),
            "runtime": _choice(
                "Images run as", ("auto", "what fits"), ("container", "a container"), ("swarm", "a service of a swarm")
            ),
            "replicas": _whole("Copies of an image"),
        },
        takes=BY_DEPLOY,
    ),
    "resources": Topic(title="Resources", fields=_LIMITS, takes=BY_RESTART, unset="the panel's default"),
    "secrecy": Topic(
        title="What is secret of its variables",
        fields={
            "openVariables": _lines("Names that may be shown", "One a line: their values are shown here and in logs."),
            "secretVariables": _lines("Names that never may", "One a line: their values are masked in logs too."),
        },
        takes=AT_ONCE,
        unset="none: as names and values look",
    ),
    "deadlines": Topic(
        title="Deadlines of deployments",
        fields=_DEADLINES,
        takes="It holds for deployments that are asked for from now on.",
        unset="the panel's default",
    ),
    "retention": Topic(
        title="What is kept",
        fields={
            "keepDeployments": _whole("Deployments"),
            "keepDays": Setting(kind=Kind.NUMBER, label="Days of deployments", clears=True),
            "keepReleases": _whole("Releases to go back to"),
            "keepReleasesDays": Setting(kind=Kind.NUMBER, label="Days of releases", clears=True),
            "keepReleasesBytes": _whole("Bytes of releases"),
        },
        takes="What is beyond is removed with the next deploy, or when the panel clears up.",
        unset="the panel's default",
    ),
}
_FILE_PATH = _text("Path of the compose file")
_COMPOSE: Mapping[str, Topic] = {
    "name": _GENERAL,
    **{
        f"source-{name}": Topic(
            title="Source: a repository of a git provider",
            fields={next(iter(_provider(prefix))): _text("Branch"), "composePath": _FILE_PATH},
            takes=BY_DEPLOY,
            sources=frozenset({name}),
        )
        for name, prefix in _OF_PROVIDERS.items()
    },
    "source-git": Topic(
        title="Source: a git repository",
        fields={**_GIT, "composePath": _FILE_PATH, "customGitSSHKeyId": _KEY, "enableSubmodules": _MODULES},
        takes=BY_DEPLOY,
        sources=frozenset({"git"}),
        unset="not set",
        fixed={"sourceType": "git"},
    ),
    "source-file": Topic(
        title="Source: a file that is saved here",
        fields={"composeFile": Setting(kind=Kind.BLOCK, label="Compose file", clears=True)},
        takes=BY_DEPLOY,
        sources=frozenset({"raw"}),
        unset="empty",
        fixed={"sourceType": "raw"},
    ),
    "run": Topic(
        title="How it is run",
        fields={
            "composeType": _choice("As", ("docker-compose", "containers of one machine"), ("stack", "a swarm's stack")),
            "createEnvFile": _flag("Its variables are written to a file .env beside the compose file"),
        },
        takes=BY_DEPLOY,
    ),
    "pushes": Topic(title="Pushes", fields=_PUSHES, takes=AT_ONCE, unset="none"),
    "health": Topic(title="Health", fields=_HEALTH, takes=BY_DEPLOY),
    "deadlines": _APPLICATION["deadlines"],
    "retention": Topic(
        title="What is kept",
        fields={
            name: each
            for name, each in _APPLICATION["retention"].fields.items()
            if name in {"keepReleases", "keepReleasesDays"}
        },
        takes=_APPLICATION["retention"].takes,
        unset="the panel's default",
    ),
}


def _database(kind: DatabaseKind) -> Mapping[str, Topic]:
    ports = {
        "externalPort": _whole("Port of the machine", "Leads to the database; empty for none."),
        "externalGRPCPort": _whole("Port of the machine for gRPC"),
        "externalAdminPort": _whole("Port of the machine for its administration"),
    }
    return {
        "name": _GENERAL,
        "image": Topic(
            title="Image",
            fields={"dockerImage": Setting(label="Image", hint="Its data stays: mind what a newer version needs.")},
            takes=BY_DEPLOY,
        ),
        "ports": Topic(
            title="Ports of the machine",
            fields={
                **{name: each for name, each in ports.items() if name in KINDS[kind].ports},
                "externalAddress": _text("Address of the machine", "127.0.0.1, or 0.0.0.0 for all of them."),
            },
            takes=BY_DEPLOY,
            unset="none",
        ),
        "start": Topic(
            title="Start",
            fields={"command": _text("Command in the image's own place"), "args": _lines("Arguments")},
            takes=BY_DEPLOY,
            unset="the image's own",
        ),
        "resources": Topic(title="Resources", fields=_LIMITS, takes=BY_DEPLOY, unset="the panel's default"),
        "data": Topic(
            title="Data",
            fields={
                "dataVolume": _text("Volume", "The next deploy gives it this one: what is in another stays there.")
            },
            takes=BY_DEPLOY,
        ),
    }


TOPICS: Mapping[str, Mapping[str, Topic]] = MappingProxyType(
    {"application": _APPLICATION, "compose": _COMPOSE, **{each.value: _database(each) for each in DatabaseKind}}
)
