"""Files of variables: what systemd 252 and docker 28 refused, passed over and took, each tried on the real program."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployster_cli.domain.env_file import Fault, docker_fault, systemd_fault, variables

NO_NAME = "has something before its = that can't name a variable, so systemd would ignore it"
NOT_A_PAIR = "is not NAME=value, so systemd would ignore it"
SPACE = "has a space in the variable's name, which docker refuses"
NUL = "has a NUL byte in it, as UTF-16 text has"
NO_TEXT = "is not UTF-8 text"
OPEN = "opens a quote that nothing closes"
BOM = "begins with a byte order mark, so systemd would ignore it"
COMMENT = "is a comment with a backslash at its end, so the next line is part of it"

Told = tuple[int, str] | None

FILES: list[tuple[str, bytes, Told, Told]] = [
    ("plain", b"A=1\nB=2\n", None, None),
    ("empty", b"", None, None),
    ("nothing but space", b" \n\t\n\r\n", None, None),
    ("no line break at the end", b"A=1", None, None),
    ("CRLF", b"A=1\r\nB=2\r\n", None, None),
    ("empty value", b"A=\nB=2\n", None, None),
    ("UTF-16, little end first", "A=1\n".encode("utf-16"), (0, "is UTF-16 text"), (0, "is UTF-16 text")),
    ("UTF-16, big end first", b"\xfe\xff\0A\0=", (0, "is UTF-16 text"), (0, "is UTF-16 text")),
    ("UTF-16 without a mark", b"A=1\n\0B\0=\0002\0\n", (2, NUL), (2, NUL)),
    ("NUL in a comment", b"# \0\nB=2\n", (1, NUL), (1, NUL)),
    ("Latin-1 value", b"A=1\nB=caf\xe9\n", (2, NO_TEXT), (2, NO_TEXT)),
    ("Latin-1 name", b"A\xe9=1\n", (1, NO_TEXT), (1, NO_TEXT)),
    ("Latin-1 comment", b"# caf\xe9\nB=2\n", None, (1, NO_TEXT)),
    ("surrogate", b"A=\xed\xa0\x80\n", (1, NO_TEXT), (1, NO_TEXT)),
    ("no character", "A=\ufdd0\n".encode(), (1, NO_TEXT), None),
    ("last of a plane", "A=\U0010ffff\n".encode(), (1, NO_TEXT), None),
    ("last but one of a plane", "A=\ufffe\n".encode(), (1, NO_TEXT), None),
    ("control characters", b"A=\x01\x1b\x7f\t\n", None, None),
    ("export", b"\nexport X=1\n", (2, NO_NAME), (2, SPACE)),
    ("set", b"set -a\nB=2\n", (1, NOT_A_PAIR), (1, SPACE)),
    ("a colon for a =", b"A: 1\nB=2\n", (1, NOT_A_PAIR), (1, SPACE)),
    ("a name alone", b"A=1\nB\n", (2, NOT_A_PAIR), None),
    ("no name", b"A=1\n=1\n", (2, NOT_A_PAIR), (2, "has no name before its =")),
    ("dash in a name", b"A-B=1\n", (1, NO_NAME), None),
    ("digit first", b"1A=1\n", (1, NO_NAME), None),
    ("a name of no ASCII", "Ä=1\n".encode(), (1, NO_NAME), None),
    ("a space in a name", b"A B=1\n", (1, NO_NAME), (1, SPACE)),
    ("space round a name", b"  A  =  1 2  \n", None, (1, SPACE)),
    ("space before a name", b"\t A=1\n", None, None),
    ("mark before a variable", b"\xef\xbb\xbfA=1\nB=2\n", (1, BOM), None),
    ("mark before a comment", b"\xef\xbb\xbf# c\nA=1\n", None, None),
    ("mark before a line break", b"\xef\xbb\xbf\r\nA=1\n", None, None),
    ("mark alone", b"\xef\xbb\xbf", None, None),
    ("comment with ;", b"; c\nB=2\n", None, (1, SPACE)),
    ("continued comment", b"B=2\n# c \\\nA=1\n", (2, COMMENT), None),
    ("continued comment, CRLF", b"# c \\\r\nA=1\n", None, None),
    ("backslash in a comment", b"# c \\n\\", None, None),
    ("continued value", b"A=1 \\\n2\nB=2\n", None, None),
    ("backslash last", b"A=1\nB=2\\", None, None),
    ("quotes", b"A='x y'\nB=\"a\\\"b\" 'c' d\n", None, None),
    ("line break in quotes", b'A="a\nb"\nexport B=2\n', (3, NO_NAME), (3, SPACE)),
    ("quote inside a value", b"A=it's\nB=2\n", None, None),
    ("open double quote", b'B=2\nA="abc\nC=3\n', (2, OPEN), None),
    ("open single quote", b"A='abc\nB=2\n", (1, OPEN), None),
    ("open behind a closed one", b"A='x' \"abc\nB=2\n", (1, OPEN), None),
    ("quote behind a backslash", b"A=\\'abc\nB=2\n", None, None),
    ("= in a value", b"A=b=c\n", None, None),
]


def told(fault: Fault | None) -> Told:
    return fault and (fault.line, fault.text)


@pytest.mark.parametrize(("content", "systemd"), [(c, s) for _, c, s, _ in FILES], ids=[f[0] for f in FILES])
def test_systemd(content: bytes, systemd: Told) -> None:
    assert told(systemd_fault(content)) == systemd


@pytest.mark.parametrize(("content", "docker"), [(c, d) for _, c, _, d in FILES], ids=[f[0] for f in FILES])
def test_docker(content: bytes, docker: Told) -> None:
    assert told(docker_fault(content)) == docker


@pytest.mark.parametrize("judge", [systemd_fault, docker_fault])
def test_a_file_may_be_so_large_and_no_larger(judge: Callable[[bytes], Fault | None]) -> None:
    largest = (b"#" * 999 + b"\n") * 1000
    assert (judge(largest), told(judge(largest + b"#"))) == (None, (0, "is larger than 1,000,000 bytes"))


@pytest.mark.parametrize(("length", "fits"), [(131_071, True), (131_072, False)])
def test_a_variable_may_be_as_long_as_the_kernel_takes_it(length: int, fits: bool) -> None:
    assert (systemd_fault(b"A=" + b"x" * (length - 2) + b"\n") is None) is fits


@pytest.mark.parametrize(("length", "fits"), [(65_535, True), (65_536, False)])
def test_a_line_may_be_as_long_as_docker_reads_it(length: int, fits: bool) -> None:
    assert (docker_fault(b"B=1\nA=" + b"x" * (length - 2) + b"\n") is None) is fits


def test_a_thousand_lines_are_counted_right() -> None:
    assert told(systemd_fault(b"A='\n'\n\n#\n" * 1000 + b"export B=1")) == (4001, NO_NAME)


def test_no_fault_repeats_what_may_be_a_secret() -> None:
    faults = [fault for _, content, _, _ in FILES for fault in (systemd_fault(content), docker_fault(content)) if fault]
    assert not [fault for fault in faults if "caf" in fault.text + fault.cure or "abc" in fault.text + fault.cure]


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("PORT", "Leave it out: the setting port fixes it (port = 3000, or --set port=3000)."),
        ("DEPLOYSTER_SERVICE", "Take another name."),
    ],
)
def test_what_the_template_sets_itself_is_not_for_a_file_to_set(name: str, cure: str) -> None:
    content = f"A=1\n {name} =2\n".encode()
    assert systemd_fault(content, {name}) == Fault(2, f"sets {name}, which the template sets itself", cure)
    assert systemd_fault(content, {"B"}) is None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        (" A = b c \t", "b c"),
        ("A=", ""),
        ("A='b $c \\'", "b $c \\"),
        (r'A="b \"c\" \$d \n"', r'b "c" $d \n'),
        ("A='b'\"c\" d", "bcd"),
        ("A=b'c'", "b'c'"),
        (r"A=b\ \c\\", r"b c" + "\\"),
        ("A=b\\\nc", "bc"),
        ("A='b\nc'\n", "b\nc"),
        ("# \\\nA=no\n; A=no\nA=yes", "yes"),
        ("A=1\r\nB=2", "1"),
        ("A='open", "'open"),
    ],
)
def test_a_line_of_a_file_of_variables_is_read_as_systemd_does(line: str, value: str) -> None:
    assert variables(line.encode())["A"] == value


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("A=1".encode("utf-16"), "NUL"),
        (b"A=1\n\0", "NUL"),
        (b"A=\xe9", "not UTF-8"),
        (b"\xe9=1", "not UTF-8"),
    ],
)
def test_a_file_that_systemd_refuses_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        variables(content)


def test_a_comment_may_be_no_text() -> None:
    assert variables(b"# caf\xe9\nA=1") == {"A": "1"}
