"""What the reference pages are written from, so that they cannot go stale: the sources themselves.

A page in docs/reference says which names it shows, in the order that is good to read. `expanded` replaces such a list
by what Sphinx's autodoc understands; the commands of the command line, the tree of the errors and the events of a
handler are written out from the objects that they describe.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from pydantic import BaseModel
from sphinx.pycode import ModuleAnalyzer

ROOMS = (
    "chatplug.plugins",
    "chatplug",
    "chatplug.factory",
    "chatplug.errors",
    "chatplug.messages",
    "chatplug.messages.content",
    "chatplug.outputs",
    "chatplug.runnables",
    "chatplug.language_models",
    "chatplug.callbacks",
    "chatplug.tools",
    "chatplug.output_parsers",
    "chatplug.json_schema",
    "chatplug.profiles",
    "chatplug.rate_limiters",
    "chatplug.http",
    "chatplug.wire",
    "chatplug.credentials",
    "chatplug.testing",
    "chatplug.testing.strategies",
)
"""Every module whose names are public. A name that two of them offer is described in the first."""
TYPES = (
    "chatplug.http.errors.Where",
    "chatplug.http.retry.OnRetry",
    "chatplug.http.aio.AsyncStream",
    "chatplug.http.sync.SyncStream",
    "chatplug.language_models.configurable.ConfigurableModel",
    "chatplug.language_models.configurable.OpenFields",
    "chatplug.language_models.gate.Finding",
    "chatplug.language_models.structured.BoundModel",
    "chatplug.language_models.structured.Method",
    "chatplug.messages.history.MessageType",
    "chatplug.messages.trim.SplitsText",
    "chatplug.messages.trim.TokenCounter",
    "chatplug.output_parsers.parser.Reader",
    "chatplug.profiles.facts_file.FactsOf",
    "chatplug.rate_limiters.line.Clock",
    "chatplug.runnables.events.Version",
    "chatplug.runnables.fluent.Fluent",
    "chatplug.runnables.listening.Listener",
    "chatplug.testing.conformance.way.Way",
    "chatplug.testing.fake_transport.Step",
    "chatplug.testing.recorder.Mode",
    "chatplug.tools.loop.TakesTools",
    "chatplug.tools.run.ErrorHandling",
    "chatplug.tools.run.ResponseFormat",
)
"""Types that signatures name and no program has to import."""
AUTHORS = {
    "BaseChatModel": ("_generate", "_agenerate", "_stream", "_astream", "_llm_type", "_identifying_params"),
    "SimpleChatModel": ("_call", "_acall"),
}
"""What a subclass writes: shown although it begins with an underscore."""
_OF_PYDANTIC = {"model_config", "model_post_init"}
_BLOCK = re.compile(r"^```\{(public|commands|error-tree|events)\}(?: *(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<![`:\w])`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")


@cache
def homes() -> dict[str, str]:
    """Each public name with its module in front, and the name under which the reference describes it."""
    found: dict[str, str] = {}
    first: dict[int, str] = {}
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            path = f"{room}.{name}"
            value = getattr(module, name)
            if getattr(value, "__name__", name) == name:
                first.setdefault(id(value), path)
            found[path] = path
    found = {path: first.get(id(_value(path)), path) for path in found}
    return found | {path: path for path in TYPES}


@cache
def _by_last_word() -> dict[str, str]:
    """The public names without their modules; where two modules have one, the first of them."""
    found: dict[str, str] = {}
    for path in homes().values():
        found.setdefault(path.rpartition(".")[2], path)
    return found


def described(name: str) -> str | None:
    """The path under which the reference describes a name, however it is written; None where it is not public.

    >>> described("AIMessage"), described("chatplug.messages.message.AIMessage"), described("Sequence")
    ('chatplug.messages.AIMessage', 'chatplug.messages.AIMessage', None)
    """
    if name in homes():
        return homes()[name]
    path, _, last = name.rpartition(".")
    found = _by_last_word().get(last)
    return found if found and (not path or path.startswith("chatplug")) else None


def target(code: str) -> str | None:
    """The path that a piece of code in a docstring means; None where it means nothing public.

    >>> target("init"), target("BaseChatModel.invoke"), target("chatplug.messages"), target("stop=None")
    ('chatplug.init', 'chatplug.language_models.BaseChatModel.invoke', 'chatplug.messages', None)
    >>> target("Runnable.as_tool")
    'chatplug.runnables.fluent.Fluent.as_tool'
    """
    name = code.removesuffix("()")
    if name in ROOMS and name != "chatplug":
        return name
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        return None
    found = described(name)
    if found:
        return found
    owner, _, member = name.rpartition(".")
    path = described(owner) if owner else None
    if not path:
        return None
    value = _value(path)
    if not inspect.isclass(value) or not hasattr(value, member):
        return None
    # What a class has of another one is described there.
    told = next((base for base in value.__mro__ if _is_told(base) and member in members(base)), value)
    return f"{path if told is value else described(told.__name__)}.{member}"


def linked(lines: list[str]) -> list[str]:
    """The lines of a docstring, as we write them, in reStructuredText: what is between backquotes is code.

    >>> linked(["An `AIMessage`, or `None`."])
    ['An :py:obj:`AIMessage <chatplug.messages.AIMessage>`, or ``None``.']
    """

    def written(match: re.Match[str]) -> str:
        code = match[1]
        path = target(code)
        return f":py:obj:`{code} <{path}>`" if path else f"``{code}``"

    text = "\n".join(lines)
    pieces = re.split(r"(^\s*>>>.*?(?:\n\s*\n|\Z))", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(_CODE.sub(written, piece) if index % 2 == 0 else piece for index, piece in enumerate(pieces)).split(
        "\n"
    )


def expanded(page: str) -> str:
    """A page with its lists written out; the module of the first is what the page is about."""
    first = _BLOCK.search(page)
    if first and first[1] == "public" and page.startswith(f"# `{first[2]}`"):
        module = f"```{{eval-rst}}\n.. py:module:: {first[2]}\n```\n\n"
        page = page[: first.start()] + module + page[first.start() :]
    return _BLOCK.sub(lambda match: "\n".join(_BLOCKS[match[1]](match[2] or "", match[3].split())), page)


def _public(room: str, names: list[str]) -> Iterator[str]:
    yield "```{eval-rst}"
    for name in names:
        yield from _entry(f"{room}.{name}")
        yield ""
    yield "```"


def _entry(path: str) -> Iterator[str]:
    """The directive that describes one public name."""
    home = homes()[path]
    value = _value(path)
    if home != path:
        yield f"``{path.rpartition('.')[2]}`` is :py:obj:`{home}`."
    elif typing.is_typeddict(value):
        yield from _dictionary(path, value)
    elif inspect.isclass(value):
        yield f".. auto{'exception' if issubclass(value, BaseException) else 'class'}:: {path}"
        yield "   :show-inheritance:"
        if shown := members(value):
            yield f"   :members: {', '.join(shown)}"
            yield f"   :private-members: {', '.join(name for name in shown if name.startswith('_'))}"
    elif inspect.isroutine(value):
        yield f".. autofunction:: {path}"
    elif assigned := _alias(path):
        yield from [*_heading("type", path), f"   :canonical: {assigned}", ""]
        yield from (f"   {line}" for line in linked(documentation(path).split("\n")))
    else:
        yield from _heading("data", path)
        if isinstance(value, str | int):
            yield f"   :value: {value!r}"
        yield ""
        yield from (f"   {line}" for line in linked(documentation(path).split("\n")))


def _heading(kind: str, path: str) -> list[str]:
    room, _, name = path.rpartition(".")
    return [f".. py:{kind}:: {name}", f"   :module: {room}"]


def _dictionary(path: str, value: type) -> Iterator[str]:
    """A TypedDict: its keys, those that may be absent marked."""
    yield from [*_heading("class", path), "", *(f"   {line}" for line in linked(documentation(path).split("\n"))), ""]
    attributes = ModuleAnalyzer.for_module(value.__module__).find_attr_docs()
    hints: dict[str, Any] = {}
    for base in reversed(value.__mro__):
        hints |= inspect.get_annotations(base)
    for key, hint in hints.items():
        text = str(getattr(hint, "__forward_arg__", hint)).replace("typing.", "")
        optional = re.fullmatch(r"NotRequired\[(.*)\]", text) or key in getattr(value, "__optional_keys__", ())
        plain = re.sub(r"^NotRequired\[(.*)\]$", r"\1", text)
        yield from [f"   .. py:attribute:: {key}", f"      :type: {plain}", ""]
        told = attributes.get((value.__name__, key), [])
        yield from (f"      {line}" for line in linked([*told, *(["May be absent."] if optional else [])]))
        yield ""


def members(value: type) -> list[str]:
    """The members that a class's own description shows: its own, and those of private bases that no public base has."""
    public = [base for base in value.__mro__[1:] if _is_told(base)]
    found: dict[str, None] = {}
    for base in value.__mro__:
        is_own = base is value or not (_is_told(base) or any(issubclass(other, base) for other in public))
        if is_own:
            found |= dict.fromkeys([*inspect.get_annotations(base), *vars(base)])
    is_handler = value.__name__ in {
        "BaseCallbackHandler",
        "AsyncCallbackHandler",
    }  # the events have a page of their own
    hidden = ("_", "on_") if is_handler else "_"
    written = AUTHORS.get(value.__name__, ())
    return [name for name in found if name in written or not (name.startswith(hidden) or name in _OF_PYDANTIC)]


