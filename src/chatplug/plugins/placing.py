"""Which provider a model without one belongs to, by how its name begins.

A plugin declares beginnings in the group `chatplug.models`, as in `gpt- = module:provider`. The longest that fits
decides. The provider has to be one that the same distribution declares: nobody sends models to somebody else.
Where no provider is written behind the module, it is the only one that the distribution has in that module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatplug.plugins.declaration import plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatplug.plugins.declaration import Declaration

__all__ = ["claims", "provider_behind"]


def claims(
    model: str, models: Mapping[str, list[Declaration]], providers: Mapping[str, list[Declaration]]
) -> dict[str, Declaration]:
    """The providers that claim a model, each with one declaration of it; more than one where nobody's is longer."""
    wanted = model.lower()
    fitting = sorted((name for name in models if wanted.startswith(name.lower())), key=len, reverse=True)
    for length in dict.fromkeys(map(len, fitting)):
        found: dict[str, Declaration] = {}
        for name in fitting:
            if len(name) == length:
                for declaration in models[name]:
                    provider = provider_behind(declaration, providers)
                    if provider:
                        found.setdefault(provider, declaration)
        if found:
            return found
    return {}


def provider_behind(declaration: Declaration, providers: Mapping[str, list[Declaration]]) -> str:
    """The provider that a beginning stands for; empty where its own distribution declares no such one."""
    module, _, named = declaration.value.partition("[")[0].partition(":")
    own = {
        provider: one.value.partition(":")[0].strip()
        for provider, found in providers.items()
        for one in found
        if one.distribution == declaration.distribution
    }
    if named:
        provider = plain_name(named)
        return provider if provider in own else ""
    fitting = [provider for provider, where in own.items() if where == module.strip()]
    return fitting[0] if len(fitting) == 1 else ""
