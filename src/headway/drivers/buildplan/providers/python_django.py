"""Django: its project behind a server, static files collected by the build, migrations before the release."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Sequence

from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers import python_secrets, python_variables
from headway.drivers.buildplan.providers.python_code import Place, in_folder, source
from headway.drivers.buildplan.providers.python_databases import address_names, database_note
from headway.drivers.buildplan.providers.python_django_media import UPLOADED, Uploads, uploads
from headway.drivers.buildplan.providers.python_django_project import (
    SETTINGS,
    DjangoProject,
    django_projects,
    for_production,
    is_module,
    started_with,
)
from headway.drivers.buildplan.providers.python_django_settings import unconditional
from headway.drivers.buildplan.providers.python_hosts import Over, settings_over
from headway.drivers.buildplan.providers.python_paths import (
    ENVIRONMENT,
    Variables,
    first_variables,
    folder_among,
    is_outside,
)
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Interface, Served, Start, serve
from headway.drivers.buildplan.providers.python_variables import Given
from headway.drivers.buildplan.providers.turns import linked, once
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import is_kept
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

READS: Sequence[str] = (
    "manage.py",
    "*/manage.py",
    "*/*/manage.py",
    "*/settings.py",
    "*/*/settings.py",
    "*/*/*/settings.py",
    "*/settings/*.py",
    "*/*/settings/*.py",
    "*/wsgi.py",
    "*/asgi.py",
    "*/*/wsgi.py",
    "*/*/asgi.py",
    "*/wsgi/__init__.py",
    "*/asgi/__init__.py",
    *python_variables.FILES,
)

_WSGI = re.compile(r"""^[ \t]*WSGI_APPLICATION[ \t]*=[ \t]*["']([A-Za-z_][\w.]*)\.(\w+)["']""", re.MULTILINE)
_ASGI = re.compile(r"""^[ \t]*ASGI_APPLICATION[ \t]*=[ \t]*["']([A-Za-z_][\w.]*)\.(\w+)["']""", re.MULTILINE)
_STATIC_ROOT = re.compile(r"""^[ \t]*STATIC_ROOT[ \t]*(?::[^=\n]+)?=[ \t]*(?!None\b|["']["'])""", re.MULTILINE)
_HOSTS = re.compile(r"^[ \t]*ALLOWED_HOSTS[ \t]*(?::[^=\n]+)?\+?=[ \t]*([^\n]*(?:\n[ \t][^\n]*){0,12})", re.MULTILINE)
_VARIABLE = re.compile(r"""["']([A-Z][A-Z0-9_]{2,})["']""")
_FIXED = re.compile(r"""environ\[["']DJANGO_SETTINGS_MODULE["']\][ \t]*=(?!=)""")
_OTHER_DATABASE = re.compile(
    r"backends\.(?:postgresql|mysql|oracle)|dj_database_url|DATABASE_URL|env\.db|\bpostgis\b|django_heroku"
)
_SQLITE = re.compile(r"backends\.sqlite3|spatialite|sqlite:/")
_BELOW = r"""\b(?P<base>\w{0,30}BASE_DIR|[A-Z_]{1,30}(?:DIR|ROOT|PATH))(?:(?:[ \t]*[,/)]|\.joinpath\()[ \t]*["']|\}/)"""
_SQLITE_FOLDER = re.compile(_BELOW + r"""([\w-]+)(?:["'][ \t]*[,/][ \t]*["']|/)[\w.-]+\.(?:sqlite3?|db)["']""")
_SQLITE_FILE = re.compile(_BELOW + r"""([\w-]+\.(?:sqlite3?|db))["']""")
_SQLITE_HERE = re.compile(
    r"""["']NAME["'][ \t]*:[ \t]*(?:\w[\w \t]{0,80}[ \t](?:else|or)[ \t]+)?"""
    r"""["'](?:\./)?([\w-]{1,80}\.(?:sqlite3?|db))["']"""
)
_DATA = re.compile(r"""[(\[]\s*["']DATA_DIR["']""")
_NO_DATABASE = re.compile(r"CELERY|BEAT|SCHEDULE|CACHE|TEST|SHELVE", re.IGNORECASE)
_NEEDED = re.compile(
    r"""os\.environ\[["'](\w+)["']\](?![ \t]*=)|\b(?:env(?:\.\w+)?|config)\(["']([A-Z]\w+)["'](?:,[ \t]*cast=\w+)?\)"""
)
# Whether a variable is set, before it is read; or what it is while nobody sets it.
_ASKED = re.compile(
    r"""["'](\w{1,80})["'][ \t]+(?:not[ \t]+)?in[ \t]+(?:os\.)?environ"""
    r"""|^[ \t]+([A-Z]\w{1,80})[ \t]*=[ \t]*\([ \t]*\w{2,20}[ \t]*,""",  # in a table of all
    re.MULTILINE,
)
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Database:
    """How a database that is a file stays: a variable that is ``given``, a folder to ``keep``, or what is done
    ``before`` it starts; what to say, and what instead where its start command is not ours.
    """

    given: tuple[Given, ...] = ()
    keep: tuple[str, ...] = ()
    before: str = ""
    note: str = ""
    note_told: str = ""


def find_django(
    tree: Tree, requires: Requirements, keep: Collection[str] = (), *, is_told: bool = False
) -> Start | None:
    """How a Django project is built and started; None where there is none. ``is_told`` says that another command than
    ours starts it, of which nobody knows where it looks for settings.
    """
    known = ((each, served) for each in django_projects(tree) if (served := _served(each, requires)) is not None)
    project, served = next(known, (None, None))
    if project is None or served is None:
        return None
    runs, serves = served
    where = posixpath.join(project.folder, "manage.py")
    production = _production_settings(project, runs) or (project.settings if project.is_guessed else None)
    named = production or started_with(tree, project, runs)
    migrate = in_folder(project.folder, "python3 manage.py migrate --noinput")
    has_file = project.matches(_SQLITE)
    database = _database(tree, project, keep) if has_file else _Database()
    command = serves.command
    if has_file:  # what a release command writes into it would be gone with that command
        line = command.removeprefix(in_folder(project.folder, "")) if project.folder else command
        command = f"{database.before}{once('python3 manage.py migrate --noinput')} && exec {line}"
        command = f"cd {shlex.quote(project.folder)} && {command}" if project.folder else command
    in_file = python_variables.of_file(tree)
    given = _given(project, database, in_file)
    media = uploads(tree, project, keep, [each.name for each in given if each.value.startswith(DATA)])
    given = (*given, *(each for each in media.given if each.name not in {*in_file, *(one.name for one in given)}))
    written = "" if is_told or "DJANGO_SETTINGS_MODULE" in in_file else _written_hosts(project, given)
    over = settings_over(production or project.settings, project.folder, written) if written else Over()
    notes = (over.note, *_notes(project, requires, given, is_written=bool(written)), media.note)
    return Start(
        framework="Django",
        command=command,
        reason=f"Django: {where} and {_file_of(project, runs)}, {serves.reason}",
        adds=serves.adds,
        before=over.phases,
        phases=tuple(_static_files(project, requires)),
        release=None if has_file or not project.may_have_database else migrate,
        env=over.env or ({"DJANGO_SETTINGS_MODULE": named} if named else {}),
        run_env=over.run_env,
        keep=tuple(dict.fromkeys((*database.keep, *media.keep))),
        keep_reason=_reason(database, media),
        notes=tuple(note for note in notes if note),
        note_started=database.note,
        note_told=database.note_told or database.note,
    ).with_given(given)


def _reason(database: _Database, media: Uploads) -> str:
    """Why folders stay."""
    if not media.keep:
        return ""
    return f"where its file of SQLite and {UPLOADED} are" if database.keep else f"where {UPLOADED} is"


def _given(project: DjangoProject, database: _Database, own: Collection[str]) -> tuple[Given, ...]:
    """The variables that it is given, the first of each name, without its ``own``."""
    texts = [text for _, text in project.texts]
    found = (
        *(*python_variables.hosts(texts), *python_variables.itself(texts)),
        *(*python_variables.https(texts), *python_secrets.secrets(texts)),
        *python_variables.folders(texts, project.tree),
    )
    first = {each.name: each for each in reversed((*found, *database.given)) if each.name not in own}
    return tuple(first.values())[::-1]


def _database(tree: Tree, project: DjangoProject, keep: Collection[str]) -> _Database:
    """How its file of SQLite stays: by the variable, the folder or the name that its settings have. It is not looked
    for elsewhere by who has folders stay: it may be in one.
    """
    is_server = project.matches(_OTHER_DATABASE)
    given = python_variables.database([text for _, text in project.texts])
    if given is not None and not keep and not python_variables.has_database(project.tree):
        return _Database(given=(given,))
    when = "Without DATABASE_URL (or what its settings name) the" if is_server else "The"
    is_file = f"{when} database is a file of SQLite, migrated at each start, by one copy at a time"
    stays = f"{is_file}, which stays in the folder that DATA_DIR names."
    folders = python_variables.folders([text for _, text in project.texts], project.tree)
    if _is_in_data(project) or (next(folders, None) is not None and _place(project, _SQLITE_FILE) is None):
        return _Database(note=stays)
    folder = _place(project, _SQLITE_FOLDER)
    if folder is not None:
        lost = f"{when} database is a file of SQLite, lost with the release: have {folder} stay too (--keep)."
        return _Database(keep=(folder,), note=stays if not keep or is_kept(folder, keep) else lost)
    advice = "lost with the release: keep it in the folder that DATA_DIR names, or use a server's."
    file = _place(project, _SQLITE_FILE) or _here(project)
    if file is not None and is_kept(file, keep):
        return _Database(note=stays)
    if file is None:
        return _Database(note=f"{is_file}, and {advice}")
    before = linked(tree, file, posixpath.relpath(file, project.folder or "."))
    return _Database(before=before, note=stays, note_told=f"{when} database is a file of SQLite, {advice}")


def _is_in_data(project: DjangoProject) -> bool:
    """Whether the file is below a folder that the variable DATA_DIR names, which Headway sets; not where other settings
    of the project have it below their base.
    """
    names = {match["base"] for _, text in project.texts for match in _SQLITE_FILE.finditer(text)}
    if any(name.endswith("BASE_DIR") for name in names):
        return False
    modules = [Variables(*each) for each in project.texts]
    made = (module.definition(name) or "" for name in first_variables(sorted(names)) for module in modules)
    return any(_DATA.search(each) and ENVIRONMENT.search(each) for each in made)


def _place(project: DjangoProject, pattern: re.Pattern[str]) -> str | None:
    """What settings name below a folder of theirs, which they make of their own place; where the text does not tell
    that, it is the one of the manage.py.
    """
    modules = [Variables(posixpath.join(project.folder, name), text) for name, text in project.texts]
    named = [match for module in modules for match in pattern.finditer(module.text) if not _is_no_database(match)]
    bases = first_variables(match["base"] for match in named)
    folders = {each: folder_among(modules, each, project.folder) for each in bases}
    for match in named:
        folder = folders.get(match["base"])
        if folder is not None and not is_outside(folder):
            return posixpath.normpath(posixpath.join(folder, match[2]))
    return None


def _here(project: DjangoProject) -> str | None:
    """The file that settings name without a folder: in the one that the program is started in."""
    found = (match for _, text in project.texts for match in _SQLITE_HERE.finditer(text) if not _is_no_database(match))
    return next((posixpath.join(project.folder, match[1]) for match in found), None)


def _is_no_database(match: re.Match[str]) -> bool:
    """Whether the line is of something else that is kept in a file."""
    line = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    return _NO_DATABASE.search(line) is not None


def _served(project: DjangoProject, requires: Requirements) -> tuple[str, Served] | None:
    """The module that is served, and how. By ASGI where channels or the servers that are required ask for it."""
    wsgi, asgi = _module(project, _WSGI, "wsgi"), _module(project, _ASGI, "asgi")
    has_only_asgi = requires.first("gunicorn", "waitress", "uwsgi") is None and requires.first(
        "daphne", "uvicorn", "hypercorn", "granian"
    )
    prefers_asgi = "channels" in requires or bool(has_only_asgi)
    for module, interface in ((asgi, Interface.ASGI), (wsgi, Interface.WSGI))[:: 1 if prefers_asgi else -1]:
        if module is not None:
            channels = requires if "channels" not in requires or "daphne" not in requires else _daphne_first(requires)
            return module[0], serve(interface, Place(project.folder, module[0]), module[1], channels)
    return None


def _daphne_first(requires: Requirements) -> Requirements:
    return Requirements(extras={name: extras for name, extras in requires.extras.items() if name == "daphne"})


def _module(project: DjangoProject, setting: re.Pattern[str], stem: str) -> tuple[str, str] | None:
    """The module of the project for servers, as the settings or its place tell."""
    for _, text in project.texts:
        match = setting.search(text)
        if match is not None and is_module(project.tree, match[1]):
            return match[1], match[2]
    parts = project.settings.split(".")[:-1]
    packages = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    for package in packages:
        if is_module(project.tree, f"{package}.{stem}"):
            return f"{package}.{stem}", "application"
    found = [*project.tree.matching(f"{stem}.py"), *project.tree.matching(f"*/{stem}.py")]
    return (found[0].removesuffix(".py").replace("/", "."), "application") if len(found) == 1 else None


def _file_of(project: DjangoProject, module: str) -> str:
    path = module.replace(".", "/")
    name = f"{path}.py" if f"{path}.py" in project.tree else f"{path}/__init__.py"
    return posixpath.join(project.folder, name)


def _production_settings(project: DjangoProject, module: str) -> str | None:
    """The settings that the served module names, where manage.py names others: both shall have the same."""
    path = module.replace(".", "/")
    match = SETTINGS.search(source(project.tree, f"{path}.py") or source(project.tree, f"{path}/__init__.py"))
    return match[1] if match is not None and match[1] != project.settings else None


def _for_production(project: DjangoProject) -> str | None:
    """The settings for a release that lie beside a developer's, where those are named; None where there are none."""
    served = _module(project, _WSGI, "wsgi") or _module(project, _ASGI, "asgi")
    is_other = served is not None and _production_settings(project, served[0]) is not None
    return None if is_other else for_production(project.tree, project.settings)


def _static_files(project: DjangoProject, requires: Requirements) -> Iterator[Phase]:
    if project.matches(_STATIC_ROOT) or "django-heroku" in requires:
        argv = ("python3", "manage.py", "collectstatic", "--noinput")
        yield Phase(name="static files", argv=argv, folder=project.folder)


def _notes(
    project: DjangoProject, requires: Requirements, given: Sequence[Given], *, is_written: bool
) -> Iterator[str]:
    if project.is_guessed and project.settings:
        yield f"Nothing names its settings: DJANGO_SETTINGS_MODULE is {project.settings}, unless you set it."
    if other := _for_production(project):
        yield (
            f"Its settings are a developer's ({project.settings}), and there are {other} too: headway env set APP "
            f"DJANGO_SETTINGS_MODULE={other}"
        )
    if not is_written and (hosts := next(_of_hosts(project, given), "")):
        yield hosts
    texts = [text for _, text in project.texts]
    note = database_note(texts, requires)
    if note:
        yield note
    known = {"PORT", *(each.name for each in given), *(name for name in address_names(texts) if f" {name}=" in note)}
    asked = {match[1] or match[2] for text in texts for match in _ASKED.finditer(text)}
    found = (match[1] or match[2] for text in map(unconditional, texts) for match in _NEEDED.finditer(text))
    needed = list(dict.fromkeys(name for name in found if name not in known | asked))
    if needed := needed[:_MOST_NAMES]:
        yield f"Its settings have no value of their own for {', '.join(needed)}: headway env set APP {needed[0]}=..."
    if project.texts and not project.matches(_STATIC_ROOT) and "django-heroku" not in requires:
        yield "STATIC_ROOT is not set, so static files are not collected; Django serves them with DEBUG only."
    elif project.matches(_STATIC_ROOT) and "whitenoise" not in requires:
        yield "Nothing serves the collected static files: add whitenoise to the requirements and to MIDDLEWARE."


def _written_hosts(project: DjangoProject, given: Sequence[Given]) -> str:
    """The file that writes down all hosts that it answers for, where none of its settings reads or opens them."""
    found = [(name, match[1]) for name, text in project.texts for match in _HOSTS.finditer(text)]
    is_read = any(each.note.startswith("ALLOWED_HOSTS ") for each in given)
    if not found or is_read or any(ENVIRONMENT.search(value) or "*" in value for _, value in found):
        return ""
    begin = (name for name in project.tree.contents if name.endswith(("manage.py", "wsgi.py", "asgi.py")))
    if any(_FIXED.search(source(project.tree, name)) for name in begin):
        return ""  # whatever the variable names, it is set anew
    written = [name for name, value in found if value.lstrip().startswith(("[", "("))]
    return posixpath.join(project.folder, written[0]) if written and project.settings else ""


def _of_hosts(project: DjangoProject, given: Sequence[Given]) -> Iterator[str]:
    """What is to be said of the hosts that it answers for, by each of its settings that names them."""
    for name, text in project.texts:
        match = _HOSTS.search(text)
        if match is None:
            continue
        value = match[1]
        is_read = ENVIRONMENT.search(value) is not None
        variable = _VARIABLE.search(value) if is_read else None
        if any(each.note.startswith("ALLOWED_HOSTS ") for each in given):
            yield ""
        elif variable and "*" not in value:
            yield f"ALLOWED_HOSTS comes from {variable[1]}: set it to the domain, or Django answers 400."
        elif not is_read and "[" in value and "*" not in value:
            where = posixpath.join(project.folder, name)
            yield f"ALLOWED_HOSTS in {where} has to hold the domain (or '*'), or Django answers 400."
        else:
            yield ""
