"""What is known of a model, on the model: its profile, whether it can do something, and what a request will cost.

A profile is looked up when it is first read. What is looked up belongs to the model alone: a change of it in place
changes no other model, not even a copy of this one.

Most requests ask for nothing that a profile could refuse, a short text and no more; these pass without a look at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, PrivateAttr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from chatplug.language_models.gate import Asked, Demand, Finding
    from chatplug.messages import AIMessage, BaseMessage, UsageMetadata
    from chatplug.profiles import Cost, Estimate, Known, ModelProfile, ProfileRegistry

__all__ = ["ModelFacts", "ProfiledModel"]


_REMEMBERED = 100
"""How many different requests a model remembers to have let through."""


class ModelFacts:
    """What one model knows of itself: what it was made with, and what was looked up."""

    __slots__ = ("given", "is_past_first_call", "passed", "profile", "registry")

    def __init__(self, given: Mapping[str, Any] | None = None, registry: ProfileRegistry | None = None) -> None:
        self.given = given
        """The setting `profile`; None where it was not given."""
        self.registry = registry
        """Where to look facts up; None for the registry of the process."""
        self.profile: ModelProfile | None = None
        """The profile, after it was read."""
        self.is_past_first_call = False
        self.passed: dict[tuple[str, tuple[Demand, ...]], list[object]] = {}
        """What requests have asked for that were let through, and what the profile said of it."""

    def __eq__(self, other: object) -> bool:
        # Whether a profile was read makes no difference between two models.
        return isinstance(other, ModelFacts) and self.given == other.given

    __hash__ = None  # type: ignore[assignment]  # as of everything that can change

    def __copy__(self) -> ModelFacts:
        copied = ModelFacts(self.given, self.registry)
        copied.profile = deepcopy(self.profile)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelFacts:
        return self.__copy__()

    def __reduce__(self) -> tuple[type[ModelFacts], tuple[Mapping[str, Any] | None]]:
        return ModelFacts, (self.given,)


class ProfiledModel(BaseModel):
    """A model that knows its profile."""

    _facts: ModelFacts = PrivateAttr(default_factory=ModelFacts)
    _told: ClassVar[set[tuple[str, str]]] = set()
    """What was warned of: a model's name and a field."""

    if TYPE_CHECKING:
        profile: ModelProfile = {}
        """What is known of the model; a missing key means unknown. What is given when a model is made, or copied with
        `model_copy(update={"profile": ...})`, stands above what is looked up; None takes a fact away."""

        @property
        def provider(self) -> str:
            """Who answers."""
            ...

        @property
        def model_id(self) -> str | None:
            """What answers."""
            ...

    else:

        @property
        def profile(self) -> ModelProfile:
            """What is known of the model; a missing key means unknown."""
            facts = self._model_facts
            if facts.profile is None:
                facts.profile = self.known().profile()
                from chatplug.language_models.gate import warn_of_end

                warn_of_end(self, facts.profile, self._told)
            return facts.profile

        @profile.setter
        def profile(self, given: Mapping[str, Any] | None) -> None:
            self.give_profile(given)

    @property
    def _model_facts(self) -> ModelFacts:
        # pydantic's own way to a private attribute costs as much as parsing a chunk (2.14).
        facts: ModelFacts = (self.__pydantic_private__ or {})["_facts"]
        return facts

    def known(self) -> Known:
        """What is known of the model, and who says so; `known().source_of("max_input_tokens")`."""
        from chatplug.profiles.places import default_registry
        from chatplug.profiles.registry import Known

        facts = self._model_facts
        registry = facts.registry or default_registry()
        model = self.model_id
        known = Known() if model is None else registry.lookup(self.provider, model)
        return known if facts.given is None else known.with_given(facts.given)

    @property
    def given_profile(self) -> Mapping[str, Any] | None:
        """The facts that were put above what is looked up; None where there are none."""
        return self._model_facts.given

    def give_profile(self, given: Mapping[str, Any] | None) -> None:
        """Put facts above what is looked up; the host does it with the setting `profile`.

        Args:
            given: The facts; None for none.

        Raises:
            SettingsError: If a fact is not of its kind, or is misspelt.
        """
        if given is not None:
            from chatplug.profiles.registry import given_entry

            given = given_entry(given).profile
        self._facts = ModelFacts(given, self._model_facts.registry)

    def use_registry(self, registry: ProfileRegistry) -> None:
        """Look facts up somewhere else than in the registry of the process; the host does it for plugins of its own."""
        self._facts = ModelFacts(self._model_facts.given, registry)

    def take_facts_of(self, other: ProfiledModel) -> None:
        """Know what another model knows; for a class that makes its copies itself."""
        facts = other._model_facts.__copy__()
        if (self.provider, self.model_id) != (other.provider, other.model_id):
            facts.profile = None
        self._facts = facts

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.take_facts_of(self)
        return copied

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some settings changed; its profile is its own."""
        changes = dict(update or {})
        has_profile = "profile" in changes
        profile = changes.pop("profile", None)
        copied = super().model_copy(update=changes, deep=deep)
        if has_profile:
            copied.give_profile(profile)
        return copied

    # ---- what it can do, and what it costs

    def check(self, messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> list[Finding]:
        """What the profile says of a request: of each thing that it asks for, whether the model can do it.

        Args:
            messages: The conversation.
            settings: What is said with the call, such as `tools`, `response_format` and `max_tokens`.
        """
        from chatplug.language_models.gate import demands

        return self._found(demands(messages, {**self._gated_settings(), **settings}))

    def _found(self, demands: Iterable[Demand]) -> list[Finding]:
        from chatplug.language_models.gate import find

        profile, known = self.profile, self.known()
        return [find(profile, known, demand) for demand in demands]

    def pass_gate(self, messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> None:
        """Do what `on_unsupported` says if the model cannot do what a request asks; the host does it with each call.

        Raises:
            UnsupportedRequestError: If the profile says so, and `on_unsupported` is `raise`.
        """
        facts = self._model_facts
        if facts.is_past_first_call and not _asks_for_something(messages, settings):
            return
        self._look(messages, settings, facts)

    def _look(self, messages: Sequence[BaseMessage], settings: Mapping[str, Any], facts: ModelFacts) -> None:
        asked = cast("Asked", self)
        if asked.on_unsupported != "allow":
            own = self._gated_settings()
            if own or _asks_for_something(messages, settings):
                from chatplug.language_models import gate

                demands = tuple(gate.demands(messages, {**own, **settings}))
                key, profile = (asked.on_unsupported, demands), cast("dict[str, object]", self.profile)
                # Many requests ask for the same; one that was let through is not looked up again, unless the profile
                # says something else by now.
                said = [profile.get(demand.field) for demand in demands]
                if facts.passed.get(key) != said:
                    gate.judge(asked, self._found(demands), self._told)
                    if len(facts.passed) < _REMEMBERED:
                        facts.passed[key] = deepcopy(said)
            elif self._may_end(facts):
                _ = self.profile
        facts.is_past_first_call = True

    def _gated_settings(self) -> dict[str, Any]:
        """What the model was made with, as far as a profile could refuse it."""
        fields = self.__dict__
        return {name: fields[name] for name in _GATED if fields.get(name) is not None}

    def _may_end(self, facts: ModelFacts) -> bool:
        """Whether it is worth the time to look whether the model is retired."""
        if (self.__pydantic_private__ or {}).get("_origin") is None:
            return False  # not made by a plugin: nobody has facts about its provider
        from chatplug.profiles.places import may_end

        return facts.registry is not None or may_end(self.provider)

    def estimate(self, input: Any, *, tools: Sequence[Any] | None = None, max_tokens: int | None = None) -> Estimate:
        """How many tokens a request takes, and what it will cost, before it is sent.

        A model that counts tokens itself (`get_num_tokens_from_messages`) is asked; else the length of the texts says
        it, with an error bar.

        Args:
            input: What will be asked.
            tools: The tools that go with it.
            max_tokens: The most tokens of the answer, where neither the model's setting nor its profile shall say it.
        """
        from chatplug.language_models.forecast import forecast

        return forecast(self, input, tools, max_tokens)

    def cost_of(self, answer: AIMessage | UsageMetadata) -> Cost | None:
        """What an answer, or a usage, cost in US dollars; None where its usage or the prices are unknown.

        Args:
            answer: The answer, or its `usage_metadata`, or several of these added up.
        """
        from chatplug.profiles.cost import cost_of

        usage = answer if isinstance(answer, dict) else answer.usage_metadata
        if usage is None:
            return None
        return cost_of(usage, self.known(), self.provider, self.model_id or "")


_GATED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "parallel_tool_calls",
        "response_format",
        "temperature",
        "tool_choice",
        "tools",
    }
)
_SHORT = 4000
"""No model takes fewer tokens than so many letters, whatever they are, could be."""


def _asks_for_something(messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> bool:
    """Whether a request asks for anything that a profile could refuse."""
    if settings and not settings.keys().isdisjoint(_GATED):
        return True
    size = 0
    for message in messages:
        content = message.content
        if content.__class__ is not str:
            return True
        size += len(content)
    return size > _SHORT
