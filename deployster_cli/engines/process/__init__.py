"""The one place where processes start: an argv and a time limit in; what happened out.

Mechanism only. What an exit code or a line means is decided by the engine that made the call.
"""

from deployster_cli.engines.process.apart import attach, detach
from deployster_cli.engines.process.call import MOST_PRINTED, Completed, Running, observed, run
from deployster_cli.engines.process.dialogue import Dialogue
from deployster_cli.engines.process.start import NotStarted, end_all
from deployster_cli.engines.process.streams import Stream, follow

__all__ = [
    "MOST_PRINTED",
    "Completed",
    "Dialogue",
    "NotStarted",
    "Running",
    "Stream",
    "attach",
    "detach",
    "end_all",
    "follow",
    "observed",
    "run",
]
