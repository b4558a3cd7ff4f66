"""What the pages and docstrings say of the hooks is what the specifications say."""

from __future__ import annotations

import ast
import re
from inspect import getdoc, signature
from textwrap import dedent

import pytest

from chatplug.plugins import ChatplugSpecs
from chatplug.plugins.loading import HOOKS
from tests.architecture.sources import ROOT


def documented() -> dict[str, tuple[list[str], str, bool]]:
    """The hooks of the page: their arguments, of whom they are asked, whether they may be asynchronous."""
    page = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    rows = re.findall(r"^\| `(chatplug_\w+)\((.*?)\)` \| (.*?) \| .* \| (yes|no) \|$", page, re.MULTILINE)
    return {
        name: (list(filter(None, arguments.split(", "))), whom, may == "yes") for name, arguments, whom, may in rows
    }


def test_the_page_has_every_hook_and_no_other() -> None:
    assert {*documented()} == {*HOOKS}
    assert len(HOOKS) < 10


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_documented_with_the_arguments_that_it_has(hook: str) -> None:
    arguments, whom, may_be_async = documented()[hook]
    spec = getattr(ChatplugSpecs, hook)
    text = getdoc(spec) or ""

    assert arguments == [name for name in signature(spec).parameters if name != "self"]
    assert re.findall(r"^    (\w+): ", text.partition("Args:")[2].partition("\n\n")[0], re.MULTILINE) == arguments
    assert ("Directed" in text) == (whom == "the provider's plugin")
    assert ("async def" in text) == may_be_async


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_an_example_that_implements_it_with_arguments_that_it_has(hook: str) -> None:
    text = getdoc(getattr(ChatplugSpecs, hook)) or ""
    lines = [line[4:] for line in text.splitlines() if line.startswith((">>> ", "... ", "..."))]
    functions = [
        node
        for node in ast.walk(ast.parse(dedent("\n".join(lines))))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == hook
    ]

    assert len(functions) == 1
    assert {argument.arg for argument in functions[0].args.args} <= {*HOOKS[hook]}
    assert [ast.unparse(decorator) for decorator in functions[0].decorator_list] == ["chatplug.hookimpl"]
