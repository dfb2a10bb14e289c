"""A bot that has a web server in a thread beside it, as many keep theirs awake: the bot is what is started."""

from __future__ import annotations

import re
import shlex
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers import python_address, python_code, python_scripts
from headway.drivers.buildplan.providers.python_frameworks import port_note
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree

_THREAD = re.compile(
    r"\bThread\(\s{0,40}target[ \t]*=[ \t]*(?:lambda:?[ \t]*)?(?P<target>[A-Za-z_]\w{0,60}(?:\.\w{1,40})?)"
)
_SERVES = re.compile(
    r"\buvicorn\.run\(|(?<!\.)\bserve\(|\bserve_forever\(|\b(?:run_app|make_server|run_simple)\(|WSGIServer\("
)
_MAKERS: Final = ("Flask", "FastAPI", "Quart", "Bottle", "Sanic", "Starlette", "APIFlask")
_FUNCTION = re.compile(r"(?:async[ \t]+)?def[ \t]+(\w{1,60})\(")
_OUTSIDE = re.compile(r"\n(?=[^\s#])")
_FLASK_PORT: Final = 5000  # where it listens that is told none
_RUN = re.compile(r"\.run\(\s{0,40}(?:(?:host|debug)[ \t]*=[ \t]*[\"'\w.]{1,40}[ \t]*,?[ \t]*){0,2}\)")
_MOST_THREADS: Final = 8
_LONGEST: Final = 1_000


def find_bot(tree: Tree) -> Start | None:
    """The program at the top that is a bot, and begins a web server in a thread of its own or of a module that it
    imports; None where there is none, or several are.
    """
    tops = [name for name in python_code.entries(tree) if "/" not in name]
    bots = [name for name in tops if python_scripts.bot_of(python_code.source(tree, name))]
    found = [(name, server) for name in bots if (server := _server(tree, name, tops))]
    if len({name for name, _ in found}) != 1:
        return None
    name, server = found[0]
    text, bot = python_code.source(tree, server), python_scripts.bot_of(python_code.source(tree, name))
    beside = f"which begins the web server of {server}" if server != name else "which begins a web server beside"
    own, line = _port(text, server), f"python3 {shlex.quote(name)}"
    return Start(
        framework=bot,
        command=line if own is not None else python_address.led(text, line) or line,
        reason=f"{bot}: {name}, {beside}",
        own_port=own,
        notes=port_note(server, text) if own is None else (),
    )


def _server(tree: Tree, name: str, tops: list[str]) -> str:
    """The file whose web server a bot begins in a thread, "" where it begins none."""
    text = python_code.source(tree, name)
    if _begun(text, ""):
        return name
    for other in tops:
        module = other.removesuffix(".py")
        if other != name and python_code.imports(text, module) and _begun(python_code.source(tree, other), text):
            return other
    return ""


def _begun(text: str, caller: str) -> bool:
    """Whether a thread of this text serves: one that its own program begins, or a function of it that the caller
    calls.
    """
    app = python_code.assigned(text, _MAKERS)
    runs = f"{app}.run"
    for match in islice(_THREAD.finditer(text), _MOST_THREADS):
        target = match["target"]
        body = _body(text, target) if "." not in target else ""
        serves = (app is not None and (target == runs or f"{runs}(" in body)) or _SERVES.search(body) is not None
        function = _function_at(text, match.start())
        is_called = not caller or (function and re.search(rf"\b{function}\(", caller)) is not None
        if serves and is_called:
            return True
    return False


def _body(text: str, function: str) -> str:
    """The text of a function, as far as it is looked at."""
    match = re.search(rf"^(?:async[ \t]+)?def[ \t]+{function}\(", text, re.MULTILINE)
    return _OUTSIDE.split(text[match.end() : match.end() + _LONGEST], maxsplit=1)[0] if match is not None else ""


def _function_at(text: str, place: int) -> str:
    """The function that a place is in; "" for none."""
    begins = max(text.rfind("\ndef ", max(0, place - _LONGEST), place), text.rfind("\nasync def ", 0, place))
    match = _FUNCTION.match(text[begins + 1 : place]) if begins >= 0 else None
    return match[1] if match is not None else ""


def _port(text: str, name: str) -> tuple[int, str] | None:
    own = python_address.own_port(text, name)
    is_usual = python_code.imports(text, "flask") and _RUN.search(text) and not python_code.reads_port(text)
    return own or ((_FLASK_PORT, name) if is_usual else None)