def _value(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def documentation(path: str) -> str:
    """The docstring of a public name; of data, the one below the assignment, wherever that is."""
    value = _value(path)
    if inspect.isclass(value) or inspect.isroutine(value):
        return inspect.getdoc(value) or ""
    room, _, name = path.rpartition(".")
    for module in _modules_of(importlib.import_module(room)):
        lines = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
        if lines:
            return "\n".join(lines).strip()
    return ""


def _alias(path: str) -> str | None:
    """What a type alias stands for, as its source says; None for other data."""
    room, _, name = path.rpartition(".")
    value = _value(path)
    if not (isinstance(value, types.UnionType | str) or typing.get_origin(value)):
        return None
    for module in _modules_of(importlib.import_module(room)):
        for node in ast.parse(Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and _is_name(targets[0], name):
                if isinstance(value, str) and not (
                    isinstance(node, ast.AnnAssign) and "Alias" in ast.unparse(node.annotation)
                ):
                    return None
                text = ast.unparse(node.value)
                return text[1:-1] if text.startswith("'") else text
    return None


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _modules_of(package: ModuleType) -> Iterator[str]:
    yield package.__name__
    folder = package.__file__ or ""
    if folder.endswith("__init__.py"):
        yield from (f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__))


def _commands(_: str, names: list[str]) -> Iterator[str]:
    """Every command of the command line, from its own help."""
    from chatplug.cli.app import app

    yield from _command(app, "chatplug", None, names)


def _command(command: click.Command, path: str, parent: click.Context | None, own: list[str]) -> Iterator[str]:
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    yield from [f"({path.replace(' ', '-')})=", f"## `{path}`", "", _prose(command.help or ""), ""]
    pieces = command.collect_usage_pieces(context)
    yield from ["```text", " ".join([path, *pieces]), "```", ""]
    told = [record for parameter in command.get_params(context) if (record := _record(parameter, context))]
    if told:
        yield from ["| option | |", "| --- | --- |", *told, ""]
    if command.epilog:
        yield from ["```sh", *_lines(command.epilog), "```", ""]
    if isinstance(command, click.Group):
        for name in own or sorted(command.commands):
            yield from _command(command.commands[name], f"{path} {name}", context, [])


def _record(parameter: click.Parameter, context: click.Context) -> str:
    record = parameter.get_help_record(context)
    if record is None or not record[1]:
        return ""
    name, about = (text.replace("|", "\\|") for text in record)
    return f"| `{name}` | {' '.join(about.split())} |"


def _prose(text: str) -> str:
    return inspect.cleandoc(text).replace("\b\n", "").replace("<", "\\<")


def _lines(epilog: str) -> list[str]:
    lines = inspect.cleandoc(epilog.replace("\b\n", "")).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("Example")]


