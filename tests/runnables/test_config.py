"""What is said with one call."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from chatplug.callbacks import BaseCallbackHandler
from chatplug.errors import ConfigError
from chatplug.runnables import ensure_config


@pytest.mark.parametrize("config", [None, {}, {"tags": None}])
def test_nothing_said_is_an_empty_config(config: Any) -> None:
    assert ensure_config(config) == {}


def test_a_config_is_checked_into_a_new_dict() -> None:
    given = {"tags": ["a"], "metadata": {"b": 1}, "run_name": "mine", "run_id": UUID(int=1)}

    config = ensure_config(given)

    assert config == given
    assert config is not given


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"tag": ["a"]}, r"config has no key 'tag'. Did you mean 'tags'\?"),
        ({"zzz": 1}, r"config has no key 'zzz'. Keys: tags, .*run_id"),
        ({"tags": "a"}, r"config\['tags'\] is str, not list"),
        ({"metadata": ["a"]}, r"config\['metadata'\] is list, not dict"),
        ({"run_name": 3}, r"config\['run_name'\] is int, not str"),
        (["tags"], "config is list. Give a dict"),
        (
            {"callbacks": [BaseCallbackHandler(), None]},
            r"config\['callbacks'\]\[1\] is NoneType, not a handler\. Give an",
        ),
        ({"callbacks": (object(),)}, r"config\['callbacks'\]\[0\] is object, not a handler"),
        ({"callbacks": [BaseCallbackHandler]}, r"\[0\] is the class BaseCallbackHandler, not a handler"),
        ({"run_id": "3"}, r"config\['run_id'\] is str, not UUID\. Give uuid\.uuid4\(\)\."),
    ],
)
def test_a_config_that_says_nothing_known_is_refused(config: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        ensure_config(config)
