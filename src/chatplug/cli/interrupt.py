"""Ctrl-C ends the command at once, whatever it is waiting for.

Python raises KeyboardInterrupt between two steps of its own code. Calls that wait in C (a name lookup, a client
written in another language) keep it waiting, plugins may swallow it, and threads are joined before a program ends. So
a thread hears the signal too, and ends the process when that has not ended by itself after `GRACE` seconds.

Until `watch` is called Ctrl-C shows a traceback, so this module imports no more than it needs for that.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["EXIT_CODE", "GRACE", "was_pressed", "watch"]

EXIT_CODE = 130
"""How a shell reports a command that Ctrl-C ended: 128 and the signal's number."""
GRACE = 0.5
"""Seconds for closing connections and telling handlers."""

_pressed = False


def watch() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, once, and the exit code is `EXIT_CODE` whatever comes of that."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # A script's `&` has it ignored.
        return
    signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _unraisable

    import atexit
    import threading

    # What is registered first is called last, after the threads are joined.
    atexit.register(_leave)
    reading, writing = os.pipe()
    if os.name == "posix":
        os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_end, args=(reading,), name="chatplug-interrupt", daemon=True).start()


def was_pressed() -> bool:
    """Whether Ctrl-C was pressed since `watch`: what fails afterwards may fail because of it."""
    return _pressed


def _interrupt(*_: object) -> None:
    global _pressed
    _pressed = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _leave() -> None:
    """End here if Ctrl-C was pressed.

    Python would die of the signal where that has passed through `exec`, and print what destructors raise.
    """
    if _pressed:
        try:
            sys.stdout.flush()
        finally:
            os._exit(EXIT_CODE)


def _end(reading: int) -> None:
    """End the process a moment after the signal; nothing else would, if the main thread does not come back."""
    import threading

    while os.read(reading, 1) != bytes([signal.SIGINT]):
        pass
    threading.Event().wait(GRACE)
    os._exit(EXIT_CODE)


def _unraisable(report: sys.UnraisableHookArgs) -> None:
    """Leave out KeyboardInterrupt in a destructor, about which Python would print a traceback."""
    if not isinstance(report.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(report)
