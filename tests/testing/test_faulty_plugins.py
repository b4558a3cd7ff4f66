"""Plugins with one fault each: the kit fails each of them, with a message that names the fault."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from textwrap import dedent, indent
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)  # some three thousand tests in one run

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

HTTP = r"""
    import json
    from typing import Any
    from pydantic import SecretStr
    from chatplug.errors import *
    from chatplug.http import BrokenBody, Request, TimedOut, Timeout, TransportError, default_transport
    from chatplug.testing import HttpChatModelConformance
    from chatplug.wire import SSEDecoder, retry_after

    KINDS = {401: AuthenticationError, 403: PermissionDeniedError, 404: NotFoundError, 429: RateLimitError,
             503: OverloadedError, 529: OverloadedError}

    class HttpSound(Sound):
        '''Does everything right over a wire.'''

        url: str
        '''Where the server is.'''
        api_key: SecretStr
        '''The key.'''
        timeout: Any = None
        '''Seconds of silence.'''

        @property
        def _identifying_params(self):
            return {"model_name": "sound"}

        def asked(self, messages, stop, stream):
            body = {"text": messages[-1].text, "stop": stop or [], "stream": stream}
            headers = {"authorization": "Bearer " + self.api_key.get_secret_value()}
            return Request("POST", self.url, headers, json.dumps(body).encode(), Timeout.of(self.timeout or 10))

        def refusal(self, status, headers, body):
            text = body.decode(errors="replace").replace(self.api_key.get_secret_value(), "***")
            kind = KINDS.get(status) or (ServerError if status >= 500 else BadRequestError)
            error = kind(f"The server said {status}: {text}", status=status)
            if isinstance(error, TransientError):
                error.retry_after = retry_after(headers)
            return error

        def parsed(self, data):
            try:
                value = json.loads(data)
                return value["text"], value.get("end", False)
            except (ValueError, KeyError, TypeError):
                raise InvalidResponseError("The server answered nonsense.") from None

        def ours(self, error):
            if isinstance(error, TimedOut):
                return ProviderTimeoutError(str(error))
            return (StreamBrokenError if isinstance(error, BrokenBody) else ProviderConnectionError)(str(error))

        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                answer = default_transport().request(self.asked(messages, stop, False))
            except TransportError as error:
                raise self.ours(error) from error
            if answer.status != 200:
                raise self.refusal(answer.status, answer.headers, answer.body)
            return AIMessage(self.parsed(answer.body)[0])

        async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                answer = await default_transport().arequest(self.asked(messages, stop, False))
            except TransportError as error:
                raise self.ours(error) from error
            if answer.status != 200:
                raise self.refusal(answer.status, answer.headers, answer.body)
            return AIMessage(self.parsed(answer.body)[0])

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                with default_transport().stream(self.asked(messages, stop, True)) as answer:
                    if answer.status != 200:
                        raise self.refusal(answer.status, answer.headers, answer.read())
                    yield from self.read(answer)
            except TransportError as error:
                raise self.ours(error) from error

        async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                async with await default_transport().astream(self.asked(messages, stop, True)) as answer:
                    if answer.status != 200:
                        raise self.refusal(answer.status, answer.headers, await answer.read())
                    decoder, has_ended = SSEDecoder(), False
                    is_first = True
                    async for data in answer:
                        if is_first and data.startswith(b"{"):
                            yield AIMessageChunk(self.parsed(data)[0])
                            return
                        is_first = False
                        for event in decoder.feed(data):
                            text, has_ended = self.parsed(event.data)
                            yield AIMessageChunk(text)
                        if has_ended:
                            return
                    if not has_ended:
                        raise StreamBrokenError("The stream ended before its end.")
            except TransportError as error:
                raise self.ours(error) from error

        def read(self, answer):
            decoder, has_ended = SSEDecoder(), False
            for number, data in enumerate(answer):
                if number == 0 and data.startswith(b"{"):
                    yield AIMessageChunk(self.parsed(data)[0])
                    return
                for event in decoder.feed(data):
                    text, has_ended = self.parsed(event.data)
                    yield AIMessageChunk(text)
                if has_ended:
                    return
            if not has_ended:
                raise StreamBrokenError("The stream ended before its end.")

    class HttpKit(HttpChatModelConformance):
        model_class = None

        def make_model_at(self, url):
            model = self.model_class(url=url, api_key="sk-kit-1234567890")
            model.give_profile(PROFILE)
            return model

        def answer_to(self, request):
            body = json.loads(request.body)
            text = body["text"]
            for word in body["stop"]:
                text = text.partition(word)[0]
            return json.dumps({"text": text}).encode()

        def stream_to(self, request):
            text = json.loads(self.answer_to(request))["text"]
            pieces = [{"text": letter} for letter in text] + [{"text": "", "end": True}]
            return [b"data: %s\n\n" % json.dumps(piece).encode() for piece in pieces]
