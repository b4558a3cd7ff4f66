"""What models give back."""

from __future__ import annotations

import pytest

from chatplug.errors import MessageError
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult


def test_an_answer_has_the_text_of_its_message() -> None:
    assert ChatGeneration(message=AIMessage("hello")).text == "hello"
    assert ChatGenerationChunk(message=AIMessageChunk([{"type": "text", "text": "he"}])).text == "he"


def test_pieces_of_an_answer_add_up() -> None:
    first = ChatGenerationChunk(message=AIMessageChunk("he"), generation_info={"seen": 1, "first": True})
    second = ChatGenerationChunk(message=AIMessageChunk("llo"), generation_info={"seen": 2})

    total = first + second

    assert total.message == AIMessageChunk("hello")
    assert total.generation_info == {"seen": 2, "first": True}
    assert (first.text, second.text) == ("he", "llo")


def test_facts_that_nobody_gave_stay_absent_in_a_sum() -> None:
    total = ChatGenerationChunk(message=AIMessageChunk("a")) + ChatGenerationChunk(message=AIMessageChunk("b"))

    assert total.generation_info is None


def test_a_piece_adds_up_with_pieces_only() -> None:
    with pytest.raises(MessageError, match=r"ChatGenerationChunk \+ str"):
        ChatGenerationChunk(message=AIMessageChunk("a")) + "b"  # type: ignore[operator]  # the mistake under test


def test_results_hold_what_they_are_given() -> None:
    answer = ChatGeneration(message=AIMessage("a"))

    assert ChatResult(generations=[answer]).llm_output is None
    assert LLMResult(generations=[[answer]]) == LLMResult(generations=[[ChatGeneration(message=AIMessage("a"))]])
