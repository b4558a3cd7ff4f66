"""`chatplug.init`: a model by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from chatplug.errors import ConfigError, ModelNameError, ProviderNotFoundError
from chatplug.plugins.declaration import PROVIDERS, plain_name
from chatplug.plugins.manager import PluginManager, default_manager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.language_models import BaseChatModel
    from chatplug.language_models.configurable import ConfigurableModel, OpenFields
    from chatplug.messages import AIMessage
    from chatplug.profiles import ModelProfile

__all__ = ["init", "split_name"]


@overload
def init(  # one parameter for each standard setting, so that editors and type checkers know them
    model: str,
    *,
    model_provider: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    stop: list[str] | str | None = None,
    timeout: float | Mapping[str, float | None] | None = None,
    seed: int | None = None,
    base_url: str | None = None,
    api_key: SecretStr | str | None = None,
    name: str | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    callbacks: list[BaseCallbackHandler] | None = None,
    profile: ModelProfile | Mapping[str, Any] | None = None,
    on_unsupported: Literal["raise", "warn", "allow"] | None = None,
    on_loss: Literal["raise", "warn", "allow"] | None = None,
    plugins: PluginManager | None = None,
    configurable_fields: OpenFields | None = None,
    config_prefix: str | None = None,
    **settings: Any,
) -> BaseChatModel: ...
@overload
def init(
    model: None = None,
    *,
    configurable_fields: OpenFields | None = None,
    config_prefix: str | None = None,
    plugins: PluginManager | None = None,
    **settings: Any,
) -> ConfigurableModel[AIMessage]: ...
def init(
    model: str | None = None,
    *,
    model_provider: str | None = None,
    plugins: PluginManager | None = None,
    configurable_fields: OpenFields | None = None,
    config_prefix: str | None = None,
    **settings: Any,
) -> Any:
    """A chat model, made by the plugin that provides it; or one that each call chooses.

    Args:
        model: `provider:model`, or the model alone where `model_provider` is given or a plugin claims how the name
            begins, as in `gpt-4.1`. Without it each call says which model it is for, by
            `config={"configurable": {"model": ...}}`.
        model_provider: The provider's name, where `model` does not begin with it.
        temperature: How freely the model chooses; 0 is the most repeatable.
        max_tokens: The most tokens that an answer may have.
        stop: Texts at which an answer ends.
        timeout: Seconds to wait for the provider; where the provider takes it, a dict with a limit for each phase.
        seed: A number with which the model chooses alike each time, as far as the provider can.
        base_url: Where the provider is, for providers that can be elsewhere.
        api_key: The key; it is kept as a `SecretStr`.
        name: The name of the model's runs.
        tags: Words to find the runs of this model by.
        metadata: Facts to keep with the runs of this model.
        callbacks: Who listens to every run of this model.
        profile: Facts about the model that stand above what is known of it.
        on_unsupported: What happens to a standard setting that the model cannot honour, and to a request that it
            cannot answer; `warn` unless told otherwise.
        on_loss: What happens when a conversation holds what the provider cannot take; `warn` unless told otherwise.
        plugins: Where plugins come from; the installed distributions unless told otherwise.
        configurable_fields: What a call may choose: `"any"`, the names of settings, or a dict with the key of each.
            Without it nothing, or `model` and `model_provider` where no model is given. Keys and addresses are open
            only where they are named. What comes of it is a `ConfigurableModel`, which has all that its default has,
            and is given out as one: else no type checker could tell what `init(name, **settings)` gives.
        config_prefix: What the keys begin with: with `"first"` a call says `first_model`.
        **settings: The provider's own settings. None stands for a setting that is not given.

    Raises:
        ModelNameError: If the name is not of the form `provider:model`, and its beginning says no provider or two.
        ProviderNotFoundError: If no installed plugin provides it.
        PluginError: If its plugin is broken, or claimed by two distributions.
        SettingsError: If a setting has an unknown name or a wrong value.
        ConfigError: If `configurable_fields` is none.

    >>> import chatplug
    >>> chatplug.init("echo:n3").invoke("Meow!").text
    'Meo'
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if model is not None and configurable_fields is None:
        if config_prefix:
            raise ConfigError("config_prefix has no meaning where nothing is configurable.", hint="Leave it out.")
        return _made(model, model_provider, plugins=plugins, **given)
    from chatplug.language_models.configurable import ConfigurableModel
    from chatplug.messages import AIMessage

    named = {"model": model, "model_provider": model_provider}
    return ConfigurableModel[AIMessage](
        partial(_made, plugins=plugins),
        {**{name: value for name, value in named.items() if value is not None}, **given},
        fields=("model", "model_provider") if configurable_fields is None else configurable_fields,
        prefix=config_prefix or "",
        provider_of=partial(_provider_of, plugins=plugins),
    )


