"""Who is there: what is declared, by installed distributions or by the program itself, and may run.

Nothing is imported for it. What is installed is asked of the index and of the user's lists each time; what a program
declares itself holds as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from chatplug.errors import ModelNameError, ProviderConflictError, ProviderNotFoundError, nearest
from chatplug.plugins.aliases import alias_file, alias_names, alias_of
from chatplug.plugins.declaration import COMMANDS, EXTENSIONS, MODELS, PROVIDERS, plain_name, remedy, who
from chatplug.plugins.index import default_index, is_declared
from chatplug.plugins.trust import trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chatplug.plugins.declaration import Declaration
    from chatplug.plugins.index import Installed
    from chatplug.plugins.trust import Trust

__all__ = ["Roster"]

Groups: TypeAlias = "Mapping[str, Mapping[str, list[Declaration]]]"


class Roster:
    """What is declared and may run.

    Args:
        declarations: The providers that are there, by name; None for those of the installed distributions.
        extensions: The extensions that are there, by name; None for those of the installed distributions, or for
            none where `declarations` are given.
        models: The beginnings of model names that are claimed, in the same way.
    """

    def __init__(
        self,
        declarations: Mapping[str, list[Declaration]] | None = None,
        extensions: Mapping[str, list[Declaration]] | None = None,
        models: Mapping[str, list[Declaration]] | None = None,
    ) -> None:
        self._given: dict[str, Mapping[str, list[Declaration]]] = {}
        if declarations is not None:
            self._given = {PROVIDERS: declarations, MODELS: models or {}, EXTENSIONS: {}, COMMANDS: {}}
        if extensions is not None:
            self._given[EXTENSIONS] = extensions
        self._let_in: tuple[Installed, Trust, Groups] | None = None
        self._seen: Installed | None = None

    @property
    def is_given(self) -> bool:
        """Whether the program says who is there."""
        return bool(self._given)

    def declared(self, group: str, *, as_last_seen: bool = False) -> Mapping[str, list[Declaration]]:
        """What is declared in an entry-point group, by name.

        Args:
            group: The group.
            as_last_seen: Whether the last look is good enough, as it is for the second question of one call.
        """
        given = self._given.get(group)
        return self._trusted(as_last_seen)[group] if given is None else given

    def _installed(self, as_last_seen: bool = False) -> Installed:  # noqa: FBT001, FBT002  # a private one
        if self._seen is None or not as_last_seen:
            self._seen = default_index().installed()
        return self._seen

    def _trusted(self, as_last_seen: bool) -> Groups:  # noqa: FBT001  # a private one
        """What is installed and may run."""
        installed, held = self._installed(as_last_seen), trust()
        if held.is_open():
            return installed.groups
        known = self._let_in
        if known is None or known[0] is not installed or known[1] is not held:
            groups = {
                group: {name: kept for name, found in names.items() if (kept := held.those_let_in(found))}
                for group, names in installed.groups.items()
            }
            self._let_in = known = installed, held, groups
        return known[2]

    def vet(self, declaration: Declaration) -> None:
        """Look at a plugin that is about to be imported; what a program declares itself it has looked at.

        Raises:
            PluginRefusedError: If it may not run.
        """
        if not self._given:
            trust().check(declaration)

    def kept_out(self) -> Iterator[tuple[Declaration, str]]:
        """The extensions that a lock or an allow-list keeps out, and why; who blocks one knows it."""
        held = trust()
        if self._given or held.is_open():
            return
        for found in self._installed(as_last_seen=True).groups[EXTENSIONS].values():
            for one in found:
                why, hint = held.refusal(one)
                if why and not held.is_blocked(one):
                    yield one, f"{why} {hint}"

    def unaliased(self, provider: str, settings: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The installed provider that a name stands for, and the settings that go with it."""
        alias = None if self._given else alias_of(provider, lambda: self.declared(PROVIDERS))
        return (provider, settings) if alias is None else (alias.provider, alias.with_settings(settings))

    def provider_of(self, model: str) -> str | None:
        """The provider of a model that was named alone; None where no plugin claims how its name begins.

        Raises:
            ModelNameError: If two providers claim it alike.
        """
        from chatplug.plugins.placing import claims

        found = claims(model, self.declared(MODELS), self.declared(PROVIDERS))
        if len(found) > 1:
            owners = " or ".join(f"{provider!r} ({who(one)})" for provider, one in sorted(found.items()))
            written = " or ".join(f"'{provider}:{model}'" for provider in sorted(found))
            raise ModelNameError(f"{model!r} may be a model of {owners}.", hint=f"Write {written}.")
        return next(iter(found), None)

    def confirmed(self, declaration: Declaration) -> Declaration:
        """Who provides what a declaration does, once more where that is not what the distribution itself says."""
        if is_declared(declaration):
            return declaration
        # The index was made up by somebody, or has just been overtaken.
        default_index().distrust()
        return self.claimant(plain_name(declaration.name))

    def claimant(self, provider: str) -> Declaration:
        """Who provides it.

        Raises:
            ProviderNotFoundError: If nobody does.
            ProviderConflictError: If two do.
            PluginRefusedError: If whoever does may not run.
        """
        declared = self.declared(PROVIDERS)
        found = declared.get(provider, [])
        if len(found) == 1:
            return found[0]
        if not found:
            if not self._given:
                for one in default_index().installed().groups[PROVIDERS].get(provider, []):
                    trust().check(one)
            self._not_found(provider, [*declared, *(() if self._given else alias_names())])
        if len({one.distribution for one in found}) == 1:
            names = ", ".join(f"{one.name!r} ({one.value})" for one in found)
            raise ProviderConflictError(
                f"{who(found[0])} declares {provider!r} {len(found)} times: as {names}.", hint=remedy(found[0])
            )
        raise ProviderConflictError(
            f"{len(found)} distributions provide {provider!r}: {', '.join(who(one) for one in found)}.",
            hint="Uninstall all but one of them.",
        )

    def _not_found(self, provider: str, known: Sequence[str]) -> NoReturn:
        """Say what to do where nobody provides it: what to install, or which name is meant."""
        from chatplug.plugins.known import advice

        installed = ", ".join(sorted(self.declared(PROVIDERS))) or "none"
        faults = () if self._given else default_index().installed().faults
        hints = [advice(provider) or nearest(provider, known) or advice(provider, is_near=True)]
        if provider in known:
            hints = [f"It is an alias itself, and an alias uses an installed provider: mend {alias_file()}."]
        hints.append(f"Installed: {installed}.")
        if faults:
            told = [" ".join(filter(None, (one.distribution, one.version))) + f" ({one.reason})" for one in faults[:3]]
            hints.append(f"Cannot be used: {', '.join(told)}.")
        raise ProviderNotFoundError(f"No plugin provides {provider!r}.", hint=" ".join(filter(None, hints)))
