"""Functions and classes as tools, and what becomes of a call."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Annotated, Any
from uuid import uuid4

import pytest
from pydantic import BaseModel, Field, ValidationError

from chatplug.callbacks import AsyncCallbackManagerForToolRun, BaseCallbackHandler, CallbackManagerForToolRun
from chatplug.errors import InvalidRequestError, PluginHookError, SchemaError, ToolArgumentsError
from chatplug.messages import ToolMessage
from chatplug.runnables import RunnableConfig
from chatplug.testing import FakeChatModel
from chatplug.tools import BaseTool, InjectedToolArg, InjectedToolCallId, StructuredTool, ToolException, tool


def call(name: str, identity: str = "call_1", **args: Any) -> dict[str, Any]:
    return {"type": "tool_call", "name": name, "args": args, "id": identity}


def invoke(how: str, one: BaseTool, value: Any, config: RunnableConfig | None = None, **more: Any) -> Any:
    if how == "sync":
        return one.invoke(value, config, **more)
    return asyncio.run(one.ainvoke(value, config, **more))


both = pytest.mark.parametrize("how", ["sync", "async"])


@tool
def weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    Args:
        city: Where
        days: How many
    """
    return f"{city}: sunny for {days} days"


def same(city: Any) -> Any:
    return city


def test_a_field_that_no_tool_has_is_answered_with_the_nearest() -> None:
    with pytest.raises(SchemaError, match=r"A tool has no field 'retun_direct'\. Did you mean 'return_direct'"):
        tool(same, description="The same.", retun_direct=True)


@both
def test_an_annotation_may_hold_what_has_no_hash(how: str) -> None:
    @tool
    def look(city: Annotated[str, {"unit": "none"}], run: RunnableConfig | None = None) -> str:
        """Look."""
        return f"{city}, {run is not None}"

    assert invoke(how, look, {"city": "Bern"}) == "Bern, True"


