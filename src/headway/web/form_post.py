"""A form's way: its question, and what becomes of what was typed into it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from headway.api.inputs import expected_of, from_value, needed_of
from headway.api.operation import Operation
from headway.api.problems import Problem
from headway.core.access import policy
from headway.core.access.policy import ConfirmFirst
from headway.core.access.sign_in import SignIn
from headway.http import errors
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, HeadwayError
from headway.kernel.uploads import Upload
from headway.pages.forms import Field, Flash, Form, Question
from headway.pages.page import View
from headway.pages.words import cut
from headway.web.form_fields import (
    SEEN,
    kept_of,
    returned_of,
    told_of,
    values_of,
    with_emptied,
    with_taken_away,
    wrong_of,
)
from headway.web.provider import confirm_at
from headway.web.requests import Came
from headway.web.retry import with_when
from headway.web.visits import PageVisit

_ONCE, _TYPED, CONFIRM = "once", "typed", "confirm"
_OK, _FORBIDDEN, _CHANGED, _UNFIT = 200, 403, 409, 422
_CHANGED_MEANWHILE = (
    "This was changed since you opened it, and nothing is saved. Below stands what is kept now: add to yours what is"
    " missing in it. Sent once more, yours takes the place of all that."
)
_SHOWN_AGAIN_SECONDS = 60.0  # to who clicks twice or loads the answer anew: what it shows is told nobody later
_MOST_SHOWN = 256
ANOTHER_SESSION = "You have signed in anew since this page was opened. Look it over and send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A form that has done what it is for: the word of it, and where it leads to."""

    flash: Flash
    then: str


