"""The typed face over the hooks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from chatplug import hookimpl
from chatplug.errors import (
    ModelNameError,
    PluginHookError,
    PluginLoadError,
    ProviderConflictError,
    ProviderNotFoundError,
    SettingsError,
)
from chatplug.plugins import Declaration, PluginManager, default_manager
from tests.language_models.models import Whole


class Plugin:
    """A plugin whose two hooks do what a test says."""

    def __init__(self, create: Any = None, models: Any = None) -> None:
        self.create = create or (lambda **kwargs: Whole())
        self.models = models
        self.asked: list[dict[str, Any]] = []

    @hookimpl
    def chatplug_create_model(self, provider: str, model: str, settings: Any) -> Any:
        self.asked.append({"provider": provider, "model": model, "settings": settings})
        return self.create(provider=provider, model=model, settings=settings)

    @hookimpl
    def chatplug_list_models(self, settings: Any) -> Any:
        return self.models() if self.models else None


class Installed:
    """Declarations of plugins that are objects of a module made for one test."""

    def __init__(self) -> None:
        self.module = ModuleType("chatplug_test_plugins")
        self.declared: dict[str, list[Declaration]] = {}

    def add(self, provider: str, plugin: object, distribution: str = "dist-a") -> None:
        name = f"plugin_{len(vars(self.module))}"
        setattr(self.module, name, plugin)
        declaration = Declaration(provider, f"{self.module.__name__}:{name}", distribution, "1.0")
        self.declared.setdefault(provider, []).append(declaration)

    @property
    def manager(self) -> PluginManager:
        return PluginManager(self.declared)


@pytest.fixture
def installed() -> Iterator[Installed]:
    made = Installed()
    sys.modules[made.module.__name__] = made.module
    yield made
    del sys.modules[made.module.__name__]


def test_the_plugin_gets_what_the_user_wrote_and_its_model_knows_its_name(installed: Installed) -> None:
    plugin = Plugin()
    installed.add("mine", plugin)
    settings = {"temperature": 0}

    model = installed.manager.create_model("mine", "big", settings)

    assert plugin.asked == [{"provider": "mine", "model": "big", "settings": {"temperature": 0}}]
    assert plugin.asked[0]["settings"] is not settings
    assert (model.provider, model.model_id) == ("mine", "big")


def test_a_hook_reaches_the_plugin_that_declared_the_provider_and_no_other(installed: Installed) -> None:
    mine, other = Plugin(), Plugin()
    installed.add("mine", mine)
    installed.add("other", other)
    manager = installed.manager

    manager.create_model("mine", "a", {})
    manager.create_model("other", "b", {})

    assert [asked["model"] for asked in mine.asked] == ["a"]
    assert [asked["model"] for asked in other.asked] == ["b"]


def test_a_key_reaches_the_plugin_of_its_provider_and_no_other(installed: Installed) -> None:
    heard: list[str] = []
    for name in ("other", "mine", "third"):

        def create(name: str = name, **kwargs: Any) -> Whole:
            heard.append(f"{name}: {kwargs['settings'].get('api_key')}")
            return Whole()

        installed.add(name, Plugin(create), f"dist-{name}")
    manager = installed.manager

    manager.create_model("mine", "a", {"api_key": "sk-mine"})
    manager.create_model("other", "b", {})
    manager.list_models("mine", {"api_key": "sk-mine"})

    assert heard == ["mine: sk-mine", "other: None"]


def test_an_unknown_provider_is_answered_with_the_nearest_and_with_what_is_there(installed: Installed) -> None:
    installed.add("anthropic", Plugin())
    installed.add("echo", Plugin())

    with pytest.raises(ProviderNotFoundError) as caught:
        installed.manager.create_model("antropic", "x", {})
    with pytest.raises(ProviderNotFoundError, match=r"No plugin provides 'x'\. Installed: none\."):
        PluginManager({}).create_model("x", "y", {})

    assert str(caught.value) == ("No plugin provides 'antropic'. Did you mean 'anthropic'? Installed: anthropic, echo.")


def test_a_provider_that_is_claimed_twice_belongs_to_nobody(installed: Installed) -> None:
    first, second = Plugin(), Plugin()
    installed.add("mine", first, "dist-a")
    installed.add("mine", second, "dist-b")

    with pytest.raises(ProviderConflictError, match=r"2 distributions provide 'mine': dist-a 1\.0, dist-b 1\.0\."):
        installed.manager.create_model("mine", "x", {})

    assert first.asked == second.asked == []


def test_a_plugin_that_failed_fails_alike_each_time_and_keeps_no_frames(installed: Installed) -> None:
    installed.declared["mine"] = [Declaration("mine", "chatplug_test_nothing", "dist-a", "1.0")]
    manager = installed.manager
    errors: list[PluginLoadError] = []

    for _ in range(3):
        with pytest.raises(PluginLoadError) as caught:
            manager.create_model("mine", "x", {})
        errors.append(caught.value)

    def depth(error: BaseException) -> int:
        frames, trace = 0, error.__traceback__
        while trace is not None:
            frames, trace = frames + 1, trace.tb_next
        return frames

    assert len({str(error) for error in errors}) == 1
    assert depth(errors[2]) == depth(errors[1])
    assert all(isinstance(error.__cause__, ModuleNotFoundError) for error in errors)


def test_an_error_of_ours_from_a_plugin_learns_where_it_came_from(installed: Installed) -> None:
    def refuse(**kwargs: Any) -> Any:
        raise ModelNameError("No such model.", hint="Try another.")

    installed.add("mine", Plugin(refuse))

    with pytest.raises(ModelNameError, match=r"^mine:big: No such model\. Try another\.$"):
        installed.manager.create_model("mine", "big", {})


def test_a_wrong_setting_that_pydantic_finds_is_the_caller_s_and_shows_no_value(installed: Installed) -> None:
    class Settings(BaseModel):
        depth: int

    def create(**kwargs: Any) -> Any:
        return Settings(**kwargs["settings"])

    installed.add("mine", Plugin(create))

    with pytest.raises(SettingsError, match=r"^mine:big: The setting 'depth' is wrong: ") as caught:
        installed.manager.create_model("mine", "big", {"depth": "sk-secret"})

    assert "secret" not in str(caught.value)


def test_what_a_hook_raised_is_the_cause_of_the_error(installed: Installed) -> None:
    def fail(**kwargs: Any) -> Any:
        raise ZeroDivisionError("by zero")

    installed.add("mine", Plugin(fail))

    with pytest.raises(PluginHookError, match=r"dist-a 1\.0 raised ZeroDivisionError: by zero") as caught:
        installed.manager.create_model("mine", "big", {})

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.hint == "This is a fault of the plugin. Upgrade or uninstall dist-a."


@pytest.mark.parametrize("error", [KeyboardInterrupt])
def test_ctrl_c_in_a_plugin_is_not_caught(error: type[BaseException], installed: Installed) -> None:
    def interrupt(**kwargs: Any) -> Any:
        raise error

    installed.add("mine", Plugin(interrupt))

    with pytest.raises(error):
        installed.manager.create_model("mine", "big", {})


def test_a_plugin_may_list_its_models_or_not(installed: Installed) -> None:
    installed.add("mine", Plugin(models=lambda: ["a", "b"]))
    installed.add("silent", Plugin())
    manager = installed.manager

    assert manager.list_models("mine", {}) == ["a", "b"]
    assert manager.list_models("silent", {}) == []


@pytest.mark.parametrize("names", ["a", ["a", 3], ("a",)])
def test_a_list_of_models_that_is_none_is_the_plugin_s_fault(names: Any, installed: Installed) -> None:
    installed.add("mine", Plugin(models=lambda: names))

    with pytest.raises(PluginHookError, match=rf"dist-a 1\.0 gave {type(names).__name__}.*Upgrade or uninstall dist-a"):
        installed.manager.list_models("mine", {})


async def test_a_list_of_models_may_come_from_a_coroutine_and_be_asked_for_in_one(installed: Installed) -> None:
    async def names() -> list[str]:
        await asyncio.sleep(0)
        return ["a", "b"]

    installed.add("mine", Plugin(models=names))
    installed.add("plain", Plugin(models=lambda: ["c"]))
    manager = installed.manager

    assert await manager.alist_models("mine", {}) == manager.list_models("mine", {}) == ["a", "b"]
    assert await manager.alist_models("plain", {}) == ["c"]
    assert await asyncio.to_thread(manager.list_models, "mine", {}) == ["a", "b"]


async def test_a_coroutine_of_a_hook_that_raises_is_the_plugin_s_fault(installed: Installed) -> None:
    async def names() -> list[str]:
        raise LookupError("nowhere")

    installed.add("mine", Plugin(models=names))
    manager = installed.manager

    with pytest.raises(PluginHookError, match=r"chatplug_list_models of dist-a 1\.0 raised LookupError: nowhere"):
        await manager.alist_models("mine", {})
    with pytest.raises(PluginHookError, match=r"chatplug_list_models of dist-a 1\.0 raised LookupError: nowhere"):
        manager.list_models("mine", {})


async def test_a_coroutine_of_a_hook_can_be_cancelled(installed: Installed) -> None:
    began = asyncio.Event()

    async def names() -> list[str]:
        began.set()
        await asyncio.Event().wait()
        return []

    installed.add("mine", Plugin(models=names))
    task = asyncio.create_task(installed.manager.alist_models("mine", {}))
    await began.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def test_plugins_that_failed_are_tried_again_when_that_is_wished(installed: Installed) -> None:
    installed.declared["mine"] = [Declaration("mine", f"{installed.module.__name__}:late", "dist-a", "1.0")]
    manager = installed.manager
    with pytest.raises(PluginLoadError, match="has no attribute 'late'"):
        manager.create_model("mine", "x", {})
    installed.module.late = Plugin()  # type: ignore[attr-defined]  # a module of ours
    with pytest.raises(PluginLoadError):
        manager.create_model("mine", "x", {})

    manager.retry()

    assert manager.create_model("mine", "x", {}).model_id == "x"


def test_the_plugins_of_the_process_are_kept_by_one_manager() -> None:
    assert default_manager() is default_manager()
    assert list(default_manager().providers()) == sorted(default_manager().providers())
