"""Plugins that do what nobody expects: slow, deadly, lying, or installed beside something that is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dists.writing import GOOD, Site

ODD: dict[str, tuple[str, str]] = {
    "cancels": (GOOD.replace("return Model(**settings)", "import asyncio; raise asyncio.CancelledError"), "Cancelled"),
    "leaves": (GOOD.replace("return Model(**settings)", "raise GeneratorExit('mine')"), "GeneratorExit: mine"),
    "odd-base": (
        GOOD.replace("return Model(**settings)", "raise type('Odd', (BaseException,), {})('mine')"),
        "raised Odd: mine",
    ),
    "exits-in-dir": (
        GOOD + "\n    def __dir__():\n        raise SystemExit(3)\n",
        "does not fit the hooks: SystemExit: 3",
    ),
    "unspeakable": (
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError("not even this")
        raise Odd
        """,
        "cannot be imported: Odd, which cannot be shown",
    ),
    "bad-origin": (
        GOOD.replace(
            '_llm_type = "tiny"', '_llm_type = "tiny"\n        def set_origin(self, *args): raise KeyError("no")'
        ),
        "set_origin of a model of bad-origin 1.2.3 raised KeyError: 'no'",
    ),
    "liar": (
        GOOD.replace(
            "return Model(**settings)", "return type('Liar', (), {'__class__': property(lambda self: Model)})()"
        ),
        "gave Liar, which is no BaseChatModel",
    ),
    "deadly-liar": (
        GOOD.replace(
            "return Model(**settings)", "return type('Liar', (), {'__class__': property(lambda self: 1 / 0)})()"
        ),
        "gave Liar, which is no BaseChatModel",
    ),
    "paints": ("raise ValueError('\\x1b[31mred')", "cannot be imported: ValueError: ?[31mred"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    site = Site(tmp_path_factory.mktemp("site"))
    for name, (code, _) in ODD.items():
        site.add(name, code)
    names = [name.replace("-", "_") for name in ODD]
    shown, _ = site.run(
        f"""
        for name in {names!r}:
            attempt(chatplug.init, name + ":m")
        show(chatplug.init("echo:n3").invoke("Meow!").text)
        """
    )
    assert shown[-1] == "Meo"
    return dict(zip(ODD, shown, strict=False))


@pytest.mark.parametrize("name", ODD)
def test_whatever_a_plugin_raises_it_is_named_with_its_version(name: str, told: dict[str, Any]) -> None:
    kind, text = told[name]

    assert kind in ("PluginLoadError", "PluginHookError")
    assert ODD[name][1] in text
    assert f"{name} 1.2.3" in text


def test_an_interrupt_is_nobodys_fault(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("tiny-a", GOOD.replace("return Model(**settings)", "raise KeyboardInterrupt"))

    shown, _ = site.run(
        """
        try:
            chatplug.init("tiny_a:m")
        except KeyboardInterrupt:
            show("interrupted")
        """
    )

    assert shown == ["interrupted"]


def test_a_plugin_that_is_slow_to_import_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("slow", "import waiting\nwaiting.began.set()\nassert waiting.go.wait(20)\n" + _plain(GOOD))
    site.add("quick")
    site.write("waiting.py", "import threading\nbegan = threading.Event()\ngo = threading.Event()\n")

    shown, imported = site.run(
        """
        import threading, waiting
        chatplug.init("quick:m")
        made = []
        threads = [threading.Thread(target=lambda: made.append(chatplug.init("slow:m"))) for _ in range(40)]
        for thread in threads:
            thread.start()
        assert waiting.began.wait(20)
        show(chatplug.init("quick:m").invoke("abc").text)
        show(chatplug.init("echo:n3").invoke("Meow").text)
        show(len(made))
        waiting.go.set()
        for thread in threads:
            thread.join(20)
        show(len(made))
        """
    )

    assert shown == ["cba", "Meo", 0, 40]
    assert imported.count("slow") == 1


def test_a_plugin_may_wait_for_a_thread_that_makes_a_model_while_it_is_imported(tmp_path: Path) -> None:
    site = Site(tmp_path)
    waits = """
    import threading, chatplug
    made = []
    thread = threading.Thread(target=lambda: made.append(chatplug.init("echo:n3")), daemon=True)
    thread.start()
    thread.join(10)
    assert made
    """
    site.add("waits", _plain(waits) + _plain(GOOD))

    shown, _ = site.run("""show(chatplug.init("waits:m").invoke("abc").text)""")

    assert shown == ["cba"]


def _plain(code: str) -> str:
    from textwrap import dedent

    return dedent(code)


def test_entry_points_that_are_no_text_stop_nobody_and_are_named(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("garbled-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: garbled\nVersion: 1.0\n")
    (tmp_path / "garbled-1.0.dist-info" / "entry_points.txt").write_bytes(b"[other]\n\xff = \xfe\n")

    shown, _ = site.run(
        """
        show(chatplug.init("echo:n3").invoke("Meow!").text)
        attempt(chatplug.init, "garbled:m")
        """
    )

    assert shown[0] == "Meo"
    assert shown[1][0] == "ProviderNotFoundError"
    assert "Cannot be used: garbled 1.0 (its entry points cannot be read (UnicodeDecodeError))." in shown[1][1]


def test_names_that_nobody_could_ask_for_are_left_out_with_the_reason(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("tiny-a")
    site.write("odd-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    names = " = one\na:b = two\nred\x1b[31m = three\nfine = four\n"
    site.write("odd-1.0.dist-info/entry_points.txt", f"[chatplug.providers]\n{names}")

    shown, _ = site.run(
        """
        from chatplug.plugins import default_manager
        found = default_manager().providers()
        show([name for name, (one, *_) in found.items() if not one.distribution.startswith("chatplug")])
        attempt(chatplug.init, "a-b:m")
        """
    )

    assert shown[0] == ["fine", "tiny_a"]
    said = shown[1][1]
    assert "odd 1.0 (the provider '' is left out: its name is empty)" in said
    assert "odd 1.0 (the provider 'a:b' is left out: a colon in its name would end it)" in said
    assert "odd 1.0 (the provider 'red\\x1b[31m' is left out: its name has control characters)" in said


def test_one_distribution_that_declares_a_name_twice_is_not_told_as_two(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("tiny-a")
    for name, value in (("same", "tiny_a"), ("other", "tiny_b")):
        site.write(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        entry_points = f"[chatplug.providers]\n{name}-x = tiny_a\n{name}_X = {value}\n"
        site.write(f"{name}-1.0.dist-info/entry_points.txt", entry_points)

    shown, _ = site.run(
        """
        show(chatplug.init("same_x:m").invoke("abc").text)
        attempt(chatplug.init, "other_x:m")
        """
    )

    assert shown[0] == "cba"
    assert shown[1][0] == "ProviderConflictError"
    assert "other 1.0 declares 'other_x' 2 times: as 'other-x' (tiny_a), 'other_X' (tiny_b)." in shown[1][1]
    assert shown[1][1].endswith("Upgrade or uninstall other.")
