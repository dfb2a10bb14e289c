"""The texts that supervisord reads: its own configuration, and a program file per release that holds no more than how
the launcher is called. One file that it cannot read stops it for everybody, so each has a form that can be checked.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from headway.drivers.runtimes.launch import layer
from headway.drivers.runtimes.launch.launcher import SUPERVISOR
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import checked_id

CONSOLE = "console.py"
LOG_BYTES = 10 << 20
LOG_BACKUPS = 2  # beside the file that is written to: three in all
START_SECONDS = 1
START_RETRIES = 30  # waits 1, 2, 3, ... seconds between tries; then the watch begins anew

_PROCESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_UNREADABLE = re.compile(r"""[^ -~]|[;#%"'\\{}*?\[\]$]""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One supervised copy of a process of a release; ``number`` counts from 1."""

    release_id: str
    process: str
    number: int = 1

    @property
    def name(self) -> str:
        """What supervisord calls it; the letter in front is there since an identifier may begin with a hyphen."""
        suffix = "" if self.number == 1 else f".{self.number}"
        return f"r{self.release_id}-{self.process}{suffix}"

    @property
    def label(self) -> str:
        """What people call it."""
        return self.process if self.number == 1 else f"{self.process}.{self.number}"

    @property
    def address(self) -> str:
        """What supervisord's calls name it by."""
        return f"{group_of(self.release_id)}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything of a native runtime lies below its folder."""

    root: Path

    @property
    def supervisord(self) -> Path:
        """The folder of supervisord itself."""
        return self.root / "supervisord"

    @property
    def configuration(self) -> Path:
        """The configuration of supervisord, by which launchers know it."""
        return self.root / SUPERVISOR

    @property
    def programs(self) -> Path:
        """The program files of releases: ``.conf`` is up, ``.down`` is stopped, ``.bad`` was set aside."""
        return self.supervisord / "programs"

    @property
    def closed_ports(self) -> Path:
        """The ports that lead to what is no process of an application."""
        return self.root / "closed-ports"

    @property
    def python(self) -> Path:
        """A link to the interpreter that launches."""
        return self.root / "python"

    @property
    def launcher(self) -> Path:
        """A link to the launcher."""
        return self.root / "launcher.py"

    @property
    def console(self) -> Path:
        """A link to what carries out commands inside what runs."""
        return self.root / CONSOLE

    def release(self, release_id: str) -> Path:
        """What is kept of a release."""
        return self.root / "releases" / checked_id(release_id)

    def home(self, application_id: str) -> Path:
        """The writable home of an application that has no data folder."""
        return self.root / "homes" / checked_id(application_id)

    def logs(self, app_name: str) -> Path:
        """The folder of an application's logs."""
        return self.root / "logs" / checked_id(app_name)

    @property
    def layers(self) -> Path:
        """What processes write in their releases, a folder for each release."""
        return self.root / layer.FOLDER

    def log_of(self, release_id: str, app_name: str, label: str) -> Path:
        """The newest log file of the process that people call so."""
        process, _, number = label.partition(".")
        return self.log(app_name, Program(release_id=release_id, process=process, number=int(number or 1)))

    def log(self, app_name: str, program: Program) -> Path:
        """The newest log file of a supervised process."""
        return self.logs(app_name) / f"{program.name}.log"


def group_of(release_id: str) -> str:
    """What supervisord calls the release."""
    return f"r{checked_id(release_id)}"


def checked_process(name: str) -> str:
    """The name itself, if a process type can be called so. Raises InvalidInput."""
    if not _PROCESS.fullmatch(name):
        raise InvalidInput(f"A process cannot be called {name!r}: use letters, digits, _ and -, 63 at most.")
    return name


def checked_root(root: Path) -> Path:
    """The folder itself, if supervisord's configuration can name it. Raises InvalidInput."""
    if not root.is_absolute() or _UNREADABLE.search(str(root)):
        raise InvalidInput(
            f"{root} cannot hold native releases: the process supervisor needs an absolute path of plain letters "
            "without quotes, brackets or any of ; # % $ \\ * ?. Choose another data directory."
        )
    return root


def render_programs(layout: Layout, app_name: str, programs: tuple[Program, ...], *, grace_seconds: float) -> str:
    """The program file of a release, whose programs form one group, to be added and removed as one."""
    sections = [_program(layout, app_name, program, grace_seconds) for program in programs]
    names = ",".join(program.name for program in programs)
    group = f"[group:{group_of(programs[0].release_id)}]\nprograms={names}\n"
    return "\n".join([*sections, group])


def is_our_form(text: str, release_id: str) -> bool:
    """Whether the text is a program file as ``render_programs`` writes it for this release."""
    *sections, group = text.split("\n\n")
    names = [match[1] for section in sections if (match := re.match(r"\[program:([^\]\n]+)\]\n", section))]
    keys = [[line.partition("=")[0] for line in section.splitlines()[1:]] for section in sections]
    return (
        text.isascii()
        and bool(names)
        and len(names) == len(sections)
        and all(name.startswith(f"r{release_id}-") for name in names)
        and all(given == list(_KEYS) for given in keys)
        and group == f"[group:r{release_id}]\nprograms={','.join(names)}\n"
    )


def blamed_file(message: str) -> Path | None:
    """The file that supervisord's refusal names; None when it names none."""
    match = re.search(r"file: '([^']+)'", message) or re.search(r"<([^<>]+\.conf)>|'([^']+\.conf)'", message)
    return Path(next(group for group in match.groups() if group)) if match else None


def render_supervisord(layout: Layout, socket: Path, *, identifier: str) -> str:
    """The configuration of supervisord itself."""
    folder = layout.supervisord
    return f"""[supervisord]
identifier={identifier}
logfile={folder}/supervisord.log
logfile_maxbytes={LOG_BYTES}
logfile_backups=1
loglevel=info
pidfile={folder}/supervisord.pid
childlogdir={folder}
nocleanup=true
silent=true
minfds=2048

[unix_http_server]
file={socket}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files=programs/*.conf
"""


_KEYS = (
    "command",
    "directory",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "redirect_stderr",
    "autorestart",
    "startsecs",
    "startretries",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
)


def _program(layout: Layout, app_name: str, program: Program, grace_seconds: float) -> str:
    launch = (layout.python, "-I", "-S", layout.launcher, layout.root, program.release_id, program.process)
    values = (
        shlex.join([*map(str, launch), str(program.number)]),
        "/",
        layout.log(app_name, program),
        LOG_BYTES,
        LOG_BACKUPS,
        "true",
        "true",
        START_SECONDS,
        START_RETRIES,
        max(1, round(grace_seconds)),
        "true",
        "true",
    )
    lines = (f"{key}={value}" for key, value in zip(_KEYS, values, strict=True))
    return "\n".join([f"[program:{program.name}]", *lines, ""])
