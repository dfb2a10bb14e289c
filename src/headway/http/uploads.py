"""Receives an upload: written to disk as it comes, as a part of a form or as the body itself, and no larger than is
allowed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from headway.api import problems
from headway.api.inputs import parsed
from headway.api.issues import Issue, wrong_type
from headway.features.services.uploads import UploadRoom
from headway.http import errors
from headway.http.bodies import read_json
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.ids import new_id
from headway.kernel.uploads import Upload

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_DRAINED_BYTES = 32 << 20
_SILENCE_SECONDS = 60.0
_FREE_SECONDS = 300.0
_LEAST_BYTES_A_SECOND = 32 << 10  # after the first minutes, on the whole: who sends less keeps a seat for nothing
_PIECE_BYTES = 1 << 20
_MOST_FIELD_BYTES = 64 << 10
_MOST_FIELDS = 20
_LONGEST_NAME = 255
_FORM, _BOUNDARY = b"multipart/form-data", b"boundary"
_RAW = frozenset(
    {
        *("application/octet-stream", "application/zip", "application/x-zip-compressed", "application/x-tar"),
        *("application/gzip", "application/x-gzip", "application/x-xz", "application/x-bzip2", "application/tar"),
        *("application/x-compressed-tar", "application/tar+gzip"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What came: the upload (None where there was no file), and the fields beside it."""

    upload: Upload | None
    fields: Mapping[str, object]


@asynccontextmanager
async def received(
    room: UploadRoom,
    receive: Receive,
    headers: Mapping[bytes, bytes],
    query: bytes,
    admit: Callable[[Mapping[str, str]], None] | None = None,
) -> AsyncIterator[Received]:
    """The upload, on disk for as long as it is looked at. Of a form, ``admit`` is asked before anything of a file is
    kept, with the fields that came before it: what it raises ends the upload. Raises Problem for a body that is too
    large, too slow or of another type, and Unavailable where the disk is full.
    """
    if headers.get(b"content-type", b"").lower().startswith(b"application/json"):
        yield Received(upload=None, fields=_object(await read_json(receive, headers)))
        return
    path = room.folder / new_id()
    try:
        intake = await _taken(room, path, receive, headers, admit)
        fields = {**dict(parse_qsl(query.decode("latin-1"))), **intake.fields}
        name = _name(intake.name or fields.get("fileName", ""))
        upload = Upload(path=path, name=name, bytes=intake.size, digest=intake.digest.hexdigest())
        yield Received(upload=upload if intake.has_file else None, fields=fields)
    finally:
        for left in room.folder.glob(f"{path.name}*"):
            left.unlink(missing_ok=True)


async def _taken(
    room: UploadRoom,
    path: Path,
    receive: Receive,
    headers: Mapping[bytes, bytes],
    admit: Callable[[Mapping[str, str]], None] | None,
) -> _Intake:
    kind, options = parse_options_header(headers.get(b"content-type", b"").decode("latin-1"))
    content_type = "" if kind == _FORM and not options.get(_BOUNDARY) else kind.decode("latin-1")
    refusal = _refusal(room, content_type, headers.get(b"content-length", b""))
    try:
        with _new(path) as file:
            intake = _Intake(file=file, room=room, admit=admit)
            feed = _form(intake, options[_BOUNDARY]) if content_type == _FORM.decode() else intake.write
            await _pour(receive, feed, refusal, room.monotonic)
        if not intake.is_whole:
            raise problems.unparsable()
    except OSError as error:
        raise Unavailable(
            f"The upload cannot be kept: {error.strerror}. Free some space, then send it again."
        ) from error
    return intake


@dataclass(slots=True, kw_only=True)
class _Intake:
    """The upload on its way to disk, and the fields beside it."""

    file: BinaryIO
    room: UploadRoom
    admit: Callable[[Mapping[str, str]], None] | None = None
    name: str = ""
    size: int = 0
    has_file: bool = False
    is_whole: bool = True
    fields: dict[str, str] = field(default_factory=dict)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> None:
        """A piece of the file. Raises Problem once it is too large, and Unavailable once others need the disk; then
        nothing is left of it, though its sender goes on for a while.
        """
        self.has_file = True
        self.size += len(data)
        try:
            self._require_room(len(data))
        except (HeadwayError, problems.Problem):
            self.file.truncate(0)
            raise
        self.digest.update(data)
        self.file.write(data)

    def _require_room(self, more: int) -> None:
        if self.size > self.room.most_bytes:
            raise errors.too_large(self.room.most_bytes)
        self.room.require(more)


