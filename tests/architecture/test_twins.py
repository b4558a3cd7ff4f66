"""No algorithm is written twice, once for sync and once for async."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.architecture.sources import modules

SHARED_LINES = 10

# What the asynchronous half of the language and of the library calls its things.
SPELLED_ALIKE = {
    "AsyncGenerator": "Generator",
    "AsyncIterable": "Iterable",
    "AsyncIterator": "Iterator",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclosing": "closing",
    "asynccontextmanager": "contextmanager",
}

type_of_function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Twins:
    """A function and its asynchronous twin, with the lines they have in common."""

    where: str
    name: str
    shared: int


def plain(name: str) -> str:
    """A name without the `a` of the asynchronous twin: `_agenerate` and `_generate` become one."""
    if name in SPELLED_ALIKE:
        return SPELLED_ALIKE[name]
    bare = name.lstrip("_")
    dashes = name[: len(name) - len(bare)]
    if bare.startswith("async_"):
        return dashes + bare.removeprefix("async_")
    if bare.startswith("Async"):
        return dashes + bare.removeprefix("Async")
    return dashes + bare[1:] if bare.startswith("a") and len(bare) > 1 else name


class Synchronous(ast.NodeTransformer):
    """Rewrite a tree as if nothing in it were asynchronous."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.For(node.target, node.iter, node.body, node.orelse), node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(ast.With(node.items, node.body), node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        return ast.copy_location(
            ast.FunctionDef(plain(node.name), node.args, node.body, node.decorator_list, node.returns), node
        )

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.name = plain(node.name)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.is_async = 0
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(plain(node.id), node.ctx), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = plain(node.attr)
        return node


def statement_lines(function: type_of_function) -> Counter[str]:
    """The lines of a function's body as Python itself would write them, without docstring and without `async`."""
    copy = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(copy, type_of_function)
    body = copy.body[1:] if ast.get_docstring(copy) is not None else copy.body
    changed = ast.fix_missing_locations(Synchronous().visit(ast.Module(body, [])))
    return Counter(line.strip() for line in ast.unparse(changed).splitlines())


def scopes(tree: ast.Module) -> Iterator[dict[str, type_of_function]]:
    """The functions of a module and the methods of each of its classes, by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            yield {item.name: item for item in node.body if isinstance(item, type_of_function)}


def twins_in(tree: ast.Module, where: str) -> Iterator[Twins]:
    """Each method with its a-twin, and each method of a class with the same one of its `Async` namesake."""
    for functions in scopes(tree):
        for name, function in functions.items():
            twin = functions.get(plain(name))
            if twin is not None and twin is not function:
                shared = statement_lines(function) & statement_lines(twin)
                yield Twins(where, name, shared.total())
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for name, left in classes.items():
        right = classes.get(plain(name))
        if not name.lstrip("_").startswith("Async") or right is None:
            continue
        methods = {plain(item.name): item for item in right.body if isinstance(item, type_of_function)}
        for item in left.body:
            if isinstance(item, type_of_function) and plain(item.name) in methods:
                shared = statement_lines(item) & statement_lines(methods[plain(item.name)])
                yield Twins(where, f"{name}.{item.name}", shared.total())


def test_a_method_and_its_a_twin_share_at_most_ten_lines() -> None:
    found = [twins for module in modules() for twins in twins_in(module.tree, module.where)]
    too_alike = [f"{t.where}: {t.name} shares {t.shared} lines" for t in found if t.shared > SHARED_LINES]

    assert not too_alike, "\n".join(too_alike)


def test_a_copied_twin_is_noticed() -> None:
    body = "\n".join(f"        step{number} = {{}}source.read({number})" for number in range(12))
    source = f"class Reader:\n    def read(self, source):\n{body.format(*[''] * 12)}\n"
    source += f"    async def aread(self, source):\n{body.format(*['await '] * 12)}\n".replace(".read(", ".aread(")

    (twins,) = twins_in(ast.parse(source), "here")

    assert twins == Twins("here", "aread", 12)


def test_short_drivers_over_one_logic_are_fine() -> None:
    source = """
def iter_events(source):
    decoder = SSEDecoder()
    for data in source:
        yield from decoder.feed(data)

async def aiter_events(source):
    decoder = SSEDecoder()
    async for data in source:
        for event in decoder.feed(data):
            yield event
"""

    (twins,) = twins_in(ast.parse(source), "here")

    assert twins.shared == 2
