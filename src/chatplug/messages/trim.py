"""A conversation cut to a number of tokens.

A conversation may be cut between two messages, unless a tool call would be on one side and its result on the other. The
cuts that are left, and that begin or end with the right kind of message, are put in the order of how much they keep,
and the best one is found by bisection: a counter is asked some log2(n) times, one that takes a single message once for
each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from numbers import Real
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, Union, cast, get_args, get_origin

from chatplug.errors import InvalidRequestError
from chatplug.messages.content import plain_copy
from chatplug.messages.convert import convert_to_messages
from chatplug.messages.history import MessageType, count_tokens_approximately, type_matcher
from chatplug.messages.message import AIMessage, BaseMessage, FunctionMessage, SystemMessage
from chatplug.messages.pairing import pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chatplug.messages.content import Content
    from chatplug.messages.convert import MessageLike

__all__ = ["CountsTokens", "SplitsText", "TokenCounter", "trim_messages"]


class CountsTokens(Protocol):
    """A model that can say how many tokens a conversation takes."""

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], /) -> int:
        """How many tokens the messages take."""
        ...


class SplitsText(Protocol):
    """An object that cuts a text in pieces which, joined, are the text."""

    def split_text(self, text: str, /) -> list[str]:
        """The pieces of a text."""
        ...


TokenCounter: TypeAlias = (
    Callable[[list[BaseMessage]], float] | Callable[[BaseMessage], float] | CountsTokens | Literal["approximate"]
)
"""What can count: a function of messages or of one message, a model that counts, or `approximate`."""

_Count: TypeAlias = Callable[[list[BaseMessage]], float]
_Split: TypeAlias = Callable[[str], list[str]]
_METHOD = "get_num_tokens_from_messages"


def trim_messages(  # noqa: PLR0913  # langchain-core's parameters
    messages: Iterable[MessageLike],
    *,
    max_tokens: int,
    token_counter: TokenCounter,
    strategy: Literal["first", "last"] = "last",
    allow_partial: bool = False,
    end_on: MessageType | Sequence[MessageType] | None = None,
    start_on: MessageType | Sequence[MessageType] | None = None,
    include_system: bool = False,
    text_splitter: _Split | SplitsText | None = None,
) -> list[BaseMessage]:
    r"""The longest end, or beginning, of a conversation that is within `max_tokens`.

    A message with tool calls and the results of these calls stay together or go together, also where `start_on` or
    `end_on` would have it otherwise.

    Args:
        messages: The conversation.
        max_tokens: The most tokens that may be left.
        token_counter: A function of a list of messages; a function of one message, known by its parameter's annotation
            (`message: BaseMessage`); a model with a method `get_num_tokens_from_messages`; or `"approximate"`, which
            is `count_tokens_approximately`. `len` counts messages. More messages must not count for less.
        strategy: `"last"` keeps the end of the conversation, `"first"` its beginning.
        allow_partial: Whether the first message that does not fit is cut: its blocks, and if none of them fits,
            its text. A message whose content holds tool calls is not cut.
        end_on: Classes or types; what is left ends with one of them. With `"last"` whatever follows the last of them
            is left out before anything is counted.
        start_on: Classes or types; what is left begins with one of them, not counting the system message. For
            `"last"` alone.
        include_system: Whether a system message at the beginning is kept, even if it alone is too long; it counts. For
            `"last"` alone.
        text_splitter: Cuts a text where a message is cut, a function or an object with a method `split_text`; lines,
            each with its `\n`, where none is given.

    Raises:
        InvalidRequestError: If the arguments do not fit together, or the counter counts in something else than numbers.

    >>> talk = [("user", "Hello"), ("ai", "Good morning"), ("user", "How are you?")]
    >>> trim_messages(talk, max_tokens=1, token_counter=len)
    [HumanMessage(content='How are you?')]
    """
    if strategy not in ("first", "last"):
        raise InvalidRequestError(f"strategy is {strategy!r}.", hint="It is 'first' or 'last'.")
    if strategy == "first" and (start_on or include_system):
        name = "start_on" if start_on else "include_system"
        raise InvalidRequestError(
            f"{name} has no meaning with strategy='first', which keeps the beginning.", hint="Use strategy='last'."
        )
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, Real):
        raise InvalidRequestError(f"max_tokens is {max_tokens!r}.", hint="It is a number of tokens.")
    count, split = _counter(token_counter), _splitter(text_splitter)
    given = convert_to_messages(messages)
    begins, ends = type_matcher(start_on, "start_on", given), type_matcher(end_on, "end_on", given)
    head = given[:1] if include_system and given and isinstance(given[0], SystemMessage) else []
    rest = given[len(head) :]
    cuts = _cuts(rest)
    good_ends = [cut for cut in cuts if cut and (not end_on or ends(rest[cut - 1]))]
    if strategy == "first":
        window = _Window([], rest, [0, *good_ends], from_end=False)
    else:
        end = good_ends[-1] if good_ends else 0
        good_starts = [cut for cut in cuts if cut < end and (not start_on or begins(rest[cut]))]
        window = _Window(head, rest[:end], [end, *reversed(good_starts)], from_end=True)
    return window.largest(lambda kept: count(kept) <= max_tokens, split if allow_partial else None)


def _cuts(messages: Sequence[BaseMessage]) -> list[int]:
    """Where the conversation may be cut: before which messages, and behind the last one."""
    pairing = pair(messages)
    links = [(pairing.calls[call].message, result) for result, call in pairing.answers.items()]
    links += [(pairing.calls[call].message, result) for result, call in pairing.repeated.items()]
    links += [(i - 1, i) for i in range(1, len(messages)) if _is_function_result(messages[i - 1], messages[i])]
    tied = [0] * (len(messages) + 1)
    for one, other in links:
        tied[min(one, other) + 1] += 1
        tied[max(one, other) + 1] -= 1
    return [cut for cut, ties in enumerate(accumulate(tied)) if not ties]


def _is_function_result(before: BaseMessage, message: BaseMessage) -> bool:
    is_call = isinstance(before, AIMessage) and "function_call" in before.additional_kwargs
    return is_call and isinstance(message, FunctionMessage)


class _Window:
    """The part of a conversation that is kept.

    Args:
        head: What is kept in any case.
        messages: The conversation behind it.
        cuts: Where it may be cut; the first keeps nothing, the last most.
        from_end: Whether its end is kept, or its beginning.
    """

    def __init__(
        self, head: list[BaseMessage], messages: list[BaseMessage], cuts: Sequence[int], *, from_end: bool
    ) -> None:
        self._head = head
        self._messages = messages
        self._cuts = cuts
        self._from_end = from_end

    def largest(self, fits: Callable[[list[BaseMessage]], bool], split: _Split | None) -> list[BaseMessage]:
        """The most messages that fit; with `split`, and a part of the next one."""
        cuts = self._cuts
        best = _most(len(cuts) - 1, lambda number: fits(self._kept(cuts[number])))
        if split is not None and best + 1 < len(cuts):
            kept = self._with_part(cuts[best + 1], fits, split)
            if kept is not None:
                return kept
        return self._kept(cuts[best])

    def _kept(self, cut: int) -> list[BaseMessage]:
        return self._head + (self._messages[cut:] if self._from_end else self._messages[:cut])

    def _with_part(
        self, cut: int, fits: Callable[[list[BaseMessage]], bool], split: _Split
    ) -> list[BaseMessage] | None:
        """What a cut keeps, with a part instead of its outermost message; None where no part fits."""
        message = self._messages[cut if self._from_end else cut - 1]
        others = self._kept(cut + 1 if self._from_end else cut - 1)
        place = len(self._head) if self._from_end else len(others)

        def kept(content: Content) -> list[BaseMessage]:
            part = message.model_copy(update={"content": content}, deep=True)
            return [*others[:place], part, *others[place:]]

        def most_of(pieces: _Pieces) -> list[BaseMessage] | None:
            number = _most(pieces.number, lambda number: fits(kept(pieces.some(number))))
            return kept(pieces.some(number)) if number else None

        found = (most_of(pieces) for pieces in self._pieces(message.content, split))
        return next((messages for messages in found if messages is not None), None)

    def _pieces(self, content: Content, split: _Split) -> Iterator[_Pieces]:
        """The ways to cut a content: between its blocks, then in the text that is nearest to what is kept."""
        text: object = content
        if not isinstance(content, str):
            if any(_is_call(block) for block in content):
                return
            yield _Pieces(content, plain_copy, from_end=self._from_end)
            texts = [block if isinstance(block, str) else block.get("text") for block in content]
            texts = [text for text in texts if isinstance(text, str)]
            text = texts[-1 if self._from_end else 0] if texts else ""
        if isinstance(text, str):
            yield _Pieces([piece for piece in split(text) if piece], "".join, from_end=self._from_end)


class _Pieces:
    """What a content is cut in, and how some of it is a content again."""

    def __init__(self, pieces: list[Any], joined: Callable[[list[Any]], Content], *, from_end: bool) -> None:
        self._pieces = pieces
        self._joined = joined
        self._from_end = from_end
        self.number = len(pieces)

    def some(self, number: int) -> Content:
        """The last so many of the pieces, or the first."""
        return self._joined(self._pieces[self.number - number :] if self._from_end else self._pieces[:number])


def _most(highest: int, fits: Callable[[int], bool]) -> int:
    """The highest number that fits; 0 does without being asked, and whatever is below one that fits does, too."""
    if highest < 1 or fits(highest):
        return max(highest, 0)
    low, high = 0, highest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _is_call(block: str | dict[str, Any]) -> bool:
    kind = "" if isinstance(block, str) else str(block.get("type"))
    return "tool" in kind or "call" in kind


def _counter(token_counter: TokenCounter) -> _Count:
    """The counter as a function of a list of messages."""
    if isinstance(token_counter, str):
        if token_counter != "approximate":
            raise InvalidRequestError(
                f"token_counter is {token_counter!r}.", hint="The one counter with a name is 'approximate'."
            )
        return _adding(lambda message: count_tokens_approximately([message]))
    method: Any = getattr(token_counter, _METHOD, None)
    if callable(method):
        return lambda messages: _number(method(messages))
    if not callable(token_counter):
        raise InvalidRequestError(
            f"token_counter is {type(token_counter).__name__}, which cannot count.",
            hint=f"Give a function of messages, a model with a method {_METHOD}, or 'approximate'.",
        )
    if _takes_one(token_counter):
        return _adding(cast("Callable[[BaseMessage], object]", token_counter))
    ask = cast("Callable[[list[BaseMessage]], object]", token_counter)

    def count(messages: list[BaseMessage]) -> float:
        try:
            return _number(ask(messages))
        except (AttributeError, TypeError) as error:
            error.add_note(
                "token_counter was called with a list of messages. It is called with one at a time if its parameter "
                "says so: `message: BaseMessage`."
            )
            raise

    return count


def _adding(ask: Callable[[BaseMessage], object]) -> _Count:
    """A counter of one message as a counter of many; each message is counted once."""
    known: dict[int, float] = {}
    # What is counted stays alive, so that no other message gets its address.
    counted: list[BaseMessage] = []

    def count(messages: list[BaseMessage]) -> float:
        total = 0.0
        for message in messages:
            tokens = known.get(id(message))
            if tokens is None:
                tokens = known[id(message)] = _number(ask(message))
                counted.append(message)
            total += tokens
        return total

    return count


def _number(tokens: object) -> float:
    if isinstance(tokens, bool) or not isinstance(tokens, Real):
        raise InvalidRequestError(
            f"token_counter gave {tokens!r}.", hint="It returns the number of tokens, without being awaited."
        )
    return float(tokens)


def _takes_one(function: Callable[..., object]) -> bool:
    """Whether a function's first parameter is said to be a message."""
    import inspect

    try:
        try:
            signature = inspect.signature(function, eval_str=True)
        except NameError:
            # Annotations that only a type checker can read.
            signature = inspect.signature(function)
    except (TypeError, ValueError):
        # A builtin without a signature.
        return False
    annotation: object = next((parameter.annotation for parameter in signature.parameters.values()), None)
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] in ("AnyMessage", "BaseMessage")
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return all(isinstance(kind, type) and issubclass(kind, BaseMessage) for kind in kinds)


def _splitter(text_splitter: _Split | SplitsText | None) -> _Split:
    """The splitter as a function."""
    split: Any = getattr(text_splitter, "split_text", text_splitter)
    if split is None:
        return lambda text: re.findall(r"[^\n]*\n|[^\n]+", text)
    if not callable(split):
        raise InvalidRequestError(
            f"text_splitter is {type(text_splitter).__name__}.",
            hint="Give a function from a text to a list of texts, or an object with a method split_text.",
        )

    def pieces(text: str) -> list[str]:
        found: object = split(text)
        kind = type(found).__name__
        texts = cast("Sequence[object]", found) if isinstance(found, (list, tuple)) else [None]
        if not all(isinstance(piece, str) for piece in texts):
            raise InvalidRequestError(f"text_splitter gave {kind}.", hint="It returns a list of texts.")
        return list(cast("Sequence[str]", texts))

    return pieces
