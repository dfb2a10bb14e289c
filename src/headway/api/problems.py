"""What a call is refused with where its input is read: with the issues of its fields, as clients know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from headway.api.issues import Issue
from headway.kernel.errors import Code


class WireCode(StrEnum):
    """Codes that only a face can have reason for."""

    PARSE_ERROR = "PARSE_ERROR"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    TIMEOUT = "TIMEOUT"
    METHOD_NOT_SUPPORTED = "METHOD_NOT_SUPPORTED"
    HEAD_TOO_LARGE = "REQUEST_HEADER_FIELDS_TOO_LARGE"


class Problem(Exception):
    """A refusal as the wire tells it. ``names_path`` is False where the path itself is what is not known; ``confirms``:
    it is let through once its caller has confirmed that it is them.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        issues: Sequence[Issue] = (),
        headers: Mapping[str, str] | None = None,
        names_path: bool = True,
        confirms: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.issues = issues
        self.headers = headers or {}
        self.names_path = names_path
        self.confirms = confirms


def invalid(issues: Sequence[Issue]) -> Problem:
    """The input is not what the procedure takes."""
    return Problem(400, Code.BAD_REQUEST, "Input validation failed", issues=issues)


def no_file() -> Problem:
    """A form that should hold a file does not."""
    return invalid([{"code": "custom", "path": ["zip"], "message": "Invalid input: the form holds no file"}])


def unparsable() -> Problem:
    """The body is no JSON."""
    return Problem(400, WireCode.PARSE_ERROR, "Failed to parse request body")
