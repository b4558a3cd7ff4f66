"""`chatplug.init`: a model by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chatplug.errors import ModelNameError
from chatplug.plugins.discovery import plain_name
from chatplug.plugins.manager import PluginManager, default_manager

if TYPE_CHECKING:
    from pydantic import SecretStr

    from chatplug.callbacks import BaseCallbackHandler
    from chatplug.language_models import BaseChatModel

__all__ = ["init", "split_name"]


def init(  # noqa: PLR0913  # one parameter for each standard setting, so that editors and type checkers know them
    model: str,
    *,
    model_provider: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    stop: list[str] | str | None = None,
    timeout: float | None = None,
    base_url: str | None = None,
    api_key: SecretStr | str | None = None,
    name: str | None = None,
    tags: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    callbacks: list[BaseCallbackHandler] | None = None,
    on_unsupported: Literal["raise", "warn", "allow"] | None = None,
    on_loss: Literal["raise", "warn", "allow"] | None = None,
    plugins: PluginManager | None = None,
    **settings: Any,
) -> BaseChatModel:
    """A chat model, made by the plugin that provides it.

    Args:
        model: `provider:model`, or the model alone where `model_provider` is given.
        model_provider: The provider's name, where `model` does not begin with it.
        temperature: How freely the model chooses; 0 is the most repeatable.
        max_tokens: The most tokens that an answer may have.
        stop: Texts at which an answer ends.
        timeout: Seconds to wait for the provider.
        base_url: Where the provider is, for providers that can be elsewhere.
        api_key: The key; it is kept as a `SecretStr`.
        name: The name of the model's runs.
        tags: Words to find the runs of this model by.
        metadata: Facts to keep with the runs of this model.
        callbacks: Who listens to every run of this model.
        on_unsupported: What happens to a standard setting that the model cannot honour; `warn` unless told otherwise.
        on_loss: What happens when a conversation holds what the provider cannot take; `warn` unless told otherwise.
        plugins: Where plugins come from; the installed distributions unless told otherwise.
        **settings: The provider's own settings. None stands for a setting that is not given.

    Raises:
        ModelNameError: If the name is not of the form `provider:model`.
        ProviderNotFoundError: If no installed plugin provides it.
        PluginError: If its plugin is broken, or claimed by two distributions.
        SettingsError: If a setting has an unknown name or a wrong value.

    >>> import chatplug
    >>> chatplug.init("echo:n3").invoke("Meow!").text
    'Meo'
    """
    provider, model = split_name(model, model_provider)
    standard = {
        "temperature": temperature,
        "max_tokens": max_tokens,
        "stop": stop,
        "timeout": timeout,
        "base_url": base_url,
        "api_key": api_key,
        "name": name,
        "tags": tags,
        "metadata": metadata,
        "callbacks": callbacks,
        "on_unsupported": on_unsupported,
        "on_loss": on_loss,
    }
    given = {name: value for name, value in {**standard, **settings}.items() if value is not None}
    return (plugins or default_manager()).create_model(provider, model, given)


def split_name(model: str, model_provider: str | None = None) -> tuple[str, str]:
    """The provider and the model that a name stands for.

    Raises:
        ModelNameError: If either of them is missing.

    >>> split_name("openai_compat:qwen3:8b")
    ('openai_compat', 'qwen3:8b')
    >>> split_name("qwen3:8b", "openai-compat")
    ('openai_compat', 'qwen3:8b')
    """
    for given in (model, model_provider or ""):
        if not isinstance(given, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
            raise ModelNameError(f"The model's name is {type(given).__name__}.", hint="Write 'provider:model'.")
    provider, name = (model_provider, model) if model_provider else model.partition(":")[::2]
    provider, name = plain_name(provider), name.strip()
    if model_provider and plain_name(name).startswith(f"{provider}:"):
        name = name.partition(":")[2]
    if not name or not provider:
        installed = ", ".join(default_manager().providers()) or "none"
        raise ModelNameError(
            f"{model!r} does not name a provider and a model.",
            hint=f"Write 'provider:model', or give model_provider=. Installed providers: {installed}.",
        )
    return provider, name
