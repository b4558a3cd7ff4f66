"""A plugin that does everything right, as text, and plugins with one fault each, in the same form."""

from __future__ import annotations

HEAD = """
    import asyncio, json, time
    from uuid import uuid4
    from typing import ClassVar
    import chatplug
    from chatplug.language_models import BaseChatModel
    from chatplug.messages import AIMessage, AIMessageChunk
    from chatplug.testing.conformance import ChatModelConformance

    PROFILE = {"tool_calling": False, "structured_output": False, "structured_output_methods": [],
               "image_inputs": False, "audio_inputs": False, "pdf_inputs": False}
    USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}

    class Sound(BaseChatModel):
        '''Repeats what it hears, and does everything right.'''

        call_settings: ClassVar = frozenset()

        @property
        def _llm_type(self):
            return "sound"

        def said(self, messages, stop):
            text = messages[-1].text
            for word in stop or ():
                text = text.partition(word)[0]
            return text

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return AIMessage(self.said(messages, stop), usage_metadata=USAGE)

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            for letter in self.said(messages, stop):
                yield AIMessageChunk(letter)
            yield AIMessageChunk("", usage_metadata=USAGE)

    class Kit(ChatModelConformance):
        model_class = None
        profile = PROFILE

        def make_model(self):
            model = self.model_class()
            model.give_profile(self.profile)
            return model

    class SoundTools(Sound):
        '''Calls the tool that it is offered.'''

        call_settings: ClassVar = frozenset({"tools", "tool_choice"})
        number: ClassVar = None
        args: ClassVar = {"city": "Paris"}

        def call(self, messages, tools):
            if not tools or messages[-1].type == "tool":
                return []
            args = self.args if tools[0]["function"]["name"] == "get_weather" else {"city": "Paris", "degrees": 21}
            return [{"name": tools[0]["function"]["name"], "args": args, "id": self.number or f"call_{uuid4()}"}]

        def _generate(self, messages, stop=None, run_manager=None, tools=(), **kwargs):
            return AIMessage(self.said(messages, stop), tool_calls=self.call(messages, tools), usage_metadata=USAGE)

        def _stream(self, messages, stop=None, run_manager=None, tools=(), **kwargs):
            for index, call in enumerate(self.call(messages, tools)):
                fragment = {"name": call["name"], "args": json.dumps(call["args"]), "id": call["id"], "index": index}
                yield AIMessageChunk("", tool_call_chunks=[fragment])
            yield AIMessageChunk(self.said(messages, stop), usage_metadata=USAGE)

    class ToolKit(Kit):
        profile = {**PROFILE, "tool_calling": True, "structured_output_methods": ["function_calling"]}
"""
TOOL_FAULTS: dict[str, tuple[str, str, str]] = {
    "ForgesCallIds": (
        """
        number: ClassVar = "call_1"
        """,
        "test_each_call_has_an_id_of_its_own",
        "The calls of two answers have the ids",
    ),
    "LosesTheArguments": (
        """
        args: ClassVar = {}
        """,
        "test_a_tool_is_called_with_its_arguments",
        r"and the tool is get_weather\(city\)",
    ),
}
FAULTS: dict[str, tuple[str, str, str]] = {
    # name: (code of the class, the test that finds it, what its message says)
    "DropsUsage": (
        """
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            yield AIMessageChunk(self.said(messages, stop))
        """,
        "test_a_stream_tells_the_same_usage_as_a_whole_answer",
        r"The usage is {.*} by _generate, and None when the chunks of _stream are added up",
    ),
    "CountsUsageTwice": (
        """
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            for letter in self.said(messages, stop):
                yield AIMessageChunk(letter, usage_metadata=USAGE)
        """,
        "test_a_stream_tells_the_same_usage_as_a_whole_answer",
        "on several it is counted twice",
    ),
    "ForgesIds": (
        """
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            return AIMessage(self.said(messages, stop), usage_metadata=USAGE, id="msg_1")
        """,
        "test_each_answer_has_an_id_of_its_own",
        "Two answers have the id 'msg_1'",
    ),
    "LeaksItsKey": (
        """
        api_key: str = "sk-very-secret"
        '''The key.'''

        def __str__(self):
            return f"a model with {self.api_key}"
        """,
        "test_no_key_is_shown_by_the_model",
        r"str of the model shows the secret of the setting 'api_key'",
    ),
    "BlocksTheLoop": (
        """
        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            time.sleep(0.001)
            return self._generate(messages, stop)
        """,
        "test_the_event_loop_is_not_kept_waiting",
        r"keeps the event loop waiting: time\.sleep at .*:\d+, in _agenerate",
    ),
    "SwallowsCancellation": (
        """
        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                await asyncio.sleep(0.001)
            except BaseException:
                pass
            return self._generate(messages, stop)
        """,
        "test_a_cancelled_call_is_cancelled",
        "cancelled while _agenerate was waiting, and it gave its answer all the same",
    ),
    "IgnoresStop": (
        """
        def said(self, messages, stop):
            return messages[-1].text
        """,
        "test_an_answer_ends_at_a_stop_text",
        "which goes on behind it",
    ),
    "LosesTheLastPiece": (
        """
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            yield AIMessageChunk(self.said(messages, stop)[:-1], usage_metadata=USAGE)
        """,
        "test_chunks_add_up_to_the_answer",
        "_stream gave chunks that add up to",
    ),
    "KeepsTheCallOnTheModel": (
        """
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            type(self).current = self.said(messages, stop)
            for index in range(len(type(self).current)):
                yield AIMessageChunk(type(self).current[index:index + 1])
            yield AIMessageChunk("", usage_metadata=USAGE)
        """,
        "test_streams_side_by_side_keep_apart",
        "Two streams that were read in turn gave",
    ),
    "ChangesTheQuestion": (
        """
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            text = self.said(messages, stop)
            messages[-1].content = "used up"
            return AIMessage(text, usage_metadata=USAGE)
        """,
        "test_what_was_asked_is_left_as_it_was",
        "The model changed the messages that it was asked with",
    ),
    "CannotBeCopied": (
        """
        def __init__(self, **settings):
            super().__init__(**settings)
            object.__setattr__(self, "lock", __import__("threading").Lock())
        """,
        "test_a_copy_answers_as_the_model_does",
        "cannot be copied by pickle",
    ),
    "SwallowsSettings": (
        """
        call_settings: ClassVar = None
        """,
        "test_a_setting_of_a_call_that_nobody_knows_is_refused",
        "is answered as if nothing had been said",
    ),
    "HoldsOnToAStream": (
        """
        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            for letter in self.said(messages, stop):
                try:
                    yield AIMessageChunk(letter)
                except GeneratorExit:
                    yield AIMessageChunk("more")
            yield AIMessageChunk("", usage_metadata=USAGE)
        """,
        "test_a_stream_may_be_left_early",
        "did not end well: generator ignored GeneratorExit",
    ),
    "TakesTheLoopForItself": (
        """
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            asyncio.run(asyncio.sleep(0))
            return AIMessage(self.said(messages, stop), usage_metadata=USAGE)
        """,
        "test_a_synchronous_call_works_inside_a_running_loop",
        r"asyncio\.run\(\) cannot be called from a running event loop",
    ),
    "SaysNothingOfASetting": (
        """
        loudness: int = 1
        """,
        "test_every_setting_is_documented",
        r"Nothing says what SaysNothingOfASetting\.loudness is for",
    ),
    "AnswersWithAnObject": (
        """
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            facts = {"raw": frozenset({1})}
            return AIMessage(self.said(messages, stop), usage_metadata=USAGE, response_metadata=facts)
        """,
        "test_the_host_s_own_classes_come_back",
        "Put plain data into",
    ),
}
