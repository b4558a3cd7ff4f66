"""Requests, limits, options and errors as values."""

from __future__ import annotations

import copy
import pickle

import pytest

from chatplug.http import (
    BodyTooLarge,
    BrokenBody,
    ConnectError,
    Disconnected,
    InvalidRequest,
    ProxyError,
    Request,
    Response,
    TimedOut,
    Timeout,
    TLSError,
    TransportError,
    TransportOptions,
    public_url,
)
from chatplug.http.errors import Peer, Where

URL = "https://user:secret@api.example.org:8443/v1/chat?key=secret#secret"
WHERE: Where = {"method": "POST", "url": URL}
PEER: Peer = {**WHERE, "host": "api.example.org", "port": 8443}


def test_a_number_limits_connecting_and_reading_each() -> None:
    assert Timeout.of(7) == Timeout(7, 7)


def test_none_lifts_all_limits() -> None:
    assert Timeout.of(None) == Timeout(None, None, None)


def test_a_mapping_changes_the_limits_that_it_names() -> None:
    assert Timeout.of({"read": 60}) == Timeout(10, 60, None)
    assert Timeout.of({"total": 5.0, "connect": None}) == Timeout(None, 300, 5)
    with pytest.raises(ValueError, match="no 'write'"):
        Timeout.of({"write": 5})


def test_a_timeout_is_itself() -> None:
    timeout = Timeout(1, 2, 3)

    assert Timeout.of(timeout) is timeout
    assert repr(timeout) == "Timeout(connect=1.0, read=2.0, total=3.0)"


def test_infinity_is_no_limit() -> None:
    assert Timeout(float("inf"), 1) == Timeout(None, 1)


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_is_more_than_nothing(value: float) -> None:
    with pytest.raises(ValueError, match="more than 0 seconds"):
        Timeout.of(value)


def test_values_do_not_change() -> None:
    request = Request("GET", "http://127.0.0.1")

    for value, name in ((request, "url"), (Timeout(), "read"), (TransportOptions(), "proxy")):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(value, name, None)
        with pytest.raises(AttributeError, match="cannot be changed"):
            delattr(value, name)


def test_equal_values_are_one_key() -> None:
    assert hash(Timeout(1, 2)) == hash(Timeout(1.0, 2.0))
    assert len({TransportOptions(), TransportOptions(), TransportOptions(max_idle=1)}) == 2
    assert Request("GET", URL, {"a": "b"}) == Request("GET", URL, {"a": "b"})
    assert len({Request("GET", URL, {"a": "b"}), Request("GET", URL, {"a": "b"})}) == 1
    assert Timeout() != (10.0, 300.0, None)


@pytest.mark.parametrize(
    "value",
    [
        Timeout(1, 2, 3),
        Request("POST", URL, {"a": "b"}, b"body", Timeout(1)),
        TransportOptions(proxy="http://user:secret@127.0.0.1:1", ca="/ca.pem", max_idle=3),
    ],
    ids=["Timeout", "Request", "TransportOptions"],
)
def test_values_can_be_copied_and_pickled(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  # Written in the same line.
    assert copy.deepcopy(value) == value


def test_a_request_and_an_answer_show_nothing_secret() -> None:
    request = Request("POST", URL, {"authorization": "secret"}, b"secret")

    assert repr(request) == "<Request POST https://api.example.org:8443/v1/chat>"
    assert repr(Response(200, {}, b"secret")) == "<Response 200, 6 bytes>"
    assert "secret" not in repr(TransportOptions(proxy="http://user:secret@127.0.0.1:1"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "https://api.example.org:8443/v1/chat"),
        ("http://host?key=secret", "http://host"),
        ("http://host#secret", "http://host"),
        ("http://us/er:sec@ret@host/path", "http://us/er:sec@ret@host/path"),
        ("http://user:sec?ret@host/", "http://..."),
        ("http://user:sec/ret@host/", "http://..."),
        ("http://user:sec#ret@host/", "http://..."),
        ("http://[::1]:8000/path", "http://[::1]:8000/path"),
        ("http://[::1]/path", "http://[::1]/path"),
        ("//user:secret@host/path", "host/path"),
        ("user:secret@host", "host"),
        ("http://host?a/b=secret", "http://host"),
        ("host/path?secret", "host/path"),
        ("", ""),
    ],
)
def test_what_is_shown_of_an_address(url: str, shown: str) -> None:
    assert public_url(url) == shown


ERRORS = [
    TransportError("it failed", **WHERE, sent=None),
    InvalidRequest("bad", **WHERE),
    ConnectError("refused", **PEER),
    TLSError("not trusted", **PEER),
    ProxyError("refused", **PEER, status=407),
    TimedOut(phase="read", seconds=300.0, sent=True, **WHERE),
    Disconnected("gone", **WHERE, sent=True),
    BrokenBody("cut short", **WHERE, received=12),
    BodyTooLarge(limit=1000, **WHERE),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_show_nothing_secret_and_survive_pickling(error: TransportError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # Written in the same line.

    assert "secret" not in f"{error} {error!r} {error.args} {vars(error)}"
    assert str(error).startswith("POST https://api.example.org:8443/v1/chat: ")
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_an_error_says_whether_the_request_had_left() -> None:
    assert [error.sent for error in ERRORS] == [None, False, False, False, False, True, True, True, True]


def test_a_timeout_says_which_and_how_long() -> None:
    assert str(ERRORS[5]).endswith(": nothing was received within 300 s")
    assert str(TimedOut(phase="connect", seconds=None, sent=False, **WHERE)).endswith(": no connection")
