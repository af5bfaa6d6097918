"""How often an engine is looked at while a rollout waits for it. Pure."""

from __future__ import annotations

OFTEN = 0.25
"""Seconds from one look to the next where something is expected to change."""

SELDOM = 1.0
"""Seconds from one look to the next in a long wait."""

_OF_THE_WAIT = 1 / 8
"""The part of the time waited so far that may be lost by not looking."""

_TIMES_THE_LOOK = 4
"""A look that takes long means an engine that is busy, with us or with others."""


_LATE = 1 / 64
"""Seconds after the moment when something is due, lest the look comes a hair too early."""


def next_look(waited: float, took: float, due: float | None = None) -> float:
    """Seconds until the next look, ``waited`` seconds after the last request; the last look took ``took`` seconds.

    Most of what is asked for happens within some seconds, so the first looks come soon; what takes minutes loses
    nothing by a second more. However it is, at most a fifth of the time is spent looking, up to one look in SELDOM.
    Where it is known that a look in ``due`` seconds may be the last one it does not come later.
    """
    pause = min(SELDOM, max(OFTEN, waited * _OF_THE_WAIT, took * _TIMES_THE_LOOK))
    return pause if due is None or due < 0 else min(pause, due + _LATE)
