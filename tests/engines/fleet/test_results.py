"""What became of a call: every recorded one, and those that can't be recorded here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.fleet import error_patterns, results
from deployster_cli.engines.process import Completed
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable, Refused
from tests.engines.fleet.recorded import FILES, READERS, completed, recording

ONE = UnitName("carousel", "9f88701", 1)


def call(
    code: int | None, out: str = "", err: str = "", argv: tuple[str, ...] = ("fleetctl", "stop", "x")
) -> Completed:
    return Completed(argv, code, out, err, 15.0)


def refused(done: Completed) -> EngineError:
    with pytest.raises(EngineError) as caught:
        results.answer(done)
    return caught.value


# --- recorded


def test_there_are_recordings() -> None:
    assert len(FILES) >= 107


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_call_is_read_as_its_file_expects(file: Path) -> None:
    content = recording(file.stem)
    assert "expected" in content, f"{file.name} says not what is expected of it"
    try:
        found: dict[str, object] = {"value": READERS[content["read_as"]](completed(content))}
    except EngineError as error:
        found = {"error": type(error).__name__, "says": error.message}
    assert found == content["expected"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_error_of_a_recorded_call_is_one_short_line(file: Path) -> None:
    says = recording(file.stem)["expected"].get("says", "fine")
    assert says.isprintable()
    assert len(says) <= 400


# --- exit 0 proves nothing


@pytest.mark.parametrize("verb", ["list-units", "list-unit-files", "start", "destroy"])
def test_exit_0_with_an_error_and_nothing_else_is_that_error(verb: str) -> None:
    said = "Error retrieving list of units from repository: dial tcp 10.77.0.11:49153: i/o timeout\n"
    assert isinstance(refused(call(0, err=said, argv=("fleetctl", verb))), EngineUnreachable)


@pytest.mark.parametrize("verb", ["ssh", "journal"])
def test_what_a_command_over_ssh_says_on_stderr_is_its_own_business(verb: str) -> None:
    assert results.answer(call(0, err="Error: of the command's own\n", argv=("fleetctl", verb))) == ""


def test_an_answer_with_an_error_beside_it_is_an_answer() -> None:
    assert results.answer(call(0, "row\n", "Error: of no matter\n")) == "row\n"


# --- ended otherwise than by an exit code


def test_no_answer_in_time_is_unreachable_and_says_how_long_it_took() -> None:
    error = refused(call(None, argv=("fleetctl", "--tunnel=x", "list-units", "--full")))
    assert isinstance(error, EngineUnreachable)
    assert error.message == "fleetctl list-units gave no answer within 15 s and was stopped."


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.0148, "3 s"), (2.46, "2.5 s"), (60.04, "60 s"), (1234.56, "1234.6 s")]
)
def test_seconds_are_whole_or_have_one_decimal(seconds: float, said: str) -> None:
    message = refused(Completed(("fleetctl", "stop"), None, "", "", seconds)).message
    assert message == f"fleetctl stop gave no answer within {said} and was stopped."


def test_a_call_that_printed_too_much_is_unreadable() -> None:
    error = refused(Completed(("fleetctl", "list-units"), None, "y\ny\n", "", 1.0, flooded=True))
    assert isinstance(error, OutputUnreadable)
    assert error.message == "fleetctl list-units printed more than 64 MB and was stopped."


def test_a_crash_is_unreachable_as_nobody_knows_what_it_did() -> None:
    error = refused(call(-11))
    assert isinstance(error, EngineUnreachable)
    assert error.message == "fleetctl stop was ended by signal 11."


def test_an_exit_without_a_word_is_told_by_its_code() -> None:
    assert refused(call(3)).message == "fleetctl stop failed: exit code 3 and not a word."


def test_an_error_keeps_the_facts_of_the_call() -> None:
    error = refused(call(1, "out\n", "err\n"))
    assert (error.argv, error.code, error.out, error.err) == (("fleetctl", "stop", "x"), 1, "out\n", "err\n")


def test_words_are_cut_and_their_control_characters_left_out() -> None:
    message = refused(call(1, err="Error \x1b[31m" + "x" * 999 + "\n")).message
    assert message.isprintable()
    assert message.endswith("x…")


def test_the_line_that_tells_is_quoted_not_the_log_line_before_it() -> None:
    err = "2016/08/12 10:22:33 WARN fleetctl.go:1: multiple endpoints\nError starting units: oh no\n"
    assert refused(call(1, err=err)).message == "fleetctl stop failed: Error starting units: oh no"


@pytest.mark.parametrize("begins", ["Error: ", "error: ", "Error: error: "])
def test_failed_is_not_followed_by_error(begins: str) -> None:
    assert refused(call(1, err=f"{begins}oh no\n")).message == "fleetctl stop failed: oh no"


def test_an_error_without_more_words_is_quoted_as_it_is() -> None:
    assert refused(call(1, err="Error: \n")).message == "fleetctl stop failed: Error:"


def hints() -> list[str]:
    """Every hint that a call's end can give."""
    ends = [call(None), call(-11), call(0, "NAME:\n"), Completed(("fleetctl", "cat"), None, "", "", 1.0, flooded=True)]
    made = [
        results.other_content(["a"], call(0), ""),
        results.not_started(["a"], call(0)),
        results.missing([], call(0)),
    ]
    errors = [*map(refused, ends), *made, results.no_lock("a.service", call(0))]
    return [error.hint for error in errors] + [sign.hint for sign in error_patterns.SIGNS]


