"""The pages before a session: signing in, the second factor, links and invitations, and the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, replace
from urllib.parse import quote

from headway.core.access.sign_in import Opened, SignIn, Stage, Visitor
from headway.core.access.throttle import place_of
from headway.http import errors
from headway.http.answers import Answer
from headway.http.cookies import flash_name, forget_cookie, session_name, set_cookie
from headway.http.seats import Bounds, Seats
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, Forbidden, HeadwayError, NotFound
from headway.pages.page import View
from headway.web.answers import Headers, led_to
from headway.web.passkeys import ANSWER_BYTES, PASSKEY, PASSKEY_OPTIONS, PasskeyDoor, forget_question, values_at
from headway.web.paths import HOME, Paths
from headway.web.provider import CALLBACK, CONFIRM, PROVIDER, ProviderDoor, forget_journey
from headway.web.requests import Came, FormTokens

SIGN_IN, CODE, SIGN_OUT = "/sign-in", "/sign-in/code", "/sign-out"
_LINK, _INVITATION = "/link/", "/invitation/"
Typed = Mapping[str, str] | None  # None: the page is only looked at
_FORM_BYTES = 16 << 10  # the longest name and password, each letter in twelve bytes as browsers send it
# Anybody may send these. Few from one address are read at a time, and so many in all (64 MiB) that it takes hundreds of
# addresses to keep others from being read.
_READ = Bounds(in_all=4_096, of_token=4_096, of_address=16, wait_seconds=1.0)
_ONLY_LOOKED_AT = frozenset({PROVIDER, CONFIRM, CALLBACK})  # a form may lead to pages of our own alone
_FORGET_PAGES = (b"clear-site-data", b'"cache"')
_SAID: Mapping[str, str] = {
    "out": "You are signed out.",
    "over": "You are signed out here, or your session has ended. Sign in again.",
}


class Readable(Forbidden):
    """A password would cross the network so that others can read it."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Your password would cross the network readable. Use `ssh -L {port}:127.0.0.1:{port} you@server` and open"
            f" http://127.0.0.1:{port}, or put HTTPS before this panel (docs/security.md). HEADWAY_PLAIN_SIGN_IN=yes"
            " allows it all the same."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPages:
    """Answers for all of them. None of these is an operation: what they make is a cookie."""

    sign_in: SignIn
    passkeys: PasskeyDoor
    provider: ProviderDoor
    clock: Clock
    paths: Paths
    tokens: FormTokens
    seats: Seats = field(default_factory=lambda: Seats(_READ, "forms"))

    async def answer(self, came: Came) -> Answer | View | None:
        """What to answer, None where the path is none of theirs. Raises Readable, ForeignForm, NotOpened, Missing,
        Problem, Unavailable.
        """
        page = self._page(came.path)
        if page is None:
            return None
        if came.method not in {"GET", "POST"} or (came.path == SIGN_OUT and came.method == "GET"):
            raise errors.not_found()
        if came.method == "POST" and came.path in _ONLY_LOOKED_AT:
            raise errors.not_found()
        if not came.place.takes_passwords:
            raise Readable(came.place.port)
        if came.method == "GET":
            if came.path in _ONLY_LOOKED_AT:
                came.require_opened()  # each counts as a try: any page could use up those of whoever looks at it
            return await page(came, None)
        came.require_own()
        async with self.seats.one("", place_of(came.visitor.address)):
            typed = await came.form(ANSWER_BYTES if came.path == PASSKEY else _FORM_BYTES)
        return await page(came, typed)

    def _page(self, path: str) -> Callable[[Came, Typed], Awaitable[Answer | View]] | None:
        known: Mapping[str, Callable[[Came, Typed], Awaitable[Answer | View]]] = {
            SIGN_IN: self._with_password,
            CODE: self._with_code,
            PASSKEY: self._with_passkey,
            PASSKEY_OPTIONS: self._asked_for_passkey,
            PROVIDER: self._to_provider,
            CONFIRM: self._to_confirm,
            CALLBACK: self._from_provider,
            SIGN_OUT: self._out,
        }
        if path in known:
            return known[path]
        if _token_of(path, _LINK):
            return self._link
        return self._invitation if _token_of(path, _INVITATION) else None

    async def _with_password(self, came: Came, typed: Typed) -> Answer | View:
        given = came.query if typed is None else typed
        then = self.paths.ours(given.get("next", HOME))
        name = "" if typed is None else typed.get("name", "")
        shown = self._first(came, name, then)
        if typed is None:
            return shown.view()
        password = typed.get("password", "")
        return await self._opened(came, then, shown, lambda: self.sign_in.sign_in(name, password, came.visitor))

    async def _with_code(self, came: Came, typed: Typed) -> Answer | View:
        given = came.query if typed is None else typed
        then, half = self.paths.ours(given.get("next", HOME)), came.token
        if half is None:
            return led_to(f"{SIGN_IN}?next={quote(then)}")
        shown = _Shown("code", "One more step", {"next": then})
        if typed is None:
            return shown.view()
        code = typed.get("code", "")
        return await self._opened(came, then, shown, lambda: self.sign_in.with_code(half, code, came.visitor))

    async def _asked_for_passkey(self, came: Came, typed: Typed) -> Answer:
        return led_to(SIGN_IN) if typed is None else await self.passkeys.asked(came, typed)

    async def _with_passkey(self, came: Came, typed: Typed) -> Answer | View:
        if typed is None:
            return led_to(SIGN_IN)
        then, gone = self.paths.ours(typed.get("next", HOME)), (forget_question(came.place),)
        shown = self._first(came, typed.get("name", ""), then)
        return await self._opened(came, then, shown, lambda: self.passkeys.opened(came, typed), gone)

    async def _to_provider(self, came: Came, _typed: Typed) -> Answer | View:
        then = self.paths.ours(came.query.get("next", HOME))
        return await self._sent(came, then, lambda: self.provider.sent(came, then))

    async def _to_confirm(self, came: Came, _typed: Typed) -> Answer | View:
        then, session = self.paths.ours(came.query.get("next", HOME)), came.token
        if session is None or await self.sign_in.by_session(session) is None:
            return led_to(f"{SIGN_IN}?next={quote(then)}")
        return await self._sent(came, then, lambda: self.provider.sent(came, then, session))

    async def _from_provider(self, came: Came, _typed: Typed) -> Answer | View:
        async def arrived() -> Answer:
            arrival = await self.provider.back(came)
            gone, opened = forget_journey(came), arrival.opened
            return led_to(arrival.then, (gone,) if opened is None else (gone, self._cookie(came, opened)))

        return await self._sent(came, HOME, arrived)

    async def _sent(self, came: Came, then: str, send: Callable[[], Awaitable[Answer]]) -> Answer | View:
        """The way on; the page for signing in with a word where there is none."""
        try:
            return await send()
        except HeadwayError as error:
            if error.code in {Code.INTERNAL, Code.NOT_FOUND}:
                raise
            told = errors.problem_of(error)
            return self._first(came, "", then).view(told.message, told.status, told.headers)

    async def _link(self, came: Came, typed: Typed) -> Answer | View:
        told = await self.sign_in.link(_token_of(came.path, _LINK))
        values = {"user_name": told.user_name, "sign_in_name": told.sign_in_name}
        return await self._taken(came, typed, _Shown("link", "Choose a password", values), self.sign_in.take_link)

    async def _invitation(self, came: Came, typed: Typed) -> Answer | View:
        await self.sign_in.require_invited(_token_of(came.path, _INVITATION))
        values = {"organization": "this panel", "role": "", "user_name": ""}
        return await self._taken(came, typed, _Shown("invitation", "You are invited", values), self.sign_in.join)

    async def _taken(
        self, came: Came, typed: Typed, shown: _Shown, take: Callable[[str, str, str, Visitor], Awaitable[Opened]]
    ) -> Answer | View:
        """Sets the first name and password of whoever has the token of this path."""
        name, password = ("", "") if typed is None else (typed.get("name", ""), typed.get("password", ""))
        values = {**shown.values, "name": name, "action": came.path, "issues": {}}
        shown = replace(shown, values=values)
        if typed is None:
            return shown.view()
        token = came.path.rpartition("/")[2]
        return await self._opened(came, HOME, shown, lambda: take(token, name, password, came.visitor))

    async def _opened(
        self, came: Came, then: str, shown: _Shown, opening: Callable[[], Awaitable[Opened]], own: Headers = ()
    ) -> Answer | View:
        """The way on with the cookie of the session that is opened; the same page with a word where none is."""
        try:
            opened = await opening()
        except NotFound:
            raise
        except HeadwayError as error:
            if error.code is Code.INTERNAL:
                raise
            told = errors.problem_of(error)
            return shown.view(told.message, told.status, told.headers)
        cookie = self._cookie(came, opened)
        if opened.stage is Stage.HALF:
            return led_to(f"{CODE}?next={quote(then)}", (cookie, *own))
        return led_to(then, (cookie, *own))

    def _cookie(self, came: Came, opened: Opened) -> tuple[bytes, bytes]:
        """The header that sets the cookie of a session."""
        seconds = max(1, round((opened.ends_at - self.clock.now()).total_seconds()))
        return set_cookie(came.place, session_name(came.place), opened.token, seconds)

    def _first(self, came: Came, name: str, then: str) -> _Shown:
        """The page for signing in."""
        own = {"name": name, "next": then, "provider": self.provider.name, "why_here": _said(came)}
        values = {**own, **values_at(came.place)}
        return _Shown("sign_in", "Sign in", values)

    async def _out(self, came: Came, typed: Typed) -> Answer | View:
        if came.token is not None:
            self.tokens.require(came.token, typed or {})
            await self.sign_in.sign_out(came.token)
        gone = (forget_cookie(came.place, name(came.place)) for name in (session_name, flash_name))
        return led_to(f"{SIGN_IN}?said=out", (*gone, _FORGET_PAGES))


@dataclass(frozen=True, slots=True)
class _Shown:
    """One of these pages, with what it shows each time."""

    name: str
    title: str
    values: Mapping[str, object]

    def view(self, problem: str = "", status: int = 200, headers: Mapping[str, str] | None = None) -> View:
        template = f"web/templates/{self.name}.html"
        values = {**self.values, "problem": problem}
        return View(template=template, values=values, title=self.title, status=status, headers=headers or {})


def _said(came: Came) -> str:
    """What is said to who was led here."""
    return _SAID.get(came.query.get("said", ""), "") if (came.method, came.path) == ("GET", SIGN_IN) else ""


def _token_of(path: str, prefix: str) -> str:
    token = path.removeprefix(prefix)
    return "" if token == path or "/" in token else token
