"""Twenty-odd plugins that do harm and good ones beside them, all installed together: the good ones work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dists.writing import GOOD, Site

RETURN = "return Model(**settings)"
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "import-error": ({"code": "import nothing_of_this_name"}, "ModuleNotFoundError: No module named 'nothing_of"),
    "missing-dependency": (
        {"code": GOOD.replace("from chatplug import hookimpl", "import some_sdk\n    from chatplug import hookimpl")},
        "No module named 'some_sdk'",
    ),
    "syntax-error": ({"code": "def :"}, "SyntaxError"),
    "exit-at-import": ({"code": "raise SystemExit(3)"}, "SystemExit: 3"),
    "sys-exit-zero": ({"code": "sys.exit()"}, "SystemExit"),
    "endless-recursion": ({"code": "def f():\n    f()\nf()"}, "RecursionError"),
    "wrong-signature": (
        {"code": GOOD.replace("(provider, model, settings)", "(provider, model, key)")},
        "chatplug_create_model has no argument 'key'",
    ),
    "misspelt-hook": (
        {"code": GOOD.replace("def chatplug_create_model", "def chatplug_creat_model")},
        "there is no hook chatplug_creat_model. Did you mean 'chatplug_create_model'?",
    ),
    "wrapper": (
        {"code": GOOD.replace("@hookimpl", "@hookimpl(wrapper=True)").replace(RETURN, "yield")},
        "is a wrapper",
    ),
    "hook-raises": ({"code": GOOD.replace(RETURN, "raise KeyError('mine')")}, "raised KeyError: 'mine'"),
    "wrong-type": ({"code": GOOD.replace(RETURN, "return 'a model'")}, "gave str, which is no BaseChatModel"),
    "coroutine": ({"code": GOOD.replace("def chatplug_c", "async def chatplug_c")}, "gave coroutine, which is no"),
    "no-attribute": ({"value": "no_attribute:plugin"}, "AttributeError"),
    "no-module": ({"code": None}, "No module named 'no_module'"),
    "old-version": ({"requires": ">=99.1"}, "asks for chatplug >=99.1, and this is 0."),
    "replaces-json": (
        {"code": GOOD + "\n    import sys\n    sys.modules['json'] = object()\n"},
        "in the place of json",
    ),
    "removes-messages": (
        {"code": GOOD + "\n    import sys\n    del sys.modules['chatplug.messages']\n"},
        "in the place of chatplug.messages",
    ),
    "blocks-pydantic": (
        {"code": "import sys\nsys.modules['pydantic'] = None\nraise ImportError('no pydantic')"},
        "ImportError: no pydantic",
    ),
}
LATE = {"hook-raises", "wrong-type", "coroutine"}
"""Those that nobody can know of before their hook is called."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("site"))
    for name, (how, _) in HOSTILE.items():
        made.add(name, **how)
    made.add("claims-one", provider="claimed")
    made.add("claims-two", provider="Claimed", version="4.5")
    made.add("noisy", "print('Hello from a plugin!')\n" + _plain(GOOD))
    made.add("claims-models", entry_points="[chatplug.models]\nx- = claims_models:echo\n")
    made.add("good")
    made.add("extends", _plain(EXTENSION), entry_points="[chatplug.extensions]\nextends = extends\n")
    for name in ("import-error", "endless-recursion", "replaces-json"):
        twin = name.replace("-", "_")
        made.add(f"ear-{name}", str(HOSTILE[name][0]["code"]), entry_points=f"[chatplug.extensions]\na = ear_{twin}\n")
    for name, data in (("garbled", b"[chatplug.providers]\n\xff = \xfe\n"), ("torn", b"[chatplug.providers]\ntorn\n")):
        made.write(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (made.folder / f"{name}-1.0.dist-info" / "entry_points.txt").write_bytes(data)
    (made.folder / "latin_1-1.0.dist-info").mkdir()
    (made.folder / "latin_1-1.0.dist-info" / "METADATA").write_bytes(
        b"Name: latin-1\nAuthor: Ren\xe9\nVersion: 1.0\n\n"
    )
    made.write("latin_1-1.0.dist-info/entry_points.txt", "[chatplug.providers]\nlatin_1 = good\n")
    made.write("half-1.0.dist-info/entry_points.txt", "[chatplug.providers]\nhalf = half\n")
    return made


EXTENSION = """
from chatplug import hookimpl
from chatplug.callbacks import BaseCallbackHandler
heard = []

class Ear(BaseCallbackHandler):
    def on_chat_model_start(self, serialized, messages, **kwargs):
        heard.append("start")

@hookimpl
def chatplug_callback_handlers():
    return [Ear()]

@hookimpl
def chatplug_create_model(provider, model, settings):
    raise RuntimeError("I provide nothing")
"""


def _plain(code: str) -> str:
    from textwrap import dedent

    return dedent(code)


@pytest.fixture(scope="module")
def asked(site: Site) -> tuple[list[Any], list[str], list[str]]:
    """What a process shows that has them all, which modules it imported, and what was logged."""
    names = [name.replace("-", "_") for name in HOSTILE]
    script = f"""
        import logging, sys
        said = []
        logging.getLogger("chatplug.plugins").addHandler(type("Keep", (logging.Handler,), {{
            "emit": lambda self, record: said.append(record.getMessage())}})())
        show(chatplug.init("echo:n3").invoke("Meow!").text)
        shared = {{name: sys.modules[name] for name in ("json", "pydantic", "chatplug.messages")}}
        for name in {names!r}:
            attempt(chatplug.init, name + ":m")
        for name in {names!r}:
            attempt(chatplug.init, name + ":m")
        show([name for name, module in shared.items() if sys.modules.get(name) is not module])
        attempt(chatplug.init, "claimed:m")
        show([chatplug.init(name + ":m").invoke("abc").text for name in ("good", "latin_1", "claims_models")])
        attempt(chatplug.init, "x-large")
        from chatplug.plugins import default_manager
        show([type(one).__name__ for one in default_manager().callback_handlers()])
        show(chatplug.init("echo:n3").invoke("Meow!").text)
        show(said)
    """
    shown, imported = site.run(script)
    return shown, imported, shown[-1]


def test_a_good_plugin_works_before_and_after_all_of_them_were_tried(
    asked: tuple[list[Any], list[str], list[str]],
) -> None:
    shown = asked[0]

    assert shown[0] == shown[-2] == "Meo"
    assert shown[-5] == ["cba", "cba", "cba"]
    assert shown[-3] == ["Ear"]


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_named_with_its_version_and_what_to_do(
    name: str, asked: tuple[list[Any], list[str], list[str]]
) -> None:
    place = list(HOSTILE).index(name)
    first, second = asked[0][1 + place], asked[0][1 + len(HOSTILE) + place]

    assert first == second
    assert first[0] == ("PluginHookError" if name in LATE else "PluginLoadError")
    assert HOSTILE[name][1] in first[1]
    assert f"{name} 1.2.3" in first[1]
    assert first[1].endswith(f"Upgrade or uninstall {name}.")


def test_none_is_imported_twice_and_none_that_was_not_asked_for(asked: tuple[list[Any], list[str], list[str]]) -> None:
    imported = asked[1]

    assert sorted(imported) == sorted(set(imported))
    assert "old_version" not in imported
    assert not {"noisy", "claims_one", "claims_two"} & set(imported)


def test_shared_modules_are_put_back(asked: tuple[list[Any], list[str], list[str]]) -> None:
    assert asked[0][1 + 2 * len(HOSTILE)] == []


def test_nobody_answers_for_what_he_does_not_own(asked: tuple[list[Any], list[str], list[str]]) -> None:
    claimed, bare = asked[0][-6], asked[0][-4]

    assert claimed[0] == "ProviderConflictError"
    assert "claims-one 1.2.3, claims-two 4.5" in claimed[1]
    assert bare[0] == "ModelNameError"


def test_an_extension_that_breaks_is_logged_by_name(asked: tuple[list[Any], list[str], list[str]]) -> None:
    logged = asked[2]

    assert len(logged) == 3
    for name in ("ear-import-error", "ear-endless-recursion", "ear-replaces-json"):
        assert sum(line.startswith(f"The extension {name} 1.2.3 is left out: ") for line in logged) == 1


@pytest.fixture(scope="module")
def examined(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, dict[str, Any]]]:
    """What the doctor says, with some besides that only a doctor survives."""
    # Not the session's folder: handlers of other tests, which end between two tests, leave their troubles there.
    state = str(tmp_path_factory.mktemp("state"))
    site.add("leaves-at-once", "import os\nos._exit(0)")
    site.add("dies", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    site.add("hangs", "import threading\nthreading.Event().wait()")
    done = subprocess.run(
        [sys.executable, "-m", "chatplug", "doctor", "--json", "--limit", "5"],
        env={**os.environ, "PYTHONPATH": str(site.folder), "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": state},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, {report["distribution"]: report for report in json.loads(done.stdout)}


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in LATE])
def test_the_doctor_tells_what_is_broken_and_what_to_do(
    name: str, examined: tuple[int, dict[str, dict[str, Any]]]
) -> None:
    report = examined[1][name]

    assert (report["state"], report["version"], report["seconds"]) == ("broken", "1.2.3", None)
    assert HOSTILE[name][1] in report["error"]
    assert report["fix"] == f"Upgrade or uninstall {name}."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("leaves-at-once", "While leaves_at_once was imported the process ended with code 0."),
        ("dies", "While dies was imported the process was ended by signal 9."),
        ("hangs", "While hangs was imported the process had not ended after 5 seconds."),
        ("garbled", "Its entry points cannot be read (UnicodeDecodeError)."),
        ("torn", "Its entry points cannot be read (a line without '=')."),
        ("half", "Its metadata is missing, as after half an uninstall."),
        ("claims-one", "The provider 'claimed' is claimed 2 times: claims-one 1.2.3 (claims_one), claims-two 4.5"),
        ("claims-two", "The provider 'Claimed' is claimed 2 times: claims-one 1.2.3 (claims_one), claims-two 4.5"),
        ("claims-models", "The model name 'x-' stands for no provider of its own (claims_models:echo)."),
        ("ear-import-error", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ],
)
def test_the_doctor_survives_and_sees_what_no_program_does(
    name: str, said: str, examined: tuple[int, dict[str, dict[str, Any]]]
) -> None:
    report = examined[1][name]

    assert report["state"] == "broken"
    assert said in report["error"]
    assert report["fix"]


def test_the_doctor_says_who_is_well_and_how_long_it_took(examined: tuple[int, dict[str, dict[str, Any]]]) -> None:
    code, reports = examined

    assert code == 1
    for name in ("good", "chatplug-echo", "latin-1", "extends"):
        assert (reports[name]["state"], reports[name]["error"]) == ("works", "")
        assert reports[name]["seconds"] > 0
    assert reports["extends"]["groups"] == {"providers": ["extends"], "extensions": ["extends"]}
    assert reports["noisy"]["state"] == "works"
    assert "writes to standard output" in reports["noisy"]["error"]


def test_the_doctor_is_content_where_nothing_is_broken(tmp_path: Path) -> None:
    Site(tmp_path).add("good")
    Site(tmp_path).add("kept", "raise SystemExit(3)")
    done = subprocess.run(
        [sys.executable, "-m", "chatplug", "doctor"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "CHATPLUG_PLUGINS": "good,chatplug-echo,chatplug-ghost"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert "kept out" in lines["kept"]
    assert "CHATPLUG_PLUGINS allows" in lines["kept"]
    assert " works " in lines["good"]
    assert done.stderr == "Warning: CHATPLUG_PLUGINS names 'chatplug-ghost', which is not installed.\n"
