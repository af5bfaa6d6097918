"""Listings → values: every row or an error that quotes the line, and the join of the two lists."""

from __future__ import annotations

import gc
import string
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.model import Condition, Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.fleet import parse
from deployster_cli.engines.fleet.parse import FileRow, UnitRow
from deployster_cli.errors import OutputUnreadable
from tests.engines.fleet.recorded import recording

ONE = UnitName("carousel", "9f88701", 1)
HASH = "3a07abc3f14e013a66c825eb161688e393bac544"
OTHER = "67cd7ec39b76e540457b09cb3e1d44374fb3ac6c"
M1 = Machine("7f1e9eef1c243090b388367bf9800de2", "10.77.0.11")
M2 = Machine("09de01dc169e0dcf6a137baef3d7e12a", "10.77.0.12")


def reported(name: str = ONE.text, at: Machine = M1, active: str = "active", run: str = HASH) -> UnitRow:
    return UnitRow(name, at.id, at.ip, "loaded", active, "running" if active == "active" else "dead", run)


def filed(
    name: str = ONE.text, at: Machine | None = M1, desired: str = "launched", current: str = "launched"
) -> FileRow:
    return FileRow(name, HASH, desired, current, at.id if at else "", at.ip if at else "", ONE.title)


def only(units: tuple[Unit, ...]) -> Unit:
    (unit,) = units
    return unit


# --- reading rows


def test_cells_may_be_padded_with_several_tabs() -> None:
    rows = parse.file_rows(f"a-1@1.service\t\t\t{HASH}\tlaunched\t\tinactive\t-\n")
    assert rows == (FileRow("a-1@1.service", HASH, "launched", "inactive", "", ""),)


def test_a_machine_without_an_address_is_its_id_alone() -> None:
    (row,) = parse.unit_rows(f"a-1@1.service\t{M1.id}\tloaded\tactive\trunning\t{HASH}\n")
    assert (row.machine, row.ip) == (M1.id, "")


def test_dashes_are_empty() -> None:
    assert parse.unit_rows("a.timer\t-\t-\t-\t-\t-\n") == (UnitRow("a.timer", "", "", "", "", "", ""),)


def test_a_global_unit_has_no_one_target_and_no_state() -> None:
    (row,) = parse.file_rows(f"everywhere-1.service\t{HASH}\tlaunched\t-\tglobal\n")
    assert (row.current, row.target) == ("", parse.GLOBAL)


def test_a_machine_without_metadata() -> None:
    assert parse.machines(f"{M1.id}\t-\t-\n") == (Machine(M1.id),)


def test_metadata_values_may_hold_anything_but_commas() -> None:
    (machine,) = parse.machines(f"{M1.id}\t10.0.0.1\tname=m 1,expr=a=b,empty=\n")
    assert machine.metadata == {"name": "m 1", "expr": "a=b", "empty": ""}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"a-1@1.service\tlaunched\tlaunched\t-\n{HASH}\n", "a missing cell"),
        (f"\t{HASH}\tlaunched\tlaunched\t-\n", "no name"),
        (f"-\t{HASH}\tlaunched\tlaunched\t-\n", "an empty name"),
        (f"{'a' * 256}\t{HASH}\tlaunched\tlaunched\t-\n", "a name too long"),
        (f"a b\t{HASH}\tlaunched\tlaunched\t-\n", "a space in the name"),
        ("a-1@1.service\t3a07abc\tlaunched\tlaunched\t-\n", "a short hash"),
        (f"a-1@1.service\t{HASH}\tflying\tlaunched\t-\n", "an unknown state"),
        (f"a-1@1.service\t{HASH}\tlaunched\tlaunched\t09de01dc.../10.77.0.12\n", "a short machine"),
        (f"a-1@1.service\t{HASH}\tlaunched\tlaunched\t-\r\n", "a carriage return"),
        ("UNIT\tHASH\tDSTATE\tSTATE\tTARGET\n", "a header"),
        ("NAME:\n\tlist-unit-files - List the units\n", "help"),
        ("\n", "an empty line"),
        ("no such thing\n", "nonsense"),
    ],
)
def test_a_line_that_is_no_row_is_quoted(line: str, fault: str) -> None:
    good = f"b-1@1.service\t{HASH}\tlaunched\tlaunched\t-\n"
    with pytest.raises(OutputUnreadable, match="fleetctl list-unit-files printed a line that is not a row"):
        parse.file_rows(good + line + good)


def test_the_quoted_line_is_the_bad_one() -> None:
    good = f"b-1@1.service\t{HASH}\tlaunched\tlaunched\t-\n"
    with pytest.raises(OutputUnreadable, match="'oh no'"):
        parse.file_rows(good + "oh no\n" + good)


