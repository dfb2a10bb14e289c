"""The pages as an application: whoever asks is found out, what they may see is shown, and what they send is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

import headway
from headway.api.problems import Problem
from headway.core.access import policy
from headway.core.access.audit import came_from
from headway.core.access.model import GUEST, Actor
from headway.core.access.policy import Permission
from headway.http import errors
from headway.http.answers import Answer, send_answer
from headway.http.origin import Place, Way, is_asked_from
from headway.http.outlets import AsgiStream
from headway.http.request_ids import told_path
from headway.kernel.context import found
from headway.kernel.errors import Code, HeadwayError, TooManyRequests
from headway.pages.forms import Several
from headway.pages.page import MOST_TOPICS, Asked, Page, Unknown, View
from headway.web.answers import Flashes, Headers, led_to, once_with_flash, open_answer, page_answer, said_once
from headway.web.choices import Choices
from headway.web.entrance import WebNeeds
from headway.web.form_post import Done, FormPost, ShownOnce
from headway.web.frame import NOBODY, OF_A_VISIT, PLACES, Frame
from headway.web.kept_forms import KeptForms
from headway.web.long_asks import LongAsks
from headway.web.marks import marked
from headway.web.page_events import LIVE_PATH, TOLD_HEADER, Live
from headway.web.part_cache import Made, NotedVisit, PartCache, made_of
from headway.web.passkeys import PasskeyDoor
from headway.web.paths import HOME, Named, Paths, Piece
from headway.web.provider import ProviderDoor
from headway.web.renderer import ANY_NAME, OWN, Templates
from headway.web.requests import Came, ForeignForm, FormTokens, came
from headway.web.retry import with_when
from headway.web.sent_files import SentFiles
from headway.web.several_post import SeveralPost
from headway.web.sign_in import SIGN_IN, SignInPages
from headway.web.static_files import PREFIX, StaticFiles
from headway.web.visits import Operations, PageVisit

_ROOT = Path(headway.__file__).parent
_FIRST = ("/home", "/deployments")  # of these the first that there is
# A part without content, by which a page that has no other hears that its session is over.
_HERE_PATH = f"{LIVE_PATH}/-/here"
_HERE = b'<section data-part="here" hidden></section>'
_ORGANIZATION: Asked[Mapping[str, str]] = Asked("organization.one")
_OK = 200
_OVER = "Your session has ended. Sign in again."
A = TypeVar("A")
_WRONG = "This did not work"
_TITLES: Mapping[int, str] = {
    401: "You are not signed in",
    403: "You may not do this",
    404: "There is nothing here",
    421: "This panel has another address",
    429: "Too often",
    503: "Not to be had now",
}


class Web:
    """All pages of a panel."""

    def __init__(self, needs: WebNeeds) -> None:
        self._needs = needs
        self._static = StaticFiles(_ROOT / "web" / "static")
        self._templates = Templates(_ROOT, self._static.address)
        self._paths = Paths(needs.pages)
        self._page = cache(lambda path: needs.pages[path]())
        self._tokens = FormTokens(needs.vault.derived("forms"))
        self._flashes = Flashes(needs.vault.derived("flashes"))
        self._long_asks = LongAsks()
        self._live = Live(needs.changes, needs.audience, needs.clock)
        self._parts = PartCache(needs.version, needs.clock, self._live.latest)
        self._operations = Operations(registry=needs.registry, performer=needs.performer)
        self._uploads = SentFiles(needs.receive_upload)
        self._places = {path: self._permission(path) for path in sorted(PLACES & needs.pages.keys())}
        self._shown_once = ShownOnce()
        self._kept_forms = KeptForms()
        self._choices = Choices(sign_in=needs.door.sign_in, clock=needs.clock, paths=self._paths, tokens=self._tokens)
        self._before = SignInPages(
            sign_in=needs.door.sign_in,
            passkeys=PasskeyDoor(sign_in=needs.door.passkeys),
            provider=ProviderDoor(sign_in=needs.door.provider),
            clock=needs.clock,
            paths=self._paths,
            tokens=self._tokens,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        answer = await self._guarded(lambda: self._answer(scope, receive), told_path(scope["path"]), NOBODY)
        if isinstance(answer, Answer):
            await send_answer(answer, send, headers.get(b"accept-encoding", b""))
        else:
            try:
                await answer.stream(scope, receive, send)
            except TooManyRequests as error:  # before it has begun
                said = self._told(errors.problem_of(error), NOBODY, told_path(scope["path"]))
                await send_answer(said, send, b"")

    def close(self) -> None:
        """Sends those away who look at pages, and ends what is looked for: the panel stops."""
        self._live.close()
        self._long_asks.close()

    async def _guarded(self, work: Callable[[], Awaitable[A]], path: str, frame: Frame) -> A | Answer:
        return await errors.guarded(work, path, lambda problem, _path: self._told(problem, frame, path))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | AsgiStream:
        path = scope["path"]
        if path.startswith(PREFIX):
            return self._file(scope["method"], path)
        request = came(scope, receive, self._place_of(scope), self._needs.door.origins.visitor_of(scope))
        if (path, request.method) == (LIVE_PATH, "GET"):
            return await self._told_live(request, scope)
        if (path, request.method) == (_HERE_PATH, "GET"):
            return await self._here(request)
        before = await self._before.answer(request)
        if isinstance(before, View):
            return self._said(before, Frame(plain=request.place.way is Way.PLAIN, theme=request.theme))
        return before or await self._choices.answer(request) or await self._shown(request)

    def _file(self, method: str, path: str) -> Answer:
        answer = self._static.answer(path) if method in {"GET", "HEAD"} else None
        if answer is None:
            raise errors.not_found()
        return answer

    def _place_of(self, scope: Scope) -> Place:
        place = self._needs.door.origins.place_of(scope)
        if place is None:
            message = (
                "The panel does not know itself by this name. Set HEADWAY_PUBLIC_URL to the address that people open it"
                " by."
            )
            raise Problem(421, Code.BAD_REQUEST, message)
        return place

    async def _told_live(self, request: Came, scope: Scope) -> AsgiStream:
        """What an open page of ours is told, for as long as whoever has signed in may know it."""
        if not is_asked_from(request.place, scope):
            raise Problem(403, Code.FORBIDDEN, "Only a page of this panel is told what changes.")
        actor = None if request.token is None else await self._needs.door.sign_in.by_session(request.token)
        if actor is None:
            raise Problem(401, Code.UNAUTHORIZED, _OVER)
        found(actor=actor.user_id)
        return self._live.open(actor, request.raw_query)

    async def _here(self, request: Came) -> Answer:
        actor = None if request.token is None else await self._needs.door.sign_in.by_session(request.token)
        if actor is None:
            raise Problem(401, Code.UNAUTHORIZED, _OVER)
        return marked(page_answer(_HERE, request.headers), self._static.digest, actor)

    async def _shown(self, request: Came) -> Answer:
        """What somebody with a session is shown; whoever has none is led to sign in, and back here."""
        named = self._named(request)
        if named is None:
            raise errors.not_found()
        if named.page != HOME and self._page(named.page).is_open:
            return await self._open(request, named)
        if request.method == "POST":
            request.require_own()
        actor = None if request.token is None else await self._needs.door.sign_in.by_session(request.token)
        if actor is None:
            if named.piece is Piece.PART:
                raise Problem(401, Code.UNAUTHORIZED, _OVER)
            return await self._signed_out(request, named)
        found(actor=actor.user_id)
        came_from.set(request.visitor.address)
        self._needs.door.access.usage.spend(actor)
        if named.page == HOME:
            return led_to(next(path for path in _FIRST if path in self._needs.pages))
        visit = self._visit(request, actor, named)
        frame = await self._frame(request, visit, named)
        answer = await self._guarded(lambda: self._of_page(request, visit, named, frame), request.path, frame)
        return marked(answer, self._static.digest, actor) if named.piece is Piece.PART else answer

    async def _signed_out(self, request: Came, named: Named) -> Answer:
        """The way to sign in, and back here; with what was typed into a form a page that keeps it meanwhile."""
        form = self._page(named.page).forms.get(named.name) if request.method == "POST" else None
        if form is not None and not form.uploads and request.place.takes_passwords:
            view = await self._kept_forms.signed_out(request, form)
            if view is not None:
                return self._said(view, Frame(plain=request.place.way is Way.PLAIN, theme=request.theme))
        said = "" if request.token is None else "&said=over"
        return led_to(f"{SIGN_IN}?next={quote(request.address)}{said}")

    async def _open(self, request: Came, named: Named) -> Answer:
        """What whoever has its address is shown, signed in or not: nothing of them, and nothing that leads on."""
        came_from.set(request.visitor.address)
        page, frame = self._page(named.page), Frame(plain=request.place.way is Way.PLAIN, theme=request.theme)
        visit = replace(self._visit(request, GUEST, named), flash=None)

        async def show() -> Answer:
            view = await (page.parts[named.name] if named.piece is Piece.PART else page.show)(visit)
            answer = open_answer(self._html(view, frame), request.headers, view.status, _encoded(view.headers))
            return marked(answer, self._static.digest)

        def tell(problem: Problem, _path: str) -> Answer:
            title, values = _TITLES.get(problem.status, _WRONG), {"status": problem.status, "text": problem.message}
            html = self._html(View(template=f"{OWN}/closed.html", values=values, title=title), frame)
            return open_answer(html, request.headers, problem.status, _encoded(problem.headers))

        return await errors.guarded(show, told_path(request.path), tell)

    def _named(self, request: Came) -> Named | None:
        """What the path names, by what its page has."""
        if (request.path, request.method) == (HOME, "GET"):
            return Named(page=HOME, ids={})
        by_id = None  # what is written out, as the name of a form is, goes before an id
        for each in self._paths.named(request.path):
            page = self._page(each.page)
            if each.piece is Piece.WHOLE and request.method == "GET" and each.page.endswith("}"):
                by_id = by_id or each
            elif each.piece is Piece.WHOLE and request.method == "GET":
                return each
            if each.piece is Piece.PART and request.method == "GET" and each.name in page.parts:
                return each
            forms = {*page.forms, *page.several}
            if each.piece is Piece.FORM and request.method in {"GET", "POST"} and each.name in forms:
                return each
        return by_id

    def _visit(self, request: Came, actor: Actor, named: Named) -> PageVisit:
        token = request.token or ""
        return PageVisit(
            actor=actor,
            path=named.ids,
            query=request.query,
            now=self._needs.clock.now(),
            flash=self._flashes.read(token, request.flash) if named.piece is Piece.WHOLE else None,
            operations=self._operations,
            origin=request.place.origin,
            long_asks=self._long_asks,
        )

    async def _frame(self, request: Came, visit: PageVisit, named: Named) -> Frame:
        actor, organization = visit.actor, ""
        if named.piece is not Piece.PART:
            one = await visit.ask_within(1.0, _ORGANIZATION, organizationId=actor.organization_id)
            organization = "" if isinstance(one, Unknown) else one["name"]
        return Frame(
            actor=actor,
            organization=organization,
            form_token=self._tokens.of(request.token or ""),
            flash=visit.flash,
            plain=request.place.way is Way.PLAIN,
            topics=self._page(named.page).topics(visit)[:MOST_TOPICS] if named.piece is Piece.WHOLE else (),
            place=named.page.split("/", 2)[1],
            theme=request.theme,
            origin=request.place.origin,
        )

    async def _of_page(self, request: Came, visit: PageVisit, named: Named, frame: Frame) -> Answer:
        page, permission = self._page(named.page), self._permission(named.page)
        if permission is not None:
            policy.admit(visit.actor, permission)
        match named.piece:
            case Piece.WHOLE:
                return self._whole(await page.show(visit), request, frame)
            case Piece.PART:
                return await self._part(page, request, visit, named, frame)
            case Piece.FORM:
                return await self._of_form(page, request, visit, named, frame)

    async def _part(self, page: Page, request: Came, visit: PageVisit, named: Named, frame: Frame) -> Answer:
        async def make(noted: NotedVisit) -> Made:
            view = await page.parts[named.name](noted)
            is_for_all = not self._templates.names_in(view.template) & {*OF_A_VISIT, ANY_NAME}
            return made_of(self._html(view, frame), view.status, view.headers, is_for_all=is_for_all)

        told = self._live.told_by(request.headers.get(TOLD_HEADER, b""))
        made = await self._parts.get(named, visit, make, told)
        if made.status != _OK:
            return said_once(made.body, made.status, _encoded(made.headers))
        return page_answer(made.body, request.headers, made.tag)

    def _whole(self, view: View, request: Came, frame: Frame) -> Answer:
        if frame.flash is None or view.status != _OK:
            return self._kept(view, request, frame)
        return once_with_flash(self._html(view, frame), request.place)

    def _kept(self, view: View, request: Came, frame: Frame) -> Answer:
        if view.status != _OK:
            return self._said(view, frame)
        return page_answer(self._html(view, frame), request.headers)

    async def _of_form(self, page: Page, request: Came, visit: PageVisit, named: Named, frame: Frame) -> Answer:
        if named.name in page.several:
            return await self._of_several(page.several[named.name], request, visit, frame)
        form = page.forms[named.name]
        came_by = self._paths.back(request.query) if form.returns else None
        asking = FormPost(
            form=form,
            action=request.address if came_by else quote(request.path),
            back=came_by or request.path.rpartition("/")[0] or HOME,
            shown=self._shown_once,
            by_provider=visit.actor.credential.by_provider,
            upload_bytes=self._needs.upload_bytes,
        )
        if request.method == "GET":
            return self._said(await asking.question(visit), frame)
        try:
            done = await self._sent(asking, request, visit)
        except ForeignForm as foreign:
            done = await self._asked_again(asking, request, visit, foreign)
        if isinstance(done, Done):
            cookie = self._flashes.sent(request.place, request.token or "", done.flash)
            return led_to(came_by or self._paths.ours(done.then), (cookie,))
        return self._said(done, frame)

    async def _sent(self, asking: FormPost, request: Came, visit: PageVisit) -> Done | View:
        """What becomes of what was sent. Raises ForeignForm, and as the form does."""
        require, sign_in = partial(self._tokens.require, request.token or ""), self._needs.door.sign_in
        if not asking.form.uploads:
            typed = await request.form()
            require(typed)
            return await asking.done(visit, request, typed, sign_in)
        await asking.admit(visit)
        async with self._uploads.sent(request, visit.actor, require) as (typed, upload):
            require(typed)
            return await asking.done(visit, request, typed, sign_in, upload)

    async def _asked_again(self, asking: FormPost, request: Came, visit: PageVisit, foreign: ForeignForm) -> View:
        """The form with what was typed in a session before; where this one has no such form, a page that keeps that.
        Raises ForeignForm where there is neither.
        """
        try:
            return await asking.again(visit, foreign.typed)
        except (HeadwayError, Problem) as error:
            if error.code == Code.INTERNAL:
                raise
            kept = self._kept_forms.another(request, asking.form, foreign.typed)
            if kept is None:
                raise foreign from None
            return kept

    async def _of_several(self, several: Several, request: Came, visit: PageVisit, frame: Frame) -> Answer:
        asking = SeveralPost(
            several=several,
            action=request.address,
            back=self._paths.back(request.query) or several.back,
            sign_in=self._needs.door.sign_in,
            by_provider=visit.actor.credential.by_provider,
        )
        if request.method == "GET":
            return self._said(await asking.question(visit), frame)
        typed = await request.form()
        try:
            self._tokens.require(request.token or "", typed)
            view = await asking.done(visit, request, typed)
        except ForeignForm:
            view = await asking.again(visit)
        return self._said(view, frame)

    def _told(self, problem: Problem, frame: Frame, path: str) -> Answer:
        """A page that says why there is none at this path, and leads back to the place that it is of."""
        place = f"/{frame.place}"
        title = _TITLES.get(problem.status, _WRONG)
        values = {
            "status": problem.status,
            "text": with_when(problem.message, problem.headers),
            "incident": None,
            "back": place if place in self._offered(frame.actor) and place != path else None,
        }
        view = View(template=f"{OWN}/error.html", values=values, title=title, status=problem.status)
        return self._said(replace(view, headers=problem.headers), replace(frame, topics=()))

    def _said(self, view: View, frame: Frame) -> Answer:
        return said_once(self._html(view, frame), view.status, _encoded(view.headers))

    def _html(self, view: View, frame: Frame) -> bytes:
        return self._templates.html(view, frame.values(self._offered(frame.actor), self._needs.pages))

    def _offered(self, actor: Actor | None) -> Collection[str]:
        """The places that somebody may go to: what would be refused is not offered."""
        if actor is None:
            return ()
        return {path for path, wanted in self._places.items() if wanted is None or policy.may(actor, wanted)}

    def _permission(self, path: str) -> Permission | None:
        name = self._page(path).permission
        return None if name is None else self._operations.named(name).permission


def _encoded(headers: Mapping[str, str]) -> Headers:
    return tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items())
