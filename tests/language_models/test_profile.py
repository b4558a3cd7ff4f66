"""A model's profile: looked up, given, copied, changed."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import chatplug
from chatplug import hookimpl
from chatplug.errors import PluginHookError, SettingsError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage
from chatplug.plugins import Declaration, PluginManager
from tests.language_models.models import Whole
from tests.language_models.plugins import Facts, installed


class Cats(Facts):
    """A plugin that knows its models."""

    def __init__(self) -> None:
        super().__init__(
            {"cat-4": {"max_input_tokens": 400_000, "tool_calling": True, "input_price": 2.0, "output_price": 8.0}}
        )


def profile_of(model: BaseChatModel) -> dict[str, Any]:
    """A profile as a program without types has it."""
    profile: Any = model.profile
    return profile  # type: ignore[no-any-return]


@pytest.fixture
def cats() -> Cats:
    return Cats()


@pytest.fixture
def manager(cats: Cats, monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    return installed(monkeypatch, cats=cats)


def test_a_profile_is_what_the_plugin_says(manager: PluginManager) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager)

    assert profile_of(model)["max_input_tokens"] == 400_000
    assert model.profile.get("image_inputs") is None


def test_a_profile_is_not_looked_up_before_it_is_read(manager: PluginManager, cats: Cats) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager)
    assert cats.asked == 0

    assert model.profile is model.profile

    assert cats.asked == 1


def test_a_given_profile_stands_above_what_is_known(manager: PluginManager) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager, profile={"tool_calling": False, "structured_output": True})

    assert profile_of(model)["tool_calling"] is False
    assert profile_of(model)["structured_output"] is True
    assert profile_of(model)["max_input_tokens"] == 400_000


def test_a_profile_is_a_dict_and_a_copy_of_the_model_may_have_another(manager: PluginManager) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager)

    new_profile: Any = profile_of(model) | {"key": "value", "max_input_tokens": 5}
    copied = model.model_copy(update={"profile": new_profile})

    assert isinstance(model.profile, dict)
    assert copied.profile == new_profile
    assert profile_of(model)["max_input_tokens"] == 400_000
    assert "key" not in model.profile


def test_a_profile_may_be_changed_in_place_and_no_other_model_notices(manager: PluginManager) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager)
    other = chatplug.init("cats:cat-4", plugins=manager)
    before = model.model_copy()

    profile_of(model)["max_input_tokens"] = 7

    assert profile_of(model)["max_input_tokens"] == 7
    assert profile_of(model.model_copy())["max_input_tokens"] == 7
    assert profile_of(copy.deepcopy(model))["max_input_tokens"] == 7
    assert [profile_of(one)["max_input_tokens"] for one in (other, before)] == [400_000, 400_000]
    copied = copy.copy(model)
    profile_of(copied)["max_input_tokens"] = 8
    assert profile_of(model)["max_input_tokens"] == 7


def test_reading_a_profile_changes_nothing_about_the_model() -> None:
    read, unread = chatplug.init("echo:n3"), chatplug.init("echo:n3")

    _ = read.profile

    assert read == unread
    assert repr(read) == repr(unread) == "EchoChatModel(n=3)"
    assert read.model_dump() == unread.model_dump()
    assert "profile" not in read.model_dump()
    assert chatplug.init("echo:n3", profile={"name": "x"}) != unread


def test_a_model_keeps_its_given_profile_when_it_is_pickled() -> None:
    model = chatplug.init("echo:n3", profile={"name": "Mine"})

    again = pickle.loads(pickle.dumps(model))  # noqa: S301  # our own

    assert profile_of(again)["name"] == "Mine"
    assert again == model


def test_a_profile_may_be_set_and_unset() -> None:
    model: Any = chatplug.init("echo:n3")

    model.profile = {"name": "Mine"}
    assert profile_of(model)["name"] == "Mine"
    model.profile = None
    assert profile_of(model)["name"] == "Echo"


@pytest.mark.parametrize("wrong", [{"max_input_tokens": "many"}, {"tool_caling": True, "tool_callings": 1}, [1]])
def test_a_wrong_profile_is_refused_when_the_model_is_made(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="'profile'"):
        chatplug.init("echo:n3", profile=wrong)


def test_the_users_file_stands_above_the_plugin(manager: PluginManager, nobodys_files: Path) -> None:
    folder = nobodys_files / "config" / "chatplug"
    folder.mkdir(parents=True)
    (folder / "profiles.toml").write_text('["cats:cat-*"]\nmax_input_tokens = 1234\n')

    model = chatplug.init("cats:cat-4", plugins=manager)

    assert profile_of(model)["max_input_tokens"] == 1234
    assert str(model.known().source_of("max_input_tokens")) == str(folder / "profiles.toml")


def test_a_plugin_that_fails_to_say_what_it_knows_stops_nobody(
    manager: PluginManager, cats: Cats, caplog: pytest.LogCaptureFixture
) -> None:
    cats.facts = 3
    model = chatplug.init("cats:cat-4", plugins=manager)

    assert model.profile == {}
    assert model.invoke("Meow").text == "Meow"
    assert "chatplug_model_profiles of dist-cats 1.0 gave int" in caplog.text


def test_a_hook_that_raises_stops_nobody(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Cats):
        @hookimpl
        def chatplug_model_profiles(self, provider: str) -> Any:
            raise RuntimeError("no facts today")

    model = chatplug.init("cats:cat-4", plugins=installed(monkeypatch, cats=Broken()))

    assert model.profile == {}
    assert "no facts today" in caplog.text


def test_a_model_that_no_plugin_made_has_what_it_was_given() -> None:
    assert Whole().profile == {}
    assert Whole(profile={"name": "Mine"}).profile == {"name": "Mine"}


def test_a_manager_without_the_hook_knows_nothing() -> None:
    manager = PluginManager({"x": [Declaration("x", "no.such.module", "d", "1")]})

    assert manager.model_profiles("x") is None
    assert manager.model_profiles("nobody") is None


# ---- what it costs


def test_an_answer_has_a_price(manager: PluginManager) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager)
    usage: Any = {"input_tokens": 1_000_000, "output_tokens": 1_000_000, "total_tokens": 2_000_000}

    cost = model.cost_of(AIMessage("Meo", usage_metadata=usage))

    assert cost is not None
    assert cost.total == Decimal(10)
    assert model.cost_of(usage) == cost
    assert model.cost_of(AIMessage("Meo")) is None
    assert chatplug.init("cats:dog", plugins=manager).cost_of(usage) is None


def test_a_request_is_estimated_before_it_is_sent(manager: PluginManager) -> None:
    model = chatplug.init("cats:cat-4", plugins=manager)

    estimate = model.estimate("How are you? " * 100, max_tokens=1000)

    assert estimate.low < estimate.tokens < estimate.high
    assert (estimate.method, estimate.most_output) == ("characters", 1000)
    assert estimate.cost_low is not None
    assert estimate.cost_high is not None
    assert estimate.cost_low.total == Decimal(estimate.low) * 2 / 1_000_000
    assert estimate.cost_high.total == Decimal(estimate.high) * 2 / 1_000_000 + Decimal("0.008")


def test_without_a_limit_of_the_answer_the_most_that_it_costs_is_unknown(manager: PluginManager) -> None:
    estimate = chatplug.init("cats:cat-4", plugins=manager).estimate("Meow")

    assert (estimate.most_output, estimate.cost_high) == (None, None)
    assert estimate.cost_low is not None


def test_a_model_that_counts_tokens_itself_is_asked() -> None:
    class Counts(Whole):
        def get_num_tokens_from_messages(self, messages: Any) -> int:
            return 42 * len(messages)

    estimate = Counts().estimate([("user", "a"), ("ai", "b")])

    assert (estimate.method, estimate.low, estimate.tokens, estimate.high) == ("model", 84, 84, 84)


def test_the_settings_of_a_provider_are_the_fields_of_a_class(monkeypatch: pytest.MonkeyPatch, cats: Cats) -> None:
    class Tells(Cats):
        cls: Any = Whole

        @hookimpl
        def chatplug_settings_model(self, provider: str) -> Any:
            return self.cls

    tells = Tells()
    manager = installed(monkeypatch, cats=tells, dogs=cats)

    assert manager.settings_model("cats") is Whole
    assert manager.settings_model("dogs") is None
    for wrong in (Whole(), int, "Whole"):
        tells.cls = wrong
        with pytest.raises(PluginHookError, match="no class of settings"):
            manager.settings_model("cats")
