"""What somebody chooses for their own browser alone: which of their organisations it shows, and light or dark."""

from __future__ import annotations

from urllib.parse import quote

from headway.core.access.sign_in import SignIn
from headway.http import errors
from headway.http.answers import Answer
from headway.http.cookies import forget_cookie, session_name, set_cookie, theme_name
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.web.answers import led_to
from headway.web.paths import HOME, Paths
from headway.web.requests import THEMES, Came, FormTokens
from headway.web.sign_in import SIGN_IN

THEME, ORGANIZATION = "/theme", "/organization/"
_AS_THE_BROWSER = "system"
_FORM_BYTES = 4 << 10
_A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Answers for both. None of these is an operation: what they make is a cookie."""

    sign_in: SignIn
    clock: Clock
    paths: Paths
    tokens: FormTokens

    async def answer(self, came: Came) -> Answer | None:
        """What to answer, None where the path is none of theirs. Raises ForeignForm, Missing, Problem, InvalidInput."""
        organization_id = came.path.removeprefix(ORGANIZATION)
        if came.path != THEME and organization_id in {came.path, ""}:
            return None
        if came.method != "POST":
            raise errors.not_found()
        came.require_own()
        if came.token is None or await self.sign_in.by_session(came.token) is None:
            return led_to(f"{SIGN_IN}?next={quote(HOME)}")
        typed = await came.form(_FORM_BYTES)
        self.tokens.require(came.token, typed)
        if came.path == THEME:
            return self._theme(came, typed.get("theme", ""), typed.get("next", HOME))
        opened = await self.sign_in.enter(came.token, organization_id, came.visitor)
        seconds = max(1, round((opened.ends_at - self.clock.now()).total_seconds()))
        return led_to(HOME, (set_cookie(came.place, session_name(came.place), opened.token, seconds),))

    def _theme(self, came: Came, theme: str, then: str) -> Answer:
        name = theme_name(came.place)
        if theme in THEMES:
            return led_to(self.paths.ours(then), (set_cookie(came.place, name, theme, _A_YEAR),))
        if theme != _AS_THE_BROWSER:
            raise InvalidInput("Pages are light, dark, or as the browser has it.")
        return led_to(self.paths.ours(then), (forget_cookie(came.place, name),))
