"""How a Python application is started, as far as its files tell it; and the servers that do it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum

from headway.drivers.buildplan.plan import Confidence, Phase, Question, Site
from headway.drivers.buildplan.providers.python_code import Place
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_variables import Given
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import FOR_THE_BUILD, SECRET


class Interface(StrEnum):
    """What a framework speaks to its server."""

    WSGI = "wsgi"
    ASGI = "asgi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """``command`` is the start command ("" where a ``site`` is served), ``reason`` says why it is that. ``adds`` are
    packages that it needs and the project does not ask for, ``follows`` the files that name those; ``before`` are
    phases ahead of all others, ``phases`` come after the installation. ``note_started`` is said where this command is
    what starts, ``note_told`` where another does. ``own_port`` is the one that the program listens on whatever PORT
    says, with the file that has it. ``keep`` are the folders that stay, ``keep_reason`` says why
    where that is more than a file of SQLite.
    """

    reason: str
    command: str = ""
    framework: str = ""
    takes_requests: bool = True
    adds: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    before: tuple[Phase, ...] = ()
    phases: tuple[Phase, ...] = ()
    release: str | None = None
    release_reason: str = "Django's migrations"
    site: Site | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    keep_reason: str = ""
    own_port: tuple[int, str] | None = None
    confidence: Confidence = Confidence.SEEN
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()
    note_started: str = ""
    note_told: str = ""

    def with_given(self, given: Sequence[Given]) -> Start:
        """It, with variables that it is given; a secret is another one for the build."""
        return replace(
            self,
            build_env={**self.build_env, **{each.name: FOR_THE_BUILD for each in given if each.value == SECRET}},
            run_env={**self.run_env, **{each.name: each.value for each in given}},
            notes=(*(each.note for each in given), *self.notes),
        )


_WITHOUT_PKG_RESOURCES = 21  # the first gunicorn that does without
_LAST_WITH_PKG_RESOURCES = "setuptools<82"


def old_gunicorn_needs(requires: Requirements) -> tuple[str, ...]:
    """What a pinned gunicorn imports and no longer comes with Python or with setuptools of today."""
    is_old = requires.majors.get("gunicorn", _WITHOUT_PKG_RESOURCES) < _WITHOUT_PKG_RESOURCES
    return (_LAST_WITH_PKG_RESOURCES,) if is_old and "setuptools" not in requires else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server's command line, why that server, and the packages that have to be installed for it."""

    command: str
    reason: str
    adds: tuple[str, ...] = ()


_BIND = "127.0.0.1:$PORT"
_HOST = "--host 127.0.0.1 --port $PORT"
_WSGI = ("gunicorn", "waitress", "uwsgi", "granian", "hypercorn")
_ASGI = ("uvicorn", "hypercorn", "granian", "daphne")
_DEFAULT: Mapping[Interface, str] = {Interface.WSGI: "gunicorn", Interface.ASGI: "uvicorn"}
_SOCKET_WORKERS = ("eventlet", "gevent")
_LAST_WITH_EVENTLET = "gunicorn<26"


def serve(
    interface: Interface,
    place: Place,
    name: str,
    requires: Requirements,
    *,
    is_factory: bool = False,
    options: str = "",
) -> Served:
    """The command that serves an application object, or what a factory makes, on $PORT of the loopback: by a server
    that the project asks for, and else by the one that the framework's own guide begins with, which is installed.
    """
    wanted = requires.first(*(_WSGI if interface is Interface.WSGI else _ASGI))
    server = wanted or _DEFAULT[interface]
    command = place.command(_line(server, interface, place.module, name, is_factory=is_factory, options=options))
    if wanted:
        return Served(command=command, reason=f"{server} is required")
    return Served(command=command, reason=f"{server} is installed for it, since no server is required", adds=(server,))


def serve_sockets(place: Place, name: str, requires: Requirements, *, is_factory: bool) -> Served:
    """The command that serves an application with Flask-SocketIO: gunicorn with one worker, which keeps connections."""
    own = Requirements(extras={each: extras for each, extras in requires.extras.items() if each == "gunicorn"})
    kind = requires.first(*_SOCKET_WORKERS)
    options = f"--worker-class {kind} --workers 1" if kind else "--workers 1 --threads 100"
    served = serve(Interface.WSGI, place, name, own, is_factory=is_factory, options=options)
    if kind != "eventlet":
        return served
    return Served(
        command=served.command,
        reason=f"{_LAST_WITH_EVENTLET}, the last with eventlet's worker, is installed for it",
        adds=(_LAST_WITH_EVENTLET,),
    )


def _line(server: str, interface: Interface, module: str, name: str, *, is_factory: bool, options: str) -> str:
    called = shlex.quote(f"{module}:{name}()" if is_factory else f"{module}:{name}")
    plain = shlex.quote(f"{module}:{name}")
    more = f" {options}" if options else ""
    match server:
        case "gunicorn":
            return f"gunicorn --bind {_BIND}{more} {called}"
        case "waitress":
            return f"waitress-serve --listen={_BIND}{' --call' if is_factory else ''} {plain}"
        case "uwsgi":
            return f"uwsgi --http-socket {_BIND} --master --need-app --module {called}"
        case "granian":
            kind = "wsgi" if interface is Interface.WSGI else "asgi"
            return f"granian --interface {kind} {_HOST}{' --factory' if is_factory else ''} {plain}"
        case "hypercorn":
            return f"hypercorn --bind {_BIND} {called}"
        case "daphne":
            return f"daphne -b 127.0.0.1 -p $PORT {plain}"
        case _:
            return f"uvicorn {plain} {_HOST}{' --factory' if is_factory else ''}"
