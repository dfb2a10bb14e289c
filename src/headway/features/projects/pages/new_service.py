"""The page on which something new is begun: what it is made of, and what was begun and never deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from headway.features.projects.pages.place_entries import PATH, PROJECTS, REGISTRY, SSH_KEY, Typed, creation
from headway.pages.entries import Entry, Look
from headway.pages.forms import Form
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

ALL: Asked[list[GlanceRow]] = Asked("service.all")
DATABASES: Mapping[str, str] = {
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "mongo": "MongoDB",
    "redis": "Redis",
    "libsql": "libSQL",
}
_DATABASE_ENTRIES = (
    Entry(name="databaseName", label="Database", look=Look.CODE, further=True),
    Entry(name="databaseUser", label="User", look=Look.CODE, further=True),
    Entry(name="dockerImage", label="Image", look=Look.CODE, hint="Left empty, the usual one.", further=True),
)
# What servers of a kind know nothing of.
_NAMELESS: Mapping[str, frozenset[str]] = {
    "mongo": frozenset({"databaseName"}),
    "redis": frozenset({"databaseName", "databaseUser"}),
    "libsql": frozenset({"databaseName"}),
}
_MOST = 20
_UNTIL = "It is saved as a service that is not deployed yet. You are shown what would be built, and deploy it then."
_BRANCH = Entry(name="customGitBranch", label="Branch", hint="Left empty, the default branch.")
_FOLDER = Entry(
    name="customGitBuildPath", label="Folder", hint="Where in the repository it lies, such as /web.", further=True
)
GIT_ENTRIES = (
    Entry(
        name="customGitUrl",
        label="Address of the repository",
        look=Look.CODE,
        hint="As git takes it: https://git.example/team/repository.git, or git@git.example:team/repository.git with an"
        " SSH key.",
        needed=True,
    ),
    _BRANCH,
    _FOLDER,
    Entry(name=SSH_KEY, label="SSH key", look=Look.CHOICE, none="None", further=True),
)
_IMAGE_ENTRIES = (
    Entry(name="dockerImage", label="Image", look=Look.CODE, hint="Such as nginx:stable.", needed=True),
    Entry(
        name="port",
        label="Port",
        look=Look.WHOLE,
        hint="On which its program listens; left empty, Headway chooses one and tells it in PORT.",
    ),
    Entry(name=REGISTRY, label="Registry", look=Look.CHOICE, none="None: everybody may fetch it", further=True),
)
_COMPOSE_ENTRIES = (Entry(name="composeFile", label="Compose file", look=Look.AREA, needed=True),)
_COMPOSE_GIT_ENTRIES = (
    GIT_ENTRIES[0],
    _BRANCH,
    Entry(
        name="composePath",
        label="Compose file",
        look=Look.CODE,
        hint="Where in the repository it lies; left empty, docker-compose.yml or compose.yaml.",
    ),
    GIT_ENTRIES[3],
)


async def show(visit: Visit) -> View:
    """What there is to choose from, and what waits to be gone on with."""
    services = await visit.ask(ALL)
    begun = [each for each in services if each["serving"] is None and each["status"] == "idle"]
    query = visit.query.get("environment", "")
    return View(
        template="features/projects/pages/new_service.html",
        values={
            "begun": begun[:_MOST],
            "begun_more": len(begun) > _MOST,
            "databases": DATABASES,
            "environment": query if query.isascii() and query.replace("-", "").replace("_", "").isalnum() else "",
        },
        title="New service",
    )


def last_word(text: object) -> str:
    """What is made of an address or an image is called by default."""
    words = str(text or "").partition("@sha256")[0].rstrip("/").removesuffix(".git")
    return words.rpartition("/")[2].rpartition(":")[2] if "://" in words or "@" in words else _of_image(words)


def _of_image(words: str) -> str:
    return words.rpartition("/")[2].partition(":")[0]


def _after(name: str) -> Callable[[Visit, Typed], str]:
    return lambda _visit, typed: last_word(typed.get(name))


def _forms() -> Mapping[str, Form]:
    found = {
        "git": creation(
            "application.create",
            GIT_ENTRIES,
            title="Deploy a repository",
            consequences=(_UNTIL,),
            called=_after("customGitUrl"),
            given=lambda _visit: {"sourceType": "git"},
        ),
        "image": creation(
            "application.create",
            _IMAGE_ENTRIES,
            title="Deploy an image",
            consequences=("It is saved as a service that is not deployed yet. Nothing is fetched before that.",),
            called=_after("dockerImage"),
            given=lambda _visit: {"sourceType": "docker"},
        ),
        "upload": creation(
            "application.create",
            (),
            title="Deploy an archive",
            consequences=("It is saved as a service that is not deployed yet. Then you send it the archive.",),
            called=lambda _visit, _typed: "upload",
            given=lambda _visit: {"sourceType": "drop"},
        ),
        "compose": creation(
            "compose.create",
            _COMPOSE_ENTRIES,
            title="Deploy a compose file",
            consequences=("It is saved as a service that is not deployed yet. Nothing runs before you deploy it.",),
            called=lambda _visit, _typed: "compose",
            given=lambda _visit: {"sourceType": "raw"},
        ),
        "compose-git": creation(
            "compose.create",
            _COMPOSE_GIT_ENTRIES,
            title="Deploy a compose file of a repository",
            consequences=("It is saved as a service that is not deployed yet. Nothing runs before you deploy it.",),
            called=_after("customGitUrl"),
            given=lambda _visit: {"sourceType": "git"},
        ),
    }
    return found | {kind: _database(kind, title) for kind, title in DATABASES.items()}


def _database(kind: str, title: str) -> Form:
    named = [each for each in _DATABASE_ENTRIES if each.name not in _NAMELESS.get(kind, frozenset())]
    return creation(
        f"{kind}.create",
        named,
        title=f"New {title} database",
        consequences=("It is saved as a service that is not deployed yet, with a password that is made for it.",),
        called=lambda _visit, _typed: kind,
        defaults={each.name: "app" for each in named if each.name != "dockerImage"},
    )


PAGE = Page(path=PATH, permission=PROJECTS.name, show=show, forms=_forms())
