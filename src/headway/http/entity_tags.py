"""Entity tags: an answer that the client has already is not sent again (RFC 9110, 13.1.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from headway.http.answers import Answer
from headway.http.ranges import has

_NOT_MODIFIED = 304
_ASK_AGAIN = (b"cache-control", b"private, no-cache")  # it may be kept by its reader, who asks each time


def unless_known(answer: Answer, headers: Mapping[bytes, bytes], tag: str | None = None) -> Answer:
    """The answer to a query with its entity tag, or 304 without a body where the request names that tag. ``tag`` is
    one that is known to change with the answer; without it, it is made of the body. Weak, for the body may be
    compressed on its way.
    """
    if answer.status != 200:
        return answer
    made = tag.encode() if tag is not None else hashlib.blake2b(answer.body, digest_size=12).hexdigest().encode()
    etag = b'W/"%s"' % made
    known = headers.get(b"if-none-match")
    if known is not None and has(known, etag):
        own = tuple(each for each in answer.headers if each[0] != b"content-type")
        return Answer(status=_NOT_MODIFIED, headers=(*own, (b"etag", etag), _ASK_AGAIN), body=b"")
    return Answer(status=answer.status, headers=(*answer.headers, (b"etag", etag), _ASK_AGAIN), body=answer.body)
