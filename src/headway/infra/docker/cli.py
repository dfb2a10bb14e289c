"""Docker's own command line, as argument lists and environments: what takes long is a command of the run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import field

from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret

# The loader, the C library, Go, Perl, git and Docker's programs act on variables of these names; no build may set them.
_ACTED_ON = re.compile(
    r"LD_.*|DYLD_.*|GLIBC_.*|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|LOCPATH|MALLOC_.*|NIS_PATH|NLSPATH|RESOLV_.*"
    r"|RES_OPTIONS|TMPDIR|TZ|TZDIR|LC_.*|LANG"
    r"|GO(DEBUG|GC|MAXPROCS|MEMLIMIT|TRACEBACK|ROOT|PATH|FLAGS|COVERDIR|EXPERIMENT)|CGO_.*|SSL_CERT_.*|XDG_.*|OTEL_.*"
    r"|DOCKER.*|BUILDKIT.*|BUILDX.*|EXPERIMENTAL_.*|COMPOSE_.*|CONTAINER.*"
    r"|PERL.*|BASH.*|ENV|IFS|PATH|HOME|USER|LOGNAME|SHELL|TERM|NO_COLOR|(HTTPS?|FTP|NO|ALL)_PROXY|HEADWAY_SECRET_.*"
    r"|GIT_(SSH|CONFIG|EXEC|EXTERNAL|PROXY|ASKPASS|DIR|WORK|EDITOR|PAGER|TEMPLATE|TRACE|SEQUENCE|ALLOW).*|SSH_(AUTH|ASKPASS).*",
    re.IGNORECASE,
)
# The file in the folder of the configuration that says what BuildKit may fetch.
SOURCES = "sources.json"
# The file beside it that tells, after a build has failed, that BuildKit was not let fetch what it may be let fetch.
DENIED = "denied"
# Plugins are called by their own names, in the folders that ``docker`` looks for them in: before it starts one it asks
# each of them what it is, which takes a third of a cached build.
_PLUGINS = ":".join(f"/usr/{place}/docker/cli-plugins" for place in ("local/lib", "local/libexec", "lib", "libexec"))
_APART = 'exec "$@" 3>&1 1>&2 2>&3 3>&-'
PATH = f"{_PLUGINS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What is to be typed: arguments, their environment, and the standard input. With ``capture`` what it complains of
    is its output, and no part of the log: a registry's own words are in it, which are told to nobody.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    stdin: bytes = field(default=b"", repr=False)
    capture: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """What an image is built of and called. ``context`` and ``dockerfile`` are absolute; ``dockerfile`` None is read
    from ``dockerfile_text``, beside which ``ignored`` says what of the context is left out. ``contexts`` are further
    folders by name. Arguments show in the image's history; secrets are in no layer, no argument and no log;
    ``secret_files`` are those that lie in files. ``caches`` is whose the cache mounts are: no other build has them.
    ``front_end`` is an image that reads the file in the place of BuildKit's own front end; ``shown_labels`` are labels
    of the user's. ``options`` are further arguments of the command line.
    """

    context: str
    tag: str
    dockerfile: str | None = None
    dockerfile_text: str = ""
    ignored: str | None = None
    stage: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    caches: str = ""
    front_end: str | None = None
    shown_labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    group: str | None = None
    fresh: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """The command line of an engine. ``configuration`` is the folder of its credentials, private to one use."""

    host: str
    configuration: str

    def build(self, build: ImageBuild) -> Typed:
        """Builds an image with BuildKit and says in plain text what it does. The file of sources has to lie in the
        folder of the configuration: without it nothing is built.
        """
        secrets = {f"HEADWAY_SECRET_{number}": name for number, name in enumerate(build.secrets)}
        in_env = _harmless(build.arguments)
        own = {"BUILDKIT_SYNTAX": build.front_end or "", "BUILDKIT_CACHE_MOUNT_NS": build.caches}
        argv = (
            *("docker-buildx", "build", "--progress=plain", "--provenance=false"),
            f"--tag={build.tag}",
            f"--file={build.dockerfile or '-'}",
            *((f"--target={build.stage}",) if build.stage else ()),
            *(f"--label={name}={value}" for name, value in build.labels.items()),
            *(f"--build-arg={name}" for name in in_env),
            *(f"--build-arg={name}={value}" for name, value in own.items() if value),
            *(f"--secret={_fields(f'id={name}', f'env={variable}')}" for variable, name in secrets.items()),
            *(f"--secret={_fields(f'id={name}', f'src={path}')}" for name, path in build.secret_files.items()),
            *(f"--build-context={name}={folder}" for name, folder in build.contexts.items()),
            *((f"--cgroup-parent={build.group}",) if build.group else ()),
            *(("--no-cache", "--pull") if build.fresh else ()),
            *build.options,
            *("--", build.context),
        )
        env = {**in_env, **{variable: build.secrets[name].reveal() for variable, name in secrets.items()}}
        told = {"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": f"{self.configuration}/{SOURCES}"}
        return Typed(argv=argv, env={**env, **self._env, **told}, stdin=build.dockerfile_text.encode())

    def pull(self, name: str) -> Typed:
        """Brings an image from its registry."""
        return self._asking("pull", "--", name)

    def push(self, name: str) -> Typed:
        """Takes an image to its registry."""
        return self._asking("push", "--", name)

    def start(self, container_id: str) -> Typed:
        """Starts a container that was made, tells what it writes, and ends as it does."""
        return Typed(argv=("docker", "start", "--attach", "--", container_id), env=self._env)

    def login(self, registry: str, username: str, password: Secret) -> Typed:
        """Keeps credentials for a registry in the folder, which is removed after the use."""
        where = ("--", registry) if registry else ()
        return self._asking("login", f"--username={username}", "--password-stdin", *where, stdin=password.reveal())

    def with_engine(self, env: Mapping[str, str]) -> dict[str, str]:
        """An environment for another program that speaks to the engine; ``env`` cannot say which one, or how."""
        return {**_harmless(env), **self._env}

    def _asking(self, *arguments: str, stdin: str = "") -> Typed:
        argv = ("/bin/sh", "-c", _APART, "headway", "docker", *arguments)
        return Typed(argv=argv, env=self._env, stdin=stdin.encode(), capture=True)

    @property
    def _env(self) -> dict[str, str]:
        return {
            "PATH": PATH,
            "HOME": self.configuration,
            "TMPDIR": self.configuration,  # what a killed one leaves goes with the folder
            "LC_ALL": "C.UTF-8",
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": self.configuration,
            "BUILDX_CONFIG": f"{self.configuration}/buildx",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "BUILDX_GIT_INFO": "false",
            "DOCKER_CLI_HINTS": "false",
        }


def exported(folder: str) -> str:
    """The option of a build that leaves its files in that folder, whatever that is called."""
    return f"--output={_fields('type=local', f'dest={folder}')}"


def is_acted_on(name: str) -> bool:
    """Whether a program on the way to a build would itself act on a variable of that name."""
    return _ACTED_ON.fullmatch(name) is not None


def _harmless(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that go by the environment, where nobody else reads them. No value is ever an argument."""
    return {name: value for name, value in variables.items() if not is_acted_on(name)}


def _fields(*fields: str) -> str:
    """Fields as the command line takes them apart: a record of RFC 4180."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(fields)
    return written.getvalue()
