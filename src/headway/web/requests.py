"""A request as pages need it: its place, its session, its headers, and what was typed into its form."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from starlette.types import Receive, Scope

from headway.core.access.sign_in import Visitor
from headway.http import errors
from headway.http.bodies import read_whole
from headway.http.cookies import cookie_in, flash_name, session_name, theme_name
from headway.http.origin import Place, is_opened, is_sent_from
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden, InvalidInput

FORM_TOKEN = "form_token"  # noqa: S105 - the name of the field
THEMES = frozenset({"light", "dark"})
_FORM = "application/x-www-form-urlencoded"
_MOST_BYTES = 256 << 10
_MOST_FIELDS = 2_050  # two thousand boxes, and what goes with them
_LONGEST_AGENT = 200


class ForeignForm(Forbidden):
    """A form was not sent by a page of this panel, or by one of another session: then with what was ``typed``."""

    def __init__(self, typed: Mapping[str, str] | None = None) -> None:
        super().__init__(
            "This form was not sent from a page of this panel, or that page is too old. Open it again and send it once"
            " more."
        )
        self.typed = typed or {}


class NotOpened(Forbidden):
    """A page loads what has to be opened."""

    def __init__(self) -> None:
        super().__init__("No page loads this in passing: open its address itself.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A request by a place of ours. ``token`` is that of the session that its cookie names, None without one."""

    method: str
    path: str
    raw_query: str
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    place: Place
    token: str | None
    visitor: Visitor
    receive: Receive

    @property
    def address(self) -> str:
        """Its path and query, as they may be led back to."""
        return f"{quote(self.path)}?{self.raw_query}" if self.raw_query else quote(self.path)

    @property
    def flash(self) -> str | None:
        """The cookie of the word that a form before it sent along."""
        return cookie_in(self.headers, flash_name(self.place))

    @property
    def theme(self) -> str:
        """Whether its pages are to be light or dark; "" as the browser has it."""
        found = cookie_in(self.headers, theme_name(self.place)) or ""
        return found if found in THEMES else ""

    def require_own(self) -> None:
        """Raises ForeignForm where the browser does not say that a page of this very place sends it."""
        if not is_sent_from(self.place, self.headers):
            raise ForeignForm

    def require_opened(self) -> None:
        """Raises NotOpened where the browser says that some page loads it, be it a foreign one, and nobody opens it."""
        if not is_opened(self.headers):
            raise NotOpened

    async def form(self, most_bytes: int = _MOST_BYTES) -> Mapping[str, str]:
        """What was typed; of a field that came twice the last. Raises Problem, and InvalidInput."""
        kind = self.headers.get(b"content-type", b"").decode("latin-1")
        body = await read_whole(self.receive, self.headers, most_bytes)
        if kind.partition(";")[0].strip().lower() != _FORM:
            raise errors.unsupported(kind)
        try:
            text = body.decode("ascii")
            return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
        except ValueError:
            raise InvalidInput("This form cannot be read.") from None


def came(scope: Scope, receive: Receive, place: Place, address: str) -> Came:
    """The request, at a place of ours, by whoever has this address."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    raw_query = scope["query_string"].decode("latin-1")
    shown = cookie_in(headers, session_name(place)) if place.takes_passwords else None
    agent = headers.get(b"user-agent", b"").decode("latin-1")[:_LONGEST_AGENT]
    return Came(
        method="GET" if scope["method"] == "HEAD" else scope["method"],
        path=scope["path"],
        raw_query=raw_query,
        query=dict(parse_qsl(raw_query)),
        headers=headers,
        place=place,
        token=shown,
        visitor=Visitor(address=address, agent=agent),
        receive=receive,
    )


class FormTokens:
    """What a form of a session carries, so that no other page can have sent it. They need not be kept."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def of(self, token: str) -> str:
        """The one of a session."""
        return hmac.digest(self._secret, token.encode(errors="surrogateescape"), hashlib.sha256).hex()

    def require(self, token: str, form: Mapping[str, str]) -> None:
        """Raises ForeignForm for a form that has not this session's."""
        if not hmac.compare_digest(form.get(FORM_TOKEN, "").encode(errors="replace"), self.of(token).encode()):
            raise ForeignForm(form)
