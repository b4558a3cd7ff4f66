"""Docstrings in three styles."""

from __future__ import annotations

import pytest

from chatplug.json_schema import read_docstring

GOOGLE = """The weather in a place.

    Asked of the nearest station.

    Args:
        city (str): Where,
            in any language.
        days (dict[str, int], optional): How many
        units: One of these: metric, imperial.

    Returns:
        A text.
    """

NUMPY = """The weather in a place.

    Asked of the nearest station.

    Parameters
    ----------
    city : str
        Where,
        in any language.
    days : dict[str, int], optional
        How many
    units
        One of these: metric, imperial.

    Returns
    -------
    str
        A text.
    """

REST = """The weather in a place.

    Asked of the nearest station.

    :param city: Where,
        in any language.
    :type city: str
    :param int days: How many
    :param units: One of these: metric, imperial.
    :returns: A text.
    """

ARGUMENTS = {"city": "Where, in any language.", "days": "How many", "units": "One of these: metric, imperial."}


@pytest.mark.parametrize("doc", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_the_arguments_are_read_in_each_style_and_the_rest_stays(doc: str) -> None:
    found = read_docstring(doc)

    assert found.arguments == ARGUMENTS
    assert found.text.startswith("The weather in a place.\n\nAsked of the nearest station.")
    assert "A text." in found.text
    assert "city" not in found.text


@pytest.mark.parametrize("doc", [None, "", "   ", "\n\n"])
def test_no_docstring_says_nothing(doc: str | None) -> None:
    found = read_docstring(doc)

    assert (found.text, found.arguments) == ("", {})


def test_a_title_without_anything_below_it_is_text() -> None:
    found = read_docstring("Reads what stands below.\n\nArgs:\n\nNothing here.")

    assert found.text == "Reads what stands below.\n\nArgs:\n\nNothing here."
    assert found.arguments == {}


def test_two_names_of_one_description_have_it_both() -> None:
    found = read_docstring("Add.\n\nParameters\n----------\nx, y : int\n    A number.\n")

    assert found.arguments == {"x": "A number.", "y": "A number."}


def test_stars_are_no_part_of_a_name() -> None:
    found = read_docstring("Do.\n\nArgs:\n    *args: Some.\n    **kwargs: More.\n")

    assert found.arguments == {"args": "Some.", "kwargs": "More."}


def test_a_colon_in_the_text_of_an_argument_begins_no_other() -> None:
    found = read_docstring(
        "Do.\n\nArgs:\n    mode: How. Either:\n        fast: quick\n        slow: good\n    next: Last.\n"
    )

    assert found.arguments == {"mode": "How. Either: fast: quick slow: good", "next": "Last."}
