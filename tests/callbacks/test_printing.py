"""An answer is printed while it arrives."""

import pytest

import chatplug
from chatplug.callbacks import StreamingStdOutCallbackHandler


async def test_tokens_are_on_standard_output_when_the_caller_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    model, printed = chatplug.init("echo:n3", callbacks=[StreamingStdOutCallbackHandler()]), ""

    for chunk in model.stream("Meow!"):
        printed += capsys.readouterr().out
        assert printed.startswith(chunk.text) or printed.endswith(chunk.text)
    async for _ in model.astream("Purr"):
        pass

    assert printed == "Meo"
    assert capsys.readouterr().out == "Pur"
