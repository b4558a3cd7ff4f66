"""What pytest finds by itself where chatplug is installed: fixtures for programs that use models, and the kit's score.

A run that asks for none of it pays for this module alone; everything else is imported by whoever asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatplug.testing.real_providers import RealProviders
    from chatplug.testing.recorder import Mode, Recorder

__all__ = ["forbid_real_providers", "model_recorder"]

_FORBID = "chatplug_forbid_real_providers"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and the settings in pytest's configuration."""
    group = parser.getgroup("chatplug", "chat models")
    group.addoption(
        "--conformance-json",
        metavar="FILE",
        help="Write what came of chatplug's conformance kit to FILE, as JSON.",
    )
    group.addoption(
        "--chatplug-record",
        choices=["replay", "new", "all"],
        default="replay",
        help="What tests with the fixture model_recorder send: nothing, what is not recorded yet, or everything.",
    )
    parser.addini(_FORBID, "Whether no test may ask a real provider, unless it says which.", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest the marker, and begin to keep score where somebody wants it."""
    config.addinivalue_line(
        "markers",
        "real_providers(*names): providers that this test may ask although real ones are forbidden",
    )
    path = config.getoption("--conformance-json")
    if path:
        from chatplug.testing.conformance.score import ScoreKeeper

        config.pluginmanager.register(ScoreKeeper(path), "chatplug-score")


@pytest.fixture
def forbid_real_providers(request: pytest.FixtureRequest) -> Iterator[RealProviders]:
    """No model of an installed provider can be asked in this test, but for `echo` and those of its marker.

    Models that the tests define and those of `chatplug.testing` answer as ever.
    """
    from chatplug.testing.real_providers import RealProviders

    allowed = [name for marker in request.node.iter_markers("real_providers") for name in marker.args]
    with RealProviders(allow=allowed) as providers:
        yield providers


@pytest.fixture
def model_recorder(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    """Answers of providers come from a recording of this test, in the folder `recordings` beside its file.

    `--chatplug-record=new` records what is not there yet, `--chatplug-record=all` everything anew.
    """
    from chatplug.testing.recorder import Recorder

    test = "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in request.node.name)
    path = request.path.parent / "recordings" / request.path.stem / f"{test}.json"
    mode: Mode = request.config.option.chatplug_record
    with Recorder(path, mode=mode) as recorder:
        yield recorder


@pytest.fixture(autouse=True)
def _chatplug_run_wide(request: pytest.FixtureRequest) -> None:
    if request.config.getini(_FORBID):
        request.getfixturevalue("forbid_real_providers")
