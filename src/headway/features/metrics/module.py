"""Brings the figures of a panel, and the journal of what happens in it."""

from __future__ import annotations

from headway import __version__
from headway.features.metrics.journal import Journal
from headway.features.metrics.metrics import Metrics
from headway.module import Base


def install_metrics(base: Base) -> Metrics:
    """Both hear what is announced from now on; the journal writes it into the panel's own log."""
    Journal(base.events)
    return Metrics(base.events, __version__)