def _made(
    model: str, model_provider: str | None = None, *, plugins: PluginManager | None, **given: Any
) -> BaseChatModel:
    manager = plugins or default_manager()
    provider, name = split_name(model, model_provider, plugins=manager)
    try:
        return manager.create_model(provider, name, given)
    except ProviderNotFoundError:
        # `qwen3:8b` is a model's whole name, and no provider is called `qwen3`.
        placed = (
            None if model_provider or provider in manager.declared(PROVIDERS) else manager.provider_of(model.strip())
        )
        if placed is None:
            raise
    return manager.create_model(placed, model.strip(), given)


def _provider_of(model: str, model_provider: str | None = None, *, plugins: PluginManager | None) -> str | None:
    """The provider that a name stands for; None where it stands for none, which whoever makes the model says better."""
    try:
        return split_name(model, model_provider, plugins=plugins)[0]
    except ModelNameError:
        return None


def split_name(
    model: str, model_provider: str | None = None, *, plugins: PluginManager | None = None
) -> tuple[str, str]:
    """The provider and the model that a name stands for.

    Args:
        model: `provider:model`, or the model alone where `model_provider` is given or a plugin claims how the name
            begins.
        model_provider: The provider's name, where `model` does not begin with it.
        plugins: Which providers are there; the installed ones unless told otherwise.

    Raises:
        ModelNameError: If either of them is missing, or `model` names another provider than `model_provider`.

    >>> split_name("openai_compat:qwen3:8b")
    ('openai_compat', 'qwen3:8b')
    >>> split_name("qwen3:8b", "openai-compat")
    ('openai_compat', 'qwen3:8b')
    """
    for given in (model, model_provider or ""):
        if not isinstance(given, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
            raise ModelNameError(f"The model's name is {type(given).__name__}.", hint="Write 'provider:model'.")
    manager = plugins or default_manager()
    if not model_provider and model.strip() and ":" not in model:
        return _placed(model.strip(), manager), model.strip()
    provider, name = (model_provider, model) if model_provider else model.partition(":")[::2]
    provider, name = plain_name(provider), name.strip()
    prefix = plain_name(name.partition(":")[0]) if model_provider and ":" in name else ""
    if prefix == provider:
        name = name.partition(":")[2].strip()
    elif prefix and prefix in manager.declared(PROVIDERS):
        raise ModelNameError(
            f"{model!r} names the provider {prefix!r}, and model_provider is {model_provider!r}.",
            hint=f"Leave one of them out; a model of {provider!r} with this name is written '{provider}:{name}'.",
        )
    if not name or not provider:
        installed = ", ".join(manager.providers()) or "none"
        raise ModelNameError(
            f"{model!r} does not name a provider and a model.",
            hint=f"Write 'provider:model'. Installed providers: {installed}.",
        )
    return provider, name


def _placed(model: str, manager: PluginManager) -> str:
    """The provider that claims a model which was named alone."""
    provider = manager.provider_of(model)
    if provider is not None:
        return provider
    declared = manager.providers()
    from chatplug.plugins.known import distribution_for, provider_for

    known = provider_for(model)
    distribution = distribution_for(known) if known else None
    if distribution and known not in declared:
        hint = f"It may be a model of {known!r}, which comes with: pip install {distribution}."
    else:
        hint = f"Write 'provider:model'. Installed providers: {', '.join(declared) or 'none'}."
    raise ModelNameError(f"{model!r} does not name a provider and a model, and no plugin claims it.", hint=hint)
