"""Plugins with one fault each: the kit fails each of them, with a message that names the fault."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from textwrap import dedent, indent
from typing import Any

import pytest

HEAD = """
    import asyncio, time
    from typing import ClassVar
    import chatplug
    from chatplug.language_models import BaseChatModel
    from chatplug.messages import AIMessage, AIMessageChunk
    from chatplug.testing.conformance import ChatModelConformance

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
"""

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
        """,
        "test_no_key_is_shown_by_the_model",
        r"model_dump of the model shows the secret of the setting 'api_key'",
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


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the kit says of each plugin, by the plugin's name; one run for all of them."""
    folder = tmp_path_factory.mktemp("faulty")
    parts = [dedent(HEAD)]
    for name, (code, _, _) in {"NoFault": ("", "", ""), **FAULTS}.items():
        parts.append(f"class {name}(Sound):\n    '''Has one fault.'''\n{indent(dedent(code), '    ')}")
        parts.append(f"class Test{name}(ChatModelConformance):\n    def make_model(self):\n        return {name}()\n")
    (folder / "test_all.py").write_text("\n\n".join(parts), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    report = folder / "score.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--conformance-json", str(report)]
    done = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True, timeout=100, check=False)
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


def test_a_plugin_without_a_fault_passes(results: dict[str, list[dict[str, Any]]]) -> None:
    assert failed(results["NoFault"]) == {}
    assert {test["name"] for test in results["NoFault"] if test["outcome"] == "skipped"} <= {
        test["name"] for test in results["NoFault"] if test["group"] in ("hooks", "packaging")
    }


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found_and_named(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    _, test, message = FAULTS[name]

    found = failed(results[name])

    assert test in found, f"{name} failed {sorted(found)}"
    assert re.search(message, found[test]), found[test]


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_not_found_everywhere(name: str, results: dict[str, list[dict[str, Any]]]) -> None:
    assert len(failed(results[name])) <= 4, failed(results[name])
