"""What handlers hear, and what a config says with one call."""

# ruff: noqa: D102  # A test's name is its documentation.
from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from chatplug.language_models import BaseChatModel
from chatplug.messages import AIMessage
from chatplug.runnables import RunnableConfig
from chatplug.testing.conformance.part import Part, added_up, fault
from chatplug.testing.conformance.way import Way
from chatplug.testing.recording_handler import RecordingHandler

__all__ = ["Callbacks", "Config"]


class Callbacks(Part):
    """The events of a call, from its start to its one end."""

    group: ClassVar[str] = "callbacks"

    def test_a_call_is_heard_from_its_start_to_its_one_end(self, model: BaseChatModel, way: Way) -> None:
        handler = RecordingHandler()

        way.invoke(model, self.prompt, {"callbacks": [handler]})

        if handler.names.count("on_run_end") != 1 or handler.names[0] != "on_chat_model_start":
            fault(
                f"A handler heard {handler.names}.",
                "The host tells the start and the end; leave both to it, and do not override invoke or stream.",
            )

    def test_what_is_heard_with_the_end_is_the_answer(self, model: BaseChatModel, way: Way) -> None:
        handler = RecordingHandler()

        answer = way.invoke(model, self.prompt, {"callbacks": [handler]})

        run = handler.runs[0]
        if not isinstance(run.output, AIMessage) or run.output.text != answer.text or run.status != "ok":
            fault(
                f"The caller got {answer.text!r}; handlers heard of {run.output!r}, status {run.status}.",
                "Return the answer and change it no more.",
            )

    def test_each_chunk_is_heard_once(self, model: BaseChatModel, way: Way) -> None:
        handler = RecordingHandler()

        chunks = way.stream(model, self.prompt, {"callbacks": [handler]})

        if "".join(handler.tokens) != added_up(chunks).text:
            fault(
                f"The caller got {added_up(chunks).text!r}, and on_llm_new_token told {''.join(handler.tokens)!r}.",
                "Leave on_llm_new_token to the host, or call run_manager.on_llm_new_token(chunk.text, chunk=chunk) "
                "once for each chunk, before it is yielded.",
            )

    def test_a_stream_that_is_left_early_ends_once_as_abandoned(self, model: BaseChatModel, way: Way) -> None:
        handler = RecordingHandler()

        first = way.leave(model, self.prompt, {"callbacks": [handler]})

        # A stream of a single chunk has no middle to be left in; the host then has nothing to ask the plugin.
        expected = {"abandoned"} if first.chunk_position is None else {"abandoned", "ok"}
        if len(handler.runs) != 1 or handler.runs[0].status not in expected:
            fault(
                f"A stream was closed after its first chunk; its run ended {len(handler.runs)} times: {handler.runs}.",
                f"Let GeneratorExit pass through {way.pieces}; clean up in `finally` or `with`.",
            )

    def test_the_start_names_the_model_and_never_a_key(self, model: BaseChatModel, way: Way) -> None:
        handler = RecordingHandler()

        way.invoke(model, self.prompt, {"callbacks": [handler]})

        serialized = handler.only("on_chat_model_start").args[0]
        if not serialized.get("_type"):
            fault(f"Handlers hear of a model without a kind: {serialized}.", "Let _llm_type give one word.")


class Config(Part):
    """`config=`: what is said with one call."""

    group: ClassVar[str] = "config"

    def test_tags_metadata_name_and_id_of_a_call_reach_its_run(self, model: BaseChatModel, way: Way) -> None:
        handler, run_id = RecordingHandler(), uuid4()
        config: RunnableConfig = {
            "callbacks": [handler],
            "tags": ["kit"],
            "metadata": {"question": 7},
            "run_name": "asked by the kit",
            "run_id": run_id,
        }

        way.invoke(model, self.prompt, config)

        run = handler.runs[0]
        if (
            "kit" not in run.tags
            or run.metadata.get("question") != 7
            or (run.name, run.id)
            != (
                "asked by the kit",
                run_id,
            )
        ):
            fault(
                f"The config of a call did not reach its run: {run!r}, tags {run.tags}, metadata {run.metadata}.",
                "Do not override invoke, ainvoke, stream or astream; write _generate and its kin.",
            )

    def test_a_call_leaves_nothing_on_the_model(self, model: BaseChatModel, way: Way) -> None:
        before = repr(model.model_dump())

        way.invoke(model, self.prompt, {"tags": ["kit"], "callbacks": [RecordingHandler()]})
        way.stream(model, self.prompt)

        if repr(model.model_dump()) != before:
            fault(
                f"The model's settings were {before} before a call and {model.model_dump()} after it.",
                "What belongs to a call lives in local variables; a model serves many calls at once.",
            )
