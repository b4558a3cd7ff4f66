"""Whole answers, and answers in pieces."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

from typing import ClassVar

from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, HumanMessage, SystemMessage, message_chunk_to_message
from chatplug.testing.conformance.part import Part, added_up, fault
from chatplug.testing.conformance.way import Way

__all__ = ["Answers", "Streams", "Usage"]


class Answers(Part):
    """`invoke` and `ainvoke`."""

    group: ClassVar[str] = "invoke"

    def test_a_prompt_gets_an_answer(self, model: BaseChatModel, way: Way) -> None:
        answer = self.answer(way, model)

        if not answer.text and not answer.tool_calls:
            fault(
                f"{way.generate} answered {self.prompt!r} with {answer.content!r}, in which there is no text.",
                "Give AIMessage(text). If the model answers only certain prompts, say one of them as `prompt`.",
            )

    def test_a_conversation_in_every_form_gets_an_answer(self, model: BaseChatModel, way: Way) -> None:
        messages = [SystemMessage("Be brief."), HumanMessage("Hi."), AIMessage("Hi!"), HumanMessage(self.prompt)]
        pairs = [(message.type, message.text) for message in messages]

        texts = [way.invoke(model, value).text for value in (messages, pairs)]

        if self.repeatable and texts[0] != texts[1]:
            fault(
                f"The same conversation got {texts[0]!r} as messages and {texts[1]!r} as pairs of role and text.",
                "The host makes messages of both; read their `text` and `type`, and keep nothing from call to call.",
            )

    def test_one_prompt_gets_one_answer(self, model: BaseChatModel, way: Way) -> None:
        texts = [self.answer(way, model).text for _ in range(2)]

        if self.repeatable and texts[0] != texts[1]:
            fault(
                f"{self.prompt!r} got {texts[0]!r} first and {texts[1]!r} then, from one model.",
                "Keep nothing of a call on the model. If answers are drawn at random, say `repeatable = False`.",
            )

    def test_each_answer_has_an_id_of_its_own(self, model: BaseChatModel, way: Way) -> None:
        first, second = (self.answer(way, model).id for _ in range(2))

        if first == second:
            fault(
                f"Two answers have the id {first!r}.",
                "Give a message the id that the provider gave it, or none: the host then makes one.",
            )

    def test_what_was_asked_is_left_as_it_was(self, model: BaseChatModel, way: Way) -> None:
        messages = [SystemMessage("Be brief."), HumanMessage([{"type": "text", "text": self.prompt}])]
        before = [message.model_dump_json() for message in messages]

        way.invoke(model, messages)

        changed = [message.model_dump_json() for message in messages]
        if changed != before:
            fault(
                f"The model changed the messages that it was asked with, from {before} to {changed}.",
                "Make your own copy of what you change; the caller keeps the conversation.",
            )

    def test_the_host_s_own_classes_come_back(self, model: BaseChatModel, way: Way) -> None:
        answer = self.answer(way, model)

        copied = AIMessage.model_validate_json(answer.model_dump_json())
        if copied != answer:
            fault(
                f"The answer is {answer!r}, and {copied!r} when it has been written as JSON and read again.",
                "Put plain data into additional_kwargs and response_metadata: no objects of the provider's SDK.",
            )


class Streams(Part):
    """`stream` and `astream`."""

    group: ClassVar[str] = "stream"

    def test_chunks_add_up_to_the_answer(self, model: BaseChatModel, way: Way) -> None:
        whole = self.answer(way, model)

        total = message_chunk_to_message(added_up(self.chunks(way, model)))

        if self.repeatable and total.text != whole.text:
            fault(
                f"{way.pieces} gave chunks that add up to {total.text!r}, and {way.generate} gave {whole.text!r}.",
                "Yield each piece of the answer once, also the last one.",
            )
        if isinstance(total, AIMessage) and self.repeatable and total.tool_calls != whole.tool_calls:
            fault(
                f"{way.pieces} gave the tool calls {total.tool_calls}, and {way.generate} gave {whole.tool_calls}.",
                "Yield fragments of calls as tool_call_chunks, each with its index.",
            )

    def test_a_stream_says_once_that_it_has_ended(self, model: BaseChatModel, way: Way) -> None:
        positions = [chunk.chunk_position for chunk in self.chunks(way, model)]

        if positions.count("last") != 1 or positions[-1] != "last":
            marked = [number for number, position in enumerate(positions) if position]
            fault(
                f"chunk_position is 'last' on the chunks {marked} of {len(positions)}, counted from 0.",
                "Leave chunk_position to the host, or set it on the very last chunk.",
            )

    def test_all_chunks_of_a_stream_have_one_id(self, model: BaseChatModel, way: Way) -> None:
        streams = [{chunk.id for chunk in self.chunks(way, model)} for _ in range(2)]

        if any(len(ids) != 1 for ids in streams) or streams[0] == streams[1]:
            fault(
                f"The chunks of two streams have the ids {streams}.",
                "Give the chunks of one answer the id that the provider gave it, or none.",
            )

    def test_both_ways_tell_the_same_facts(self, model: BaseChatModel, way: Way) -> None:
        whole = self.answer(way, model).response_metadata

        total = added_up(self.chunks(way, model)).response_metadata

        for name in ("model_name", "model_provider", "finish_reason"):
            if name in whole and total.get(name) != whole[name]:
                fault(
                    f"response_metadata[{name!r}] is {whole[name]!r} by {way.generate}, "
                    f"and {total.get(name)!r} when the chunks of {way.pieces} are added up.",
                    "Put it on one chunk, the last one for example; texts of several chunks are joined.",
                )


class Usage(Part):
    """What a call took."""

    group: ClassVar[str] = "usage"

    def test_usage_is_counted_or_absent_but_never_zero(self, model: BaseChatModel, way: Way) -> None:
        usage = self.answer(way, model).usage_metadata

        if usage is None:
            return
        if usage["total_tokens"] == 0:
            fault(
                "The usage of an answer is 0 tokens.",
                "Leave usage_metadata out where the provider does not count: absent is unknown, 0 is a claim.",
            )
        if usage["total_tokens"] < usage["input_tokens"] + usage["output_tokens"]:
            fault(
                f"The usage says {usage['input_tokens']} tokens in, {usage['output_tokens']} out and only "
                f"{usage['total_tokens']} in all.",
                "total_tokens is the sum of both, or what the provider says beyond it.",
            )

    def test_a_stream_tells_the_same_usage_as_a_whole_answer(self, model: BaseChatModel, way: Way) -> None:
        whole = self.answer(way, model).usage_metadata

        total = added_up(self.chunks(way, model)).usage_metadata

        if (whole is None) != (total is None) or (self.repeatable and whole != total):
            fault(
                f"The usage is {whole} by {way.generate}, and {total} when the chunks of {way.pieces} are added up.",
                "Ask the provider for the usage of streams, and put it on one chunk: on several it is counted twice.",
            )
