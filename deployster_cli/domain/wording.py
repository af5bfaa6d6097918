"""Names, numbers and places as words, for errors and for the screen alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployster_cli.domain.units.model import WORST_FIRST, Release, Unit
from deployster_cli.domain.units.names import UnitName

_LISTED_ONE_BY_ONE = 4


def capitalized(text: str) -> str:
    """Return the text as a sentence begins; the rest of it as it is."""
    return text[:1].upper() + text[1:]


def some_names(names: Sequence[UnitName]) -> str:
    """``carousel 9f88701 @1 @2 @3``, each release once."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for name in names:
        found.setdefault((name.service, name.version, name.made), []).append(name.instance)
    return ", ".join(
        f"{service} {version} {_instances(sorted(of))}{f' ({made})' if made else ''}"
        for (service, version, made), of in found.items()
    )


def _instances(numbers: list[int]) -> str:
    """``@1 @2``, or ``@1..@50`` for a long run of them."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) > _LISTED_ONE_BY_ONE and numbers == list(range(first, last + 1)):
        return f"@{first}..@{last}"
    return " ".join(f"@{number}" for number in numbers)


def left_alone(names: Sequence[UnitName]) -> str:
    """Return the sentence that names a service's foreign units; empty where there are none."""
    if not names:
        return ""
    what = f"{some_names(names)} {'was' if len(names) == 1 else 'were'} not created by Deployster"
    return f"{what}, and {'is' if len(names) == 1 else 'are'} left alone."


def left_out(names: Sequence[UnitName]) -> str:
    """Return the sentence that names a service's units on machines that are left out; empty where there are none."""
    it = "it is" if len(names) == 1 else "they are"
    return f"{some_names(names)} may still run on a machine that is left out: {it} left alone." if names else ""


def passed_over(service: str, machines: Sequence[str]) -> str:
    """Return the sentence that names machines which don't answer and have nothing of the service; empty for none."""
    do, some = "does" if len(machines) == 1 else "do", ", ".join(sorted(machines))
    return f"{some} {do} not answer; {service} has nothing there, and goes on without." if some else ""


def not_known(why: str) -> str:
    """Return what a machine's silence means; ``why`` names it."""
    return f"{why.rstrip('.')}. What runs there is not known."


def taken_over(names: Sequence[UnitName]) -> str:
    """Return the sentence that names foreign units that are adopted; empty where there are none."""
    return f"Takes over {some_names(names)}, which Deployster did not create." if names else ""


def count(number: int, thing: str) -> str:
    """``1 instance``, ``3 instances``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def resized(number: int, before: int, reason: str) -> str:
    """``3 → 1 instances: deployster.toml``."""
    return f"{before} → {count(number, 'instance')}: {reason}"


def joined(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def on(place: str) -> str:
    """`` on staging``, to go behind what is done there; nothing where the place has no name."""
    return f" on {place}" if place else ""


def where(unit: Unit) -> str:
    """Return the unit's machine for a line on the screen; ``-`` where it is on none.

    ``3 machines`` of a global unit that does the same on all of them, else the machine where it does worst.
    """
    if len(unit.copies) > 1 and len({copy.condition for copy in unit.copies}) == 1:
        return count(len(unit.copies), "machine")
    return (unit.machine.ip or unit.machine.label) if unit.machine else "-"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean carousel?`` for the known word most like ``word``, to go behind a sentence; else nothing."""
    near = nearest(word, known)
    return f" Did you mean {near}?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like ``word``; empty where none is near."""
    from difflib import get_close_matches  # only on the way to an error

    return next(iter(get_close_matches(word, sorted(set(known)), n=1)), "")


# Stands for the state of what Deployster didn't make: its state is its owner's business.
FOREIGN = "foreign"

# Stands for the state of what may be on a machine that this run leaves out.
LEFT_OUT = "left out"


def state(unit: Unit) -> str:
    """One word for what a unit does; FOREIGN for what isn't ours, LEFT_OUT where nobody looked."""
    return LEFT_OUT if unit.aside else FOREIGN if unit.foreign else unit.condition.value


def release_state(release: Release) -> str:
    """One word for a whole release: what its worst instance does, worst first; FOREIGN for what isn't ours."""
    if release.foreign:
        return FOREIGN
    present = {unit.condition for unit in release.units}
    return next(condition.value for condition in WORST_FIRST if condition in present)