@pytest.mark.parametrize("cut", [1, 10, 40, 70])
def test_a_table_without_its_last_newline_was_cut_off(cut: int) -> None:
    row = f"b-1@1.service\t{HASH}\tlaunched\tlaunched\t{M1.id}/{M1.ip}\n"
    with pytest.raises(OutputUnreadable, match="stopped in the middle of a line"):
        parse.file_rows(row + row[:-cut])


def test_half_a_table_of_whole_rows_is_refused_where_the_next_row_began() -> None:
    with pytest.raises(OutputUnreadable, match="stopped in the middle of a line: 'b'"):
        parse.machines(f"{M1.id}\t10.77.0.11\tname=m1\nb")


_name = st.text(string.ascii_letters + string.digits + ":_.\\@-", min_size=1, max_size=60).filter(lambda t: t != "-")
_hex = st.text("0123456789abcdef", min_size=1, max_size=40)
_hash = st.just("") | st.text("0123456789abcdef", min_size=40, max_size=40)
_ip = st.just("") | st.ip_addresses().map(str)
_word = st.sampled_from(["", "loaded", "active", "start-pre", "auto-restart", "dead", "activating"])
_state = st.sampled_from(["", "inactive", "loaded", "launched"])
_place = st.just(("", "")) | st.tuples(_hex, _ip)
_tabs = st.sampled_from(["\t", "\t\t", "\t\t\t"])


def _at(place: tuple[str, str]) -> str:
    return f"{place[0]}/{place[1]}" if place[1] else place[0]


def _line(tab: str, cells: tuple[str, ...]) -> str:
    return tab.join(cell or "-" for cell in cells) + "\n"


_unit_rows = st.builds(
    lambda name, place, load, active, sub, run: UnitRow(name, place[0], place[1], load, active, sub, run),
    _name,
    _place,
    _word,
    _word,
    _word,
    _hash,
)
_description = st.text("abc xyz-%@:3", min_size=1).map(lambda text: f"d{text}")
_file_rows = st.builds(
    lambda n, h, d, c, p, t: FileRow(n, h, d, c, p[0], p[1], t), _name, _hash, _state, _state, _place, _description
)


@given(st.lists(_unit_rows), _tabs)
def test_unit_rows_read_back_what_was_written(rows: list[UnitRow], tab: str) -> None:
    text = "".join(_line(tab, (r.name, _at((r.machine, r.ip)), r.load, r.active, r.sub, r.hash)) for r in rows)
    assert parse.unit_rows(text) == tuple(rows)


@given(st.lists(_file_rows), _tabs)
def test_file_rows_read_back_what_was_written(rows: list[FileRow], tab: str) -> None:
    text = "".join(
        _line(tab, (r.name, r.hash, r.desired, r.current, _at((r.target, r.ip)), r.description)) for r in rows
    )
    assert parse.file_rows(text) == tuple(rows)


_key = st.text(string.ascii_letters + "_-", min_size=1, max_size=10)
_metadata = st.dictionaries(_key, st.text(string.ascii_letters + " =.-", max_size=9))
_machines = st.builds(Machine, _hex, _ip, _metadata, silent=st.just(False), lost=st.just(False))


@given(st.lists(_machines), _tabs)
def test_machines_read_back_what_was_written(machines: list[Machine], tab: str) -> None:
    text = "".join(
        _line(tab, (m.id, m.ip, ",".join(f"{key}={value}" for key, value in m.metadata.items()))) for m in machines
    )
    assert parse.machines(text) == tuple(machines)


_pieces = st.sampled_from(["a-1@1.service", HASH, "launched", "\t", "\n", "-", f"{M1.id}/{M1.ip}", "name=m1", " ", "ü"])
_like_output = st.text() | st.lists(_pieces).map("".join)


@pytest.mark.parametrize("read", [parse.unit_rows, parse.file_rows, parse.machines])
@given(text=_like_output)
def test_any_text_gives_values_or_says_it_is_unreadable(read: object, text: str) -> None:
    assert callable(read)
    try:
        found = read(text)
    except OutputUnreadable as error:
        found = error.message
    assert isinstance(found, (tuple, frozenset, str))


@given(text=_like_output | st.lists(st.sampled_from(["[Unit]", "A=b", "\n", "\\", "#", "="])).map("".join))
def test_any_text_gives_a_unit_file_or_says_it_is_unreadable(text: str) -> None:
    try:
        found: object = parse.unit_options(ONE.text, text)
    except OutputUnreadable as error:
        found = error.message
    assert found