class Recorder(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def on_tool_start(self, serialized: Any, input_str: Any, **kwargs: Any) -> None:
        self.heard.append(("start", (serialized, input_str, kwargs["inputs"], kwargs["run_id"], kwargs["name"])))

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.heard.append(("end", output))

    def on_tool_error(self, error: Any, **kwargs: Any) -> None:
        self.heard.append(("error", error))

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.heard.append(("model", kwargs["parent_run_id"]))


# ---- what a tool says of itself


def test_name_description_and_arguments_come_from_the_function() -> None:
    assert weather.name == "weather"
    assert weather.description == "The weather in a city."
    assert weather.args == {
        "city": {"type": "string", "description": "Where"},
        "days": {"type": "integer", "description": "How many", "default": 1},
    }


def test_the_decorator_takes_a_name_and_the_fields_of_the_tool() -> None:
    @tool("forecast", return_direct=True, description="Look ahead.", tags=["a"])
    def weather(city: str) -> str:
        return city

    assert (weather.name, weather.description, weather.return_direct, weather.tags) == (
        "forecast",
        "Look ahead.",
        True,
        ["a"],
    )


def test_without_parsing_the_docstring_all_of_it_is_the_description() -> None:
    @tool(parse_docstring=False)
    def weather(city: str) -> str:
        """The weather.

        Args:
            city: Where
        """
        return city

    assert weather.description == "The weather.\n\nArgs:\n    city: Where"
    assert weather.args == {"city": {"type": "string"}}


def test_a_docstring_that_tells_of_strangers_is_an_error_where_that_is_wanted() -> None:
    def weather(city: str) -> str:
        """The weather.

        Args:
            town: Where
        """
        return city

    assert tool(weather).args == {"city": {"type": "string"}}
    with pytest.raises(SchemaError, match="'town', which it does not take"):
        tool(error_on_invalid_docstring=True)(weather)


def test_a_tool_that_nothing_describes_is_an_error() -> None:
    with pytest.raises(SchemaError, match="Nothing says what the tool 'bare' does"):

        @tool
        def bare(city: str) -> str:
            return city


def test_args_schema_says_what_a_tool_takes_and_what_it_does() -> None:
    class Where(BaseModel):
        """Look at the sky."""

        city: str = Field(description="Where", min_length=2)

    @tool(args_schema=Where)
    def weather(city: str) -> str:
        return city

    assert weather.description == "Look at the sky."
    with pytest.raises(ToolArgumentsError, match="city: String should have at least 2 characters"):
        weather.invoke({"city": "B"})


def test_args_schema_may_be_json_schema_which_is_not_checked_but_for_what_is_required() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    one = StructuredTool.from_function(same, name="weather", description="Sky.", args_schema=schema)

    assert one.args == {"city": {"type": "string"}}
    assert one.invoke({"city": 7}) == 7
    with pytest.raises(ToolArgumentsError, match="city: Field required"):
        one.invoke({})


def test_an_args_schema_of_another_kind_is_an_error() -> None:
    wrong: Any = int

    with pytest.raises(SchemaError, match="args_schema of the tool 'same' is neither"):
        StructuredTool.from_function(same, description="x", args_schema=wrong)


# ---- how it is called


@both
def test_a_tool_call_is_answered_by_a_message_with_its_id(how: str) -> None:
    answer = invoke(how, weather, call("weather", "call_7", city="Bern", days="2"))

    assert answer == ToolMessage("Bern: sunny for 2 days", "call_7", name="weather", status="success")


@both
def test_arguments_alone_are_answered_by_what_the_function_gives(how: str) -> None:
    assert invoke(how, weather, {"city": "Bern"}) == "Bern: sunny for 1 days"


@both
def test_a_text_is_the_only_argument(how: str) -> None:
    @tool
    def shout(text: str) -> str:
        """Shout."""
        return text.upper()

    assert invoke(how, shout, "hey") == "HEY"
    with pytest.raises(ToolArgumentsError, match=r"cannot be called with a str.* It takes city, days"):
        invoke(how, weather, "Bern")


@both
def test_a_coroutine_function_is_a_tool(how: str) -> None:
    @tool
    async def weather(city: str) -> str:
        """The weather."""
        await asyncio.sleep(0)
        return city

    if how == "async":
        assert invoke(how, weather, {"city": "Bern"}) == "Bern"
    else:
        with pytest.raises(InvalidRequestError, match=r"only be called asynchronously\..*ainvoke"):
            invoke(how, weather, {"city": "Bern"})


def test_a_tool_may_have_a_function_of_each_kind() -> None:
    async def later(city: str) -> str:
        return f"{city} later"

    one = StructuredTool.from_function(same, later, name="weather", description="Sky.")

    assert invoke("sync", one, {"city": "Bern"}) == "Bern"
    assert invoke("async", one, {"city": "Bern"}) == "Bern later"


@both
def test_arguments_are_converted_to_what_the_function_declares(how: str) -> None:
    class Point(BaseModel):
        x: int

    seen: list[Any] = []

    @tool
    def look(points: list[Point], /, copy: bool, *, ratio: float = 0.5, **more: int) -> str:
        """Look."""
        seen.extend([points, copy, ratio, more])
        return "seen"

    given = {"points": [{"x": "1"}], "copy": "yes", "z": "3"}
    invoke(how, look, given)

    assert seen == [[Point(x=1)], True, 0.5, {"z": 3}]
    assert given == {"points": [{"x": "1"}], "copy": "yes", "z": "3"}


@both
def test_wrong_arguments_are_an_error_that_says_which_and_shows_no_values(how: str) -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        invoke(how, weather, call("weather", town="secret", days="many"))

    assert str(caught.value).startswith("The tool 'weather' does not take these arguments: city: Field required; days:")
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ValidationError)
    assert isinstance(caught.value, ValueError)


