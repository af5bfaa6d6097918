"""What the routes that change a service take: JSON bodies checked and made intents, with the command line's limits.

Names are those of the Go service where it had them. Unknown fields are refused, numbers are numbers and no text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.durations import LONGEST, parse_duration
from deployster_cli.domain.limits import MOST_AT_ONCE, VARIABLE, name_fault
from deployster_cli.domain.templates.escaping import CLEAN, unwritable
from deployster_cli.domain.units.model import OnFailure, Order
from deployster_cli.domain.units.names import (
    INSTANCE,
    LONGEST_UNIT_NAME,
    MOST_INSTANCES,
    VERSION,
    UnitName,
    check_service,
    check_version,
    quoted,
)
from deployster_cli.errors import InvalidInput
from deployster_cli.server.jobs.job import Json

# A job waits for a run of the command line that holds the service; it is in no hurry.
LOCK_WAIT = "5m"

# Characters. fleet takes 2047 bytes a line of a unit file; what stands around a command takes up the rest. One that
# grows too long when it is written there (``%`` doubled, quotes) is refused with the template's own sentence.
MOST_COMMAND = 2000

MOST_BY = 100

DEFAULT_TIMEOUT, DEFAULT_SETTLE = "5m", "3s"


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    """A check of the domain as one of pydantic's: its sentence is kept, the field is named."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except InvalidInput as error:
            raise ValueError(error.message) from None
        return value

    return AfterValidator(validate)


def seconds(given: str | float) -> float:
    """A duration as it is given; InvalidInput where it is none."""
    return parse_duration(given if isinstance(given, str) else f"{given:f}")


def _word(text: str) -> None:
    """A word that goes on to templates: they refuse what they can't take; here only that it is text of one line."""
    if unwritable(text):
        raise InvalidInput("must be text on one line, without control characters.")


def _by(text: str) -> None:
    if not _BY.fullmatch(text):
        raise InvalidInput(f"must be up to {MOST_BY} letters, digits and signs without spaces, quotes, % and \\.")


def _pairs(given: dict[str, str], what: str) -> None:
    for name, value in given.items():
        if fault := name_fault(name, what):
            raise InvalidInput(f"{fault}.")
        if unwritable(value):
            raise InvalidInput(f"{name} must be text on one line, without control characters.")


def _whole(given: Any) -> Any:
    """JSON knows one kind of number: 3.0 is 3."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _unit(text: str) -> None:
    if UnitName.parse(text) is None:
        raise InvalidInput(f"{quoted(text)} is no unit's name.")


def _numeral(given: Any) -> Any:
    """A number's text is its digits: pydantic takes ``1_0`` and spaces too."""
    if isinstance(given, str) and not _DIGITS.fullmatch(given):
        raise ValueError("must be a whole number, written in digits.")
    return given


def _count(given: int) -> None:
    if not 1 <= given <= MOST_AT_ONCE:
        raise InvalidInput(f"{quoted(str(given))} is no whole number from 1 to {MOST_AT_ONCE}.")


def _flag(given: Any) -> Any:
    """A yes or no in a URL is ``true`` or ``false``: pydantic takes ``on``, ``1`` and more too."""
    if isinstance(given, str) and given not in {"true", "false"}:
        raise ValueError("must be true or false.")
    return given


_DIGITS = re.compile("0|[1-9][0-9]{0,8}")

# Printable ASCII without spaces, quotes, % and backslashes: it stands in unit files.
_BY = re.compile(rf"[!#$&-\[\]-~]{{0,{MOST_BY}}}")

