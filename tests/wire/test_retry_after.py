"""How long a server asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatplug.wire import retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 2020 00:00:00 +99999999999999",
        "Mon, 01 Jan 2020 00:00:00 +9999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "1e308",
        "nan",
        "inf",
        "-1",
        str(400 * 86400),
        "soon",
        "",
    ],
)
def test_a_wait_that_nobody_can_have_meant_is_none(value: str) -> None:
    waits = (retry_after({"retry-after": value}, NOW), retry_after({"retry-after-ms": f"{value}000"}, NOW))

    assert all(wait is None or wait == 0 for wait in waits)


def test_a_wait_of_a_day_is_one_and_a_date_that_has_passed_is_none() -> None:
    assert retry_after({"retry-after": "86400"}) == 86400
    assert retry_after({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, NOW) == 60
    assert retry_after({"retry-after": "Thu, 01 Jan 2015 00:01:00 GMT"}, NOW) == 0