@both
@pytest.mark.parametrize(
    ("handling", "said"),
    [
        (True, "The tool 'weather' does not take these arguments: city: Field required"),
        ("Try again.", "Try again."),
        (ValidationError.error_count, "1"),
    ],
)
def test_wrong_arguments_can_be_told_to_the_model(how: str, handling: Any, said: str) -> None:
    handled = weather.model_copy(update={"handle_validation_error": handling})

    answer = invoke(how, handled, call("weather"))

    assert answer == ToolMessage(said, "call_1", name="weather", status="error")


@both
def test_a_tool_exception_can_be_told_to_the_model_and_any_other_propagates(how: str) -> None:
    @tool
    def fails(kind: str) -> str:
        """Fail."""
        raise ToolException("The line is busy.") if kind == "tool" else KeyError(kind)

    handled = fails.model_copy(update={"handle_tool_error": True})

    with pytest.raises(ToolException, match="busy"):
        invoke(how, fails, call("fails", kind="tool"))
    answer = invoke(how, handled, call("fails", kind="tool"))
    assert answer == ToolMessage("The line is busy.", "call_1", name="fails", status="error")
    with pytest.raises(KeyError):
        invoke(how, handled, call("fails", kind="other"))


# ---- what it gives


@both
@pytest.mark.parametrize(
    ("result", "content"),
    [
        ({"a": 1, "ä": [None]}, '{"a":1,"ä":[null]}'),
        (7, "7"),
        (None, "null"),
        ([], "[]"),
        ([{"type": "text", "text": "x"}], [{"type": "text", "text": "x"}]),
        ([1, 2], "[1,2]"),
    ],
)
def test_a_result_that_is_no_text_is_json_for_the_model(how: str, result: Any, content: Any) -> None:
    @tool
    def give() -> Any:
        """Give."""
        return result

    assert invoke(how, give, call("give")).content == content
    assert invoke(how, give, {}) == result


@both
def test_content_and_artifact_go_to_the_model_and_to_the_program(how: str) -> None:
    @tool(response_format="content_and_artifact")
    def search(query: str) -> tuple[str, list[int]]:
        """Search."""
        return f"2 found for {query}", [1, 2]

    answer = invoke(how, search, call("search", query="x"))

    assert (answer.content, answer.artifact) == ("2 found for x", [1, 2])


@both
def test_content_and_artifact_that_is_no_pair_is_an_error(how: str) -> None:
    @tool(response_format="content_and_artifact")
    def search(query: str) -> str:
        """Search."""
        return query

    with pytest.raises(PluginHookError, match=r"'search' gave str.*tuple of the two"):
        invoke(how, search, call("search", query="x"))


@both
def test_a_tool_may_write_its_message_itself(how: str) -> None:
    own = ToolMessage("mine", "call_1", name="x", status="error")

    @tool
    def write() -> Any:
        """Write."""
        return own

    assert invoke(how, write, call("write")) is own


# ---- what the program puts in


@both
def test_injected_arguments_are_hidden_from_the_model_and_from_handlers(how: str) -> None:
    recorder = Recorder()

    @tool
    def remember(text: str, user: Annotated[str, InjectedToolArg], identity: Annotated[str, InjectedToolCallId]) -> str:
        """Remember."""
        return f"{text} of {user} in {identity}"

    given = call("remember", "call_3", text="cat")
    answer = invoke(how, remember, given, {"callbacks": [recorder]}, user="s3cret")

    assert answer.content == "cat of s3cret in call_3"
    assert list(remember.args) == ["text"]
    assert recorder.heard[0][1][2] == {"text": "cat"}
    assert "s3cret" not in repr(recorder.heard[0])
    assert given["args"] == {"text": "cat"}


def test_injected_arguments_may_also_stand_in_the_call() -> None:
    @tool
    def remember(text: str, user: Annotated[str | None, InjectedToolArg()] = None) -> str:
        """Remember."""
        return f"{text} of {user}"

    assert remember.invoke({"text": "cat", "user": "me"}) == "cat of me"
    assert remember.invoke({"text": "cat"}) == "cat of None"