_VERSION = {"type": "string", "pattern": f"^{VERSION.pattern}$"}
_SERVICE_NAME = "[a-z0-9]+([._-][a-z0-9]+)*"
_SERVICE = {"type": "string", "pattern": f"^{_SERVICE_NAME}$", "maxLength": 200}
_OF_GO = rf":{VERSION.pattern}:[0-9]{{4}}(\.[0-9]{{2}}){{2}}-[0-9]{{2}}(\.[0-9]{{2}}){{2}}"
_OF_NOW = r"-[A-Za-z0-9_]([A-Za-z0-9_.]|\\x2d){0,127}"
_UNIT = {
    "type": "string",
    "pattern": rf"^{_SERVICE_NAME}({_OF_NOW}|{_OF_GO})@{INSTANCE.pattern}\.service$",
    "maxLength": LONGEST_UNIT_NAME,
}
_SPAN = "^([0-9]{1,2}h([0-9]{1,3}m)?|[0-9]{1,4}m|[0-9]{1,5}s)$"
_DURATION = {
    "anyOf": [
        {"type": "string", "pattern": _SPAN},
        {"type": "number", "minimum": 0, "maximum": LONGEST},
    ]
}
_ONE_LINE = {"type": "string", "pattern": f"^{CLEAN}*$"}
_PAIRS = {
    "type": "object",
    "propertyNames": {"pattern": f"^{VARIABLE.pattern}$"},
    "additionalProperties": _ONE_LINE,
}

VersionText = Annotated[str, _checked(check_version), WithJsonSchema(_VERSION)]
ServicePath = Annotated[str, Path(max_length=200), _checked(check_service), WithJsonSchema(_SERVICE)]
VersionPath = Annotated[
    str, Path(alias="id", description="A version"), _checked(check_version), WithJsonSchema(_VERSION)
]
Duration = Annotated[str | float, _checked(seconds), WithJsonSchema(_DURATION)]
QueryDuration = Annotated[float | str, Field(union_mode="left_to_right"), _checked(seconds), WithJsonSchema(_DURATION)]
Word = Annotated[str, _checked(_word), WithJsonSchema(_ONE_LINE)]
Command = Annotated[
    str,
    Field(min_length=1, max_length=MOST_COMMAND),
    _checked(_word),
    WithJsonSchema({**_ONE_LINE, "minLength": 1, "maxLength": MOST_COMMAND}),
]
Environment = Annotated[
    dict[str, str], _checked(partial(_pairs, what="an environment variable")), WithJsonSchema(_PAIRS)
]
Sets = Annotated[dict[str, str], _checked(partial(_pairs, what="a setting")), WithJsonSchema(_PAIRS)]
By = Annotated[str, _checked(_by), WithJsonSchema({"type": "string", "pattern": f"^{_BY.pattern}$"})]
Count = Annotated[
    int,
    BeforeValidator(_whole),
    _checked(_count),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE}),
]

# Goes behind the bounds of a number that a URL has, or they are in no schema.
Numeral = BeforeValidator(_numeral)

QueryFlag = Annotated[bool, BeforeValidator(_flag)]

UnitText = Annotated[str, Field(max_length=LONGEST_UNIT_NAME), _checked(_unit), WithJsonSchema(_UNIT)]
Units = Annotated[list[UnitText], Field(max_length=1000)]

# No more than a URL has room for: the server reads 64 KB of it.
QueryUnits = Annotated[list[UnitText], Field(max_length=100)]

InstanceNumber = Annotated[int, Field(ge=1, le=MOST_INSTANCES), Numeral]


class Strict(BaseModel):
    """A body, or the object in it."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Values(Strict):
    """What everything that rolls out takes."""

    batch_size: Count | None = None
    timeout: Duration = DEFAULT_TIMEOUT
    settle: Duration = DEFAULT_SETTLE
    order: Annotated[Order, Field(strict=False)] = Order.START_FIRST
    on_failure: Annotated[OnFailure, Field(strict=False)] = OnFailure.ROLLBACK
    template: Word = ""
    set: Sets = Field(default_factory=dict)
    env: Environment = Field(default_factory=dict)
    lock_wait: Duration = LOCK_WAIT
    by: By = ""
    dry_run: bool = False

    def request(self) -> Json:
        """What was given, as it was given."""
        return self.model_dump(mode="json", exclude_unset=True)

    def policy(self) -> Policy:
        """How to wait and fail; InvalidInput where it contradicts itself."""
        settle, timeout = seconds(self.settle), seconds(self.timeout)
        if settle >= timeout:
            raise InvalidInput("settle must be shorter than timeout, or no deploy could ever succeed.")
        return Policy(settle=settle, timeout=timeout, order=self.order, on_failure=self.on_failure)

    def shared(self) -> dict[str, Any]:
        """The intent's fields that these are."""
        return {
            "batch": self.batch_size,
            "template": self.template,
            "sets": joined(self.set),
            "envs": joined(self.env),
            "policy": self.policy(),
            "lock_wait": seconds(self.lock_wait),
        }


