"""What is published builds, installs without the source tree, and works."""

from __future__ import annotations

import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.published.conftest import DISTRIBUTIONS, Wheelhouse, called, name_of

pytestmark = pytest.mark.timeout(600)  # building and installing, on a machine that does more

TYPED = '''
"""A program as a typed user writes it, against what was installed."""

import asyncio

import chatplug
from chatplug.messages import AIMessage, AIMessageChunk
from chatplug.testing import RecordingHandler

model = chatplug.init("echo:n3", tags=["typed"])
answer: AIMessage = model.invoke("Meow!", {"callbacks": [RecordingHandler()]})
text: str = answer.text
chunks: list[AIMessageChunk] = list(model.stream("Meow!"))
total: AIMessageChunk = chunks[0] + chunks[1]


async def ask() -> str:
    """The answer, asynchronously."""
    return (await model.ainvoke("Meow!")).text


print(text, total.text, asyncio.run(ask()))
'''


def package_of(source: Path) -> str:
    return name_of(source).replace("-", "_")


@pytest.mark.parametrize("source", DISTRIBUTIONS, ids=lambda source: source.name)
def test_a_wheel_has_the_package_its_marker_for_types_and_nothing_else(source: Path, wheelhouse: Wheelhouse) -> None:
    (wheel,) = wheelhouse.archives.glob(f"{package_of(source)}-*.whl")

    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0].partition("-")[0] for name in names} == {package_of(source)}
    assert f"{package_of(source)}/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    sources = {
        path.relative_to(source / "src").as_posix()
        for path in (source / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= set(names)


@pytest.mark.parametrize("source", DISTRIBUTIONS, ids=lambda source: source.name)
def test_a_source_archive_has_what_its_readers_look_for(source: Path, wheelhouse: Wheelhouse) -> None:
    (archive,) = wheelhouse.archives.glob(f"{package_of(source)}-*.tar.gz")

    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}

    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "PKG-INFO"} <= names
    assert not {name for name in names if name.startswith(("tests/", "docs/", "plugins/", ".venv"))}


def test_what_is_imported_is_what_was_installed(fresh: Path, tmp_path: Path) -> None:
    said = called(fresh / "python", "-c", "import chatplug, chatplug_echo; print(chatplug.__file__)", cwd=tmp_path)

    assert Path(said.strip()).is_relative_to(fresh.parent)


def test_every_plugin_is_found(fresh: Path, tmp_path: Path) -> None:
    said = called(fresh / "chatplug", "plugins", cwd=tmp_path)

    assert {"echo", "openai_compat"} <= {line.split()[0] for line in said.splitlines()}


def test_an_installed_plugin_answers_and_conforms(fresh: Path, tmp_path: Path) -> None:
    assert called(fresh / "chatplug", "run", "echo:n3", "Meow!", cwd=tmp_path) == "Meo\n"
    score = called(fresh / "chatplug", "conformance", "echo:n8", cwd=tmp_path)
    assert re.search(r"\(chatplug-echo 0\.1\.0\): (\d+) of \1 passed\.", score), score


def test_a_typed_program_checks_under_both_type_checkers(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TYPED, encoding="utf-8")
    python = fresh / "python"

    assert called(python, "program.py", cwd=tmp_path) == "Meo Me Meo\n"
    assert "Success" in called(python, "-m", "mypy", "--strict", "program.py", cwd=tmp_path)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    assert "0 errors" in called(python, "-m", "pyright", "--pythonpath", python, "program.py", cwd=tmp_path)
