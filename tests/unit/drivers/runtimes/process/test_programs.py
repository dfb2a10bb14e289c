"""The texts for supervisord, and telling them from all other texts."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.runtimes.process.programs import (
    Layout,
    Program,
    blamed_file,
    checked_process,
    checked_root,
    is_our_form,
    render_programs,
    render_supervisord,
)
from headway.kernel.errors import InvalidInput

LAYOUT = Layout(root=Path("/data/runtime"))
IDS = st.text("abcXYZ019_-", min_size=1, max_size=21)


def programs(release_id: str = "abc") -> tuple[Program, ...]:
    return (
        Program(release_id=release_id, process="web"),
        Program(release_id=release_id, process="worker", number=2),
    )


def test_a_program_file_holds_the_launcher_and_names_only() -> None:
    text = render_programs(LAYOUT, "shop", programs(), grace_seconds=10)
    parsed = configparser.RawConfigParser()
    parsed.read_string(text)
    assert parsed.sections() == ["program:rabc-web", "program:rabc-worker.2", "group:rabc"]
    assert parsed["group:rabc"]["programs"] == "rabc-web,rabc-worker.2"
    worker = dict(parsed["program:rabc-worker.2"])
    assert worker == {
        "command": "/data/runtime/python -I -S /data/runtime/launcher.py /data/runtime abc worker 2",
        "directory": "/",
        "stdout_logfile": "/data/runtime/logs/shop/rabc-worker.2.log",
        "stdout_logfile_maxbytes": str(10 << 20),
        "stdout_logfile_backups": "2",
        "redirect_stderr": "true",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "30",
        "stopwaitsecs": "10",
        "stopasgroup": "true",
        "killasgroup": "true",
    }


@settings(deadline=None)
@given(release_id=IDS)
def test_our_form_is_recognised(release_id: str) -> None:
    assert is_our_form(render_programs(LAYOUT, "shop", programs(release_id), grace_seconds=1), release_id)


@settings(deadline=None)
@given(data=st.data())
def test_a_text_that_was_cut_or_grew_is_not_our_form(data: st.DataObject) -> None:
    text = render_programs(LAYOUT, "shop", programs(), grace_seconds=1)
    at = data.draw(st.integers(0, len(text) - 1))
    assert not is_our_form(text[:at], "abc")
    line = data.draw(st.sampled_from(["[program:x]\n", "user=root\n", "[supervisord]\n", "environment=A=1\n"]))
    begins = [0, *(index + 1 for index, sign in enumerate(text) if sign == "\n")]
    start = data.draw(st.sampled_from(begins))
    assert not is_our_form(text[:start] + line + text[start:], "abc")


def test_a_file_of_another_release_is_not_our_form() -> None:
    assert not is_our_form(render_programs(LAYOUT, "shop", programs("other"), grace_seconds=1), "abc")


@pytest.mark.parametrize("name", ["", "-a", "a]b", "a:b", "a b", "a\n", "a" * 64, "."])
def test_what_is_no_process_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        checked_process(name)


@pytest.mark.parametrize(
    "root", ["relative", "/a;b", "/a#b", "/a%b", "/a'b", "/a\nb", "/a*", "/a[b]", "/ä", "/a{{b}}", "/a$b"]
)
def test_a_folder_that_cannot_be_named_is_refused(root: str) -> None:
    with pytest.raises(InvalidInput, match="Choose another data directory"):
        checked_root(Path(root))


def test_a_folder_may_have_spaces() -> None:
    root = checked_root(Path("/srv/my data"))
    text = render_programs(Layout(root=root), "shop", programs(), grace_seconds=1)
    assert "command='/srv/my data/python' -I -S '/srv/my data/launcher.py' '/srv/my data' abc web 1\n" in text
    assert is_our_form(text, "abc")


@pytest.mark.parametrize(
    ("message", "file"),
    [
        ("bad value in section 'program:x' (file: '/data/programs/rx.conf')", "/data/programs/rx.conf"),
        ("Source contains parsing errors: '/data/programs/rx.conf'\n\t[line  2]: 'x'", "/data/programs/rx.conf"),
        ("something else", None),
    ],
)
def test_the_file_that_a_refusal_blames(message: str, file: str | None) -> None:
    assert blamed_file(message) == (None if file is None else Path(file))


def test_the_configuration_reads_and_includes_programs() -> None:
    parsed = configparser.RawConfigParser()
    parsed.read_string(render_supervisord(LAYOUT, Path("/run/x.sock"), identifier="headway-1"))
    assert parsed["include"]["files"] == "programs/*.conf"
    assert parsed["unix_http_server"]["file"] == "/run/x.sock"
    assert parsed["unix_http_server"]["chmod"] == "0600"
