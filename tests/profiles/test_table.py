"""How a model is found among what one source says."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from chatplug.profiles import Entry, Source
from chatplug.profiles.table import Table

SOURCE = Source("plugin", "somewhere", "2026-11-24")


def table(*names: str, aliases: Mapping[str, str] | None = None) -> Table:
    return Table({name: Entry(name, {"name": name}, SOURCE) for name in names}, aliases)


def found(among: Table, name: str) -> str | None:
    entry = among.find(name)
    return entry.name if entry else None


def test_the_exact_name_comes_before_all_else() -> None:
    among = table("cat-4-2026-01-31", "cat-4", "cat-*", aliases={"cat-4-2026-01-31": "cat-4"})

    assert found(among, "cat-4-2026-01-31") == "cat-4-2026-01-31"


def test_an_alias_stands_for_its_model() -> None:
    assert found(table("cat-4", "cat-*", aliases={"cat-latest": "cat-4"}), "cat-latest") == "cat-4"


def test_a_dated_name_is_of_its_family() -> None:
    among = table("cat-4", "org/cat-4:free", "*")

    assert found(among, "cat-4-2026-01-31") == "cat-4"
    assert found(among, "cat-4-20260131") == "cat-4"
    assert found(among, "cat-4@20260131") == "cat-4"
    assert found(among, "org/cat-4-20260131:free") == "org/cat-4:free"


def test_a_number_that_is_no_date_is_part_of_the_name() -> None:
    among = table("cat-4", "cat")

    assert found(among, "cat-4-0613") is None
    assert found(among, "cat-4-10000000") is None
    assert found(among, "cat-4-20260131x") is None


def test_of_patterns_the_longest_that_fits_counts() -> None:
    among = table("*", "cat-*", "cat-4*", "*-vision", "cat-4*-vision", "cat-4-max-vision*")

    assert found(among, "dog") == "*"
    assert found(among, "dog-vision") == "*-vision"
    assert found(among, "cat-3") == "cat-*"
    assert found(among, "cat-4") == "cat-4*"
    assert found(among, "cat-4-mini-vision") == "cat-4*-vision"
    assert found(among, "cat-4-max-vision-2") == "cat-4-max-vision*"


def test_upper_and_lower_case_are_the_same() -> None:
    among = table("Qwen/Qwen3-32B", "Org/*")

    assert found(among, "qwen/qwen3-32b") == "Qwen/Qwen3-32B"
    assert found(among, "ORG/x") == "Org/*"


def test_what_stands_in_a_pattern_is_meant_as_it_is_written() -> None:
    among = table("a.c*x", "a[bc]*")

    assert found(among, "abcx") is None
    assert found(among, "a[bc]d") == "a[bc]*"


NAMES = st.text("ab-", min_size=1, max_size=6)


@given(st.lists(st.text("ab-*", min_size=1, max_size=5), unique=True, max_size=8), NAMES)
def test_the_longest_pattern_is_found_as_if_each_were_tried(patterns: list[str], name: str) -> None:
    import re

    patterns = [pattern for pattern in patterns if "*" in pattern]

    got = found(table(*patterns), name)

    fitting = [one for one in patterns if re.fullmatch(".*".join(map(re.escape, one.split("*"))), name)]
    assert (got is None) == (not fitting)
    if got is not None:
        assert got in fitting
        assert len(got) == max(map(len, fitting))
