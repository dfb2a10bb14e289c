"""The way of a form over several things: its question, and what became of each."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence

from headway.api.problems import Problem
from headway.core.access.policy import ConfirmFirst
from headway.core.access.sign_in import SignIn
from headway.http import errors
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, HeadwayError
from headway.pages.forms import Became, Question, Several
from headway.pages.page import View
from headway.web.form_post import ANOTHER_SESSION, CONFIRM, confirmed, form_key
from headway.web.provider import confirm_at
from headway.web.requests import Came
from headway.web.retry import with_when
from headway.web.visits import PageVisit

log = logging.getLogger(__name__)

_ONCE = "once"
_AT_ONCE = 10
_FORBIDDEN, _UNFIT = 403, 422
_UNFORESEEN = "Headway made a mistake with this one; its own log tells more."


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralPost:
    """A form over several things at ``action``, which names them. It leads ``back`` to where they were chosen. Who has
    signed in ``by_provider`` has no password, and confirms there that it is them.
    """

    several: Several
    action: str
    back: str
    sign_in: SignIn
    by_provider: bool = False

    async def question(self, visit: PageVisit) -> View:
        """What it asks before it does anything."""
        return self._question(await self.several.asks(visit), confirm=self._must_confirm(visit))

    async def again(self, visit: PageVisit) -> View:
        """What it asks, of who has sent it in a session that is over."""
        question, confirm = await self.several.asks(visit), self._must_confirm(visit)
        return self._question(question, status=_FORBIDDEN, problem=ANOTHER_SESSION, confirm=confirm)

    async def done(self, visit: PageVisit, came: Came, typed: Mapping[str, str]) -> View:
        """What became of each; the question again where there is nothing to do."""
        question = await self.several.asks(visit)
        if not question.button:
            return self._question(question, status=_UNFIT)
        try:
            if typed.get(CONFIRM):
                visit = await confirmed(visit, came.token or "", typed[CONFIRM], self.sign_in)
            if self._must_confirm(visit):
                raise ConfirmFirst
        except HeadwayError as refused:
            if refused.code is Code.INTERNAL:
                raise
            told = errors.problem_of(refused)
            confirm = self._must_confirm(visit)
            word = with_when(told.message, told.headers)
            return self._question(question, status=told.status, problem=word, confirm=confirm, headers=told.headers)
        ids, once, seats = self.several.ids(visit), typed.get(_ONCE, ""), asyncio.Semaphore(_AT_ONCE)

        async def one(each: str) -> Became:
            async with seats:
                return await self._one(visit, came, each, f"{once} {each}" if once else "")

        found = await asyncio.gather(*(one(each) for each in ids), return_exceptions=True)
        return self._results(question, [_told(each, result) for each, result in zip(ids, found, strict=True)])

    def _must_confirm(self, visit: PageVisit) -> bool:
        """Whether who they are is asked for with it, of who has not shown that lately."""
        is_wide = self.several.careful and len(self.several.ids(visit)) > 1
        return is_wide and not visit.actor.credential.is_confirmed

    async def _one(self, visit: PageVisit, came: Came, each: str, once: str) -> Became:
        try:
            act = await self.several.act(visit, each)
            operation = visit.operations.named(act.operation)
            key = form_key(came, operation.name, once)
            answer = await visit.operations.perform(operation, visit.actor, act.given, key)
            return await self.several.did(visit, each, answer)
        except Problem as problem:
            return Became(text=problem.message, good=False)
        except HeadwayError as error:
            if error.code is Code.INTERNAL:
                raise
            told = errors.problem_of(error)
            return Became(text=with_when(told.message, told.headers), good=False)

    def _question(
        self,
        question: Question,
        status: int = 200,
        problem: str = "",
        *,
        confirm: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> View:
        asks_for_it = confirm and bool(question.button)
        values = {
            "question": question,
            "action": self.action,
            "back": self.back,
            "once": secrets.token_hex(16),
            "fields": (),
            "issues": {},
            "problem": problem,
            "confirm": asks_for_it,
            "confirm_at": confirm_at(self.action) if asks_for_it and self.by_provider else "",
        }
        template, title = "web/templates/question.html", question.title
        return View(template=template, values=values, title=title, status=status, headers=headers or {})

    def _results(self, question: Question, found: Sequence[Became]) -> View:
        things = [
            {"label": each.label, "path": became.path or each.path, "text": became.text, "good": became.good}
            for each, became in zip(question.things, found, strict=True)
        ]
        good = sum(each.good for each in found)
        values = {"things": things, "good": good, "bad": len(found) - good, "back": self.back}
        return View(template="web/templates/results.html", values=values, title="What became of each")


def _told(each: str, result: Became | BaseException) -> Became:
    if isinstance(result, BaseException):
        log.error("one of several, %s, failed", each, exc_info=result)
        return Became(text=_UNFORESEEN, good=False)
    return result
