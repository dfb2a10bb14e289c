"""Rows as bytes, those of ended deployments made once: lists show the same ones again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from headway.core.deployments.list_queries import Part, steps_of
from headway.core.deployments.rollback_targets import Left
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed
from headway.features.deployments.api.rows import deployment_row
from headway.infra.db.transaction import Tx

_Key = tuple[Listed, Left | None]
_MOST = 8_192  # rows of each generation, about a kilobyte each
_ENDED = frozenset({Status.DONE.value, Status.ERROR.value})


class EncodedRows:
    """What was encoded is kept by the row itself, with all its columns, and by what it left; its steps change no more
    once it has ended. Whatever else a row is to show must be among these, or be added outside.

    Of two generations the older one goes when the younger is full; several threads may ask at once.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._young: dict[_Key, bytes] = {}
        self._old: dict[_Key, bytes] = {}

    def of(self, tx: Tx, part: Part, *, pending_as_running: bool) -> list[bytes]:
        """Each row of a part as a JSON object."""
        keys = {row.deployment_id: (row, part.left.get(row.deployment_id)) for row in part.rows}
        found = {deployment_id: self._kept(key) for deployment_id, key in keys.items()}
        steps = steps_of(tx, [deployment_id for deployment_id, kept in found.items() if kept is None])
        encoded = []
        for row in part.rows:
            id_ = row.deployment_id
            body = found[id_]
            if body is None:
                shown = deployment_row(
                    row,
                    part.waits.get(id_),
                    steps.get(id_, ()),
                    part.left.get(id_),
                    pending_as_running=pending_as_running,
                )
                body = to_json(shown)
                self._keep(keys[id_], body)
            encoded.append(body)
        return encoded

    def _kept(self, key: _Key) -> bytes | None:
        body = self._young.get(key)
        if body is None and (body := self._old.get(key)) is not None:
            self._keep(key, body)
        return body

    def _keep(self, key: _Key, body: bytes) -> None:
        if key[0].status in _ENDED:
            if len(self._young) >= self._most:
                self._old, self._young = self._young, {}
            self._young[key] = body


def as_list(objects: Iterable[bytes]) -> bytes:
    """Encoded objects as a JSON list."""
    return b"[%s]" % b",".join(objects)


def widened(encoded: bytes, more: Mapping[str, Any]) -> bytes:
    """An encoded object with further keys."""
    return b"%s,%s" % (encoded[:-1], to_json(more)[1:])
