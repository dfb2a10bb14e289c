"""The way of a form over several things: its question, and what became of each."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headway.api.problems import Problem
from headway.http import errors
from headway.kernel.errors import Code, HeadwayError
from headway.pages.forms import Became, Question, Several
from headway.pages.page import View
from headway.web.form_post import ANOTHER_SESSION, form_key
from headway.web.requests import Came
from headway.web.retry import with_when
from headway.web.visits import PageVisit

log = logging.getLogger(__name__)

_ONCE = "once"
_AT_ONCE = 10
_FORBIDDEN, _UNFIT = 403, 422
_UNFORESEEN = "Headway made a mistake with this one; its own log tells more."


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingSeveral:
    """A form over several things at ``action``, which names them. It leads ``back`` to where they were chosen."""

    several: Several
    action: str
    back: str

    async def question(self, visit: PageVisit) -> View:
        """What it asks before it does anything."""
        return self._question(await self.several.asks(visit))

    async def again(self, visit: PageVisit) -> View:
        """What it asks, of who has sent it in a session that is over."""
        return self._question(await self.several.asks(visit), status=_FORBIDDEN, problem=ANOTHER_SESSION)

    async def done(self, visit: PageVisit, came: Came, typed: Mapping[str, str]) -> View:
        """What became of each; the question again where there is nothing to do."""
        question = await self.several.asks(visit)
        if not question.button:
            return self._question(question, status=_UNFIT)
        ids, once, seats = self.several.ids(visit), typed.get(_ONCE, ""), asyncio.Semaphore(_AT_ONCE)

        async def one(each: str) -> Became:
            async with seats:
                return await self._one(visit, came, each, f"{once} {each}" if once else "")

        found = await asyncio.gather(*(one(each) for each in ids), return_exceptions=True)
        return self._results(question, [_told(each, result) for each, result in zip(ids, found, strict=True)])

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

    def _question(self, question: Question, status: int = 200, problem: str = "") -> View:
        values = {
            "question": question,
            "action": self.action,
            "back": self.back,
            "once": secrets.token_hex(16),
            "fields": (),
            "issues": {},
            "problem": problem,
        }
        return View(template="web/templates/question.html", values=values, title=question.title, status=status)

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