@pytest.mark.parametrize("hint", hints())
def test_a_hint_is_a_sentence(hint: str) -> None:
    assert hint[0].isupper()
    assert hint.endswith(".")


# --- unreachable or refused


@pytest.mark.parametrize(
    "err",
    [
        "Error starting units: googleapi: Error 503: fleet server unable to communicate with etcd",
        "Error creating units: failed creating unit x: googleapi: Error 500: , ",
        'Get "http://10.0.0.1:1/fleet/v1/units?alt=json": EOF',
        'Get "http://10.0.0.1:1/fleet/v1/units?alt=json": read tcp 10.0.0.2:1: connection reset by peer',
        'Get "http://10.0.0.1:1/fleet/v1/units?alt=json": dial tcp 10.0.0.1:1: i/o timeout',
        'Get "https://10.0.0.1:1/fleet/v1/units": x509: certificate signed by unknown authority',
    ],
)
def test_an_api_that_does_not_answer_is_unreachable(err: str) -> None:
    assert isinstance(refused(call(1, err=err + "\n")), EngineUnreachable)


def test_a_call_that_the_api_refuses_is_no_lack_of_reach() -> None:
    error = refused(call(1, err="Error starting units: googleapi: Error 409: conflict\n"))
    assert type(error) is EngineError


def test_each_trouble_with_ssh_has_a_cure_of_its_own() -> None:
    recorded = ["046-journal-no-agent", "082-journal-unknown-host", "081-tunnel-changed-key", "083-tunnel-user-refused"]
    hints = {refused(completed(recording(name))).hint for name in recorded}
    assert len(hints - {""}) == len(recorded)


# --- the right program


