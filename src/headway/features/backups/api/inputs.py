"""What the inputs about any backup share."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input
from headway.features.backups.model import S

Text = Annotated[str, Field(max_length=1_024)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=1, le=100_000)]
CronText = Annotated[str, Field(max_length=256)]
ZoneName = Annotated[str, Field(max_length=64)]
Prefix = Annotated[str, Field(max_length=255)]
NamedDestination = Annotated[str, Field(max_length=64)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]
_PLAIN = ("name", "schedule", "timezone", "enabled", "prefix", "total_seconds")
_OR_NONE = ("keep_latest_count", "keep_days", "service_name")


def put_upon(current: S, given: Input, *, plain: tuple[str, ...], or_none: tuple[str, ...] = ()) -> S:
    """The settings with what was given; what was not given stays. Null stands for none of what is ``or_none``, and for
    nothing given of what is ``plain``.
    """
    sent = {name: getattr(given, name) for name in given.model_fields_set}
    changed = {name: sent[name] for name in (*_PLAIN, *plain) if sent.get(name) is not None}
    changed |= {name: sent[name] for name in (*_OR_NONE, *or_none) if name in sent}
    if "encryption_password" in sent:
        changed["password"] = sent["encryption_password"] or None
    return replace(current, **changed)
