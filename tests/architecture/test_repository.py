"""The files around the code: what they say has to hold, and some things must not be in them."""

import configparser
import os
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.architecture.sources import ROOT, text_files, tracked_files

PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
DISTRIBUTIONS = [ROOT, *PLUGINS]
FRAGMENT = re.compile(r"\+[a-z0-9]+(-[a-z0-9]+)*\.(feature|bugfix|removal|doc|misc)\.md")
DECISION = re.compile(r"(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md")

# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = [
    re.compile(r"(?<![\w.])/" + r"(home|Users)/[a-z][\w.-]*/"),
    re.compile(r"(?<![\w.])/" + r"(root|work|opt|mnt)/\w"),
    re.compile(r"[A-Z]:\\" + r"Users\\"),
]
INDEXES = [
    re.compile("--(extra-)?" + "index-url"),
    re.compile("python" + r"hosted\.org"),
    re.compile("py" + r"pi\.org"),
    re.compile("registry" + r"\.npmjs"),
]


def configured_indexes() -> list[re.Pattern[str]]:
    """The package indexes of this machine; none of them belongs into a file."""
    found = [os.environ.get("PIP_INDEX_URL", ""), os.environ.get("PIP_EXTRA_INDEX_URL", "")]
    for path in ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf"):
        settings = configparser.RawConfigParser(strict=False)
        settings.read(Path(path).expanduser(), encoding="utf-8")
        if settings.has_section("global"):
            found += [settings.get("global", key, fallback="") for key in ("index-url", "extra-index-url")]
    hosts = {urlsplit(url).hostname for value in found for url in value.split()}
    return [re.compile(re.escape(host)) for host in sorted(host for host in hosts if host)]


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if any(pattern.search(line) for pattern in MACHINE_PATHS)
    ]

    assert not found, "\n".join(found)


def test_no_file_holds_a_download_address() -> None:
    patterns = [*INDEXES, *configured_indexes()]

    found = [path for path, text in text_files() if any(pattern.search(text) for pattern in patterns)]

    assert not found


def test_constraints_are_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    other = [line for line in lines if not re.fullmatch(r"(#.*|[A-Za-z0-9._-]+==[0-9][\w.!+]*)", line)]

    assert not other


def test_ci_runs_the_test_command_of_the_readme() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Tests\n")[2].partition("\n## ")[0]
    command = section.partition("```sh\n")[2].partition("\n```")[0]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    assert script[0] == "#!/bin/sh"
    assert script[-1] == f'exec {command} "$@"'


def test_ci_says_that_it_is_ci_unless_somebody_has_said_so() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    assert script[-3:-1] == ["CI=${CI:-true}", "export CI"]


@pytest.mark.parametrize("script", ["check", ".ci/run"])
def test_the_scripts_can_be_executed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_the_readme_installs_the_plugins_it_names() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = next(line for line in readme.splitlines() if line.startswith("python -m pip install"))

    words = [word.removeprefix("./") for word in command.partition("&&")[0].split()]
    folders = [word for word in words if word.startswith("plugins/")]

    assert folders
    assert all((ROOT / folder / "pyproject.toml").exists() for folder in folders)


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_a_distribution_has_what_its_readers_look_for(folder: Path) -> None:
    expected = ["LICENSE", "README.md", "CHANGELOG.md", "changelog.d", "pyproject.toml"]

    assert [name for name in expected if not (folder / name).exists()] == []
    assert list(folder.glob("src/*/py.typed"))


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_a_changelog_fragment_is_named_for_its_kind_and_holds_one_sentence(folder: Path) -> None:
    fragments = [path for path in (folder / "changelog.d").glob("*") if path.name not in {"README.md", ".gitignore"}]

    assert [path.name for path in fragments if not FRAGMENT.fullmatch(path.name)] == []
    texts = {path.name: path.read_text(encoding="utf-8").strip() for path in fragments}
    assert [name for name, text in texts.items() if not text.endswith(".") or "\n\n" in text] == []


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_pins_the_minor_version_of_the_host(folder: Path) -> None:
    host = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    minor = int(host["version"].split(".")[1])

    needed = [requirement for requirement in project["dependencies"] if re.match(r"chatplug(\[|[<>=])", requirement)]

    assert len(needed) == 1
    assert needed[0].endswith(f">=0.{minor},<0.{minor + 1}")
    assert project["name"].startswith("chatplug-")


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "index.md")

    assert [name for name in names if not DECISION.fullmatch(name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_recorded_traffic_is_not_copied_in() -> None:
    large = [path.relative_to(ROOT).as_posix() for path in tracked_files() if path.stat().st_size > 300_000]

    assert not large
