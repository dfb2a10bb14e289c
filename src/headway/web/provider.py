"""The way to the provider and back: none of it is an operation, for what it makes is a cookie."""

from __future__ import annotations

from urllib.parse import quote

from headway.core.access.provider_sign_in import JOURNEY_SECONDS, Arrival, ProviderSignIn
from headway.http.answers import Answer
from headway.http.cookies import cookie_in, forget_cookie, provider_name, set_cookie
from headway.kernel.dataclass import dataclass
from headway.web.answers import led_to
from headway.web.requests import Came

PROVIDER, CALLBACK, CONFIRM = "/sign-in/provider", "/sign-in/provider/callback", "/sign-in/provider/confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDoor:
    """Sends browsers to the provider, and takes them when they come back."""

    sign_in: ProviderSignIn

    @property
    def name(self) -> str | None:
        """What people know the provider by; None where there is none."""
        return self.sign_in.name

    async def sent(self, came: Came, then: str, session: str | None = None) -> Answer:
        """The way to the provider, from where the browser comes back to the panel as it knows it. Raises as
        ``ProviderSignIn.depart`` does.
        """
        departure = await self.sign_in.depart(came.place.origin + CALLBACK, then, came.visitor, session)
        cookie = set_cookie(came.place, provider_name(came.place), departure.token, round(JOURNEY_SECONDS))
        return led_to(departure.address, (cookie,))

    async def back(self, came: Came) -> Arrival:
        """Who has come back. Raises as ``ProviderSignIn.arrive`` does."""
        token = cookie_in(came.headers, provider_name(came.place))
        return await self.sign_in.arrive(token, came.query, came.visitor)


def forget_journey(came: Came) -> tuple[bytes, bytes]:
    """The header that takes away by what a browser is known that was sent to the provider."""
    return forget_cookie(came.place, provider_name(came.place))


def confirm_at(action: str) -> str:
    """Where whoever has no password shows that it is still them, and comes back to a form."""
    return f"{CONFIRM}?next={quote(action)}"
