"""`chatplug models PROVIDER --settings`: what can be set, of what type, with which default, and what it means."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from chatplug.cli.output import Output, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

__all__ = ["show_settings"]


def show_settings(provider: str, *, as_json: bool) -> None:
    """Print the settings of a provider.

    Raises:
        click.ClickException: If its plugin does not say what they are.
    """
    from chatplug.plugins import default_manager

    cls = default_manager().settings_model(provider)
    if cls is None:
        raise click.ClickException(f"The plugin of {provider} does not say what can be set.")
    rows = list(_settings(cls))
    if as_json:
        print_json([dict(zip(("setting", "type", "default", "doc"), row, strict=True)) for row in rows])
        return
    with Output() as output:
        output.table(("Setting", "Type", "Default", "What it is"), rows)


def _settings(cls: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    docs = _docs(cls)
    for name, field in cls.model_fields.items():
        yield name, _type(cls, name, field), _default(field), field.description or docs.get(name, "")
    if "profile" not in cls.model_fields and hasattr(cls, "profile"):
        yield "profile", "dict", "looked up", docs.get("profile", "")


def _type(cls: type[BaseModel], name: str, field: FieldInfo) -> str:
    """A field's type as its author wrote it."""
    for owner in cls.__mro__:
        written = vars(owner).get("__annotations__", {}).get(name)
        if isinstance(written, str):
            return _plain(written)
    return getattr(field.annotation, "__name__", "") if isinstance(field.annotation, type) else str(field.annotation)


def _plain(written: str) -> str:
    """An annotation without what is said to pydantic: `Annotated[int, Field(ge=1)] | None` is `int | None`."""
    try:
        tree = ast.parse(written, mode="eval")
    except SyntaxError:
        return written
    return ast.unparse(_Unannotated().visit(tree))


class _Unannotated(ast.NodeTransformer):
    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])  # type: ignore[no-any-return]  # a node's own type is lost
        return self.generic_visit(node)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "made anew"
    return repr(field.default)


def _docs(cls: type[BaseModel]) -> dict[str, str]:
    """The docstrings below the fields of a class and of those that it is made from; the nearest one counts."""
    found: dict[str, str] = {}
    for owner in cls.__mro__:
        for name, text in _docs_of(owner):
            found.setdefault(name, text)
    return found


def _docs_of(owner: type[Any]) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    except (OSError, TypeError, SyntaxError):  # no source: built in, or made at run time
        return
    for node in ast.walk(tree):
        body = node.body if isinstance(node, (ast.ClassDef, ast.If)) else []
        for field, below in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                value = below.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield field.target.id, " ".join(value.value.split())