def test_a_tool_that_wants_the_id_of_its_call_says_so() -> None:
    @tool
    def remember(text: str, identity: Annotated[str, InjectedToolCallId]) -> str:
        """Remember."""
        return text + identity

    with pytest.raises(ToolArgumentsError, match=r"wants the id of its call.*tool\.invoke\(tool_call\)"):
        remember.invoke({"text": "cat"})


@both
def test_a_function_may_ask_for_its_config_and_its_run(how: str) -> None:
    seen: list[Any] = []

    @tool
    def sync_look(text: str, config: RunnableConfig, run_manager: CallbackManagerForToolRun | None = None) -> str:
        """Look."""
        seen.extend([config, run_manager])
        return text

    @tool
    async def async_look(
        text: str, *, settings: RunnableConfig, run_manager: AsyncCallbackManagerForToolRun | None = None
    ) -> str:
        """Look."""
        seen.extend([settings, run_manager])
        return text

    one = sync_look if how == "sync" else async_look
    invoke(how, one, {"text": "x"}, {"tags": ["a"], "callbacks": [Recorder()]})

    assert list(one.args) == ["text"]
    assert seen[0]["tags"] == ["a"]
    kind = CallbackManagerForToolRun if how == "sync" else AsyncCallbackManagerForToolRun
    assert isinstance(seen[1], kind)


# ---- its run


@both
def test_each_call_is_a_run_of_its_own_and_what_it_calls_is_below_it(how: str) -> None:
    recorder = Recorder()
    identity = uuid4()

    @tool
    def ask(text: str) -> str:
        """Ask."""
        return FakeChatModel(script=["Meow"]).invoke(text).text

    answer = invoke(how, ask, call("ask", text="x"), {"callbacks": [recorder], "run_id": identity, "run_name": "one"})

    assert [name for name, _ in recorder.heard] == ["start", "model", "end"]
    serialized, text, inputs, run_id, name = recorder.heard[0][1]
    assert serialized == {"name": "ask", "description": "Ask."}
    assert (text, inputs, run_id, name) == ("{'text': 'x'}", {"text": "x"}, identity, "one")
    assert recorder.heard[1][1] == identity
    assert recorder.heard[2][1] == answer


@both
def test_a_failure_is_heard_and_a_handled_one_is_an_end(how: str) -> None:
    recorder = Recorder()

    with pytest.raises(ToolArgumentsError):
        invoke(how, weather, {}, {"callbacks": [recorder]})
    with pytest.raises(ToolArgumentsError):
        invoke(how, weather, "x", {"callbacks": [recorder]})
    invoke(how, weather.model_copy(update={"handle_validation_error": "no"}), {}, {"callbacks": [recorder]})

    assert [name for name, _ in recorder.heard] == ["start", "error", "start", "error", "start", "end"]
    assert recorder.heard[-1][1] == "no"


# ---- classes


@both
def test_a_subclass_writes_run_and_its_signature_says_what_it_takes(how: str) -> None:
    class Search(BaseTool):
        name: str = "search"
        description: str = "Search."

        def _run(self, query: str, run_manager: CallbackManagerForToolRun | None = None) -> str:
            return f"{query} {type(run_manager).__name__}"

    found = invoke(how, Search(), {"query": "x"}, {"callbacks": [Recorder()]})

    assert Search().args == {"query": {"type": "string"}}
    assert found == "x CallbackManagerForToolRun"


def test_a_subclass_may_write_arun() -> None:
    class Search(BaseTool):
        name: str = "search"

        def _run(self, query: str) -> str:
            return query

        async def _arun(self, query: str, config: RunnableConfig | None = None) -> str:
            return f"{query} with {json.dumps((config or {}).get('tags'))}"

    assert invoke("async", Search(), {"query": "x"}, {"tags": ["a"]}) == 'x with ["a"]'


def test_a_copy_with_another_name_is_named_so_in_errors() -> None:
    renamed = weather.model_copy(update={"name": "forecast"})

    with pytest.raises(ToolArgumentsError, match="'forecast'"):
        renamed.invoke({})
    with pytest.raises(ToolArgumentsError, match="'weather'"):
        weather.invoke({})


