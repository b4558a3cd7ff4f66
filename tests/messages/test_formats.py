"""The formats by their names: what is public of them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from chatplug.errors import MessageError
from chatplug.messages import (
    AIMessage,
    HumanMessage,
    LossWarning,
    SystemMessage,
    ToolMessage,
    convert_to_openai_messages,
    export_messages,
    import_messages,
)
from chatplug.messages import loss as loss_module


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been warned of yet."""
    monkeypatch.setattr(loss_module, "_warned", set[str]())


def test_a_conversation_may_be_given_in_any_shape() -> None:
    turns = [{"role": "user", "content": "Hello"}]

    assert export_messages("Hello", "openai").value == turns
    assert export_messages([("user", "Hello")], "openai").value == turns
    assert export_messages(turns, "anthropic").value == {"messages": turns}


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    with pytest.raises(MessageError, match=r"the format 'open-ai'. Did you mean 'openai'\?"):
        export_messages("Hello", "open-ai")
    with pytest.raises(MessageError, match=r"the format 'x'. Without plugins there are anthropic and openai"):
        import_messages([], "x")


@pytest.mark.parametrize("value", ["Hello", b"", 3, None])
def test_what_is_no_conversation_in_a_format_is_refused(value: Any) -> None:
    with pytest.raises(MessageError, match="is no conversation in the format 'openai'"):
        import_messages(value, "openai")


@pytest.mark.parametrize(
    "value",
    [
        {"model": "m", "messages": [{"role": "user", "content": "Hello"}]},
        [{"role": "user", "content": "Hello"}],
        {"role": "user", "content": "Hello"},
        "Hello",
    ],
)
def test_the_format_is_found_out(value: Any) -> None:
    assert import_messages(value) == [HumanMessage("Hello")]


def test_a_body_with_instructions_beside_the_turns_is_anthropic_s() -> None:
    assert import_messages({"system": "Be brief.", "messages": []}) == [SystemMessage("Be brief.")]


def test_who_took_part_may_be_said_where_the_format_is_found_out() -> None:
    (message,) = import_messages([{"role": "assistant", "content": "a", "reasoning": "b"}], provider="groq")

    assert export_messages([message], "openai", provider="groq").value == [
        {"role": "assistant", "content": "a", "reasoning": "b"}
    ]


def test_nothing_that_is_exported_is_changed() -> None:
    block: dict[str, Any] = {"type": "thinking", "thinking": "Hm.", "signature": "Ab=="}
    messages = [AIMessage([block], tool_calls=[{"id": "a:b", "name": "look", "args": {}}]), ToolMessage("x", "a:b")]
    before = [message.model_dump() for message in messages]

    for name in ("openai", "anthropic"):
        export_messages(messages, name)

    assert [message.model_dump() for message in messages] == before


# ---- langchain-core's function


def test_one_message_is_one_dict_and_several_are_a_list() -> None:
    assert convert_to_openai_messages(HumanMessage("a")) == {"role": "user", "content": "a"}
    assert convert_to_openai_messages({"role": "user", "content": "a"}) == {"role": "user", "content": "a"}
    assert convert_to_openai_messages([HumanMessage("a")]) == [{"role": "user", "content": "a"}]


def test_texts_are_joined_and_other_contents_stay_lists() -> None:
    image = {"type": "image_url", "image_url": {"url": "u"}}

    wire = convert_to_openai_messages(
        [
            HumanMessage(["a", {"type": "text", "text": "b"}]),
            HumanMessage(["a", image]),
            AIMessage("", tool_calls=[{"id": "c", "name": "look", "args": {}}]),
            ToolMessage([], "c", name="look"),
        ]
    )

    assert [message["content"] for message in wire] == ["a\nb", [{"type": "text", "text": "a"}, image], "", ""]
    assert wire[3]["name"] == "look"


def test_contents_may_be_asked_for_in_blocks_and_messages_with_their_ids() -> None:
    wire = convert_to_openai_messages([HumanMessage("a", id="m1"), AIMessage("")], text_format="block", include_id=True)

    assert wire == [
        {"role": "user", "content": [{"type": "text", "text": "a"}], "id": "m1"},
        {"role": "assistant", "content": []},
    ]
    with pytest.raises(MessageError, match="text_format is 'x'"):
        convert_to_openai_messages([], text_format="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # as it says


@pytest.mark.usefixtures("forgotten")
def test_a_loss_is_warned_of_once_for_each_kind() -> None:
    message = AIMessage(["a", {"type": "reasoning", "reasoning": "Hm."}])

    with pytest.warns(LossWarning, match=r"messages\[0\].content\[1\] is left out: .*no place") as caught:
        assert convert_to_openai_messages(message) == {"role": "assistant", "content": "a"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert_to_openai_messages(message)

    assert caught[0].filename == __file__


@pytest.mark.parametrize("format", [None, "openai"])
def test_messages_that_are_imported_are_not_changed(format: str | None) -> None:
    given = HumanMessage([{"type": "video_url", "video_url": "https://a.example/x"}])

    (imported,) = import_messages([given], format, provider="meow")

    assert imported.response_metadata == {"model_provider": "meow"}
    assert given.response_metadata == {}
