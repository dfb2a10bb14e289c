"""What is packed comes back, and nothing else is taken for it."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.storages import packer
from headway.drivers.storages.packer import Refused, WithoutEvents, environment, pack, unpack

HEADER = b'{"engine": "tar"}'


def packed(content: bytes) -> bytes:
    out = io.BytesIO()
    pack(io.BytesIO(content), out, HEADER)
    return out.getvalue()


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(3 << 20), b"\0" * (40 << 20)], ids=len)
def test_what_was_packed_comes_back_with_its_sum(content: bytes) -> None:
    out = io.BytesIO()
    sent = pack(io.BytesIO(content), out, HEADER)
    pieces: list[bytes] = []
    got = unpack(io.BytesIO(out.getvalue()), pieces.append, "tar")
    assert b"".join(pieces) == content
    assert (got["bytes"], got["sha256"], got["contents"]) == (sent["bytes"], sent["sha256"], len(content))
    assert max((len(piece) for piece in pieces), default=0) <= 1 << 20, "however much it unpacks to"


@given(content=st.binary(max_size=4096), data=st.data())
def test_no_change_of_a_byte_goes_unnoticed(content: bytes, data: st.DataObject) -> None:
    whole = packed(content)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    sent = unpack(io.BytesIO(whole), lambda _piece: None, "tar")
    try:
        got = unpack(io.BytesIO(changed), lambda _piece: None, "tar")
    except Refused:
        return
    assert got["sha256"] != sent["sha256"], "what is not refused has another sum"


@given(content=st.binary(max_size=4096), data=st.data())
def test_what_was_cut_off_is_refused(content: bytes, data: st.DataObject) -> None:
    whole = packed(content)
    with pytest.raises(Refused):
        unpack(io.BytesIO(whole[: data.draw(st.integers(0, len(whole) - 1))]), lambda _piece: None, "tar")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not begin like one"),
        (b"hello world, this is text", "does not begin like one"),
        (packed(b"x") + b"more", "not whole"),
    ],
)
def test_what_is_no_backup_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        unpack(io.BytesIO(content), lambda _piece: None, "tar")


def test_a_backup_of_another_kind_is_refused() -> None:
    with pytest.raises(Refused, match="a backup of tar, and it was to be restored as one of postgres"):
        unpack(io.BytesIO(packed(b"x")), lambda _piece: None, "postgres")


def run(tmp_path: Path, *words: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-I", packer.__file__, *words]
    return subprocess.run(argv, input=content, capture_output=True, check=False, cwd=tmp_path)


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    note = str(tmp_path / "note.json")
    sent = run(tmp_path, "pack", note, HEADER.decode(), content=b"one\n-- Dump completed on 2026\n\n")
    assert sent.returncode == 0, sent.stderr
    assert run(tmp_path, "unpack", note, "tar", content=sent.stdout).stdout.startswith(b"one\n")
    looked = run(tmp_path, "unpack", note, "tar", "-- Dump completed", content=sent.stdout)
    assert (looked.returncode, looked.stdout) == (0, b"")
    refused = run(tmp_path, "unpack", note, "tar", "COMMIT;", content=sent.stdout)
    assert (refused.returncode, refused.stderr) == (
        packer.REFUSED,
        b"headway: The dump is not whole: its last line is not 'COMMIT;'.\n",
    )
    assert run(tmp_path, "pass", note, content=b"as it is").stdout == b"as it is"


EVENT = (
    b"/*!50106 CREATE*/ /*!50117 DEFINER=`u`@`%`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY"
    b" ON COMPLETION NOT PRESERVE "
)
DUMP = (
    b"INSERT INTO `t` VALUES ('a PRESERVE ENABLE b');\n"
    + EVENT
    + b"ENABLE COMMENT 'on' DO DELETE FROM shop.t\n WHERE ' PRESERVE ENABLE' */ ;;\n"
    + EVENT
    + b"DISABLE DO SELECT 1 */ ;;\n-- Dump completed\n"
)
ON_TRIAL = DUMP.replace(EVENT + b"ENABLE", EVENT + b"DISABLE")


@given(cuts=st.lists(st.integers(0, len(DUMP)), max_size=8).map(sorted))
def test_events_are_switched_off_however_a_dump_is_cut_and_nothing_else_is(cuts: list[int]) -> None:
    for content, expected in ((DUMP, ON_TRIAL), (DUMP[len(b"INSERT") :], ON_TRIAL[len(b"INSERT") :]), (b"", b"")):
        out: list[bytes] = []
        quiet = WithoutEvents(out.append)
        for begin, end in itertools.pairwise([0, *cuts, len(content)]):
            quiet.give(content[begin:end])
        quiet.finish()
        assert b"".join(out) == expected


def test_one_that_begins_or_ends_with_an_event_is_quiet_too() -> None:
    out: list[bytes] = []
    quiet = WithoutEvents(out.append)
    quiet.give(EVENT + b"ENABLE DO SELECT 1")
    quiet.finish()
    assert b"".join(out) == EVENT + b"DISABLE DO SELECT 1"


@pytest.mark.parametrize(("engine", "given"), [("mysql", ON_TRIAL), ("mariadb", ON_TRIAL), ("postgres", DUMP)])
def test_they_are_where_a_dump_is_restored_on_trial_and_only_there(tmp_path: Path, engine: str, given: bytes) -> None:
    note, header = str(tmp_path / "note.json"), f'{{"engine": "{engine}"}}'
    sent = run(tmp_path, "pack", note, header, content=DUMP).stdout
    assert run(tmp_path, "unpack", note, engine, content=sent).stdout == DUMP
    argv = [sys.executable, "-I", packer.__file__, "unpack", note, engine]
    env = os.environ | environment(b"ahead", on_trial=True)
    tried = subprocess.run(argv, input=sent, capture_output=True, check=True, cwd=tmp_path, env=env)
    assert tried.stdout == b"ahead" + given