@pytest.mark.parametrize(
    ("out", "err"),
    [
        ("fleetctl - version 4.30.1\n  branch: \tmain\n", ""),
        ("NAME:\n   fleetctl - CLI for operating Fleet\n", ""),
        ("No help topic for 'list-units'\n", ""),
        ("", "Incorrect Usage: flag provided but not defined: -endpoint\n"),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_the_other_program_of_that_name_is_told_apart(code: int, out: str, err: str) -> None:
    error = refused(call(code, out, err))
    assert isinstance(error, EngineMissing)
    assert error.message == "fleetctl is another program of that name, the one that manages devices."


def test_a_log_that_speaks_of_the_other_program_is_a_log() -> None:
    assert results.answer(call(0, "see fleetctl - CLI for operating Fleet\n")) != ""


def test_help_instead_of_an_answer_is_no_answer() -> None:
    assert isinstance(refused(call(0, "NAME:\n\tstop - Instruct systemd\n")), EngineMissing)


def test_a_program_without_a_version_is_not_fleetctl() -> None:
    with pytest.raises(EngineMissing, match="/bin/true is not fleet's fleetctl: it says hello"):
        results.program_version(call(0, "hello\n", argv=("/bin/true", "--version")))


@pytest.mark.parametrize("version", ["0.7.2", "0.6.0", "0.1"])
def test_a_fleetctl_that_is_too_old_is_named(version: str) -> None:
    with pytest.raises(EngineMissing, match=f"fleetctl is version {version}, which is too old"):
        results.program_version(call(0, f"fleetctl version {version}\n", argv=("fleetctl", "--version")))


@pytest.mark.parametrize("version", ["0.8.0", "0.13.0+git", "1.0.0", "v2", "0.0.0+wasnotbuiltproperly"])
def test_any_other_is_fine(version: str) -> None:
    assert results.program_version(call(0, f"fleetctl version {version}\n")) == version


def test_an_unanswered_version_names_the_flag() -> None:
    assert "fleetctl --version gave no answer" in refused(call(None, argv=("fleetctl", "--version"))).message


# --- start


def test_units_in_the_registry_with_other_content_are_counted_if_many() -> None:
    lines = [f"WARNING: Unit x-1@{n}.service in registry differs from local unit file /t/x." for n in range(1, 6)]
    with pytest.raises(EngineError) as caught:
        results.triggered(call(0, "", "\n".join(lines) + "\n"))
    assert caught.value.message.startswith("x-1@1.service, x-1@2.service, x-1@3.service and 2 more are in the cluster")


def test_two_names_are_both_said() -> None:
    error = results.missing(["b-1@1.service", "a-1@1.service"], call(0))
    assert error.message == "a-1@1.service, b-1@1.service are not in the cluster: nothing was started."


NOT_TAKEN = "failed creating unit a-1@1.service: googleapi: Error 400: unit name exceeds maximum length (255)"


@pytest.mark.parametrize(
    ("err", "kind"),
    [
        ("invalid character '+' in unit name", Refused),
        ("unit name exceeds maximum length (255)", Refused),
        ("Global cannot be used with Peers", Refused),
        ('unresolvable requirements: peer "a" matches conflict "*"', Refused),
        ("failed getting Unit(a-1@1.service) from file: unable to find end of section", Refused),
        (NOT_TAKEN, Refused),
        (NOT_TAKEN.replace("400", "409"), EngineError),
        ("One or more errors creating units", EngineError),
    ],
)
def test_what_would_be_refused_again_is_told_from_what_may_have_worked(err: str, kind: type[EngineError]) -> None:
    assert type(refused(call(1, "", f"Error creating units: {err}\n"))) is kind


def test_a_failure_after_the_units_were_made_may_have_worked() -> None:
    error = refused(
        call(1, "Unit a-1@1.service inactive\n", "Error starting units: unable to find unit a-1@1.service\n")
    )
    assert type(error) is EngineError


def test_what_is_asked_of_units_that_are_not_as_they_should_be_would_be_refused_again() -> None:
    made = (results.other_content(["a"], call(0), "."), results.missing(["a"], call(0)), results.no_lock("a", call(0)))
    assert {type(error) for error in made} == {Refused}
    assert type(results.not_started(["a"], call(0))) is EngineError


def test_units_that_were_not_started_are_named() -> None:
    assert results.not_started(["a-1@1.service"], call(0)).message.startswith("a-1@1.service is not started")


# --- stop, unload, destroy


def test_a_missing_unit_is_fine_for_an_old_fleet_that_exits_1() -> None:
    done = call(1, "Destroyed a\n", "Error destroying units: googleapi: Error 404: unit does not exist\n\n")
    assert results.removed(done) == "Destroyed a\n"


def test_another_fault_beside_a_missing_unit_is_none_the_less_one() -> None:
    err = "Error destroying units: googleapi: Error 404: unit does not exist\nError destroying units: oh no\n"
    with pytest.raises(EngineError):
        results.removed(call(1, "", err))


def test_an_exit_1_without_a_word_is_not_fine() -> None:
    with pytest.raises(EngineError, match="not a word"):
        results.removed(call(1))


# --- cat and journal


def test_a_unit_that_the_registry_lacks_has_no_file() -> None:
    assert results.unit_options(call(1, "", f"Unit {ONE.text} not found\n"), ONE.text) is None


def test_a_unit_file_of_nothing_is_unreadable_and_keeps_the_facts_of_the_call() -> None:
    with pytest.raises(OutputUnreadable) as caught:
        results.unit_options(call(0, "", "hm\n"), ONE.text)
    assert (caught.value.code, caught.value.err) == (0, "hm\n")


def test_an_empty_journal_is_no_line() -> None:
    assert results.journal_lines(call(0), ONE) == ()


def test_an_empty_line_of_a_journal_is_a_line() -> None:
    assert results.journal_lines(call(0, "a\r\n\nb\n"), ONE) == ("a", "", "b")


# --- whatever it prints


@given(st.integers(-64, 255) | st.none(), st.text(), st.text())
def test_any_call_is_an_answer_or_one_printable_sentence(code: int | None, out: str, err: str) -> None:
    try:
        found = results.answer(call(code, out, err)) and "an answer"
    except EngineError as error:
        found = error.message
    assert found.isprintable()
