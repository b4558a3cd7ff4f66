"""What not every model can: tools, structured answers, images. The profile says which, and is held to it both ways.

What a profile claims has to work, and what it denies has to be refused before anything is sent. Where it says nothing,
there is nothing to test.
"""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

import base64
import warnings
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel

from chatplug.errors import InvalidRequestError, OutputError
from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage, HumanMessage, ToolMessage, message_chunk_to_message
from chatplug.testing.conformance.part import Part, added_up, fault
from chatplug.testing.conformance.way import Way

__all__ = ["Inputs", "Structured", "Tools"]

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_NO_SOUND = base64.b64encode(b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0@\x1f\0\0\1\0\x08\0data\0\0\0\0").decode()
_NO_PAGE = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF").decode()
_BLOCKS: dict[str, dict[str, Any]] = {
    "image_inputs": {"type": "image", "base64": _PIXEL, "mime_type": "image/png"},
    "audio_inputs": {"type": "audio", "base64": _NO_SOUND, "mime_type": "audio/wav"},
    "pdf_inputs": {"type": "file", "base64": _NO_PAGE, "mime_type": "application/pdf", "filename": "empty.pdf"},
}


class Weather(BaseModel):
    """How the weather is in a city."""

    city: str
    degrees: int


def get_weather(city: str) -> str:
    """How the weather is in a city.

    Args:
        city: The city's name.
    """
    return f"In {city} it is 21 degrees and sunny."


class _Ability(Part):
    """A group that asks the profile."""

    def claimed(self, model: BaseChatModel, field: str) -> bool:
        """What the profile says of a field; where it says nothing there is nothing to test."""
        profile: dict[str, Any] = {**model.profile}
        if profile.get(field) is None:
            pytest.skip(f"The profile does not say {field}: say it in chatplug_model_profiles, and it is tested.")
        return bool(profile[field])

    def expect_refusal(self, way: Way, model: BaseChatModel, what: str, value: Any, **settings: Any) -> None:
        """What the profile denies is refused, where its user wants that, before anything is sent."""
        strict = model.model_copy(update={"on_unsupported": "raise"})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for ask in (way.invoke, way.stream):
                try:
                    ask(strict, value, None, **settings)
                except InvalidRequestError:
                    continue
                fault(
                    f"The profile says that the model takes no {what}, and with on_unsupported='raise' it took one.",
                    "Leave the answer to the host: do not override invoke, stream or their kin.",
                )


class Tools(_Ability):
    """Tools, where the profile has `tool_calling`."""

    group: ClassVar[str] = "tools"

    tool_prompt: ClassVar[str] = "How is the weather in Paris? Call get_weather."
    """What makes the model call the tool `get_weather(city)`."""

    def called(self, way: Way, model: BaseChatModel, *, how: Literal["invoke", "stream"] = "invoke") -> AIMessage:
        """The answer to the prompt that makes it call a tool; one that calls none is a fault."""
        settings = model.bind_tools([get_weather]).kwargs
        if how == "invoke":
            answer: Any = way.invoke(model, self.tool_prompt, None, **settings)
        else:
            answer = message_chunk_to_message(added_up(way.stream(model, self.tool_prompt, None, **settings)))
        assert isinstance(answer, AIMessage)
        if not answer.tool_calls:
            fault(
                f"The profile claims tool_calling, and {self.tool_prompt!r} got the {how} answer {answer!r}.",
                "Send `tools`, and read the calls into tool_calls or tool_call_chunks; or say a `tool_prompt` that "
                "makes this model call get_weather.",
            )
        return answer

    def test_a_tool_is_called_with_its_arguments(self, model: BaseChatModel, way: Way) -> None:
        if not self.claimed(model, "tool_calling"):
            settings = model.bind_tools([get_weather]).kwargs
            self.expect_refusal(way, model, "tools", self.tool_prompt, **settings)
            return
        for how in ("invoke", "stream"):
            call = self.called(way, model, how=how).tool_calls[0]
            if call["name"] != "get_weather" or list(call["args"]) != ["city"]:
                fault(
                    f"The {how} answer calls {call['name']!r} with {call['args']}, and the tool is get_weather(city).",
                    "Hand the name on as it came, and the arguments as the object that their JSON stands for.",
                )

    def test_each_call_has_an_id_of_its_own(self, model: BaseChatModel, way: Way) -> None:
        if not self.claimed(model, "tool_calling"):
            return
        ids = [call["id"] for _ in range(2) for call in self.called(way, model).tool_calls]

        if not all(ids) or len(set(ids)) < len(ids):
            fault(
                f"The calls of two answers have the ids {ids}.",
                "Hand on the provider's ids. Where it has none, make one for each call, never twice the same.",
            )

    def test_a_stream_calls_what_a_whole_answer_calls(self, model: BaseChatModel, way: Way) -> None:
        if not self.claimed(model, "tool_calling"):
            return
        whole, streamed = (
            [(call["name"], call["args"]) for call in self.called(way, model, how=how).tool_calls]
            for how in ("invoke", "stream")
        )

        if self.repeatable and whole != streamed:
            fault(
                f"By {way.generate} the model calls {whole}, by {way.pieces} {streamed}.",
                "Give each fragment of a call the index of its call: tool_call_chunks add up by it.",
            )

    def test_the_result_of_a_tool_gets_an_answer(self, model: BaseChatModel, way: Way) -> None:
        if not self.claimed(model, "tool_calling"):
            return
        asked = self.called(way, model)
        results = [ToolMessage(get_weather("Paris"), call["id"] or "") for call in asked.tool_calls]
        settings = model.bind_tools([get_weather]).kwargs

        answer = way.invoke(model, [HumanMessage(self.tool_prompt), asked, *results], None, **settings)

        if not answer.text:
            fault(
                f"The result of a tool got {answer!r}, in which there is no text.",
                "Send the answer with its tool_calls, and each ToolMessage with the id of its call.",
            )


class Structured(_Ability):
    """Answers held to a schema, by the ways that the profile has in `structured_output_methods`."""

    group: ClassVar[str] = "structured"

    structured_prompt: ClassVar[str] = 'How is the weather in Paris? As JSON: {"city": ..., "degrees": ...}'
    """What makes the model answer with a city and a number of degrees."""

    @pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
    def test_an_answer_is_held_to_a_schema(self, model: BaseChatModel, method: Any) -> None:
        if not self._has(model, method):
            strict = model.model_copy(update={"on_unsupported": "raise"})
            try:
                strict.with_structured_output(Weather, method=method).invoke(self.structured_prompt)
            except InvalidRequestError:
                return
            fault(
                f"The profile has no {method}, and with on_unsupported='raise' the model took it.",
                "Leave the answer to the host: do not override with_structured_output.",
            )
        try:
            value = model.with_structured_output(Weather, method=method).invoke(self.structured_prompt)
        except OutputError as error:
            fault(
                f"The profile claims {method}, and the answer is no Weather: {error}",
                "Send `response_format`, or `tools` with `tool_choice`, as the settings of the call have them.",
            )
        if not isinstance(value, Weather):
            fault(f"With {method} the answer is {value!r}.", "It has to be an instance of the class.")

    def _has(self, model: BaseChatModel, method: str) -> bool:
        methods = model.profile.get("structured_output_methods")
        if methods is not None:
            return method in methods
        if method == "json_schema":
            return self.claimed(model, "structured_output")
        if method == "function_calling":
            return self.claimed(model, "tool_calling")
        return self.claimed(model, "structured_output_methods")


class Inputs(_Ability):
    """Images, sound and files in a question."""

    group: ClassVar[str] = "inputs"

    @pytest.mark.parametrize("field", list(_BLOCKS))
    def test_a_block_is_sent_whole_or_refused(self, model: BaseChatModel, way: Way, field: str) -> None:
        message = HumanMessage([{"type": "text", "text": self.prompt}, _BLOCKS[field]])
        kind = field.removesuffix("_inputs")
        if not self.claimed(model, field):
            self.expect_refusal(way, model, kind, [message])
            return

        answer = way.invoke(model, [message])

        if answer.response_metadata.get("losses"):
            fault(
                f"The profile claims {field}, and the block was left out: {answer.response_metadata['losses'][0]}.",
                "Write the block in encode, or say that the model does not take it.",
            )
