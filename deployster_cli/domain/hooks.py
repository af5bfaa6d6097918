"""Hooks: local commands round what is done to a service, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# What has a hook before it and one after.
VERBS = ("deploy", "destroy", "rollback")

# The result that calls the hook on_failure; any other calls the verb's post hook.
FAILED = "failed"

# Seconds for one line.
DEFAULT_LIMIT = 600.0

HOOK_NAMES = (*(f"{when}_{verb}" for verb in VERBS for when in ("pre", "post")), "on_failure")


class Hooks(NamedTuple):
    """The shell lines of each hook, in the order in which they run. ``timeout`` is seconds for one line."""

    pre_deploy: tuple[str, ...] = ()
    post_deploy: tuple[str, ...] = ()
    pre_destroy: tuple[str, ...] = ()
    post_destroy: tuple[str, ...] = ()
    pre_rollback: tuple[str, ...] = ()
    post_rollback: tuple[str, ...] = ()
    on_failure: tuple[str, ...] = ()
    timeout: float = DEFAULT_LIMIT

    def before(self, verb: str) -> tuple[str, tuple[str, ...]]:
        """Return the name and the lines of the hook before ``verb``; no lines where there is none."""
        return self._named(f"pre_{verb}")

    def after(self, verb: str, result: str) -> tuple[str, tuple[str, ...]]:
        """Return the name and the lines of the hook after ``verb`` came to ``result``."""
        return self._named("on_failure" if result == FAILED else f"post_{verb}")

    def _named(self, name: str) -> tuple[str, tuple[str, ...]]:
        return name, getattr(self, name) if name in HOOK_NAMES else ()


class Facts(NamedTuple):
    """What a hook is told. ``result`` is empty before the deed, then ``done``, ``unchanged`` or ``failed``.

    ``previous`` is the version that ran before, ``plan`` one JSON value; both are empty where there is none.
    ``machines`` are those in use, as ssh takes them.
    """

    verb: str
    service: str
    version: str
    by: str
    engine: str
    cluster: str = ""
    previous: str = ""
    instances: int = 0
    result: str = ""
    plan: str = ""
    machines: tuple[str, ...] = ()

    @property
    def variables(self) -> Mapping[str, str]:
        """The hook's environment beside ours. A hook that calls deployster reaches the same engine and cluster."""
        return {
            "DEPLOYSTER_VERB": self.verb,
            "DEPLOYSTER_SERVICE": self.service,
            "DEPLOYSTER_VERSION": self.version,
            "DEPLOYSTER_PREVIOUS": self.previous,
            "DEPLOYSTER_INSTANCES": str(self.instances),
            "DEPLOYSTER_RESULT": self.result,
            "DEPLOYSTER_ENGINE": self.engine,
            "DEPLOYSTER_CLUSTER": self.cluster,
            "DEPLOYSTER_MACHINES": " ".join(self.machines),
            "DEPLOYSTER_BY": self.by,
        }