# --- cat and ports


def test_a_unit_file_that_was_cut_off_is_unreadable() -> None:
    with pytest.raises(OutputUnreadable, match="fleetctl cat stopped in the middle of a line: 'ExecSt'"):
        parse.unit_options(ONE.text, "[Service]\nExecSt")


@pytest.mark.parametrize("text", ["", "\n", "hello\n", "[Service]\n", "# a comment\n", "[Install]\nAlso=b.service\n"])
def test_what_is_no_unit_file_is_unreadable(text: str) -> None:
    with pytest.raises(OutputUnreadable, match="printed no unit file for carousel"):
        parse.unit_options(ONE.text, text)


# --- descriptions and ports


def described(description: str, name: str = "carousel-9f88701@1.service") -> str:
    return f"{name}\t{HASH}\tlaunched\tlaunched\t-\t{description}\n"


def ports(text: str) -> list[int | None]:
    return [unit.port for unit in parse.join((), parse.file_rows(text))]


def foreign(text: str) -> list[bool]:
    return [unit.foreign for unit in parse.join((), parse.file_rows(text))]


@pytest.mark.parametrize("description", [ONE.title, f"{ONE.title} port 3001", f"The web ({ONE.title}) port 3001"])
def test_a_unit_that_is_described_as_itself_is_taken_for_ours(description: str) -> None:
    assert foreign(described(description, ONE.text)) == [False]


@pytest.mark.parametrize("description", ["-", "a", f"{ONE.title}0", f"{ONE.title} port 0", "carousel 1 instance 2"])
def test_any_other_description_is_a_foreign_units(description: str) -> None:
    assert foreign(described(description, ONE.text)) == [True]


def test_a_name_of_the_go_services_is_never_one_that_we_gave() -> None:
    name = "carousel:9f88701:2015.03.02-00.31.45@1.service"
    assert foreign(described("-", name)) == [True]


def test_a_foreign_global_unit_is_foreign_on_every_machine() -> None:
    file = filed()._replace(target=parse.GLOBAL, description="-", ip="")
    unit = only(parse.join([reported(at=M1), reported(at=M2)], [file]))
    assert [copy.foreign for copy in (unit, *unit.copies)] == [True] * 3


def test_a_port_is_what_the_description_ends_with() -> None:
    assert ports(described("carousel 9f88701 instance 1 port 3001")) == [3001]


@pytest.mark.parametrize("port", [1, 65535])
def test_the_first_and_the_last_port_are_ports(port: int) -> None:
    assert ports(described(f"carousel 9f88701 instance 1 port {port}")) == [port]


@pytest.mark.parametrize("description", ["-", "port", "a port 0", "a port 65536", "a port 99999", "a port 3001 b"])
def test_what_does_not_end_with_a_port_has_none(description: str) -> None:
    assert ports(described(description)) == [None]


def test_foreign_descriptions_may_hold_tabs_and_line_breaks() -> None:
    foreign = described("a\tb\\\n  not a row \\\n\nend port 7", "foo.service")
    broken = described("a\\\n c\\\n", "bar.service")
    assert ports(foreign[:-1].replace("\n\n", "\n") + "\n" + described("c port 3001") + broken) == [3001]


def test_a_description_that_ends_in_a_backslash_does_not_swallow_the_next_row() -> None:
    assert ports(described("evil \\", "foo.service") + described("c port 3001")) == [3001]


def test_a_description_that_was_cut_off_is_unreadable() -> None:
    with pytest.raises(OutputUnreadable, match="stopped in the middle"):
        parse.file_rows(described("carousel port 3001")[:-3])


# --- the garbage collector


