"""Where this user's cache, configuration, data and state are.

platformdirs says where. On Linux its answer is the XDG rule, which is written out here: importing platformdirs takes
longer than everything else that finding a plugin does. A test compares the two.
"""

from __future__ import annotations

import os
import sys

from chatplug.credentials import read_variable

__all__ = ["cache_folder", "config_folder", "data_folder", "state_folder"]

_NAME = "chatplug"


def cache_folder() -> str:
    """The folder for what can be made again."""
    return _xdg("XDG_CACHE_HOME", "~/.cache") or _platform("user_cache_dir")


def config_folder() -> str:
    """The folder for what the user wrote."""
    return _xdg("XDG_CONFIG_HOME", "~/.config") or _platform("user_config_dir")


def data_folder() -> str:
    """The folder for what was downloaded, and is kept."""
    return _xdg("XDG_DATA_HOME", "~/.local/share") or _platform("user_data_dir")


def state_folder() -> str:
    """The folder for what happened, and may be forgotten."""
    return _xdg("XDG_STATE_HOME", "~/.local/state") or _platform("user_state_dir")


def _xdg(variable: str, otherwise: str) -> str | None:
    """The folder by the XDG rule; None where that rule may not be the one."""
    # On Android, and for a home that nobody knows, platformdirs has rules of its own.
    if sys.platform != "linux" or hasattr(sys, "getandroidapilevel") or read_variable("ANDROID_DATA"):
        return None
    base = read_variable(variable) or os.path.expanduser(otherwise)
    return os.path.join(base, _NAME) if base.startswith("/") and base == base.strip() else None


def _platform(function: str) -> str:
    import platformdirs

    folder: str = getattr(platformdirs, function)(_NAME, appauthor=False)
    return folder
