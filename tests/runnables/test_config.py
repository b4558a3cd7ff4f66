"""What is said with one call."""

from __future__ import annotations

import threading
from typing import Any, cast
from uuid import UUID

import pytest

from chatplug.callbacks import BaseCallbackHandler
from chatplug.errors import ConfigError
from chatplug.runnables import RunnableConfig, RunnableLambda, chain, ensure_config
from chatplug.testing import RecordingHandler
from chatplug.tools import tool


@pytest.mark.parametrize("config", [None, {}, {"tags": None}])
def test_nothing_said_is_an_empty_config(config: Any) -> None:
    assert ensure_config(config) == {}


def test_a_config_is_checked_into_a_new_dict() -> None:
    given = {"tags": ["a"], "metadata": {"b": 1}, "run_name": "mine", "run_id": UUID(int=1)}

    config = ensure_config(given)

    assert config == given
    assert config is not given


def test_what_a_function_changes_in_its_config_counts_where_it_hands_it_on() -> None:
    heard = RecordingHandler()

    @chain
    def inner(text: str) -> str:
        return text

    @chain
    def outer(text: str, config: Any) -> str:
        config["callbacks"] = [heard]
        config["tags"] = [*config["tags"], "mine"]
        config["metadata"]["who"] = "I"
        return inner.invoke(text, config)

    outer.invoke("x", {"tags": ["given"], "metadata": {"a": 1}})

    [run] = heard.runs
    assert (run.name, list(run.tags), run.metadata) == ("inner", ["given", "mine"], {"a": 1, "who": "I"})
    assert run.parent is not None
    assert run.parent.name == "outer"


def test_a_config_that_is_handed_out_belongs_to_who_asked_for_it() -> None:
    given: RunnableConfig = {"tags": ["given"], "metadata": {"a": 1}, "configurable": {"b": 2}}
    seen: list[RunnableConfig] = []

    @chain
    def spoils(text: str, config: RunnableConfig) -> str:
        configs: list[Any] = [config, ensure_config(config), ensure_config(given)]
        for one in configs:
            one["tags"].append("mine")
            one["metadata"]["mine"] = one["configurable"]["mine"] = "mine"
        return text

    @tool
    def spoils_too(text: str, config: RunnableConfig) -> str:
        """Say it again."""
        cast("Any", config)["tags"].append("mine")
        return text

    @chain
    def looks(text: str, config: RunnableConfig) -> str:
        seen.append(config)
        return text

    (spoils | {"text": looks} | spoils_too).invoke("x", given)
    (spoils_too | looks).invoke({"text": "x"}, given)

    assert seen == [given, given]
    assert given == {"tags": ["given"], "metadata": {"a": 1}, "configurable": {"b": 2}}


def test_a_config_that_is_handed_to_a_bare_thread_still_names_the_run_above() -> None:
    heard = RecordingHandler()

    @chain
    def begins_a_thread(text: str, config: Any) -> str:
        config["callbacks"] = [heard]
        thread = threading.Thread(target=lambda: RunnableLambda(str.upper).invoke(text, config))
        thread.start()
        thread.join(20)
        return text

    begins_a_thread.invoke("x")

    assert heard.runs[0].parent is not None
    assert heard.runs[0].parent.name == "begins_a_thread"


def test_a_handler_that_is_added_to_a_handed_manager_hears_what_is_handed_on() -> None:
    heard, added = RecordingHandler(), RecordingHandler()

    @chain
    def adds(text: str, config: Any) -> int:
        config["callbacks"].add_handler(added)
        return RunnableLambda(len, name="inner").invoke(text, config)

    adds.invoke("x", {"callbacks": [heard]})

    assert [run.name for run in added.runs] == ["inner"]
    assert [run.name for run in heard.runs] == ["inner", "adds"]


def test_what_is_changed_in_a_config_is_checked() -> None:
    config = ensure_config({"tags": ["a"]})
    cast("dict[str, Any]", config)["tagz"] = ["b"]

    with pytest.raises(ConfigError, match=r"config has no key 'tagz'"):
        RunnableLambda(len).invoke("x", config)


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