class Deploy(Values):
    """A version to deploy."""

    version: VersionText
    instance_count: Count | None = None
    destroy_previous: bool = False
    adopt: bool = False
    adopt_only: Units | None = None
    before: list[Command] = Field(default_factory=list, max_length=20)
    recreate: bool = False

    def intent(self, service: str) -> Change:
        """The wish; InvalidInput where its fields contradict one another."""
        return Change(
            Verb.DEPLOY,
            service,
            self.version,
            instances=self.instance_count,
            destroy_previous=self.destroy_previous,
            **adopted(self.adopt_only, adopt=self.adopt),
            before=tuple(self.before),
            recreate=self.recreate,
            **self.shared(),
        )


class Rollback(Values):
    """A version to go back to; without one it is the release before."""

    version: VersionText | None = None
    instance_count: Count | None = None
    accept_changes: bool = False

    def intent(self, service: str) -> Change:
        """The wish; ``accept_changes`` uses the settings of now."""
        shared = self.shared()
        return Change(
            Verb.ROLLBACK, service, self.version, instances=self.instance_count, as_now=self.accept_changes, **shared
        )


class Scale(Values):
    """How many instances the newest release shall have."""

    instance_count: Count
    accept_changes: bool = False

    def intent(self, service: str) -> Change:
        """The wish; ``accept_changes`` uses the settings of now."""
        return Change(Verb.SCALE, service, instances=self.instance_count, as_now=self.accept_changes, **self.shared())


class Restart(Values):
    """The newest release, to be replaced by fresh instances."""

    accept_changes: bool = False

    def intent(self, service: str) -> Change:
        """The wish; ``accept_changes`` uses the settings of now."""
        return Change(Verb.RESTART, service, as_now=self.accept_changes, **self.shared())


class DeployBody(Strict):
    """``{"deploy": {"version": "9f88701"}}``."""

    deploy: Deploy


class RollbackBody(Strict):
    """``{}``, or ``{"rollback": {"version": "9f88701"}}``."""

    rollback: Rollback = Field(default_factory=Rollback)


class ScaleBody(Strict):
    """``{"scale": {"instance_count": 3}}``."""

    scale: Scale


class RestartBody(Strict):
    """``{}``, or ``{"restart": {}}``."""

    restart: Restart = Field(default_factory=Restart)


class Task(Strict):
    """A command to run once with a release, as a shell would."""

    version: VersionText
    command: Command
    timeout: Duration = "10m"
    env: Environment = Field(default_factory=dict)
    by: By = ""


class TaskBody(Strict):
    """``{"task": {"version": "9f88701", "command": "rake db:migrate"}}``."""

    task: Task


def destroy_intent(
    service: str, version: str, instances: list[int], timeout: str | float, lock_wait: str | float, **adopt: Any
) -> Change:
    """The wish to have a release gone, or some of its instances; ``adopt`` as ``adopted`` has it."""
    return Change(
        Verb.DESTROY,
        service,
        version,
        only=tuple(instances),
        **adopt,
        policy=Policy(timeout=seconds(timeout)),
        lock_wait=seconds(lock_wait),
    )


def adopted(only: list[str] | None, *, adopt: bool) -> dict[str, Any]:
    """The intent's fields that say which foreign units are taken over: all, or these alone."""
    if only is None:
        return {"adopt": adopt}
    names = tuple(name for name in map(UnitName.parse, only) if name)
    return {"adopt": adopt or bool(names), "adopt_only": names}


def joined(pairs: dict[str, str]) -> tuple[str, ...]:
    """``K=V`` each, as the command line has them."""
    return tuple(f"{name}={value}" for name, value in pairs.items())
