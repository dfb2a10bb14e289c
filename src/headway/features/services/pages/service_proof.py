"""What was seen of a service when what serves was deployed: what its address answered a visitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import AnswersRow
    from headway.features.services.api.service_rows import GlanceRow

_FAILS = 500


def proof_of(service: GlanceRow) -> Mapping[str, object] | None:
    """What its address answered when what serves was deployed, and whether that is what a visitor should get."""
    serving = service["serving"]
    if serving is None or serving["answers"] is None:
        return None
    answers = serving["answers"]
    return {"text": answered(answers), "at": serving["doneAt"], "good": _is_good(answers)}


def answered(answers: AnswersRow) -> str:
    """What an address answered, in words."""
    how = "nobody answered" if answers["status"] is None else f"answered {answers['status']}"
    return f"GET {cut(answers['path'], 120)} {how} after {answers['ms']} ms"


def _is_good(answers: AnswersRow) -> bool:
    status = answers["status"]
    return answers["trouble"] is None and status is not None and status < _FAILS