@pytest.fixture(params=[True, False])
def collecting(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the garbage collector is on."""
    (gc.enable if request.param else gc.disable)()
    yield request.param
    gc.enable()


def test_collecting_goes_on_as_it_was(collecting: bool) -> None:
    parse.join((), parse.file_rows(described("a")))
    assert gc.isenabled() is collecting


class Rubbish:
    """Something that refers to itself, so that only the garbage collector can take it away."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_thrown_away_between_listings_is_collected_however_often_there_is_one() -> None:
    """A server lists for weeks: whatever a listing does to the collector's counting must not put it off for ever."""
    left: weakref.WeakSet[Rubbish] = weakref.WeakSet()
    listings, each = gc.get_threshold()[0] // 100 * 3, 100
    for _ in range(listings):
        for _ in range(each):
            left.add(Rubbish())
        parse.file_rows("")
    assert len(left) < listings * each / 2


def test_collecting_goes_on_as_it_was_after_an_error(collecting: bool) -> None:
    with pytest.raises(OutputUnreadable):
        parse.unit_rows("oh no\n")
    assert gc.isenabled() is collecting


# --- the join


def test_the_recorded_mixed_cluster_joined() -> None:
    units = parse.join(
        parse.unit_rows(recording("028-list-units-mixed")["stdout"]),
        parse.file_rows(recording("030-list-unit-files-mixed")["stdout"]),
    )
    assert [(unit.name.short, unit.condition.value) for unit in units] == [
        ("carousel 9f88701 @1", "running"),
        ("carousel 9f88701 @2", "running"),
        ("carousel 9f88701 @3", "running"),
        ("crash 1 @1", "failed"),
        ("loop 1 @1", "restarting"),
        ("nowhere 1 @1", "waiting"),
        ("once 1 @1", "completed"),
        ("slow 1 @1", "running"),
    ]


def test_the_recorded_name_used_again_shows_nothing_of_the_run_before() -> None:
    units = parse.join(
        parse.unit_rows(recording("105-list-units-name-used-again")["stdout"]),
        parse.file_rows(recording("106-list-unit-files-name-used-again")["stdout"]),
    )
    (again,) = (unit for unit in units if unit.name == UnitName("eng", "9f88701", 2))
    assert (again.condition, again.active, again.hash[:7]) == (Condition.WAITING, "", "8ecd460")


def test_a_unit_has_what_both_lists_say() -> None:
    assert only(parse.join([reported()], [filed()])) == Unit(
        ONE, State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running", M1, HASH
    )


def test_a_unit_that_no_machine_reports_is_where_it_is_placed() -> None:
    assert only(parse.join([], [filed(at=M2)])) == Unit(ONE, State.LAUNCHED, State.LAUNCHED, machine=M2, hash=HASH)


def test_a_unit_that_left_the_registry_is_desired_none_and_where_it_still_runs() -> None:
    assert only(parse.join([reported(at=M2)], [])) == Unit(ONE, None, None, "loaded", "active", "running", M2, HASH)


def test_a_row_of_an_earlier_run_says_nothing() -> None:
    unit = only(parse.join([reported(run=OTHER)], [filed()]))
    assert (unit.active, unit.machine, unit.hash) == ("", M1, HASH)


def test_a_row_without_a_hash_is_taken_for_this_run() -> None:
    assert only(parse.join([reported(run="")], [filed()])).active == "active"


def test_of_a_moved_unit_the_row_on_its_new_machine_counts() -> None:
    rows = [reported(at=M1, active="active"), reported(at=M2, active="activating")]
    unit = only(parse.join(rows, [filed(at=M2)]))
    assert (unit.active, unit.machine) == ("activating", M2)


def test_a_moved_unit_that_only_its_old_machine_reports_is_not_running_yet() -> None:
    unit = only(parse.join([reported(at=M1)], [filed(at=M2)]))
    assert (unit.condition, unit.machine) == (Condition.UNKNOWN, M2)


def test_a_stopped_unit_that_an_old_machine_still_runs_has_not_stopped() -> None:
    unit = only(parse.join([reported(at=M1)], [filed(at=M2, desired="loaded", current="loaded")]))
    assert not unit.stopped


@pytest.mark.parametrize(
    ("first", "second"), [("inactive", "active"), ("active", "failed"), ("failed", "deactivating")]
)
@pytest.mark.parametrize("target", [M1, M2, None])
@pytest.mark.parametrize("at", [(M1, M2), (M2, M1)])
def test_a_unit_that_is_no_longer_wanted_is_there_while_any_machine_runs_it(
    first: str, second: str, target: Machine | None, at: tuple[Machine, Machine]
) -> None:
    rows = [reported(at=at[0], active=first), reported(at=at[1], active=second)]
    unit = only(parse.join(rows, [filed(at=target, desired="inactive", current="inactive")]))
    assert (unit.stopped, unit.condition) == (False, Condition.STOPPING)


@pytest.mark.parametrize("active", [("failed", "activating"), ("inactive", "activating"), ("activating", "active")])
@pytest.mark.parametrize("at", [(M1, M2), (M2, M1)])
def test_a_wanted_unit_that_waits_for_a_machine_is_as_well_as_where_it_does_worst(
    active: tuple[str, str], at: tuple[Machine, Machine]
) -> None:
    rows = [reported(at=on, active=state) for on, state in zip(at, active, strict=True)]
    assert only(parse.join(rows, [filed(at=None)])).active == active[0]


def test_of_two_machines_that_do_as_badly_it_is_always_the_same_one() -> None:
    rows = [reported(at=at, active="failed") for at in (M1, M2)]
    assert [only(parse.join(each, [filed(at=None)])).machine for each in (rows, rows[::-1])] == [M2, M2]


def test_a_state_that_systemd_has_no_word_for_yet_is_the_worst() -> None:
    rows = [reported(at=M1, active="failed"), reported(at=M2, active="maintenance")]
    assert only(parse.join(rows, [filed(at=None)])).active == "maintenance"


def test_a_unit_taken_off_its_machine_counts_there_until_it_is_gone() -> None:
    unit = only(parse.join([reported(at=M1)], [filed(at=None, desired="inactive", current="inactive")]))
    assert (unit.active, unit.machine) == ("active", M1)


def globally(desired: str = "launched") -> FileRow:
    return FileRow(ONE.text, HASH, desired, "", parse.GLOBAL, "", "carousel port 3001")


@pytest.mark.parametrize("order", [1, -1])
def test_a_global_unit_is_as_well_as_where_it_does_worst(order: int) -> None:
    rows = [reported(at=M1, active="active"), reported(at=M2, active="failed")][::order]
    unit = only(parse.join(rows, [globally()]))
    assert (unit.condition, unit.machine, unit.everywhere) == (Condition.FAILED, M2, True)


@pytest.mark.parametrize("order", [1, -1])
def test_a_global_unit_has_a_copy_for_each_machine_that_reports_it(order: int) -> None:
    rows = [reported(at=M1, active="active"), reported(at=M2, active="failed")][::order]
    copies = only(parse.join(rows, [globally()])).copies
    assert [(copy.machine, copy.condition, copy.port) for copy in copies] == [
        (M1, Condition.RUNNING, 3001),
        (M2, Condition.FAILED, 3001),
    ]


def test_a_global_unit_that_two_pages_of_the_listing_show_has_one_copy_of_it() -> None:
    rows = [reported(run=HASH, active="activating"), reported(run=HASH)]
    assert [copy.active for copy in only(parse.join(rows, [globally()])).copies] == ["active"]


def test_a_unit_on_its_way_out_that_two_pages_show_is_one_unit() -> None:
    assert only(parse.join([reported(active="activating"), reported()], [])).copies == ()


def test_a_machine_that_says_one_thing_twice_is_quoted() -> None:
    with pytest.raises(OutputUnreadable, match="says one thing twice: 'zone=z1,zone=z2'"):
        parse.machines(f"{M1.id}\t-\tzone=z1,zone=z2\n")


def test_a_global_unit_that_no_machine_reports_has_no_copies() -> None:
    unit = only(parse.join([], [globally()]))
    assert (unit.condition, unit.copies, unit.everywhere) == (Condition.WAITING, (), True)


def test_a_row_of_an_earlier_run_is_no_copy_of_a_global_unit() -> None:
    unit = only(parse.join([reported(at=M1), reported(at=M2, run=OTHER)], [globally()]))
    assert [copy.machine for copy in unit.copies] == [M1]


@pytest.mark.parametrize(
    ("reports", "files", "conditions"),
    [
        ("109-list-units-global", "110-list-unit-files-global", ["running", "failed", "running"]),
        ("114-list-units-global-stopped", "115-list-unit-files-global-stopped", ["stopped"] * 3),
        ("120-list-units-global-destroyed", "", ["removing"] * 3),
    ],
)
def test_the_recorded_global_unit_joined(reports: str, files: str, conditions: list[str]) -> None:
    rows = parse.file_rows(recording(files)["stdout"]) if files else ()
    unit = only(parse.join(parse.unit_rows(recording(reports)["stdout"]), rows))
    assert [copy.condition.value for copy in unit.copies] == conditions


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_rows_of_a_leaving_unit_the_order_does_not_matter(order: int) -> None:
    rows = [reported(at=M1), reported(at=M2)][::order]
    assert only(parse.join(rows, [])).machine == M1


def test_names_that_are_not_ours_are_left_out() -> None:
    foreign = [
        "carousel-9f88701@.service",
        "everywhere-1.service",
        "deployster-lock-carousel.service",
        "x-1@01.service",
    ]
    assert parse.join([reported(name) for name in foreign], [filed(name) for name in foreign]) == ()


def test_units_come_in_the_order_of_their_instance_numbers() -> None:
    names = [UnitName("carousel", "9f88701", instance) for instance in (10, 9, 1)]
    units = parse.join([reported(names[0].text)], [filed(name.text) for name in names[1:]])
    assert [unit.name.instance for unit in units] == [1, 9, 10]
