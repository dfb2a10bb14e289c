"""What can go wrong, as facts with a code that every face maps once and a sentence that a person can act on."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """The machine-readable kind of an error; the HTTP edge and the command line map it, nobody else does."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNPROCESSABLE = "UNPROCESSABLE_CONTENT"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL = "INTERNAL_SERVER_ERROR"


class HeadwayError(Exception):
    """Base of every error that Headway raises on purpose.

    ``message`` is shown to the user as it is: it says what is wrong and, where there is one, the way out.
    """

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(HeadwayError):
    """The request cannot be carried out as written."""

    code = Code.BAD_REQUEST


class PasswordForgotten(InvalidInput):
    """A password that is kept goes to the address that it was given for only: at another it has to be given again.
    ``whose`` and ``what`` name both: "the registry", "password".
    """

    def __init__(self, whose: str, what: str) -> None:
        super().__init__(
            f"What is kept of {whose} was given for another address, and is not sent to this one. Give its {what} again"
            " with the new address."
        )


class Forbidden(HeadwayError):
    """The caller may see the thing but not do this to it."""

    code = Code.FORBIDDEN


class NotFound(HeadwayError):
    """The thing does not exist, or the caller may not see it: both read the same."""

    code = Code.NOT_FOUND


class Conflict(HeadwayError):
    """The thing is in a state that does not allow the request now."""

    code = Code.CONFLICT


class Unprocessable(HeadwayError):
    """The request is well-formed, but says something else than it said before."""

    code = Code.UNPROCESSABLE


class TooManyRequests(HeadwayError):
    """The caller has asked too often; it may ask again after so many seconds."""

    code = Code.TOO_MANY_REQUESTS

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(HeadwayError):
    """Something that Headway needs (database, server) cannot be reached now; asking again later may work."""

    code = Code.UNAVAILABLE


class OutOfMemory(HeadwayError):
    """What was running has used more memory than it may, and was ended for it."""
