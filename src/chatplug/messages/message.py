"""What is said: one class for each role.

Messages are slots inside, because a program makes many of them and a stream thousands: a field that was not given
takes no memory and no time until somebody reads it, and then it has its default. To the user they are values:
they compare by their fields, copy, pickle, and dump to plain data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from chatplug.errors import MessageError
from chatplug.messages.content import standard_blocks, text_of
from chatplug.messages.tool_call import ToolCall, checked_call
from chatplug.messages.value import Value

if TYPE_CHECKING:
    from typing import Self

    from chatplug.messages.content import Content, ContentBlock
    from chatplug.messages.tool_call import InvalidToolCall
    from chatplug.messages.usage import UsageMetadata

__all__ = [
    "AIMessage",
    "BaseMessage",
    "ChatMessage",
    "FunctionMessage",
    "HumanMessage",
    "SystemMessage",
    "ToolMessage",
]


class BaseMessage(Value):
    """What all messages have.

    Args:
        content: A text, or a list of content blocks.
        id: A name of this message that is unique in its conversation.
        name: Who speaks, where the role is not enough.
        additional_kwargs: What the provider sent beside the content, in the provider's own terms.
        response_metadata: Facts about the answer: model, finish reason, headers.
    """

    __slots__ = ("_additional_kwargs", "_response_metadata", "content", "id", "name")

    type: ClassVar[str] = "base"
    """The role, in one word."""
    content: Content
    """A text, or a list of content blocks."""
    id: str | None
    """A name of this message, unique in its conversation; None where nobody gave it one."""
    name: str | None
    """Who speaks, where the role is not enough."""
    _additional_kwargs: dict[str, Any] | None
    _response_metadata: dict[str, Any] | None

    __hash__ = None  # type: ignore[assignment]  # fields can be changed, as in a pydantic model
    __match_args__ = ("content",)

    def __init__(
        self,
        content: Content = "",
        *,
        id: str | None = None,  # the field's name
        name: str | None = None,
        additional_kwargs: dict[str, Any] | None = None,
        response_metadata: dict[str, Any] | None = None,
    ) -> None:
        self.content = content if type(content) is str else self._checked(content)
        self.id = id
        self.name = name
        self._additional_kwargs = self._response_metadata = None
        if additional_kwargs is not None:
            self.additional_kwargs = self._dict("additional_kwargs", additional_kwargs)
        if response_metadata is not None:
            self.response_metadata = self._dict("response_metadata", response_metadata)

    @classmethod
    def _dict(cls, field: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise MessageError(f"{cls.__name__}.{field} is {type(value).__name__}.", hint="Give a dict.")
        return dict(cast("Mapping[str, Any]", value))

    @classmethod
    def _list(cls, field: str, value: Any) -> list[Any]:
        kind = type(value).__name__
        if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
            raise MessageError(f"{cls.__name__}.{field} is {kind}.", hint="Give a list.")
        return [*value]

    @property
    def additional_kwargs(self) -> dict[str, Any]:
        """What the provider sent beside the content, in the provider's own terms."""
        value = self._additional_kwargs
        if value is None:
            value = self._additional_kwargs = {}
        return value

    @additional_kwargs.setter
    def additional_kwargs(self, value: dict[str, Any]) -> None:
        self._additional_kwargs = value

    @property
    def response_metadata(self) -> dict[str, Any]:
        """Facts about the answer: model, finish reason, headers."""
        value = self._response_metadata
        if value is None:
            value = self._response_metadata = {}
        return value

    @response_metadata.setter
    def response_metadata(self, value: dict[str, Any]) -> None:
        self._response_metadata = value

    @classmethod
    def _checked(cls, content: object) -> Content:
        if isinstance(content, str):
            return str(content)
        if isinstance(content, (list, tuple)):
            blocks: list[Any] = [*content]
            for index, block in enumerate(blocks):
                if not isinstance(block, (str, dict)):
                    raise MessageError(
                        f"{cls.__name__}.content[{index}] is {type(block).__name__}.",
                        hint="A content block is a dict such as {'type': 'text', 'text': ...}, or a string.",
                    )
            return blocks
        raise MessageError(
            f"{cls.__name__}.content is {type(content).__name__}.", hint="Give a string or a list of content blocks."
        )

    @property
    def text(self) -> str:
        """The text of the message: its content, or its text blocks joined."""
        content = self.content
        return content if content.__class__ is str else text_of(content)  # pyright: ignore[reportReturnType]  # as it says

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """The content in standard blocks, whatever the provider's own form is."""
        return standard_blocks(self.content, maker=self.response_metadata.get("model_provider"))

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of the fields, the most telling first."""
        return ("content", "additional_kwargs", "response_metadata", "name", "id")

    def _told(self) -> Iterable[tuple[str, object]]:
        """The fields that are worth showing: those that say something."""
        for field in self.field_names():
            value = getattr(self, field)
            if field == "content" or (value is not None and value != [] and value != {}):
                yield field, value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in self._told())})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self.field_names())

    def pretty_repr(self) -> str:
        """The message for people: a line with the role, then the text."""
        title = f" {self.type.capitalize()} Message "
        return f"{title:=^80}\n" + (f"Name: {self.name}\n" if self.name else "") + f"\n{self.text}"

    def pretty_print(self) -> None:
        """Print `pretty_repr` to standard output."""
        print(self.pretty_repr())  # noqa: T201  # what it is for


class SystemMessage(BaseMessage):
    """Tells the model how to behave; usually the first of a conversation."""

    __slots__ = ()
    type: ClassVar[str] = "system"


class HumanMessage(BaseMessage):
    """What the user says."""

    __slots__ = ()
    type: ClassVar[str] = "human"


class AIMessage(BaseMessage):
    """What the model says.

    Args:
        content: A text, or a list of content blocks.
        id: A name of this message.
        name: Who speaks.
        additional_kwargs: What the provider sent beside the content, in the provider's own terms.
        response_metadata: Facts about the answer.
        tool_calls: The tools that the model asks for.
        invalid_tool_calls: Calls whose arguments cannot be read.
        usage_metadata: The tokens that the call took; None where the provider did not say.
    """

    __slots__ = ("_invalid_tool_calls", "_tool_calls", "usage_metadata")
    type: ClassVar[str] = "ai"

    _tool_calls: list[ToolCall] | None
    _invalid_tool_calls: list[InvalidToolCall] | None
    usage_metadata: UsageMetadata | None
    """The tokens that the call took; None where the provider did not say."""

    def __init__(  # noqa: PLR0913  # one parameter for each field
        self,
        content: Content = "",
        *,
        id: str | None = None,  # the field's name
        name: str | None = None,
        additional_kwargs: dict[str, Any] | None = None,
        response_metadata: dict[str, Any] | None = None,
        tool_calls: Iterable[ToolCall | Mapping[str, Any]] | None = None,
        invalid_tool_calls: Iterable[InvalidToolCall] | None = None,
        usage_metadata: UsageMetadata | None = None,
    ) -> None:
        super().__init__(
            content, id=id, name=name, additional_kwargs=additional_kwargs, response_metadata=response_metadata
        )
        self._tool_calls = self._invalid_tool_calls = None
        if tool_calls:
            self._tool_calls = [
                checked_call(index, call) for index, call in enumerate(self._list("tool_calls", tool_calls))
            ]
        if invalid_tool_calls:
            self._invalid_tool_calls = self._list("invalid_tool_calls", invalid_tool_calls)
        self.usage_metadata = usage_metadata

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the model asks for."""
        value = self._tool_calls
        if value is None:
            value = self._tool_calls = []
        return value

    @tool_calls.setter
    def tool_calls(self, calls: list[ToolCall]) -> None:
        self._tool_calls = calls

    @property
    def invalid_tool_calls(self) -> list[InvalidToolCall]:
        """Calls whose arguments cannot be read."""
        value = self._invalid_tool_calls
        if value is None:
            value = self._invalid_tool_calls = []
        return value

    @invalid_tool_calls.setter
    def invalid_tool_calls(self, calls: list[InvalidToolCall]) -> None:
        self._invalid_tool_calls = calls

    def __copy__(self) -> Self:
        if type(self) is not AIMessage:
            return self.model_copy()
        # A tenth of the price of `model_copy`, which reads every field and so gives each its default.
        made: Any = AIMessage.__new__(AIMessage)
        made.content, made.id, made.name = self.content, self.id, self.name
        made._additional_kwargs, made._response_metadata = self._additional_kwargs, self._response_metadata  # noqa: SLF001  # its own
        made._tool_calls, made._invalid_tool_calls = self._tool_calls, self._invalid_tool_calls  # noqa: SLF001  # as above
        made.usage_metadata = self.usage_metadata
        return made  # type: ignore[no-any-return]  # an AIMessage

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of the fields, the most telling first."""
        return (*super().field_names(), "tool_calls", "invalid_tool_calls", "usage_metadata")

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """The content in standard blocks: reasoning, text and the rest, tool calls."""
        return standard_blocks(
            self.content,
            beside=self._additional_kwargs,
            calls=[*self.tool_calls, *self.invalid_tool_calls],
            maker=self.response_metadata.get("model_provider"),
        )

    def pretty_repr(self) -> str:
        """The message for people: role, text, tool calls."""
        lines = [super().pretty_repr()]
        for call in self.tool_calls:
            lines.append(f"  {call['name']} ({call['id']})")
            lines.extend(f"    {name}: {value}" for name, value in call["args"].items())
        return "\n".join(lines)


class ToolMessage(BaseMessage):
    """The result of a tool call, for the model.

    Args:
        content: The result, as the model is to see it.
        tool_call_id: The id of the call that this answers.
        artifact: The result in full, for the program; it is not sent to the model.
        status: Whether the tool worked.
        id: A name of this message.
        name: The tool's name.
        additional_kwargs: What a provider wants beside the content.
        response_metadata: Facts about the result.
    """

    __slots__ = ("artifact", "status", "tool_call_id")
    type: ClassVar[str] = "tool"

    tool_call_id: str
    """The id of the call that this answers."""
    artifact: Any
    """The result in full, for the program; it is not sent to the model."""
    status: Literal["success", "error"]
    """Whether the tool worked."""

    def __init__(  # noqa: PLR0913  # one parameter for each field
        self,
        content: Content = "",
        tool_call_id: str | None = None,
        *,
        artifact: Any = None,
        status: Literal["success", "error"] = "success",
        id: str | None = None,  # the field's name
        name: str | None = None,
        additional_kwargs: dict[str, Any] | None = None,
        response_metadata: dict[str, Any] | None = None,
    ) -> None:
        if tool_call_id is None:
            raise MessageError(
                "A ToolMessage needs the tool_call_id of the call that it answers.",
                hint="It is the 'id' in the tool_calls of the model's message.",
            )
        if status not in ("success", "error"):
            raise MessageError(f"ToolMessage.status is {status!r}.", hint="It is 'success' or 'error'.")
        super().__init__(
            content, id=id, name=name, additional_kwargs=additional_kwargs, response_metadata=response_metadata
        )
        self.tool_call_id = str(tool_call_id)
        self.artifact = artifact
        self.status = status

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of the fields, the most telling first."""
        return (*super().field_names(), "tool_call_id", "artifact", "status")


