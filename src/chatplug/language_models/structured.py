"""`bind_tools` and `with_structured_output`: what every chat model has beside the verbs.

Both only say what goes with each call; the provider's plugin puts it on the wire. What they bind is in the form that
OpenAI made known: `tools`, `tool_choice`, `parallel_tool_calls`, `response_format`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, overload

from chatplug.errors import SchemaError, SettingsError, nearest
from chatplug.language_models.profiled import ProfiledModel
from chatplug.messages import AIMessage, BaseMessage, MessageLike
from chatplug.runnables.binding import RunnableBinding
from chatplug.runnables.runnable import Runnable
from chatplug.wire.shape import is_mapping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from typing_extensions import TypedDict

    from chatplug.errors import OutputError
    from chatplug.messages import AIMessageChunk
    from chatplug.profiles import ModelProfile
    from chatplug.runnables import RunnableConfig
    from chatplug.runnables.listening import Listener
    from chatplug.tools import ToolLike

    S = TypeVar("S")

    class WithRaw(TypedDict, Generic[S]):
        """What a model with structured output gives where the message is wanted as well."""

        raw: AIMessage
        parsed: S | None
        parsing_error: OutputError | None


__all__ = [
    "Bindable",
    "BoundModel",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
    "StructuredModel",
]

T = TypeVar("T")

LanguageModelInput: TypeAlias = str | BaseMessage | Sequence[MessageLike]
"""What a model can be asked: a text, a message, or a list of what messages can be made of."""
LanguageModelOutput: TypeAlias = AIMessage
"""What a model gives."""
LanguageModelLike: TypeAlias = Runnable[LanguageModelInput, AIMessage]
"""A model, or what stands for one: a model with tools, with fallbacks, one that each call chooses."""

Method: TypeAlias = Literal["json_schema", "function_calling", "json_mode"]
"""How a model is held to a schema: by the provider, by a tool that it has to call, or by the prompt alone."""

_METHODS = ("json_schema", "function_calling", "json_mode")


class Bindable(Runnable[LanguageModelInput, AIMessage]):
    """What can be given tools, and held to a schema: a model, or a model with what was bound to it before."""

    if TYPE_CHECKING:
        profile: ModelProfile
        """What is known of the model; a missing key means unknown."""

        def bind(self, **kwargs: Any) -> BoundModel:
            """This model, with settings that go with every call."""
            ...

        def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> BoundModel:
            """This model, with a config that goes with every call; what a call says itself comes on top."""
            ...

        def with_listeners(
            self,
            *,
            on_start: Listener | None = None,
            on_end: Listener | None = None,
            on_error: Listener | None = None,
        ) -> BoundModel:
            """This model, with functions that are told of its runs."""
            ...

    def _bound(self, **parts: Any) -> BoundModel:
        return BoundModel(self, **parts)

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        parallel_tool_calls: bool | None = None,
        strict: bool | None = None,
        **settings: Any,
    ) -> BoundModel:
        """This model, with tools that it may call.

        Args:
            tools: Functions, tools, pydantic classes, TypedDicts, dataclasses, JSON Schemas with a title, or tools as
                a provider describes them; what only the provider knows goes through as it is.
            tool_choice: `auto`, `any` (it has to call one; `required` and True say the same), `none`, the name of the
                one that it has to call, or a dict in the provider's form; None leaves it to the provider.
            parallel_tool_calls: Whether one answer may call several; None leaves it to the provider.
            strict: Whether the model has to follow the schemas to the letter; None leaves it to the provider.
            **settings: Other settings for each call.

        Raises:
            SchemaError: If something is no tool, or its schema cannot be strict and has to be.
            SettingsError: If `tool_choice` names a tool that is not there, or two tools have one name.
        """
        from chatplug.json_schema import frozen
        from chatplug.tools.convert import convert_to_openai_tool

        bound: dict[str, Any] = {"tools": frozen([convert_to_openai_tool(tool, strict=strict) for tool in tools])}
        choice = _choice(tool_choice, _names(bound["tools"]))
        if choice is not None:
            bound["tool_choice"] = choice
        if parallel_tool_calls is not None:
            bound["parallel_tool_calls"] = parallel_tool_calls
        return self.bind(**{**bound, **settings})

    @overload
    def with_structured_output(
        self,
        schema: type[T],
        *,
        method: Method | None = None,
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **settings: Any,
    ) -> Runnable[LanguageModelInput, T]: ...
    @overload
    def with_structured_output(
        self,
        schema: type[T],
        *,
        method: Method | None = None,
        include_raw: Literal[True],
        strict: bool | None = None,
        **settings: Any,
    ) -> Runnable[LanguageModelInput, WithRaw[T]]: ...
    @overload
    def with_structured_output(
        self,
        schema: Mapping[str, Any],
        *,
        method: Method | None = None,
        include_raw: Literal[False] = False,
        strict: bool | None = None,
        **settings: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any]]: ...
    @overload
    def with_structured_output(
        self,
        schema: Mapping[str, Any],
        *,
        method: Method | None = None,
        include_raw: Literal[True],
        strict: bool | None = None,
        **settings: Any,
    ) -> Runnable[LanguageModelInput, WithRaw[dict[str, Any]]]: ...
    def with_structured_output(
        self,
        schema: Any,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        **settings: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """This model, held to a schema: it gives instances of a class, or dicts.

        A stream gives dicts as they grow, and instances as soon as what has arrived makes one.

        Args:
            schema: A pydantic class or a dataclass, of which the answers are instances; a TypedDict, a JSON Schema or
                a tool as OpenAI describes it, for dicts, which are not checked.
            method: How the model is held to it: `json_schema` by the provider itself, `function_calling` by a tool
                that it has to call, `json_mode` to JSON alone, so that the prompt has to say the rest. None for the
                best that the model's profile knows of; `json_schema` where it knows of none.
            include_raw: Whether to give `{"raw": message, "parsed": value, "parsing_error": error}`, and to raise
                nothing where the answer is not what was asked for.
            strict: Whether the provider has to hold the model to the schema to the letter. None for yes where the
                schema is that of a class and loses nothing by being strict, and the method is `json_schema`.
            **settings: Other settings for each call.

        Raises:
            SchemaError: If this is no schema, or it cannot be strict and has to be.
            SettingsError: If there is no such method, or `strict` goes with `json_mode`.
        """
        from chatplug.json_schema import frozen, schema_name
        from chatplug.output_parsers.structured import StructuredAnswerParser
        from chatplug.output_parsers.validated import is_validated
        from chatplug.tools.convert import convert_to_json_schema, convert_to_openai_function

        way = self._checked_method(method, strict)
        parser = StructuredAnswerParser(output_class=schema if is_validated(schema) else None, include_raw=include_raw)
        if way == "json_mode":
            if schema is not None:
                convert_to_json_schema(schema)  # which tells what is no schema
            return self.bind(response_format={"type": "json_object"}, **settings) | parser
        if way == "json_schema":
            return self.bind(response_format=_response_format(schema, strict), **settings) | parser
        function = convert_to_openai_function(schema, strict=strict)
        parser.tool = name = schema_name(schema) if isinstance(schema, type) else function["name"]
        tools = frozen([{"type": "function", "function": {**function, "name": name}}])
        choice = self._forced(name)
        chosen = {} if choice is None else {"tool_choice": choice}
        return self.bind(tools=tools, **chosen, **settings) | parser

    def _checked_method(self, method: str | None, strict: bool | None) -> str:  # noqa: FBT001  # private
        if method is None:
            profile = self.profile
            for known in profile.get("structured_output_methods", ()):
                return known
            if profile.get("structured_output") is None and profile.get("tool_calling"):
                return "function_calling"
            if profile.get("structured_output") is False:
                return "json_mode" if profile.get("tool_calling") is False else "function_calling"
            return "json_schema"
        if method not in _METHODS:
            hint = nearest(method, _METHODS) or f"There are {', '.join(_METHODS)}."
            raise SettingsError(f"There is no method {method!r} of structured output.", hint=hint)
        if method == "json_mode" and strict:
            raise SettingsError("Nothing is strict in json_mode.", hint="Use method='json_schema', or leave it out.")
        return method

    def _forced(self, name: str) -> str | None:
        """How the model is made to call this tool; None where it cannot be made to."""
        profile = self.profile
        modes = profile.get("tool_choice_modes")
        if modes is not None and "tool" not in modes:
            return "any" if "any" in modes else None
        return None if profile.get("tool_choice") is False else name


class BoundModel(RunnableBinding[LanguageModelInput, AIMessage], Bindable):
    """A model with settings that go with every call: what it streams are chunks of a message."""

    if TYPE_CHECKING:

        def stream(
            self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
        ) -> Iterator[AIMessageChunk]:
            """The model's answer in pieces."""
            ...

        def astream(
            self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
        ) -> AsyncIterator[AIMessageChunk]:
            """The asynchronous twin of `stream`."""
            ...

    else:

        @property
        def profile(self) -> ModelProfile:
            """What is known of the model; a missing key means unknown."""
            return self.bound.profile


