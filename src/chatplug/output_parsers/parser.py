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
from chatplug.runnables.chained import Chain
from chatplug.runnables.config import RunnableConfig, resolve
from chatplug.runnables.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

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


class BaseOutputParser(BaseModel, Chain[BaseMessage | str, T], Generic[T]):
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
        try:
            return self.parse(message.text)
        except OutputParsingError as error:
            if error.raw is None:
                error.raw = message
            raise

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
        call = self._opened(input, config)
        with Running(call, call.child):
            return call.gave(self.parse_message(message_of(input)))

    async def ainvoke(self, input: BaseMessage | str, config: RunnableConfig | None = None, **kwargs: Any) -> T:
        """The asynchronous twin of `invoke`."""
        call = self._opened(input, config)
        async with Running(call, call.child):
            return call.gave(self.parse_message(message_of(input)))

    def _opened(self, given: object, config: Mapping[str, Any] | None) -> ParserCall:
        return ParserCall(self.get_name(), given, resolve(config))

    def _pieces(self, call: ParserCall, source: Iterator[BaseMessage | str], kwargs: dict[str, Any]) -> Iterator[T]:
        reader = self.reader()
        call.adds_up = reader.adds_up
        for piece in source:
            yield from reader.feed(message_of(piece))
        yield from reader.end()

    async def _apieces(
        self, call: ParserCall, source: AsyncIterator[BaseMessage | str], kwargs: dict[str, Any]
    ) -> AsyncIterator[T]:
        reader = self.reader()
        call.adds_up = reader.adds_up
        async for piece in source:
            for value in reader.feed(message_of(piece)):
                yield value
        for value in reader.end():
            yield value


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
