"""What servers say of their limits."""

from __future__ import annotations

import pytest

from chatplug.wire import Allowance, rate_limits


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2ms", 0.002),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("17", 17),
        ("1.5", 1.5),
        ("1700000012", 12),
        ("1700000012000", 12),
        ("1600000000", 0),
        ("soon", None),
        ("-4", None),
        ("", None),
        (None, None),
    ],
)
def test_when_all_is_there_again(text: str | None, seconds: float | None) -> None:
    headers = {"x-ratelimit-remaining-requests": "1"}
    if text is not None:
        headers["x-ratelimit-reset-requests"] = text

    assert rate_limits(headers, now=1_700_000_000)["requests"] == Allowance(None, 1, seconds)


def test_requests_and_tokens_are_told_apart() -> None:
    headers = {
        "x-ratelimit-limit-requests": "30000",
        "x-ratelimit-limit-tokens": "150000000",
        "x-ratelimit-remaining-requests": "29999",
        "x-ratelimit-remaining-tokens": "149999992",
        "x-ratelimit-reset-requests": "2ms",
        "x-ratelimit-reset-tokens": "0s",
    }

    assert rate_limits(headers) == {
        "requests": Allowance(30000, 29999, 0.002),
        "tokens": Allowance(150000000, 149999992, 0),
    }


def test_a_limit_of_nothing_in_particular_is_one_of_requests_unless_there_is_such_a_one() -> None:
    bare = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "3"}

    assert rate_limits(bare) == {"requests": Allowance(20, 3, None)}
    assert rate_limits({**bare, "x-ratelimit-remaining-requests": "7"}) == {"requests": Allowance(None, 7, None)}


def test_what_cannot_be_read_is_not_there() -> None:
    assert rate_limits({}) == {}
    assert rate_limits({"x-ratelimit-remaining-requests": "many", "x-ratelimit-limit-tokens": "5"}) == {}