class StructuredModel(ProfiledModel, Bindable):
    """A model that can be given tools, and held to a schema."""


def _response_format(schema: Any, strict: bool | None) -> dict[str, Any]:  # noqa: FBT001  # private
    from chatplug.json_schema import plain_name, strict_schema
    from chatplug.tools.convert import convert_to_json_schema

    made = convert_to_json_schema(schema)
    name = made.pop("title", "answer") if isinstance(made.get("title"), str) else "answer"
    said: dict[str, Any] = {"name": plain_name(name) or "answer"}
    if made.get("description"):
        said["description"] = made["description"]
    said["schema"] = made
    if strict or (strict is None and isinstance(schema, type)):
        try:
            said["schema"], said["strict"] = strict_schema(made, keep_limits=strict is None), True
        except SchemaError:
            if strict:
                raise
    elif strict is not None:
        said["strict"] = False
    return {"type": "json_schema", "json_schema": said}


def _names(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    from chatplug.tools.convert import tool_name

    names = [name for name in map(tool_name, tools) if name is not None]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"Two tools have the name {twice!r}.", hint="Give one of them another name.")
    return names


def _choice(choice: object, names: Sequence[str]) -> Any:
    """The choice of a tool in our words: `auto`, `any`, `none`, a name, or a provider's dict as it is."""
    if choice is None or is_mapping(choice):
        return choice
    if choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return "any"
    if choice not in ("auto", "none") and choice not in names:
        hint = nearest(str(choice), [*names, "auto", "any", "none"]) or f"There are {', '.join(names) or 'none'}."
        raise SettingsError(f"There is no tool {choice!r} to choose.", hint=hint)
    return choice
