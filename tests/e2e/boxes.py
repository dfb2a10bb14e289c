"""What the end-to-end tests of containers share: applications with a Dockerfile, and a look into the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import WEB, Panel, panel

DOCKERFILE = f"""\
FROM {BASE_IMAGE}
COPY app.py /app.py
EXPOSE 3000
CMD ["python3", "-u", "/app.py"]
"""
BUILD_SECONDS = 90


def boxed_web(version: str, dockerfile: str = DOCKERFILE, **files: str) -> dict[str, str]:
    """The files of a web application that answers with its version, and ends at once when it is asked to."""
    program = WEB.replace("VERSION", version).replace('("127.0.0.1"', '("0.0.0.0"')
    app = f"import signal\nsignal.signal(signal.SIGTERM, lambda *_: exit())\n{program}"
    return {"app.py": app, "Dockerfile": dockerfile, **files}


@contextlib.contextmanager
def boxing_panel(data_dir: Path, engine: Engine, **env: str) -> Iterator[Panel]:
    """A panel with that engine, in which nothing of it is left afterwards."""
    with panel(data_dir, HEADWAY_DOCKER_HOST=engine.host, **env) as started:
        yield started
    clear(engine, f"headway.panel={(data_dir / 'panel.id').read_text()}")


def clear(engine: Engine, label: str) -> None:
    """Removes what carries the label from the engine."""
    listings = {"container": ("--all",), "network": (), "volume": (), "image": ()}
    removals = {"container": ("--force", "--volumes"), "network": (), "volume": (), "image": ("--force",)}
    for what, all_of_them in listings.items():
        for found in {*engine.docker(what, "ls", "--quiet", "--filter", f"label={label}", *all_of_them).split()}:
            with _removed_by_others():
                engine.docker(what, "rm", *removals[what], found)


@contextlib.contextmanager
def _removed_by_others() -> Iterator[None]:
    """A swarm's own tidying may be as far with a container."""
    try:
        yield
    except AssertionError as refused:
        if not any(words in str(refused) for words in ("is already in progress", "No such container")):
            raise


def containers(engine: Engine, application_id: str) -> list[str]:
    """The states of an application's containers, the newest first."""
    mine = f"label=headway.application={application_id}"
    return engine.docker("container", "ls", "--all", "--filter", mine, "--format", "{{.State}}").split()


def images(engine: Engine, application_id: str) -> list[str]:
    """The ids of the images that were built for an application."""
    mine = f"label=headway.application={application_id}"
    return sorted(engine.docker("image", "ls", "--quiet", "--filter", mine).split())


def sleepers(seconds: int) -> list[int]:
    """The processes of the machine, in containers too, that sleep for so long."""
    wanted = f"sleep\0{seconds}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes() == wanted:
                found.append(int(path.parent.name))
    return found