"""

HTTP_FAULTS: dict[str, tuple[str, str, str]] = {
    "BuffersTheStream": (
        """
        def read(self, answer):
            return list(super().read(answer))
        """,
        "test_a_chunk_is_handed_over_when_it_arrives",
        "gave no chunk until the whole stream had arrived",
    ),
    "TakesAHalfForAWhole": (
        """
        def read(self, answer):
            try:
                yield from super().read(answer)
            except (StreamBrokenError, TransportError):
                pass
        """,
        "test_a_stream_that_is_cut_short_is_an_error_with_what_had_come",
        "as a whole answer",
    ),
    "LeavesTheConnectionOpen": (
        """
        kept: ClassVar = []

        def _stream(self, messages, stop=None, run_manager=None, **kwargs):
            try:
                self.kept.append(answer := default_transport().stream(self.asked(messages, stop, True)))
                if answer.status != 200:
                    raise self.refusal(answer.status, answer.headers, answer.read())
                yield from self.read(answer)
            except TransportError as error:
                raise self.ours(error) from error
        """,
        "test_leaving_a_stream_closes_its_connection",
        "the connection stayed open",
    ),
    "MistakesTheStatus": (
        """
        def refusal(self, status, headers, body):
            return ServerError("It did not work.", status=status)
        """,
        "test_a_status_becomes_the_error_of_its_kind",
        "The status 401 became ServerError",
    ),
    "TellsTheKey": (
        """
        def refusal(self, status, headers, body):
            error = super().refusal(status, headers, body)
            error.body = body.decode()
            return error
        """,
        "test_no_key_is_told_by_an_error_of_a_server_that_repeats_it",
        "shows the secret of the setting 'api_key'",
    ),
    "LetsForeignErrorsThrough": (
        """
        def parsed(self, data):
            return json.loads(data)["text"], json.loads(data).get("end", False)
        """,
        "test_an_answer_that_is_none_is_the_provider_s_error",
        "lets JSONDecodeError through",
    ),
    "TakesAPieceForAnEvent": (
        """
        def read(self, answer):
            for data in answer:
                yield AIMessageChunk(self.parsed(data.removeprefix(b"data: "))[0])
        """,
        "test_any_split_of_the_bytes_reads_alike",
        "nonsense",
    ),
}

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


ALL = {**FAULTS, **HTTP_FAULTS, **TOOL_FAULTS}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the kit says of each plugin, by the plugin's name; one run for all of them."""
    folder = tmp_path_factory.mktemp("faulty")
    parts = [dedent(HEAD), dedent(HTTP)]
    for base, kit, faults in (
        ("Sound", "Kit", {"NoFault": ("", "", ""), **FAULTS}),
        ("HttpSound", "HttpKit", {"NoFaultOfAWire": ("", "", ""), **HTTP_FAULTS}),
        ("SoundTools", "ToolKit", {"NoFaultOfTools": ("", "", ""), **TOOL_FAULTS}),
    ):
        for name, (code, _, _) in faults.items():
            parts.append(f"class {name}({base}):\n    '''Has one fault.'''\n{indent(dedent(code), '    ')}")
            parts.append(f"class Test{name}({kit}):\n    model_class = {name}\n")
    (folder / "test_all.py").write_text("\n\n".join(parts), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    report = folder / "score.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--conformance-json", str(report)]
    done = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True, timeout=500, check=False)
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for test in json.loads(report.read_text(encoding="utf-8"))["tests"]:
        found.setdefault(test["suite"].removeprefix("Test"), []).append(test)
    return found


def failed(tests: list[dict[str, Any]]) -> dict[str, str]:
    """The message of each test that failed, in one way or the other."""
    found: dict[str, str] = {}
    for test in tests:
        if test["outcome"] == "failed":
            name = test["name"].partition("[")[0]
            found[name] = f"{found.get(name, '')}{test['message']}\n"
    return found


@pytest.mark.parametrize("name", ["NoFault", "NoFaultOfAWire", "NoFaultOfTools"])
def test_a_plugin_without_a_fault_passes(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    skipped = {test["group"] for test in results[name] if test["outcome"] == "skipped"}

    assert failed(results[name]) == {}
    assert skipped <= {"hooks", "packaging"}  # no distribution has these models


@pytest.mark.parametrize("name", ALL)
def test_each_fault_is_found_and_named(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    _, test, message = ALL[name]

    found = failed(results[name])

    assert test in found, f"{name} failed {sorted(found)}"
    assert re.search(message, found[test]), found[test]


# Where a piece is taken for an event the network decides where that shows.
@pytest.mark.parametrize("name", [name for name in ALL if name != "TakesAPieceForAnEvent"])
def test_one_fault_is_not_found_everywhere(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    assert len(failed(results[name])) <= 4, failed(results[name])