class ShownOnce:
    """What forms have answered that is shown once: the same one that is sent again does nothing and shows it again."""

    def __init__(self) -> None:
        self._kept: dict[str, asyncio.Future[Done | View | None]] = {}

    async def of(self, key: str, make: Callable[[], Awaitable[Done | View]]) -> Done | View:
        """What ``make`` gives, or gave under this key lately. A question that is asked again is not kept."""
        if key in self._kept and (kept := await asyncio.shield(self._kept[key])) is not None:
            return kept
        while len(self._kept) >= _MOST_SHOWN:
            del self._kept[next(iter(self._kept))]
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Done | View | None] = loop.create_future()
        self._kept[key] = answer
        made: Done | View | None = None
        try:
            made = await make()
            return made
        finally:
            if isinstance(made, View) and made.status == _OK:
                answer.set_result(made)
                loop.call_later(_SHOWN_AGAIN_SECONDS, self._kept.pop, key, None)
            else:
                answer.set_result(None)
                self._kept.pop(key, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPost:
    """A form of a page at ``action``, which leads ``back`` when nothing is to be done. Who has signed in
    ``by_provider`` has no password, and confirms there that it is them. A file may have ``upload_bytes``.
    """

    form: Form
    action: str
    back: str
    shown: ShownOnce
    by_provider: bool = False
    upload_bytes: int = 0

    async def question(self, visit: PageVisit) -> View:
        """What it asks before it does anything. Raises what its page raises, and Forbidden."""
        return self._view(visit, await self._asked(visit), confirm=self._must_confirm(visit))

    async def again(self, visit: PageVisit, typed: Mapping[str, str]) -> View:
        """What it asks, with what was typed into it in a session that is over. Raises as ``question`` does."""
        question, kept = await self._asked(visit), returned_of(self.form, typed)
        confirm = self._must_confirm(visit)
        return self._view(visit, question, kept, status=_FORBIDDEN, problem=ANOTHER_SESSION, confirm=confirm)

    async def admit(self, visit: PageVisit) -> None:
        """Whether it may be sent at all, and what it is about is there: asked before a file is taken. Raises what its
        page raises, and Forbidden.
        """
        permission = visit.operations.named(self.form.operation(visit)).permission
        policy.admit(visit.actor, replace(permission, careful=False))  # who they are is typed into it
        await self.form.asks(visit)

    async def done(
        self,
        visit: PageVisit,
        came: Came,
        typed: Mapping[str, str],
        sign_in: SignIn,
        upload: Upload | None = None,
    ) -> Done | View:
        """What it did; the same question again, with what was typed and why not, where it did nothing. Raises what its
        page raises, Forbidden, and unknown errors.
        """
        key = None if self.form.shows is None else form_key(came, self.action, typed.get(_ONCE, ""))
        if key is None:
            return await self._done(visit, came, typed, sign_in, upload)
        return await self.shown.of(key, lambda: self._done(visit, came, typed, sign_in, upload))

    async def _asked(self, visit: PageVisit) -> Question:
        """Its question, to whoever may do what it asks about: others are told so before they have typed anything."""
        question = await self.form.asks(visit)  # first, for of what is not there nobody is told who might change it
        operation = self.form.operation(visit)
        if not visit.may(operation):
            policy.admit(visit.actor, visit.operations.named(operation).permission)  # which says what it takes
        return question

    def _must_confirm(self, visit: PageVisit) -> bool:
        """Whether who they are is asked for with it: what is careful is, of who has not shown that lately."""
        permission = visit.operations.named(self.form.operation(visit)).permission
        return permission.careful and not visit.actor.credential.is_confirmed

    async def _done(
        self, visit: PageVisit, came: Came, typed: Mapping[str, str], sign_in: SignIn, upload: Upload | None
    ) -> Done | View:
        question = await self._asked(visit)
        if not _is_typed(question, typed):
            return self._view(visit, question, typed, status=_UNFIT, issues={_TYPED: "This is not what stands above."})
        if self.form.whole and typed.get(SEEN, self._seen(question)) != self._seen(question):
            return self._view(visit, question, typed, status=_CHANGED, problem=_CHANGED_MEANWHILE)
        try:
            if typed.get(CONFIRM):
                visit = await confirmed(visit, came.token or "", typed[CONFIRM], sign_in)
            operation = visit.operations.named(self.form.operation(visit))
            takes = self.form.takes
            values = values_of(self.form, typed) if takes is None else await takes(visit, typed)
            values = {**values, **self.form.given(visit)}
            values = with_emptied(self.form, question, typed, values, expected_of(operation.input))
            values = with_taken_away(self.form, typed, values)
            given = await self._prepared(visit, operation, values)
            key = form_key(came, operation.name, typed.get(_ONCE, ""))
            answer = await visit.operations.perform(operation, visit.actor, given, key, upload)
        except Problem as problem:
            at, rest = told_of(problem.issues, self.form.fields)
            status = _UNFIT if problem.issues else problem.status
            word = rest or ("" if at else with_when(problem.message, problem.headers))
            return self._view(visit, question, typed, status=status, issues=at, problem=word, headers=problem.headers)
        except ConfirmFirst as wanted:
            return self._view(visit, question, typed, status=_FORBIDDEN, problem=wanted.message, confirm=True)
        except HeadwayError as error:
            if error.code is Code.INTERNAL:
                raise
            told, question = errors.problem_of(error), await self.form.asks(visit)  # it may be another by now
            return self._view(
                visit,
                question,
                typed,
                status=told.status,
                problem=with_when(told.message, told.headers),
                confirm=self._must_confirm(visit),
                headers=told.headers,
            )
        if self.form.shows is not None:
            view = self.form.shows(visit, answer)
            return replace(view, values={**view.values, "once": secrets.token_hex(16)})
        did = self.form.did(visit, answer)
        flash = did if isinstance(did, Flash) else await did
        return Done(flash=flash, then=self.form.then(visit, answer))

    def _seen(self, question: Question) -> str:
        """What tells whether what it shows is what it showed, "" where that is no matter."""
        if not self.form.whole:
            return ""
        return hashlib.blake2b(repr(sorted(question.values.items())).encode(), digest_size=16).hexdigest()

    def _opened(self, question: Question, typed: Mapping[str, str] | None) -> str:
        """The same of when it was opened: what is asked again goes on from there."""
        return (typed or {}).get(SEEN, self._seen(question))

    def _now(self, question: Question, typed: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        """What is kept in the fields that say something else, for who adds one to the other."""
        if not self.form.whole:
            return ()
        return [
            {"name": name, "label": question.fields.get(name, Field()).label, "text": text}
            for name, text in question.values.items()
            if text and text.split() != typed.get(name, "").split()
        ]

    async def _prepared(
        self, visit: PageVisit, operation: Operation, given: Mapping[str, object]
    ) -> Mapping[str, object]:
        """What the form's operation is given, once what has to be done before it is done."""
        before = None if self.form.before is None else self.form.before(visit, given)
        if before is None:
            return given
        from_value(operation.input, dict(before.outlook))
        first = visit.operations.named(before.operation)
        return before.joined(await visit.operations.perform(first, visit.actor, before.given))

    def _needed(self, visit: PageVisit) -> Collection[str]:
        """The fields that its operation cannot do without. What is made of the fields otherwise says so by itself."""
        if self.form.takes is not None:
            return ()
        return needed_of(visit.operations.named(self.form.operation(visit)).input) - self.form.clears

    def _view(
        self,
        visit: PageVisit,
        question: Question,
        typed: Mapping[str, str] | None = None,
        *,
        status: int = 200,
        issues: Mapping[str, str] | None = None,
        problem: str = "",
        confirm: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> View:
        shown = question if typed is None else _with(question, kept_of(self.form, typed))
        needed = self._needed(visit)
        values = {
            "question": shown,
            "action": self.action,
            "back": self.back,
            "seen": self._seen(question)
            if status == _CHANGED or not self.form.whole
            else self._opened(question, typed),
            "now": self._now(question, typed or {}) if status == _CHANGED else (),
            "once": secrets.token_hex(16),
            "fields": [
                {"name": name, "kind": kind, "shown": question.fields.get(name, Field()), "needed": name in needed}
                for name, kind in self.form.fields.items()
            ],
            "issues": issues or {},
            "wrong": wrong_of(question, self.form.fields, issues or {}),
            "problem": problem,
            "confirm": confirm,
            "confirm_at": confirm_at(self.action) if confirm and self.by_provider else "",
            "typed": typed,
            "away": self.form.away.keys(),
            "more": question.more,
            "uploads": self.form.uploads,
            "upload_bytes": self.upload_bytes,
        }
        title = question.title if status == _OK else f"Not done: {question.title}"
        return View(template=self.form.template, values=values, title=title, status=status, headers=headers or {})


async def confirmed(visit: PageVisit, token: str, secret: str, sign_in: SignIn) -> PageVisit:
    """The visit of whoever has shown once more who they are. Raises as ``SignIn.confirm`` does."""
    await sign_in.confirm(token, secret)
    actor = await sign_in.by_session(token)
    return visit if actor is None else replace(visit, actor=actor)


def _with(question: Question, values: Mapping[str, str]) -> Question:
    return replace(question, values=values)


def form_key(came: Came, operation: str, once: str) -> str | None:
    """What lets the form start its work once, however often it is sent; of each session and operation its own."""
    if not once:
        return None
    given = f"{came.token} {operation} {once}".encode(errors="surrogateescape")
    return f"page-{hashlib.blake2b(given, digest_size=16).hexdigest()}"


def _is_typed(question: Question, typed: Mapping[str, str]) -> bool:
    """Whether what had to be typed was; what cannot be seen in a name is typed by its number, as it is shown."""
    name, given = question.typed, typed.get(_TYPED, "").strip()
    return name is None or given in {name, cut(name, len(name))}
