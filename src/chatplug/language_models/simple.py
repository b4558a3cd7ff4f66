"""`SimpleChatModel`: one method, a string."""

from __future__ import annotations

from abc import abstractmethod
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from chatplug.errors import PluginHookError
from chatplug.language_models.chat_model import BaseChatModel
from chatplug.messages import AIMessage
from chatplug.outputs import ChatGeneration, ChatResult

if TYPE_CHECKING:
    from chatplug.callbacks import CallbackManagerForLLMRun
    from chatplug.messages import BaseMessage

__all__ = ["SimpleChatModel"]


class SimpleChatModel(BaseChatModel):
    """A chat model that answers with a string; a subclass writes `_call` and `_llm_type`."""

    @abstractmethod
    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        """The text of the answer."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = self._call(messages, stop, run_manager, **kwargs)
        if not isinstance(text, str):
            if isinstance(text, CoroutineType):
                text.close()  # else Python warns that nobody awaited it
            raise PluginHookError(
                f"{type(self).__name__}._call gave {type(text).__name__}.", hint="It has to give a string."
            )
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])