class FunctionMessage(BaseMessage):
    """The result of a function call, in the form that came before tools.

    Args:
        content: The result.
        name: The function's name.
        id: A name of this message.
        additional_kwargs: What a provider wants beside the content.
        response_metadata: Facts about the result.
    """

    __slots__ = ()
    type: ClassVar[str] = "function"

    def __init__(
        self,
        content: Content = "",
        *,
        name: str | None = None,
        id: str | None = None,  # the field's name
        additional_kwargs: dict[str, Any] | None = None,
        response_metadata: dict[str, Any] | None = None,
    ) -> None:
        if name is None:
            raise MessageError("A FunctionMessage needs the name of the function.", hint="Give name=.")
        super().__init__(
            content, id=id, name=name, additional_kwargs=additional_kwargs, response_metadata=response_metadata
        )


class ChatMessage(BaseMessage):
    """A message in a role of your own.

    Args:
        content: A text, or a list of content blocks.
        role: The role, as the provider calls it.
        id: A name of this message.
        name: Who speaks.
        additional_kwargs: What a provider wants beside the content.
        response_metadata: Facts about the message.
    """

    __slots__ = ("role",)
    type: ClassVar[str] = "chat"

    role: str
    """The role, as the provider calls it."""

    def __init__(
        self,
        content: Content = "",
        role: str | None = None,
        *,
        id: str | None = None,  # the field's name
        name: str | None = None,
        additional_kwargs: dict[str, Any] | None = None,
        response_metadata: dict[str, Any] | None = None,
    ) -> None:
        if role is None:
            raise MessageError("A ChatMessage needs a role.", hint="Give role=, as the provider calls it.")
        super().__init__(
            content, id=id, name=name, additional_kwargs=additional_kwargs, response_metadata=response_metadata
        )
        self.role = role

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """The names of the fields, the most telling first."""
        return (*super().field_names(), "role")