class _Part:
    """The part of a form that is being read."""

    def __init__(self, intake: _Intake) -> None:
        self._intake = intake
        self._header: list[bytes] = [b"", b""]
        self._field = ""
        self._value = b""
        self._is_file = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_begin": self._begin_header,
            "on_header_field": lambda data, start, end: self._add_to_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_to_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._add(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._end_form,
        }

    def _end_form(self) -> None:
        self._intake.is_whole = True

    def _begin(self) -> None:
        self._field, self._value, self._is_file = "", b"", False

    def _begin_header(self) -> None:
        self._header = [b"", b""]

    def _add_to_header(self, at: int, data: bytes) -> None:
        self._header[at] += data  # the parser refuses a longer one than a form needs

    def _end_header(self) -> None:
        if self._header[0].lower() != b"content-disposition":
            return
        _, options = parse_options_header(self._header[1])
        self._field = options.get(b"name", b"").decode(errors="replace")
        self._is_file = b"filename" in options
        if self._is_file and self._intake.has_file:
            raise problems.invalid([_issue(self._field, "Invalid input: only one file can be sent")])
        if self._is_file:
            if self._intake.admit is not None:
                self._intake.admit(self._intake.fields)
            self._intake.has_file = True
            self._intake.name = options[b"filename"].decode(errors="replace")

    def _add(self, data: bytes) -> None:
        if self._is_file:
            self._intake.write(data)
            return
        self._value += data
        self._check()

    def _check(self) -> None:
        if len(self._value) > _MOST_FIELD_BYTES or len(self._intake.fields) >= _MOST_FIELDS:
            raise problems.invalid([_issue(self._field, "Invalid input: the form holds more than it may")])

    def _end(self) -> None:
        if not self._is_file and self._field:
            self._check()
            self._intake.fields[self._field] = self._value.decode(errors="replace")


def _form(intake: _Intake, boundary: bytes) -> Callable[[bytes], object]:
    intake.is_whole = False  # until its last boundary has come
    try:
        return MultipartParser(boundary, _Part(intake).callbacks()).write
    except FormParserError:
        raise problems.unparsable() from None


def _new(path: Path) -> BinaryIO:
    path.touch(mode=0o600, exist_ok=False)
    return path.open("wb")


async def _pour(
    receive: Receive,
    feed: Callable[[bytes], object],
    problem: problems.Problem | None,
    monotonic: Callable[[], float],
) -> None:
    """Everything that comes, in pieces of a size that is worth a thread. Once something is wrong the rest is read on
    for a while, so that the sender is there to hear it.
    """
    pieces = bytearray()
    drained, came, more, began = 0, 0, True, monotonic()
    while more and drained <= MOST_DRAINED_BYTES:
        chunk, more = await _next(receive)
        came += len(chunk)
        if more and monotonic() - began > _FREE_SECONDS + came / _LEAST_BYTES_A_SECOND:
            raise errors.too_slow()
        if problem is not None:
            drained += len(chunk)
            continue
        pieces += chunk
        if len(pieces) >= _PIECE_BYTES or (not more and pieces):
            try:
                await asyncio.to_thread(feed, bytes(pieces))
            except FormParserError:
                problem = problems.unparsable()
            except problems.Problem as found:
                problem = found
            except HeadwayError as found:
                problem = errors.problem_of(found)
            pieces.clear()
    if problem is not None:
        raise problem


async def _next(receive: Receive) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            message = await receive()
    except TimeoutError:
        raise errors.too_slow() from None
    if message["type"] == "http.disconnect":
        raise problems.unparsable()  # nobody is there to read it
    return message.get("body", b""), message.get("more_body", False)


def _refusal(room: UploadRoom, content_type: str, announced: bytes) -> problems.Problem | None:
    """What can be told before anything has come. Raises Unavailable."""
    if content_type != _FORM.decode() and content_type not in _RAW:
        return errors.unsupported(content_type)
    size = int(announced) if announced.isdigit() else 0
    if size > room.most_bytes + _MOST_FIELDS * _MOST_FIELD_BYTES:
        return errors.too_large(room.most_bytes)
    room.require(size)
    return None


def _name(given: str) -> str:
    """The last part of what a browser or a script calls the file."""
    plain = PurePosixPath(given.replace("\\", "/")).name
    return "".join(each for each in plain if each.isprintable())[:_LONGEST_NAME]


def _object(body: bytes) -> Mapping[str, object]:
    given = parsed(body) if body.strip() else {}
    if not isinstance(given, dict):
        raise problems.invalid([wrong_type([], "object", given)])
    return given


def _issue(name: str, message: str) -> Issue:
    return {"code": "custom", "path": [name], "message": message}
