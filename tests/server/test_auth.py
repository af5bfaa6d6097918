"""The login: nothing but the very name and password fits, however the header is written."""

from __future__ import annotations

import base64

from hypothesis import assume, given
from hypothesis import strategies as st

from deployster_cli.server.auth import Login

RIGHT = base64.b64encode(b"ann:correct horse")

headers = st.binary(max_size=60).map(base64.b64encode) | st.binary(max_size=80)


def test_the_login_fits() -> None:
    assert Login("ann", "correct horse").fits(b"Basic " + RIGHT)


@given(headers, st.sampled_from([b"Basic ", b"basic ", b"Bearer ", b""]))
def test_no_other_header_fits(encoded: bytes, scheme: bytes) -> None:
    assume(encoded.strip() != RIGHT)
    assert not Login("ann", "correct horse").fits(scheme + encoded)
