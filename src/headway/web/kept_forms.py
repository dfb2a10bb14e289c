"""What was typed into a form whose session is over: a page keeps it, to be sent once more."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from headway.core.access.throttle import place_of
from headway.http.seats import Bounds, Seats
from headway.pages.forms import Form
from headway.pages.page import View
from headway.pages.words import label
from headway.web.form_fields import SEEN, returned_of
from headway.web.renderer import OWN
from headway.web.requests import Came
from headway.web.sign_in import SIGN_IN

_UNAUTHORIZED, _FORBIDDEN = 401, 403
# Anybody may send these: few are read at a time (of 256 KiB, so 32 MiB in all).
_READ = Bounds(in_all=128, of_token=128, of_address=4, wait_seconds=1.0)


class KeptForms:
    """Makes that page. Nothing of what was typed is kept anywhere else."""

    def __init__(self) -> None:
        self._seats = Seats(_READ, "forms")

    async def signed_out(self, came: Came, form: Form) -> View | None:
        """Of who has no session any more, None where nothing was typed. Raises Problem, InvalidInput, Unavailable."""
        async with self._seats.one("", place_of(came.visitor.address)):
            typed = await came.form()
        return self._view(came, form, typed, status=_UNAUTHORIZED)

    def another(self, came: Came, form: Form, typed: Mapping[str, str]) -> View | None:
        """Of who has a session now in which there is no such form, None where nothing was typed."""
        return self._view(came, form, typed, status=_FORBIDDEN)

    def _view(self, came: Came, form: Form, typed: Mapping[str, str], *, status: int) -> View | None:
        kept = returned_of(form, typed)
        named = [name for name in kept if name != SEEN]
        if not named:
            return None
        page = came.path.rpartition("/")[0]
        values = {
            "action": quote(came.path),
            "kept": kept,
            "labels": [label(name) for name in dict.fromkeys(each.partition(".")[0] for each in named)],
            "signs_in": f"{SIGN_IN}?next={quote(page)}" if status == _UNAUTHORIZED else None,
        }
        title = "You are signed out" if status == _UNAUTHORIZED else "You have signed in anew"
        return View(template=f"{OWN}/kept.html", values=values, title=title, status=status)
