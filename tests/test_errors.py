"""The tree of exceptions: what each one says, and that it survives a copy and another process."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable

import pytest

from chatplug import errors
from chatplug.errors import ChatplugError, InvalidRequestError, ProviderError, TransientError, nearest
from chatplug.messages import AIMessageChunk

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "nearest"]
PROVIDER_CLASSES = [kind for kind in CLASSES if issubclass(kind, ProviderError)]
WAYS: dict[str, Callable[[ChatplugError], ChatplugError]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301  # written on the same line
}


def drawn_tree() -> dict[str, str]:
    """Each class of the docstring's drawing, with the class it hangs from."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^ {4}([│├└─ ]*)(\w+(?:Error|Exception))\b", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            if depth:
                parents[found[2]] = path[depth - 1]
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    bases = {
        kind.__name__: next(base.__name__ for base in kind.__mro__[1:] if issubclass(base, ChatplugError))
        for kind in CLASSES
        if kind is not ChatplugError
    }

    assert drawn_tree() == bases


def test_every_exception_of_the_module_is_public() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}

    assert defined == {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_says_who_and_what_and_what_to_do(kind: type[ChatplugError]) -> None:
    error = kind("It rains.", hint="Take an umbrella.", provider="cloud", model="grey-1")

    assert str(error) == "cloud:grey-1: It rains. Take an umbrella."
    assert error.message == "It rains."


def test_an_error_says_no_more_than_it_knows() -> None:
    assert str(ChatplugError("It rains.")) == "It rains."
    assert str(ChatplugError("It rains.", provider="cloud")) == "cloud: It rains."
    assert str(ChatplugError("It rains.", model="grey-1")) == "grey-1: It rains."


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_keeps_all_it_knows_when_it_is_copied(kind: type[ChatplugError], way: str) -> None:
    error = kind("It rains.", hint="Wait.", provider="cloud", model="grey-1")
    facts: dict[str, object] = {"status": 503, "code": "wet", "request_id": "r-1", "body": {"a": [1]}}
    facts["partial"] = AIMessageChunk("half", id="m1")
    if isinstance(error, ProviderError):
        error.__dict__.update(facts)
    if isinstance(error, TransientError):
        error.retry_after = 2.5
    error.add_note("seen on Monday")

    copied = WAYS[way](error)

    assert type(copied) is kind
    assert str(copied) == str(error)
    assert copied.args == error.args
    assert copied.__dict__ == error.__dict__


@pytest.mark.parametrize("kind", PROVIDER_CLASSES)
def test_an_error_of_a_provider_takes_its_facts_as_attributes(kind: type[ProviderError]) -> None:
    error = kind(
        "No.", status=418, code="teapot", request_id="r-7", body="short and stout", partial=AIMessageChunk("I")
    )

    assert (error.status, error.code, error.request_id, error.body) == (418, "teapot", "r-7", "short and stout")
    assert error.partial == AIMessageChunk("I")


def test_facts_that_nobody_gave_are_none() -> None:
    error = errors.ProviderTimeoutError("Too late.")

    absent = (error.status, error.code, error.request_id, error.body, error.partial, error.retry_after, error.phase)
    assert absent == (None,) * 7


def test_about_fills_in_only_what_was_not_known() -> None:
    error = ChatplugError("It rains.", provider="cloud")

    same = error.about("sun", "bright-1")

    assert same is error
    assert (error.provider, error.model) == ("cloud", "bright-1")


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, InvalidRequestError)])
def test_what_the_caller_did_wrong_is_a_value_error(kind: type[ChatplugError]) -> None:
    with pytest.raises(ValueError, match="It rains"):
        raise kind("It rains.")


def test_what_may_succeed_later_is_told_by_its_class() -> None:
    transient = {kind.__name__ for kind in CLASSES if issubclass(kind, TransientError)} - {"TransientError"}

    assert transient == {
        "OverloadedError",
        "ProviderConnectionError",
        "ProviderTimeoutError",
        "RateLimitError",
        "ServerError",
        "StreamBrokenError",
    }


def test_the_nearest_name_is_offered_and_no_far_one() -> None:
    assert nearest("antropic", ["openai", "anthropic"]) == "Did you mean 'anthropic'?"
    assert nearest("zzz", ["openai", "anthropic"]) == ""
    assert nearest("x", []) == ""
