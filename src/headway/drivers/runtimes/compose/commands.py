"""The commands that are typed for a compose service, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from headway.infra.docker.cli import PATH
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.kernel.dataclass import dataclass

_NO_ENGINE = "unix:///dev/null"
# All variables are filled in by then, and a ``.env`` in the folder would be read as root.
_NO_FILE = ("--env-file=/dev/null",)
_COMPLAINTS = 'exec "$@" 2>&1 >/dev/null'


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """Where the engine is, and the folder that its command line keeps its own settings in."""

    address: str
    config_folder: str

    @property
    def env(self) -> dict[str, str]:
        """The environment of every command that talks to the engine."""
        return {
            "PATH": PATH,
            "HOME": self.config_folder,
            "LANG": "C.UTF-8",
            "DOCKER_HOST": self.address,
            "DOCKER_CONFIG": self.config_folder,
            "DOCKER_CLI_HINTS": "false",
            "BUILDKIT_PROGRESS": "plain",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a compose file, with which home, and how much memory, time and how many processes that may take."""

    home: str
    account: Account | None
    limits: Limits = field(default_factory=Limits)
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composing:
    """The commands about one compose service. The file goes in by standard input: it holds secrets. ``variables`` are
    what its configs and secrets are made of, by names on which no program acts.
    """

    docker: Docker
    project: str
    folder: str
    file: bytes = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def check(self, reader: Reader) -> Command:
        """Whether Compose takes the file as it was made of the user's, under the account that reads those; it asks no
        engine.
        """
        return Command(
            stages=(Stage(argv=self.argv("config", "--quiet"), account=reader.account),),
            env=_env_of(reader, self.variables),
            stdin=self.file,
            limits=reader.limits,
            step_seconds=reader.seconds,
        )

    def up(self, services: Sequence[str]) -> Command:
        """Brings services to what the file says, in the order of their dependencies, and no others."""
        return self._command(*_UP, "--", *services)

    def up_beside(self, services: Mapping[str, int]) -> Command:
        """Begins new containers beside those that run; the numbers are of both together."""
        return self._command(*_more(services))

    def up_more(self, services: Mapping[str, int]) -> tuple[str, ...]:
        """The arguments of ``up_beside``."""
        return self.argv(*_more(services))

    def argv(self, *arguments: str) -> tuple[str, ...]:
        """A call of Compose that reads the file from its standard input."""
        where = (*_NO_FILE, "-p", self.project, "--project-directory", self.folder, "-f", "-")
        return ("docker-compose", "--ansi=never", "--progress=plain", *where, *arguments)

    @property
    def env(self) -> dict[str, str]:
        """The environment of such a call."""
        return {**self.variables, **self.docker.env}

    def _command(self, *arguments: str) -> Command:
        return Command(stages=(Stage(argv=self.argv(*arguments)),), env=self.env, stdin=self.file)


def resolve(project: str, folder: str, file: str, *, variables: Mapping[str, str], reader: Reader) -> Command:
    """The file as Compose resolves it, read by an account that may read nothing else. It asks no engine."""
    return _reading(project, folder, file, "--format=json", variables=variables, reader=reader)


def asked_variables(project: str, folder: str, file: str, *, reader: Reader) -> Command:
    """The variables that the file asks for, and which of them it gives a default."""
    return _reading(project, folder, file, "--variables", "--format=json", variables={}, reader=reader)


def unset_variables(project: str, folder: str, file: str, *, variables: Mapping[str, str], reader: Reader) -> Command:
    """What Compose complains of when it resolves the file: where a default is written, though it be empty, it does not
    complain; and a list of variables does not tell an empty default from none.
    """
    reading = _reading(project, folder, file, "--quiet", variables=variables, reader=reader)
    (stage,) = reading.stages
    return replace(reading, stages=(replace(stage, argv=("/bin/sh", "-c", _COMPLAINTS, "headway", *stage.argv)),))


def is_of_readers(name: str) -> bool:
    """Whether a variable of that name is there while a file is read, and is none of the user's."""
    return name in {"PATH", "HOME", "LANG", "DOCKER_CONFIG", "DOCKER_HOST"}


def _reading(
    project: str, folder: str, file: str, *options: str, variables: Mapping[str, str], reader: Reader
) -> Command:
    argv = ("docker-compose", "--ansi=never", "-p", project, "--project-directory", folder, "-f", file, "config")
    return Command(
        stages=(Stage(argv=(*argv, *options), account=reader.account),),
        env=_env_of(reader, variables),
        cwd=folder,
        capture=True,
        limits=reader.limits,
        step_seconds=reader.seconds,
    )


def _env_of(reader: Reader, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment in which a file is read: none of the variables says anything to a program."""
    taken = {name: value for name, value in variables.items() if not _is_of_programs(name)}
    own = {"PATH": PATH, "HOME": reader.home, "LANG": "C.UTF-8", "DOCKER_CONFIG": reader.home}
    return {**taken, **own, "DOCKER_HOST": _NO_ENGINE}


def _more(services: Mapping[str, int]) -> list[str]:
    scales = [f"--scale={name}={number}" for name, number in services.items()]
    return [*_UP, "--no-recreate", *scales, "--", *services]


def _is_of_programs(name: str) -> bool:
    """Whether a variable would change how the programs here work; one of Compose's own is the user's to set."""
    return name.startswith(("LD_", "DOCKER_", "COMPOSE_")) and name != "COMPOSE_PROFILES"


_UP = ("up", "--detach", "--no-build", "--pull=never", "--quiet-pull", "--no-deps", "--no-color")
