"""chatplug in one process: what a call and a chunk cost when no provider is waited for."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import chatplug
from chatplug.messages import AIMessageChunk
from chatplug.profiles import ProfileRegistry
from chatplug.profiles.store import Store

_QUESTION = "What did the cat do? " * 60
_CHUNKS = 1000
_PROFILES = 5000


def cases() -> dict[str, Any]:
    """The cases; a stream has 1,000 chunks, and so has a sum."""
    model = chatplug.init("echo:n16")
    streaming = chatplug.init(f"echo:n{_CHUNKS}")

    def invoke(number: int) -> object:
        text = None
        for _ in range(number):
            text = model.invoke(_QUESTION).text
        return text

    async def ainvoke(number: int) -> object:
        text = None
        for _ in range(number):
            text = (await model.ainvoke(_QUESTION)).text
        return text

    def stream(number: int) -> object:
        text = None
        for _ in range(number):
            full: Any = None
            for chunk in streaming.stream(_QUESTION):
                full = chunk if full is None else full + chunk
            text = full.text
        return text

    async def astream(number: int) -> object:
        text = None
        for _ in range(number):
            full: Any = None
            async for chunk in streaming.astream(_QUESTION):
                full = chunk if full is None else full + chunk
            text = full.text
        return text

    def create(number: int) -> object:
        for _ in range(number * _CHUNKS):
            AIMessageChunk("meow", id="run-1")
        return None

    def create_and_add(number: int) -> object:
        text = None
        for _ in range(number):
            full = AIMessageChunk("meow", id="run-1")
            for _ in range(_CHUNKS - 1):
                full = full + AIMessageChunk("meow", id="run-1")
            text = full.text
        return text

    def init(number: int) -> object:
        for _ in range(number):
            chatplug.init("echo:n16")
        return None

    def init_profile(number: int) -> object:
        profile = None
        for _ in range(number):
            profile = chatplug.init("echo:n16").profile
        return profile

    registry = _registry()
    names = cycle([f"model-{number}" for number in range(_PROFILES)])

    def lookup(number: int) -> object:
        for _ in range(number):
            registry.lookup("provider", next(names))
        return None

    return {
        "invoke": invoke,
        "ainvoke": ainvoke,
        "stream": stream,
        "astream": astream,
        "create": create,
        "create_and_add": create_and_add,
        "init": init,
        "init_profile": init_profile,
        "lookup": lookup,
    }


def _registry() -> ProfileRegistry:
    """A registry that has read 5,000 profiles of one provider from a file."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder, "profiles"))
        profile: Any = chatplug.init("echo:n16").profile
        store.write({"provider": {f"model-{number}": profile for number in range(_PROFILES)}}, "here", "2026-11-24")
        registry = ProfileRegistry(lambda _: None, lambda: store)
        registry.lookup("provider", "model-0")
    return registry
