"""Docker's own command line, as argument lists and environments: what takes long is a command of the run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from headway.kernel.secret import Secret

# The loader, the C library, Go, Perl, git and Docker's programs act on variables of these names; no build may set them.
_ACTED_ON = re.compile(
    r"LD_.*|DYLD_.*|GLIBC_.*|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|LOCPATH|MALLOC_.*|NIS_PATH|NLSPATH|RESOLV_.*"
    r"|RES_OPTIONS|TMPDIR|TZ|TZDIR|LC_.*|LANG"
    r"|GO(DEBUG|GC|MAXPROCS|MEMLIMIT|TRACEBACK|ROOT|PATH|FLAGS|COVERDIR|EXPERIMENT)|CGO_.*|SSL_CERT_.*|XDG_.*|OTEL_.*"
    r"|DOCKER.*|BUILDKIT.*|BUILDX.*|COMPOSE_.*|CONTAINER.*|SOURCE_DATE_EPOCH"
    r"|PERL.*|BASH.*|ENV|IFS|PATH|HOME|USER|LOGNAME|SHELL|TERM|NO_COLOR|(HTTPS?|FTP|NO|ALL)_PROXY|HEADWAY_SECRET_.*"
    r"|GIT_(SSH|CONFIG|EXEC|EXTERNAL|PROXY|ASKPASS|DIR|WORK|EDITOR|PAGER|TEMPLATE|TRACE|SEQUENCE|ALLOW).*|SSH_(AUTH|ASKPASS).*",
    re.IGNORECASE,
)
# Plugins are called by their own names, in the folders that ``docker`` looks for them in: before it starts one it asks
# each of them what it is, which takes a third of a cached build.
_PLUGINS = ":".join(f"/usr/{place}/docker/cli-plugins" for place in ("local/lib", "local/libexec", "lib", "libexec"))
PATH = f"{_PLUGINS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What is to be typed: arguments, their environment, and the standard input."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    stdin: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """What an image is built of and called. ``context`` and ``dockerfile`` are absolute; ``dockerfile`` None is read
    from ``dockerfile_text``. ``contexts`` are further folders by name. Arguments show in the image's history; secrets
    are in no layer, no argument and no log; ``secret_files`` are those that lie in files. ``options`` are further
    arguments of the command line.
    """

    context: str
    tag: str
    dockerfile: str | None = None
    dockerfile_text: str = ""
    stage: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    fresh: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """The command line of an engine. ``configuration`` is the folder of its credentials, private to one use."""

    host: str
    configuration: str

    def build(self, build: ImageBuild) -> Typed:
        """Builds an image with BuildKit and says in plain text what it does."""
        secrets = {f"HEADWAY_SECRET_{number}": name for number, name in enumerate(build.secrets)}
        in_env, in_words = _parted(build.arguments)
        argv = (
            *("docker-buildx", "build", "--progress=plain", "--provenance=false"),
            f"--tag={build.tag}",
            f"--file={build.dockerfile or '-'}",
            *((f"--target={build.stage}",) if build.stage else ()),
            *(f"--label={name}={value}" for name, value in build.labels.items()),
            *(f"--build-arg={word}" for word in in_words),
            *(f"--secret={_fields(f'id={name}', f'env={variable}')}" for variable, name in secrets.items()),
            *(f"--secret={_fields(f'id={name}', f'src={path}')}" for name, path in build.secret_files.items()),
            *(f"--build-context={name}={folder}" for name, folder in build.contexts.items()),
            *((f"--cgroup-parent={build.group}",) if build.group else ()),
            *(("--no-cache", "--pull") if build.fresh else ()),
            *build.options,
            *("--", build.context),
        )
        env = {**in_env, **{variable: build.secrets[name].reveal() for variable, name in secrets.items()}}
        return Typed(argv=argv, env={**env, **self._env}, stdin=build.dockerfile_text.encode())

    def pull(self, name: str) -> Typed:
        """Brings an image from its registry."""
        return Typed(argv=("docker", "pull", "--", name), env=self._env)

    def push(self, name: str) -> Typed:
        """Takes an image to its registry."""
        return Typed(argv=("docker", "push", "--", name), env=self._env)

    def login(self, registry: str, username: str, password: Secret) -> Typed:
        """Keeps credentials for a registry in the folder, which is removed after the use."""
        where = ("--", registry) if registry else ()
        argv = ("docker", "login", f"--username={username}", "--password-stdin", *where)
        return Typed(argv=argv, env=self._env, stdin=password.reveal().encode())

    def with_engine(self, env: Mapping[str, str]) -> dict[str, str]:
        """An environment for another program that speaks to the engine; ``env`` cannot say which one, or how."""
        in_env, _ = _parted(env)
        return {**in_env, **self._env}

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


def _parted(arguments: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Which arguments go by the environment, where nobody else reads them, and all as they are named on the command
    line: with their values only where the program itself would act on a variable of that name.
    """
    in_env = {name: value for name, value in arguments.items() if not _ACTED_ON.fullmatch(name)}
    return in_env, tuple(name if name in in_env else f"{name}={value}" for name, value in arguments.items())


def _fields(*fields: str) -> str:
    """Fields as the command line takes them apart: a record of RFC 4180."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(fields)
    return written.getvalue()
