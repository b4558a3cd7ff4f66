"""The picture in the README is what the commands print, and asks no other host for anything."""

from __future__ import annotations

import re

import pytest

from tools.picture import PICTURE, SESSION, picture

pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="there are no pseudo-terminals")


def test_the_picture_is_what_the_commands_print() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), "python -m tools.picture draws it anew"


def test_the_picture_names_no_other_host() -> None:
    text = PICTURE.read_text(encoding="utf-8")

    assert set(re.findall(r"\w+://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|@font-face|url\((?!#)|<script|href", text)


def test_the_picture_shows_everything_that_is_typed() -> None:
    text = PICTURE.read_text(encoding="utf-8").replace("&#160;", " ").replace("&quot;", '"')

    assert not [command for command in SESSION if command not in text]
