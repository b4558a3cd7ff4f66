"""What output parsers have in common: a message in, a value out, whole or while it arrives.

What is read of a stream is the work of a `Reader`, which does no I/O; `transform` and `atransform` only feed it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from chatplug.errors import OutputParsingError
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage
from chatplug.runnables.chain_call import ParserCall
from chatplug.runnables.config import RunnableConfig, resolve
from chatplug.runnables.runnable import Runnable
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

__all__ = ["BaseOutputParser", "Reader", "message_of", "unreadable"]

T = TypeVar("T")


class Reader(Generic[T]):
    """What is read of one stream of messages; a subclass says what is due when."""

    adds_up: bool = False
    """Whether the values are pieces that add up; else each one takes the place of the one before."""

    def feed(self, message: BaseMessage) -> Iterable[T]:
        """What is due now that this piece is here."""
        raise NotImplementedError

    def end(self) -> Iterable[T]:
        """What is due now that nothing more comes.

        Raises:
            OutputError: If it is not what was asked for.
        """
        raise NotImplementedError


class _Whole(Reader[T]):
    """Reads nothing before all is there."""

    def __init__(self, parser: BaseOutputParser[T]) -> None:
        self._parser = parser
        self._so_far: BaseMessage | None = None

    def feed(self, message: BaseMessage) -> Iterable[T]:
        self._so_far = added(self._so_far, message)
        return ()

    def end(self) -> Iterable[T]:
        return (self._parser.parse_message(self._so_far or AIMessage("")),)


class BaseOutputParser(BaseModel, Runnable[BaseMessage | str, T], Generic[T]):
    """Reads what a model answered; a Runnable that stands behind one.

    A subclass writes `parse`; and `reader`, where it can give something before all has arrived.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", protected_namespaces=())

    @abstractmethod
    def parse(self, text: str) -> T:
        """The value that a text stands for.

        Raises:
            OutputParsingError: If it stands for none.
        """

    def parse_message(self, message: BaseMessage) -> T:
        """The value that a message stands for.

        Raises:
            OutputParsingError: If it stands for none.
        """
        return self.parse(message.text)

    def reader(self) -> Reader[T]:
        """What reads one stream."""
        return _Whole(self)

    def get_format_instructions(self) -> str:
        """What to tell a model, so that it answers in this form."""
        raise NotImplementedError(f"{type(self).__name__} has no format instructions.")

    # ---- how it is called

    def invoke(self, input: BaseMessage | str, config: RunnableConfig | None = None, **kwargs: Any) -> T:
        """The value that a message or a text stands for.

        Raises:
            OutputParsingError: If it stands for none.
        """
        call = ParserCall(self.get_name(), input, resolve(config))
        with Running(call, call.child):
            return call.gave(self.parse_message(message_of(input)))

    async def ainvoke(self, input: BaseMessage | str, config: RunnableConfig | None = None, **kwargs: Any) -> T:
        """The asynchronous twin of `invoke`."""
        call = ParserCall(self.get_name(), input, resolve(config))
        async with Running(call, call.child):
            return call.gave(self.parse_message(message_of(input)))

    def stream(self, input: BaseMessage | str, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[T]:
        """What can be read of one message, as of a stream."""
        return self.transform(iter((input,)), config, **kwargs)

    def astream(
        self, input: BaseMessage | str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[T]:
        """The asynchronous twin of `stream`."""

        async def once() -> AsyncIterator[BaseMessage | str]:
            yield input

        return self.atransform(once(), config, **kwargs)

    def transform(
        self, input: Iterator[BaseMessage | str], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[T]:
        """The values that can be read while the pieces of a message arrive."""
        call = ParserCall(self.get_name(), None, resolve(config))
        reading = _Reading(self.reader(), call)
        with Running(call) as running:
            running.source = input
            for piece in input:
                yield from reading.feed(piece)
            yield from reading.end()

    async def atransform(
        self, input: AsyncIterator[BaseMessage | str], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[T]:
        """The asynchronous twin of `transform`."""
        call = ParserCall(self.get_name(), None, resolve(config))
        reading = _Reading(self.reader(), call)
        async with Running(call) as running:
            running.source = input
            async for piece in input:
                for value in reading.feed(piece):
                    yield value
            for value in reading.end():
                yield value


class _Reading(Generic[T]):
    """One stream: its reader, and its run, which hears what was read and what was given."""

    def __init__(self, reader: Reader[T], call: ParserCall) -> None:
        self._reader = reader
        self._call = call
        self._give = call.piece if reader.adds_up else call.gave

    def feed(self, piece: BaseMessage | str) -> Iterator[T]:
        call = self._call
        message = message_of(piece)
        if call.handlers:
            call.given = added(call.given if isinstance(call.given, BaseMessage) else None, message)
        return map(self._give, self._reader.feed(message))

    def end(self) -> Iterator[T]:
        return map(self._give, self._reader.end())


def added(before: BaseMessage | None, message: BaseMessage) -> BaseMessage:
    """A stream as far as it has come; whole messages that are no chunks are followed by nothing."""
    if isinstance(before, AIMessageChunk) and isinstance(message, AIMessageChunk):
        return before + message
    return message


def message_of(value: object) -> BaseMessage:
    """What a parser is given, as a message; a text is a piece of one.

    Raises:
        OutputParsingError: If it is neither.
    """
    if isinstance(value, BaseMessage):
        return value
    if isinstance(value, str):
        return AIMessageChunk(value)
    raise OutputParsingError(
        f"An output parser was given {type(value).__name__}.", hint="It stands behind a model: model | parser."
    )


def unreadable(reason: str, message: BaseMessage | None, *, text: str | None = None, **more: Any) -> OutputParsingError:
    """The error of an answer that cannot be read."""
    error = OutputParsingError(reason, raw=message, **more)
    error.llm_output = text if text is not None or message is None else message.text
    return error
