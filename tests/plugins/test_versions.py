"""Which versions a requirement asks for, as the packaging library has it."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from chatplug.plugins.versions import fits

VERSIONS = [
    "0",
    "0.1",
    "0.1.0",
    "0.1.3",
    "0.2",
    "0.2.0",
    "0.2.0.dev1",
    "0.2.0rc1",
    "0.2a1",
    "0.2.0b2",
    "0.10",
    "1.0",
    "1.0.post1",
    "1.0-1",
    "1.0.post1.dev2",
    "v1.0",
    "2.0.1",
    "1.0+local",
]
REQUIREMENTS = [
    *(f"{sign}{version}" for sign in ("==", "!=", "<=", ">=", "~=") for version in ("0.1.0", "0.2", "0.2.0rc1", "1.0")),
    *(f"<{version}" for version in ("0.1.0", "0.2", "0.2.0rc1", "2")),
    *(f">{version}" for version in ("0.1.0", "0.2.0rc1", "0.10")),
    *("==0.1.*", "!=0.2.*", "==1.*", ">=0.1,<0.2", ">=0.1, !=0.1.3, <1", "~=0.1.0", "===0.1.3", ""),
]


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_a_requirement_is_read_as_installers_read_it(requirement: str) -> None:
    asked = SpecifierSet(requirement, prereleases=True)

    for version in VERSIONS:
        if "+" not in version:  # for whom installers have rules of their own
            assert fits(version, requirement) == (version in asked), version


def test_what_cannot_be_read_asks_for_nothing() -> None:
    assert fits("0.1", ">=not a version")
    assert fits("what", ">=0.1")
    assert fits("0.1", "latest")
    assert fits("0.1+local", ">=0.1,<0.2")
