"""A forge as the table has it: where it is, how it is asked, and how it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headway.drivers.forges.base import ForgeApi, ForgeName
from headway.drivers.forges.deliveries import DeliveryForm
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

Texts = Mapping[str, str]


def check_token(_facts: Texts, secrets: Texts) -> None:
    """What is wrong with an access token; it may follow later, as clients have it that ask for one in a browser. Raises
    InvalidInput.
    """
    token = secrets.get("token", "")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput("An access token is made of letters, digits and signs, without spaces or line breaks.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """``url`` is where a forge is when nothing else is said. Programs ask it below ``api_path``, but the one at ``url``
    at ``api_url`` where that is another site. ``make_api`` makes what asks it, ``deliveries`` reads what it tells, and
    ``check`` says what is wrong with what opens it, as facts and secrets.
    """

    name: ForgeName
    url: str
    api_path: str
    api_url: str | None = None
    make_api: Callable[[], ForgeApi]
    deliveries: DeliveryForm
    check: Callable[[Texts, Texts], None] = check_token

    def api_of(self, url: str) -> str:
        """Where programs ask one whose people go to ``url``."""
        bare = url.rstrip("/")
        return self.api_url if self.api_url and bare == self.url else f"{bare}{self.api_path}"
