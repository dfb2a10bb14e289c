"""Debian's packages that Python packages need: to be compiled where there is no wheel of them, or at run time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.tree import Tree

PACKAGES = "packages.txt"

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{1,80}")
_MOST = 100
_COMPILER = ("gcc", "python3-dev")
# Those of which an index has no wheel for Linux.
_COMPILED: Mapping[str, tuple[str, ...]] = {
    "psycopg2": ("libpq-dev",),
    "psycopg[c]": ("libpq-dev",),
    "mysqlclient": ("default-libmysqlclient-dev", "pkg-config"),
    "pycairo": ("libcairo2-dev", "pkg-config"),
    "pygobject": ("libgirepository1.0-dev", "libcairo2-dev", "pkg-config"),
    "python-ldap": ("libldap2-dev", "libsasl2-dev"),
    "uwsgi": (),
    "pygraphviz": ("libgraphviz-dev", "pkg-config"),
    "dbus-python": ("libdbus-1-dev", "libglib2.0-dev", "pkg-config"),
    "pycups": ("libcups2-dev",),
    "pyaudio": ("portaudio19-dev",),
    "gssapi": ("libkrb5-dev",),
    "pykerberos": ("libkrb5-dev",),
    "netifaces": (),
    "gdal": ("libgdal-dev", "g++"),
    "fiona[source]": ("libgdal-dev",),
    "mpi4py": ("libopenmpi-dev",),
    "pycurl[source]": ("libcurl4-openssl-dev", "libssl-dev"),
    "rrdtool": ("librrd-dev",),
    "python-sane": ("libsane-dev",),
    "pysqlcipher3": ("libsqlcipher-dev",),
    "systemd-python": ("libsystemd-dev", "pkg-config"),
}
# Programs and libraries that they call when they run.
_USED: Mapping[str, tuple[str, ...]] = {
    "psycopg": ("libpq5",),
    "pdf2image": ("poppler-utils",),
    "pydub": ("ffmpeg",),
    "ffmpeg-python": ("ffmpeg",),
    "pytesseract": ("tesseract-ocr",),
    "weasyprint": ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
    "cairosvg": ("libcairo2",),
    "python-magic": ("libmagic1",),
    "pyenchant": ("libenchant-2-2",),
    "opencv-python": ("libgl1", "libglib2.0-0"),
    "opencv-contrib-python": ("libgl1", "libglib2.0-0"),
    "wand": ("libmagickwand-dev",),
    "pyzbar": ("libzbar0",),
    "graphviz": ("graphviz",),
    "pydot": ("graphviz",),
    "pyodbc": ("unixodbc",),
    "pdfkit": ("wkhtmltopdf",),
    "pypandoc": ("pandoc",),
    "soundfile": ("libsndfile1",),
}
# Instead of which another package of theirs brings all it needs.
_READY: Mapping[str, str] = {
    "psycopg2": "psycopg2-binary",
    "psycopg[c]": "psycopg[binary]",
    "psycopg": "psycopg[binary]",
}


def system_packages(requires: Requirements) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages, and the line that says for what and how they are installed."""
    asked = {
        key for name, extras in requires.extras.items() for key in (name, *(f"{name}[{extra}]" for extra in extras))
    }
    if asked & {"psycopg[binary]", "psycopg2-binary"}:
        asked -= {"psycopg", "psycopg2"}
    if "psycopg[c]" in asked:
        asked -= {"psycopg"}
    compiled = sorted(name for name in asked if name in _COMPILED)
    used = sorted(name for name in asked if name in _USED)
    needed = [package for name in compiled for package in (*_COMPILER, *_COMPILED[name])]
    packages = tuple(sorted({*needed, *(package for name in used for package in _USED[name])}))
    if not packages:
        return (), ()
    parts = [f"{' and '.join(compiled)} {'is' if len(compiled) == 1 else 'are'} compiled"] if compiled else []
    parts += [f"{' and '.join(used)} {'needs' if len(used) == 1 else 'need'} what Debian has"] if used else []
    ready = [f"{_READY[name]} needs none of it" for name in (*compiled, *used) if name in _READY]
    hint = f" ({', '.join(ready)})" if ready else ""
    line = f"{', '.join(parts)}: apt-get install {' '.join(packages)}{hint}."
    return packages, (line[0].upper() + line[1:] if not compiled and not used else line,)


def asked_packages(tree: Tree) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages of a file that Spaces and Streamlit's own cloud install, and the line that says so."""
    lines = (line.partition("#")[0].strip() for line in tree.text(PACKAGES).splitlines()[:_MOST])
    found = tuple(dict.fromkeys(line for line in lines if _NAME.fullmatch(line)))
    return (
        (found, (f"{PACKAGES} asks for packages of Debian: apt-get install {' '.join(found)}.",)) if found else ((), ())
    )
