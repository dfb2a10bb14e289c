"""A package with documentation: whether the repository is deployed for that, or for the program that it is about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.image_stages import DOCKERFILE, dockerfile, whole
from headway.drivers.buildplan.plan import Confidence, Question
from headway.drivers.buildplan.providers.python_project import PythonProject
from headway.drivers.buildplan.providers.python_sites import is_site
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree

SERVERS: Final = ("gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve")
_FRAMEWORKS: Final = (
    *("flask", "quart", "django", "fastapi", "starlette", "litestar", "sanic", "falcon", "bottle", "pyramid"),
    *("werkzeug", "cherrypy", "connexion", "blacksheep", "python-fasthtml", "webob"),
)
_EXPOSES = re.compile(r"^[ \t]*EXPOSE[ \t]+\S", re.MULTILINE | re.IGNORECASE)
_DOCUMENTS = re.compile(r"\bsphinx-build\b|\bmkdocs\b|\bmake[ \t]+(?:-C[ \t]*\S{1,60}[ \t]+)?(?:dir)?html\b")
_ASIDE: Final = (".devcontainer/", "docs/", "doc/", "test", "examples/", ".github/")


def program(project: PythonProject, script: Start | None) -> Start | None:
    """The program, None where the repository is likelier deployed for its documentation."""
    if script is None or _is_sure(script) or _serves_itself(project, script):
        return script
    if not _is_application(project, script):
        return None
    takes_requests = script.takes_requests or project.requires.first(*_FRAMEWORKS, *SERVERS) is not None
    text = (
        f"The Dockerfile is of a program, and {is_site(project.tree)} is its documentation: how is the program "
        "started? To have the documentation served instead: headway apps set APP --publish FOLDER, with the folder "
        "that its build (--build) writes."
    )
    choices = script.questions[0].choices if script.questions else (script.command,)
    question = Question(name="start", text=text, choices=choices)
    return replace(script, takes_requests=takes_requests, confidence=Confidence.GUESSED, questions=(question,))


def _is_sure(script: Start) -> bool:
    """Whether a program is what the repository is for, rather than the site that it has too."""
    return bool(script.framework) or (script.takes_requests and script.command.startswith("python3"))


def _serves_itself(project: PythonProject, script: Start) -> bool:
    """Whether a package's own command is a server, and the site in a folder of it only tells about it."""
    is_own = script.command.split(" ", 1)[0] == project.name and "conf.py" not in project.tree
    return is_own and script.takes_requests and project.requires.first(*SERVERS, "waitress") is not None


def _is_application(project: PythonProject, script: Start) -> bool:
    """Whether a package that installs a command has a Dockerfile for a server, and the site is in a folder of it."""
    tree = project.tree
    if "/" not in (is_site(tree) or "") or not (project.is_package and project.scripts) or not _has_image(tree):
        return False
    text = whole(tree)
    is_server = script.takes_requests or project.requires.first(*_FRAMEWORKS, *SERVERS) is not None
    return (is_server or _EXPOSES.search(text) is not None) and _DOCUMENTS.search(text) is None


def _has_image(tree: Tree) -> bool:
    if (name := dockerfile(tree)) in tree:
        return bool(tree.text(name).strip())
    return any(name.endswith(f"/{DOCKERFILE}") and not name.startswith(_ASIDE) for name in tree.names)
