"""Where a request goes, through which proxy, and how a compressed body is undone."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatplug.http import InvalidRequest, Request, TransportOptions
from chatplug.http.coding import Inflater, inflater_for
from chatplug.http.proxy import Proxy, choose_proxy
from chatplug.http.target import Origin, headers_of, lower_headers, target_of


@pytest.mark.parametrize(
    ("url", "origin", "authority", "path"),
    [
        ("http://example.org", ("http", "example.org", 80), "example.org", "/"),
        ("HTTPS://Example.ORG/", ("https", "example.org", 443), "example.org", "/"),
        ("https://example.org:443/a/b", ("https", "example.org", 443), "example.org", "/a/b"),
        ("http://example.org:8000/a?b=c&d", ("http", "example.org", 8000), "example.org:8000", "/a?b=c&d"),
        ("http://[::1]:8000/a#b", ("http", "::1", 8000), "[::1]:8000", "/a"),
        ("http://[::1]/", ("http", "::1", 80), "[::1]", "/"),
        ("http://bücher.example/ä b".replace(" ", "%20"), ("http", "xn--bcher-kva.example", 80), None, "/%C3%A4%20b"),
        ("http://example.org?q=ä", ("http", "example.org", 80), "example.org", "/?q=%C3%A4"),
        ("http://example.org/a%2Fb", ("http", "example.org", 80), "example.org", "/a%2Fb"),
        ("http://example.org:/", ("http", "example.org", 80), "example.org", "/"),
    ],
)
def test_a_url_in_its_parts(url: str, origin: tuple[str, str, int], authority: str | None, path: str) -> None:
    target, asked = target_of(Request("GET", url))

    assert target.key == origin
    assert asked == path
    assert authority in (None, target.authority)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with"),
        ("example.org/secret", "must begin with"),
        ("file:///secret", "must begin with"),
        ("http://", "no host"),
        ("http://:80/", "no host"),
        ("http://[::1", "bracket"),
        ("http://[::1]8000/", "bracket"),
        ("http://example.org:http/", "port"),
        ("http://example.org:0/", "port"),
        ("http://example.org:65536/", "port"),
        ("http://exa mple.org/", "space"),
        ("http://example.org/a b", "space"),
        ("http://example.org/?a=b\nc", "space"),
        ("http://-ü.example.org..x/", "no valid name"),
    ],
)
def test_a_url_that_is_none_says_why(url: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        target_of(Request("GET", url))


def test_user_and_password_of_a_url_become_a_header_unless_there_is_one() -> None:
    request = Request("GET", "http://me:p%40ss@example.org/")
    own = Request("GET", request.url, {"Authorization": "Bearer key"})
    target, _ = target_of(request)

    assert headers_of(request, target)["authorization"] == "Basic bWU6cEBzcw=="
    assert headers_of(own, target)["authorization"] == "Bearer key"
    assert "me" not in target.base


def test_a_body_is_framed_by_the_client_alone() -> None:
    request = Request("POST", "http://example.org", {"Content-Length": "3", "Transfer-Encoding": "chunked", "X": "y"})
    target, _ = target_of(request)

    assert set(headers_of(request, target)) == {"host", "accept-encoding", "user-agent", "x"}


def test_repeated_headers_are_joined() -> None:
    assert lower_headers([("A", "1"), ("b", "2")]) == {"a": "1", "b": "2"}
    assert lower_headers([("A", "1"), ("b", "2"), ("a", "3")]) == {"a": "1, 3", "b": "2"}


@pytest.mark.parametrize(
    ("url", "address", "authorization"),
    [
        ("http://proxy.example.org:3128", "proxy.example.org:3128", None),
        ("http://proxy.example.org", "proxy.example.org:80", None),
        ("proxy.example.org:3128", "proxy.example.org:3128", None),
        ("http://me:p%40ss@[::1]:3128/", "[::1]:3128", "Basic bWU6cEBzcw=="),
    ],
)
def test_a_proxy_in_its_parts(url: str, address: str, authorization: str | None) -> None:
    proxy = Proxy.parse(url)

    assert (proxy.origin.address, proxy.authorization) == (address, authorization)
    assert repr(proxy) == f"<Proxy {address}>"


@pytest.mark.parametrize("url", ["socks5h://me:secret@127.0.0.1:1", "https://me:secret@127.0.0.1", "http://"])
def test_a_proxy_that_we_cannot_use_says_so_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|host") as caught:
        Proxy.parse(url)

    assert "secret" not in str(caught.value)


def test_a_proxy_by_setting_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://environment:1")
    monkeypatch.setenv("NO_PROXY", "*")
    proxy = choose_proxy(TransportOptions(proxy="http://setting:2"), Origin("http", "example.org", 80))

    assert proxy is not None
    assert proxy.origin.host == "setting"


@given(st.binary(max_size=5000), st.lists(st.integers(0, 6000), max_size=8), st.sampled_from(["gzip", "zlib", "raw"]))
def test_a_compressed_body_may_be_fed_at_any_split(body: bytes, cuts: list[int], kind: str) -> None:
    squeeze = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "raw": -15}[kind])
    data = squeeze.compress(body) + squeeze.flush()
    if kind == "raw" and (data[0] == 0x1F or data[0] & 0x0F == 8):
        return
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    inflater = Inflater()

    pieces = [piece for a, b in itertools.pairwise(edges) for piece in inflater.feed(data[a:b])]
    inflater.finish()

    assert b"".join(pieces) == body
    assert all(pieces)


def test_what_a_few_bytes_hold_comes_in_pieces_of_bounded_size() -> None:
    inflater = Inflater()

    pieces = list(inflater.feed(gzip.compress(bytes(1 << 24))))
    inflater.finish()

    assert sum(map(len, pieces)) == 1 << 24
    assert max(map(len, pieces)) <= 1 << 18


def test_members_of_gzip_may_follow_each_other_and_be_padded() -> None:
    inflater = Inflater()

    assert b"".join(inflater.feed(gzip.compress(b"one") + gzip.compress(b"two") + b"\0\0\0")) == b"onetwo"
    inflater.finish()


def test_a_compressed_body_without_an_end_is_an_error() -> None:
    inflater = Inflater()
    list(inflater.feed(gzip.compress(b"one")[:-1]))

    with pytest.raises(ValueError, match="has no end"):
        inflater.finish()


def test_codings_by_name() -> None:
    assert inflater_for({}) is None
    assert inflater_for({"content-encoding": "identity"}) is None
    assert inflater_for({"content-encoding": " GZip "}) is not None
    with pytest.raises(ValueError, match="coded as 'br', which was not asked for"):
        inflater_for({"content-encoding": "br"})
