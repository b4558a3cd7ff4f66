"""What pytest finds by itself: the fixture that forbids real providers, and what a run pays that does not use it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import chatplug
from chatplug.language_models import SimpleChatModel
from chatplug.testing import RealProviderError, RealProviders
from tests.architecture.test_import_cost import HEAVY, imported_by

REAL = """
    import chatplug, pytest

    def ask():
        return chatplug.init("openai_compat:tiny", base_url="http://127.0.0.1:9/v1").invoke("Hello")
"""


def run(folder: Path, code: str, ini: str = "") -> str:
    """What pytest says of these tests, in a process of its own."""
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n", encoding="utf-8")
    (folder / "test_it.py").write_text(dedent(REAL) + dedent(code), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.stdout + done.stderr


def test_a_real_provider_is_not_asked_where_the_fixture_forbids_it(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        from chatplug.errors import ProviderConnectionError

        def test_forbidden(forbid_real_providers):
            ask()

        @pytest.mark.real_providers("openai_compat")
        def test_allowed(forbid_real_providers):
            with pytest.raises(ProviderConnectionError):
                ask()

        def test_afterwards():
            with pytest.raises(ProviderConnectionError):
                ask()
        """,
    )

    assert "1 failed, 2 passed" in said
    assert "openai_compat:tiny was asked in a test that forbids real providers" in said
    assert '@pytest.mark.real_providers("openai_compat")' in said


def test_a_whole_run_may_forbid_real_providers(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        def test_forbidden():
            ask()

        def test_echo_has_no_network():
            assert chatplug.init("echo:n2").invoke("Meow!").text == "Me"
        """,
        "chatplug_forbid_real_providers = true",
    )

    assert "1 failed, 1 passed" in said


class Reversed(SimpleChatModel):
    """A model that a test defines."""

    @property
    def _llm_type(self) -> str:
        return "openai_compat"

    def _call(self, messages: object, stop: object = None, run_manager: object = None, **kwargs: object) -> str:
        return "!olleH"


def test_models_that_a_test_defines_answer_as_ever() -> None:
    with RealProviders():
        assert Reversed().invoke("Hello!").text == "!olleH"


def test_every_way_to_ask_is_forbidden() -> None:
    model = chatplug.init("openai_compat:tiny", base_url="http://127.0.0.1:9/v1")
    with RealProviders() as providers:
        for ask in (
            lambda: model.invoke("Hello"),
            lambda: list(model.stream("Hello")),
            lambda: asyncio.run(model.ainvoke("Hello")),
        ):
            with pytest.raises(RealProviderError, match="Nothing was sent"):
                ask()
        providers.allow("openai-compat")
        with pytest.raises(chatplug.ChatplugError):
            model.invoke("Hello")


def test_a_run_that_uses_none_of_it_pays_for_one_module_alone() -> None:
    added = imported_by("import pytest, chatplug.testing.pytest_plugin") - imported_by("import pytest")

    assert {name for name in added if name.startswith("chatplug")} == {
        "chatplug",
        "chatplug.testing",
        "chatplug.testing.pytest_plugin",
    }
    assert not added & set(HEAVY)


def test_the_names_for_programs_need_neither_pytest_nor_hypothesis() -> None:
    added = imported_by("from chatplug.testing import RecordingHandler, LoopbackServer, RealProviders")

    assert not {name.partition(".")[0] for name in added} & {"pytest", "_pytest", "hypothesis"}


def test_a_test_of_the_kit_that_fails_when_it_is_taken_down_has_failed_in_the_score(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        from chatplug.testing.conformance import ChatModelConformance

        class TestEcho(ChatModelConformance):
            def make_model(self):
                return chatplug.init("echo:n8")

            @pytest.fixture(autouse=True)
            def server(self):
                yield
                raise OSError("the server was still there")
        """,
        ini="addopts = -k test_a_prompt_gets_an_answer --conformance-json=score.json",
    )

    tests = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["tests"]
    assert [test["outcome"] for test in tests] == ["failed", "failed"]
    assert "the server was still there" in tests[0]["message"]
