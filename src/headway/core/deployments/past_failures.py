"""The same failure before: how often a service has met it, since when, and after what it went away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from headway.core.access.policy import Visibility
from headway.core.deployments.list_queries import within
from headway.core.deployments.status import ON_REQUEST, Status
from headway.core.deployments.summary import COLUMNS, Listed, deployment_rows, in_one_value, listed
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

LOOKED_AT = 200  # deployments of the subject before it
_LONGEST = 400  # of what is left: behind that a message quotes
_PATH = re.compile(r"(?<![\w./])(?:[A-Za-z]:)?[~.]{0,2}(?:/[\w.@+~%-]+)+/?")
_HASH = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b", re.IGNORECASE)
# It looks ahead no further than an id goes: to the end of a long word it would do so from each of its parts.
_ID = re.compile(r"\b(?=[\w-]{0,23}\d)(?=[\w-]{0,23}[A-Za-z])[\w-]{20,24}\b")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFailures:
    """``same`` are those before it that failed alike, newest first, of ``looked_at`` deployments (``all``: there are no
    more). ``went_away_after`` is the first that was done behind the last of them and before it: what brought it back
    came later. ``mended_by`` is the first that was done behind it.
    """

    same: Sequence[Listed] = ()
    looked_at: int = 0
    all: bool = True
    went_away_after: Listed | None = None
    mended_by: Listed | None = None


def is_failure(row: Listed) -> bool:
    """Whether something went wrong, and was not just ended on request."""
    return row.status == Status.ERROR and row.reason not in ON_REQUEST and bool(row.error_message)


def past_failures(tx: Tx, row: Listed, organization_id: str, reach: Visibility) -> PastFailures:
    """What is known of failures like this one, as far as the reach goes: an application may have been moved."""
    if not is_failure(row):
        return PastFailures()
    of_it = {"subject_type": row.subject_type, "subject_id": row.subject_id, "kind": row.kind, "seq": row.seq}
    before = listed(tx, _ONE_VALUE_BEFORE if not tx.postgres else _BEFORE, {**of_it, "most": LOOKED_AT + 1})
    known = [each for each in before[:LOOKED_AT] if within(reach, each, organization_id)]
    shape = shape_of(row.error_message)
    same = [each for each in known if is_failure(each) and shape_of(each.error_message) == shape]
    done = [each for each in known if same and each.seq > same[0].seq and each.status == Status.DONE]
    after = listed(tx, _ONE_VALUE_AFTER if not tx.postgres else _AFTER, {**of_it, "done": Status.DONE.value})
    return PastFailures(
        same=same,
        looked_at=len(known),
        all=len(before) <= LOOKED_AT,
        went_away_after=done[-1] if done else None,
        mended_by=next((each for each in after if within(reach, each, organization_id)), None),
    )


_c = deployment_rows.c
_OF_IT = (
    _c.subject_type == bindparam("subject_type"),
    _c.subject_id == bindparam("subject_id"),
    _c.kind == bindparam("kind"),
)
_BEFORE = select(*COLUMNS).where(*_OF_IT, _c.seq < bindparam("seq")).order_by(_c.seq.desc()).limit(bindparam("most"))
_AFTER = (
    select(*COLUMNS).where(*_OF_IT, _c.seq > bindparam("seq"), _c.status == bindparam("done")).order_by(_c.seq).limit(1)
)
_ONE_VALUE_BEFORE, _ONE_VALUE_AFTER = in_one_value(_BEFORE), in_one_value(_AFTER)


def shape_of(message: str | None) -> str:
    """The shape of an error's message: numbers, hashes, ids and paths are taken out. "" of none."""
    text = message or ""
    for pattern, sign in ((_PATH, "<path>"), (_ID, "<id>"), (_HASH, "<hash>"), (_NUMBER, "<n>"), (_SPACE, " ")):
        text = pattern.sub(sign, text)
    return text.strip()[:_LONGEST].lower()