def _events(_: str, __: list[str]) -> Iterator[str]:
    """Every event that a handler can hear."""
    from chatplug.callbacks import BaseCallbackHandler

    yield "```{eval-rst}"
    for name in vars(BaseCallbackHandler):
        if name.startswith("on_"):
            yield from [f".. automethod:: chatplug.callbacks.BaseCallbackHandler.{name}", ""]
    yield "```"


def _error_tree(_: str, __: list[str]) -> Iterator[str]:
    """Every error below `ChatplugError`, each with the first line of its docstring."""
    from chatplug.errors import ChatplugError

    yield from _branch(ChatplugError, 0)


def _branch(error: type[BaseException], depth: int) -> Iterator[str]:
    about = (inspect.getdoc(error) or "").partition("\n\n")[0].replace("\n", " ")
    yield f"{'  ' * depth}- {{py:exc}}`~{described(error.__name__)}`: {about}"
    below = {child.__name__: child for child in error.__subclasses__() if described(child.__name__)}
    for child in below.values():
        yield from _branch(child, depth + 1)


@cache
def _origins() -> dict[str, str]:
    """Where the names come from that annotations use, those that only a type checker imports too."""
    found: dict[str, str] = {}
    for module in sorted(Path(importlib.import_module("chatplug").__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    found.setdefault(alias.asname or alias.name, f"{node.module}.{alias.name}")
    return found


def public_bases(bases: list[type]) -> list[type]:
    """The bases of a class as its page tells them: instead of a private one, what that is."""
    found: list[type] = []
    for base in bases:
        real = typing.get_origin(base) or base
        inner = [real] if _is_told(real) else public_bases(list(real.__bases__))
        found += [one for one in inner if one is not object and one not in found]
    return found or [object]


def _is_told(base: type) -> bool:
    name = f"{base.__module__}.{base.__qualname__}"
    return not base.__module__.startswith("chatplug") or described(name) is not None


def is_type_variable(name: str) -> bool:
    """Whether a name in an annotation stands for a type that the caller chooses."""
    module, _, last = name.rpartition(".")
    if module.startswith("chatplug"):
        return isinstance(getattr(importlib.import_module(module), last, None), typing.TypeVar)
    return last in _type_variables()


@cache
def _type_variables() -> set[str]:
    package = importlib.import_module("chatplug")
    found: set[str] = set()
    for module in pkgutil.walk_packages(package.__path__, "chatplug."):
        if not module.name.endswith("__main__"):
            values = vars(importlib.import_module(module.name))
            found |= {name for name, value in values.items() if isinstance(value, typing.TypeVar)}
    return found


def python_page(name: str) -> str | None:
    """The address of Python's own documentation of a name; None where it is not Python's.

    >>> python_page("Iterable"), python_page("ValueError")
    ('library/collections.abc.html#collections.abc.Iterable', 'library/exceptions.html#ValueError')
    """
    value = getattr(builtins, name, None)
    if name == "None":
        return "library/constants.html#None"
    if value is not None:
        if isinstance(value, type) and issubclass(value, BaseException):
            return f"library/exceptions.html#{name}"
        return f"library/{'functions' if name in {'type', 'object', 'bool'} else 'stdtypes'}.html#{name}"
    path = name if "." in name else _origins().get(name, name)
    module, _, last = path.rpartition(".")
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    return f"library/{module}.html#{module}.{last}"


def is_foreign(name: str) -> bool:
    """Whether a name in an annotation is of another library."""
    path = name if "." in name else _origins().get(name, name)
    return "." in path and not path.startswith("chatplug")


_BLOCKS: dict[str, Callable[[str, list[str]], Iterator[str]]] = {
    "commands": _commands,
    "error-tree": _error_tree,
    "events": _events,
    "public": _public,
}


def has_signature(value: object) -> bool:
    """Whether a class is made as its signature says, and not from fields that are listed below it."""
    if not inspect.isclass(value):
        return True
    is_protocol = getattr(value, "_is_protocol", False)
    return not (typing.is_typeddict(value) or issubclass(value, BaseModel) or is_protocol)
