"""A plugin cannot take the host down: what is broken is named, and everything else works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dists.writing import GOOD, Site

BROKEN: dict[str, dict[str, Any]] = {
    "import-error": {"code": "import nothing_of_this_name"},
    "syntax-error": {"code": "def :"},
    "exit-at-import": {"code": "raise SystemExit(3)"},
    "base-exception": {"code": "class Odd(BaseException): pass\nraise Odd('odd')"},
    "no-module": {"code": None},
    "no-attribute": {"value": "no_attribute:plugin"},
    "bad-value": {"value": "not a module!"},
    "wrong-signature": {"code": GOOD.replace("(provider, model, settings)", "(provider, modell, settings)")},
    "misspelt-hook": {"code": GOOD.replace("def chatplug_create_model", "def chatplug_create_modell")},
    "no-hook": {"code": "x = 1"},
    "unmarked-hook": {"code": GOOD.replace("@hookimpl", "")},
    "hook-raises": {"code": GOOD.replace("return Model(**settings)", "raise KeyError('mine')")},
    "hook-exits": {"code": GOOD.replace("return Model(**settings)", "raise SystemExit(3)")},
    "gives-text": {"code": GOOD.replace("return Model(**settings)", "return 'a model'")},
    "gives-none": {"code": GOOD.replace("return Model(**settings)", "return None")},
    "gives-class": {"code": GOOD.replace("return Model(**settings)", "return Model")},
    "async-hook": {"code": GOOD.replace("def chatplug_create_model", "async def chatplug_create_model")},
}
SAYS = {
    "import-error": ("PluginLoadError", "cannot be imported: ModuleNotFoundError: No module named"),
    "syntax-error": ("PluginLoadError", "cannot be imported: SyntaxError"),
    "exit-at-import": ("PluginLoadError", "cannot be imported: SystemExit: 3"),
    "base-exception": ("PluginLoadError", "cannot be imported: Odd: odd"),
    "no-module": ("PluginLoadError", "cannot be imported: ModuleNotFoundError"),
    "no-attribute": ("PluginLoadError", "cannot be imported: AttributeError"),
    "bad-value": ("PluginLoadError", "cannot be imported:"),
    "wrong-signature": (
        "PluginLoadError",
        "does not fit the hooks: chatplug_create_model has no argument 'modell'. Did you mean 'model'?",
    ),
    "misspelt-hook": (
        "PluginLoadError",
        "does not fit the hooks: there is no hook chatplug_create_modell. Did you mean 'chatplug_create_model'?",
    ),
    "no-hook": ("PluginLoadError", "implements no hook chatplug_create_model."),
    "unmarked-hook": ("PluginLoadError", "implements no hook chatplug_create_model."),
    "hook-raises": ("PluginHookError", "chatplug_create_model of hook-raises 1.2.3 raised KeyError: 'mine'"),
    "hook-exits": ("PluginHookError", "chatplug_create_model of hook-exits 1.2.3 raised SystemExit: 3"),
    "gives-text": ("PluginHookError", "gave str, which is no BaseChatModel"),
    "gives-none": ("PluginHookError", "gave NoneType, which is no BaseChatModel"),
    "gives-class": ("PluginHookError", "gave ModelMetaclass, which is no BaseChatModel"),
    "async-hook": ("PluginHookError", "gave coroutine, which is no BaseChatModel"),
}


@pytest.fixture(scope="module")
def all_broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Any]], list[str]]:
    """What one process, with every broken plugin installed, says of each when it is asked for twice."""
    site = Site(tmp_path_factory.mktemp("site"))
    for name, how in BROKEN.items():
        site.add(name, **how)
    site.add("claimed-one", provider="claimed")
    site.add("claimed-two", provider="Claimed", version="4.5")
    names = [name.replace("-", "_") for name in BROKEN]
    shown, imported = site.run(
        f"""
        for name in {names!r}:
            attempt(chatplug.init, name + ":m")
            attempt(chatplug.init, name + ":other")
        attempt(chatplug.init, "claimed:m")
        show(chatplug.init("echo:n3").invoke("Meow!").text)
        """
    )
    answers = {name: shown[2 * position : 2 * position + 2] for position, name in enumerate(BROKEN)}
    return {**answers, "claimed": [shown[-2]], "echo": [shown[-1]]}, imported


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_with_its_version_and_what_to_do(
    name: str, all_broken: tuple[dict[str, list[Any]], list[str]]
) -> None:
    for model, (kind, text) in zip(("m", "other"), all_broken[0][name], strict=True):
        assert kind == SAYS[name][0]
        assert SAYS[name][1] in text
        assert f"{name} 1.2.3" in text
        assert text.endswith(f"Upgrade or uninstall {name}.")
        before = text.partition(" Upgrade or uninstall")[0].partition(" This is a fault of the plugin")[0]
        assert before[-1] in ".!?"
        assert "<module" not in text
        assert text.startswith(name.replace("-", "_"))
        assert kind == "PluginLoadError" or f":{model}: " in text


def test_one_broken_plugin_does_not_hide_the_others(all_broken: tuple[dict[str, list[Any]], list[str]]) -> None:
    assert all_broken[0]["echo"] == ["Meo"]


def test_a_failed_plugin_is_not_imported_twice_in_one_process(
    all_broken: tuple[dict[str, list[Any]], list[str]],
) -> None:
    imported = all_broken[1]

    assert sorted(imported) == sorted(set(imported))
    assert "exit_at_import" in imported


def test_a_provider_that_two_distributions_claim_is_an_error_that_names_both(
    all_broken: tuple[dict[str, list[Any]], list[str]],
) -> None:
    ((kind, text),) = all_broken[0]["claimed"]

    assert kind == "ProviderConflictError"
    assert "2 distributions provide 'claimed'" in text
    assert "claimed-one 1.2.3" in text
    assert "claimed-two 4.5" in text
    assert text.endswith("Uninstall all but one of them.")
    assert not {"claimed_one", "claimed_two"} & set(all_broken[1])


def test_a_plugin_is_not_imported_until_its_provider_is_asked_for(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for name in ("tiny-a", "tiny-b", "tiny-c"):
        site.add(name)

    shown, imported = site.run(
        """
        from chatplug.plugins import default_manager
        show(list(default_manager().providers()))
        attempt(chatplug.init, "tiny_x:m")
        attempt(chatplug.init, "nothing")
        show(chatplug.init("tiny-b:m").invoke("abc").text)
        show(chatplug.init("tiny_b:other").invoke("abc").text)
        """
    )

    assert set(shown[0]) >= {"echo", "tiny_a", "tiny_b", "tiny_c"}
    assert shown[1][0] == "ProviderNotFoundError"
    assert "Did you mean 'tiny_" in shown[1][1]
    assert shown[2][0] == "ModelNameError"
    assert shown[3:] == ["cba", "cba"]
    assert imported == ["tiny_b"]


def test_damaged_metadata_hides_nobody_else(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("empty-1.0.dist-info/entry_points.txt", "[chatplug.providers]\nempty = empty\n")
    site.write("nameless-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nVersion: 1.0\n")
    site.write("nameless-1.0.dist-info/entry_points.txt", "[chatplug.providers]\nnameless = nameless\n")
    site.write("garbled-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: garbled\nVersion: 1.0\n")
    site.write("garbled-1.0.dist-info/entry_points.txt", "[chatplug.providers]\nno equals sign\n[[[\n=\n")
    (tmp_path / "bytes-1.0.dist-info").mkdir()
    (tmp_path / "bytes-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe\x00Name: bytes")
    (tmp_path / "bytes-1.0.dist-info" / "entry_points.txt").write_bytes(b"[chatplug.providers]\n\xff = \xfe\n")
    (tmp_path / "hollow-1.0.dist-info").mkdir()
    site.add("tiny-a")

    shown, _ = site.run(
        """
        show(chatplug.init("tiny_a:m").invoke("abc").text)
        show(chatplug.init("echo:n3").invoke("Meow!").text)
        """,
        # pydantic looks for plugins of its own in the same files, and gives up at the first that it cannot read.
        PYDANTIC_DISABLE_PLUGINS="__all__",
    )

    assert shown == ["cba", "Meo"]


def test_of_a_distribution_that_is_there_twice_the_first_one_counts(tmp_path: Path) -> None:
    first, second = Site(tmp_path / "first"), Site(tmp_path / "second")
    first.add("tiny-a", version="2.0")
    second.add("tiny_a", version="1.0")

    shown, _ = first.run(
        f"""
        import sys
        sys.path.append({str(second.folder)!r})
        from chatplug.plugins import discover
        show([[one.distribution, one.version] for one in discover()["tiny_a"]])
        show(chatplug.init("tiny_a:m").invoke("abc").text)
        """
    )

    assert shown == [[["tiny-a", "2.0"]], "cba"]
