"""Which of all that a project in Python has is what is started, or served."""

from __future__ import annotations

import posixpath
import shlex

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.image_stages import dockerfile
from headway.drivers.buildplan.providers import (
    python_bare_object,
    python_databases,
    python_django,
    python_documentation,
    python_image,
    python_keep_alive,
    python_migrations,
    python_scripts,
    python_sites,
    python_sqlite,
)
from headway.drivers.buildplan.providers.python_folder import manifests
from headway.drivers.buildplan.providers.python_frameworks import find_framework
from headway.drivers.buildplan.providers.python_image import ImageStart
from headway.drivers.buildplan.providers.python_project import PythonProject
from headway.drivers.buildplan.providers.python_secrets import of_sources
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.settings import BuildSettings

_HOW = (
    "Name what is started main.py or app.py, add a Procfile with a line such as 'web: gunicorn app:app --bind "
    "127.0.0.1:$PORT', or set the start command: headway apps set APP --start '...'."
)


def find_start(project: PythonProject, settings: BuildSettings) -> Start:
    """How it is started or served. Raises BuildError where nothing tells, unless the settings do."""
    inner = project.tree
    keep = tuple(posixpath.relpath(each, project.folder or ".") for each in settings.keep)
    if (
        django := python_django.find_django(inner, project.requires, keep, is_told=settings.start is not None)
    ) is not None:
        return django
    image = python_image.image_start(project) if settings.publish is None else None
    line = "" if project.folder else settings.start or ""
    if image is None and (bot := python_keep_alive.find_bot(inner)) is not None:
        return python_sqlite.with_file(project, bot.with_given(of_sources(inner, keep)), keep, line)
    if (found := find_framework(inner, project.requires)) is not None:
        started = python_image.preferred(inner, found, image)
        found = python_bare_object.made_whole(inner, found) if started is found else started
        programs = project.scripts if project.is_package else ()
        found = found.with_given(of_sources(inner, keep))
        found = python_migrations.with_migrations(inner, found, project.requires, programs)
        found = python_sqlite.with_file(project, found, keep, line)
        return python_databases.with_note(inner, found, project.requires)
    return python_sqlite.with_file(project, _program(project, settings, image), keep, line)


def _program(project: PythonProject, settings: BuildSettings, image: ImageStart | None) -> Start:
    """How what no framework starts is started or served."""
    inner = project.tree
    site = python_sites.find_site(inner, project.requires)
    script = python_scripts.find_script(inner, project)
    if (
        image is not None
        and settings.publish is None
        and (site is None or image.start.takes_requests or image.start.framework)
    ):
        return script if script is not None and _is_it(project, script, image) else image.start
    if site is not None:
        script = None if settings.publish is not None else python_documentation.program(project, script)
        return script or site
    if script is not None:
        return script
    if settings.start is None and settings.publish is None:
        what = " and ".join(manifests(inner)) or "its files"
        library = " It is a library, as far as its files tell." if project.is_package else ""
        line = python_image.refused_line(inner)
        how = f"{_HOW} {dockerfile(inner)} has: --start {shlex.quote(line)}" if line else _HOW
        raise BuildError(f"This is Python ({what}), but nothing says how it is started.{library} {how}")
    return Start(reason="")


def _is_it(project: PythonProject, script: Start, image: ImageStart) -> bool:
    """Whether a program is what the image starts: by the same command, or by one of the package that leads to PORT what
    the image starts as a module of it, and does not.
    """
    if script.command == image.start.command:
        return not script.questions
    tops = {
        project.scripts[word].partition(".")[0].partition(":")[0]
        for word in script.command.split()
        if word in project.scripts
    }
    return "$PORT" in script.command and not image.is_led and image.module.partition("/")[0] in tops