def test_wrong_arguments_of_a_tool_inside_a_tool_are_not_the_outer_ones() -> None:
    @tool(handle_validation_error="mine")
    def outer(text: str) -> str:
        """Call another one."""
        weather.invoke({"town": text})
        return text

    with pytest.raises(ToolArgumentsError, match="'weather'"):
        outer.invoke({"text": "x"})
    assert outer.invoke({}) == "mine"


def test_a_class_and_a_method_without_its_object_are_no_tools() -> None:
    class Shelf:
        def find(self, title: str) -> str:
            """Find a book."""
            return title

    made: Any = tool
    with pytest.raises(SchemaError, match="The class Shelf does nothing"):
        made(Shelf)
    with pytest.raises(SchemaError, match="takes self"):
        made(Shelf.find)
    assert made(Shelf().find).invoke({"title": "Up"}) == "Up"


# ---- pickled


def plain(city: str, /, days: int = 1, *, run_manager: CallbackManagerForToolRun | None = None) -> str:
    """The weather in a city.

    Args:
        city: Where
        days: How many
    """
    return f"{city}, {days} days"


async def waits(city: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
    """The weather in a city, after a while."""
    return f"{city}, {call_id}"


class Where(BaseModel):
    """A place."""

    city: str


def unpickled(one: BaseTool, protocol: int) -> Any:
    return pickle.loads(pickle.dumps(one, protocol))  # noqa: S301  # our own


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_tool_can_be_pickled_where_its_function_can(protocol: int) -> None:
    one = StructuredTool.from_function(plain, name="sky", return_direct=True)
    bare = StructuredTool.from_function(plain, parse_docstring=False)
    held = StructuredTool.from_function(waits, description="Asks", args_schema=Where)
    asks = StructuredTool.from_function(waits)

    for tool_ in (one, bare, held, asks):
        again = unpickled(unpickled(tool_, protocol), protocol)
        assert type(again) is StructuredTool
        assert (again.name, again.description, again.args) == (tool_.name, tool_.description, tool_.args)
        assert again.return_direct == tool_.return_direct
    assert unpickled(one, protocol).invoke({"city": "Bern", "days": "3"}) == "Bern, 3 days"
    assert unpickled(held, protocol).args_schema is Where
    answer = asyncio.run(unpickled(asks, protocol).ainvoke(call("waits", city="Bern")))
    assert answer.content == "Bern, call_1"
    with pytest.raises(ToolArgumentsError):
        unpickled(one, protocol).invoke({"city": "Bern", "days": "many"})


def test_a_tool_that_its_function_became_is_found_again_by_name() -> None:
    assert unpickled(weather, pickle.HIGHEST_PROTOCOL) is weather


class Doubles(BaseTool):
    """A tool with a signature."""

    name: str = "doubles"

    def _run(self, number: int) -> int:
        return 2 * number


def test_a_tool_of_a_class_can_be_pickled_after_it_was_called() -> None:
    one = Doubles()
    assert one.invoke({"number": 2}) == 4

    assert unpickled(one, pickle.HIGHEST_PROTOCOL).invoke({"number": 3}) == 6


def test_a_tool_of_a_function_that_nobody_finds_cannot_be_pickled() -> None:
    def local(city: str) -> str:
        """The weather in a city."""
        return city

    with pytest.raises((pickle.PicklingError, AttributeError), match="local"):
        pickle.dumps(StructuredTool.from_function(local))


def test_an_argument_may_have_any_name_that_a_parameter_may_have() -> None:
    @tool
    def join(a: str, self: int = 1, args: str = "", kwargs: str = "") -> str:
        """Join them."""
        return f"{a}{self}{args}{kwargs}"

    given = {"a": "a", "self": 2, "args": "b", "kwargs": "c"}

    assert join.invoke(given) == "a2bc"
    assert asyncio.run(join.ainvoke(given)) == "a2bc"
