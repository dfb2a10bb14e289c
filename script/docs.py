"""The pages of docs/ that are made from the code, behind script/docs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from headway.core.deployments.status import MOVES, Intent, Reason, Status
from headway.kernel.setting_choices import OTHER_VARIABLES, documented
from script.api_page import api_page
from script.clients_page import clients_page
from script.compose_page import compose_page
from script.destinations_page import destinations_page
from script.dockerfile_page import dockerfile_page
from script.markdown import NOTE, page, table
from script.traefik_page import traefik_page

DOCS = Path(__file__).resolve().parents[1] / "docs"
_REASONS: Mapping[Reason, str] = {
    Reason.FAILED: "a step failed: a command, a health check, a proof of the route",
    Reason.KILLED: "somebody killed it; nothing of its process tree was left when the call returned",
    Reason.CANCELLED: "somebody cancelled it, or stopped or deleted what it belongs to",
    Reason.SUPERSEDED: "something newer took its place",
    Reason.TIMED_OUT: "a step, the silence within one, or the whole took longer than its deadline",
    Reason.OUT_OF_MEMORY: "a command used more memory than it may",
    Reason.LOST: "the host restarted, or its processes vanished, while it ran",
    Reason.REFUSED: "it could not be carried out as asked: what it belongs to is gone, or the request does not hold",
}


def main(arguments: Sequence[str]) -> int:
    made = {name: make() for name, make in PAGES.items()}
    stale = [name for name, text in made.items() if _read(DOCS / name) != text]
    if "--check" in arguments:
        for name in stale:
            print(f"script/docs: docs/{name} is not what the code says; run script/docs", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(made[name])
        print(f"wrote docs/{name}")
    return 0


def settings_page() -> str:
    """All that can be set."""
    rows = [(f"`{each.variable}`", each.description, _shown(each.default), each.accepts) for each in documented()]
    return page(
        NOTE.format(source="src/headway/kernel/settings.py"),
        "# Settings",
        """
        The panel reads its settings from the environment when it starts. `headway serve` takes the folder, the
        addresses, the ports and the log level as options too (`--data-dir`, `--host`, `--port`, `--edge-host`,
        `--edge-port`, `--log-level`), which win. An empty variable counts as unset. A value that is not possible
        ends the start with a sentence that says what it takes; a variable that nobody reads is warned of. `headway
        doctor` says how they fit this machine.
        """,
        table(("variable", "meaning", "default", "takes"), rows),
        "Times without a unit are seconds; K, M and G of a size are powers of 1024.",
        "## Other variables",
        table(("variable", "meaning"), [(f"`{name}`", text) for name, text in OTHER_VARIABLES.items()]),
        """
        The command line also reads `HEADWAY_API_KEY`, and without it, for a panel on the same machine, `owner.key`
        in `HEADWAY_DATA_DIR` or the default data folder.
        """,
    )


def state_page() -> str:
    """The states of a deployment, the moves between them, and the reasons of an end."""
    assert set(_REASONS) == set(Reason), "every reason is explained"  # noqa: S101 - a program of the checkout
    rows = [
        (
            f"`{move.source}`",
            move.name,
            f"`{move.target}`",
            ", ".join(sorted(move.makers)),
            ", ".join(f"`{reason}`" for reason in Reason if reason in move.reasons),
        )
        for move in MOVES
    ]
    return page(
        NOTE.format(source="src/headway/core/deployments/status.py"),
        "# The states of a deployment",
        """
        A deployment has one of four statuses, in the database and on the wire. Every change is one of the moves
        below: an update guarded by the old status, the lease and the epoch, so that of two who want to move only
        one does.
        """,
        f"```mermaid\n{_diagram()}\n```",
        "## Moves",
        table(("from", "move", "to", "made by", "reason"), rows),
        """
        The *worker* claims what waits, the *runner* carries it out, the *service* answers requests, and *recovery*
        looks at what a panel that is gone has left. An end is written once; nothing leads on from `done` and
        `error`.
        """,
        "## Reasons",
        "What kind of end an `error` was. The sentence for people is in `errorMessage`.",
        table(("reason", "meaning"), [(f"`{reason}`", _REASONS[reason]) for reason in Reason]),
        "## Intents",
        """
        A wish to end a deployment is written on its row before anything is signalled. From then on nothing new
        starts but what takes back what was half-made, and whoever ends the run, also after a crash, carries the
        wish out.
        """,
        table(("intent", "leads to"), [(f"`{intent}`", f"`error`, `{intent.reason}`") for intent in Intent]),
    )


def _diagram() -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {Status.PENDING}: request"]
    for source in Status:
        for target in Status:
            names = [move.name for move in MOVES if (move.source, move.target) == (source, target)]
            if names:
                lines.append(f"    {source} --> {target}: {', '.join(names)}")
    lines += [f"    {status} --> [*]" for status in Status if status.ended]
    return "\n".join(lines)


def _shown(default: str) -> str:
    return default if not default or " " in default else f"`{default}`"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "api.md": api_page,
        "clients.md": clients_page,
        "compose-keys.md": compose_page,
        "destinations.md": destinations_page,
        "dockerfiles.md": dockerfile_page,
        "settings.md": settings_page,
        "state-machine.md": state_page,
        "traefik.md": traefik_page,
    }
)
"""What makes each page, by its name below docs/."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
