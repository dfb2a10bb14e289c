"""Procfiles, well and badly written."""

from __future__ import annotations

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.procfile import Procfile, parse_procfile


@pytest.mark.parametrize(
    ("data", "processes", "release"),
    [
        (b"", {}, None),
        (b"# only a comment\n\n", {}, None),
        (b"web: python3 app.py", {"web": "python3 app.py"}, None),
        (
            b"\xef\xbb\xbfweb:python3 app.py\r\nworker : run --x=1:2\r\n",
            {"web": "python3 app.py", "worker": "run --x=1:2"},
            None,
        ),
        (b"release: ./migrate\nweb: serve $PORT && true\n", {"web": "serve $PORT && true"}, "./migrate"),
        ("web: echo 'ünï'".encode(), {"web": "echo 'ünï'"}, None),
    ],
)
def test_procfiles(data: bytes, processes: dict[str, str], release: str | None) -> None:
    assert parse_procfile(data) == Procfile(processes=processes, release=release)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"web: ok\njust text\n", "Line 2 of the Procfile is no process"),
        (b"web:\n", "Line 1 of the Procfile is no process"),
        (b"we b: x\n", "Line 1 of the Procfile is no process"),
        (b"../x: y\n", "Line 1 of the Procfile is no process"),
        (b"x" * 70 + b": y\n", "Line 1 of the Procfile is no process"),
        (b"web: a\0b\n", "Line 1 of the Procfile is no process"),
        (b"web: a\nweb: b\n", "Line 2 of the Procfile names 'web' a second time"),
        (b"web: caf\xe9\n", "not text in UTF-8"),
        (b"".join(b"p%d: x\n" % number for number in range(51)), "more than 50 processes"),
    ],
)
def test_broken_procfiles(data: bytes, sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        parse_procfile(data)
