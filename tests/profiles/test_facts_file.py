"""Facts in TOML: what is read, where it comes from, and what is wrong."""

from __future__ import annotations

from chatplug.profiles.facts_file import facts_of_mapping, read_facts, read_user_facts

PLUGINS = """
catalogue = "cats-inc"
source = "https://example.com/docs"
date = 2026-11-24

[sources.prices]
source = "https://example.com/prices"
date = 2026-10-01

[defaults]
tool_choice = true

[models."cat-4"]
aliases = ["cat-latest"]
name = "Cat 4"
release_date = 2026-01-31
[[models."cat-4".also]]
source = "https://example.com/limits"
max_input_tokens = 200_000
[[models."cat-4".also]]
source = "prices"
input_price = 2.0

[models."cat-3*"]
source = "https://example.com/cat-3"
date = "2025-12"
status = "deprecated"

[corrections."cat-*"]
image_url_inputs = false
"""


def test_each_fact_knows_its_source_and_its_date() -> None:
    facts = read_facts(PLUGINS, "cats.toml")

    four, three = facts.table.find("cat-latest"), facts.table.find("cat-3-mini")
    assert not facts.faults
    assert facts.catalogue == "cats-inc"
    assert four is not None
    assert four.profile == {
        "name": "Cat 4",
        "release_date": "2026-01-31",
        "max_input_tokens": 200_000,
        "input_price": 2.0,
    }
    assert str(four.source_of("release_date")) == "https://example.com/docs, 2026-11-24"
    assert str(four.source_of("max_input_tokens")) == "https://example.com/limits, 2026-11-24"
    assert str(four.source_of("input_price")) == "https://example.com/prices, 2026-10-01"
    assert three is not None
    assert str(three.source_of("status")) == "https://example.com/cat-3, 2025-12"


def test_defaults_and_corrections_are_read_beside_the_models() -> None:
    facts = read_facts(PLUGINS, "cats.toml")

    assert facts.table.default is not None
    assert facts.table.default.profile == {"tool_choice": True}
    corrected = facts.corrections.find("cat-9")
    assert corrected is not None
    assert (corrected.profile, corrected.source.layer) == ({"image_url_inputs": False}, "correction")


def test_what_is_wrong_is_told_and_left_out_and_the_rest_holds() -> None:
    facts = read_facts(
        """
        modles = 3
        defaults = "none"
        models.cat = "a cat"
        catalogue = 4
        models.dog = { aliases = "puppy", max_input_tokens = "many", tool_calling = true, wings = 2, also = { x = 1 } }
        corrections = []
        """,
        "odd.toml",
    )

    dog = facts.table.find("dog")
    assert dog is not None
    assert dog.profile == {"tool_calling": True}
    assert sorted(facts.faults) == [
        "odd.toml has 'modles', which means nothing there",
        "odd.toml: catalogue is no name",
        "odd.toml: corrections is no table",
        "odd.toml: defaults is no table",
        "odd.toml: dog: aliases is no list of names",
        "odd.toml: dog: also is no list of tables",
        "odd.toml: dog: max_input_tokens is 'many', not a number of tokens",
        "odd.toml: dog: wings is no field",
        "odd.toml: models.cat is no table",
    ]


def test_a_file_that_is_no_toml_says_nothing_and_is_told() -> None:
    for text in ("[models", "a = " + "[" * 5000 + "]" * 5000):
        facts = read_facts(text, "torn.toml")

        assert not facts.table.entries
        assert facts.faults[0].startswith("torn.toml is no TOML: ")


def test_a_plugin_may_give_its_facts_as_they_are() -> None:
    facts = facts_of_mapping({"loud*": {"tool_calling": False}, "odd": 3}, "the plugin of shout")  # type: ignore[dict-item]

    entry = facts.table.find("louder")
    assert entry is not None
    assert entry.profile == {"tool_calling": False}
    assert facts.faults == ["the plugin of shout: odd is int, not a profile"]


def test_a_users_file_has_the_names_that_init_takes() -> None:
    tables, told = read_user_facts(
        """
        ["openai:cat-4"]
        max_input_tokens = 1000
        ["Open-AI:cat-*"]
        tool_calling = false
        [nonsense]
        name = "x"
        """,
        "profiles.toml",
    )

    assert sorted(tables) == ["open_ai", "openai"]
    entry = tables["openai"].find("cat-4")
    assert entry is not None
    assert (entry.profile, entry.source.layer) == ({"max_input_tokens": 1000}, "user")
    assert told == ["""profiles.toml has 'nonsense'; a table is named ["provider:model"]"""]
