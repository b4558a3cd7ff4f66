"""`BaseChatModel`: few methods to write, all ways of calling for free."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_serializer

from chatplug.callbacks.handler import BaseCallbackHandler
from chatplug.credentials import shown
from chatplug.errors import InvalidRequestError, LossError, SettingsError
from chatplug.language_models.call import ModelCall
from chatplug.language_models.frames import askers_level, callers_level
from chatplug.language_models.settings import (
    STANDARD_SETTINGS,
    UnsupportedSettingWarning,
    checked_stop,
    names_of,
    unknown_call_setting,
    unknown_setting,
    wrong_setting,
)
from chatplug.language_models.stream import Asking, adrive, drive
from chatplug.language_models.structured import LanguageModelInput, StructuredModel
from chatplug.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_messages
from chatplug.outputs import ChatGenerationChunk, ChatResult
from chatplug.rate_limiters.limiter import BaseRateLimiter
from chatplug.runnables.config import RunnableConfig, resolve
from chatplug.runnables.executor import aiter_in_executor, run_in_executor

if TYPE_CHECKING:
    from typing import Self

    from chatplug.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from chatplug.messages import Loss

__all__ = ["BaseChatModel", "LanguageModelInput"]


class BaseChatModel(StructuredModel):
    """A chat model: messages in, a message out.

    A subclass writes `_generate` and `_llm_type`, and any of `_stream`, `_agenerate`, `_astream` that it can do better
    than the defaults. Its settings are its pydantic fields.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
        validate_by_alias=True,
        validate_by_name=True,
    )

    name: str | None = None
    """The name of the model's runs; None for the class's name."""
    callbacks: list[BaseCallbackHandler] | None = None
    """Who listens to every run of this model."""
    tags: list[str] | None = None
    """Words to find the runs of this model by."""
    metadata: dict[str, Any] | None = None
    """Facts to keep with the runs of this model."""
    stop: list[str] | None = None
    """Texts at which an answer ends, unless a call says otherwise."""
    rate_limiter: BaseRateLimiter | None = Field(default=None, exclude=True)
    """What is asked before each request; several models may share one."""
    on_unsupported: Literal["raise", "warn", "allow"] = "warn"
    """What happens to a standard setting that this model cannot honour, and to a request that it cannot answer, as its
    profile says: an error, a warning (once), or nothing."""
    on_loss: Literal["raise", "warn", "allow"] = "warn"
    """What happens when a conversation holds what this provider has no place for: an error before anything is sent, a
    warning (once for each kind), or nothing. In the last two cases it is listed on the answer."""

    _origin: tuple[str, str] | None = PrivateAttr(default=None)
    _unsupported: list[str] = PrivateAttr(default_factory=list)
    _warned: ClassVar[set[tuple[type, str]]] = set()

    call_settings: ClassVar[frozenset[str] | None] = None
    """The names of settings, besides `stop`, that one call may give; any other is refused, or answered by
    `on_unsupported` if it is a standard one. None hands all that a call gives to the model's methods, unchecked."""

    if not TYPE_CHECKING:

        def __init__(self, **settings: Any) -> None:
            profile = settings.pop("profile", None)
            known = names_of(type(self))
            foreign = sorted(name for name in settings if name not in known)
            unsupported = [name for name in foreign if name in STANDARD_SETTINGS and settings.pop(name) is not None]
            unknown = [name for name in foreign if name not in STANDARD_SETTINGS]
            if unknown:
                raise unknown_setting(unknown[0], known | STANDARD_SETTINGS)
            if isinstance(settings.get("stop"), str):
                settings["stop"] = [settings["stop"]]
            try:
                super().__init__(**settings)
            except ValidationError as error:
                raise wrong_setting(error) from None
            if profile is not None:
                self.give_profile(profile)
            self._refuse([*unsupported, *self._not_honoured()])

    def _not_honoured(self, call: Mapping[str, Any] | None = None) -> list[str]:
        """Which settings this very model cannot honour although its class has them; none, unless a class knows better.

        Args:
            call: The settings of one call; None for those that the model was made with.
        """
        return []

    def _refuse(self, unsupported: list[str]) -> None:
        """Do what `on_unsupported` says with standard settings that this model has no field for."""
        if not unsupported:
            return
        self._unsupported = unsupported
        self._answer_for(unsupported)

    def _answer_for(self, unsupported: Sequence[str]) -> None:
        names = ", ".join(repr(name) for name in unsupported)
        text = f"{type(self).__name__} cannot honour {names}."
        if self.on_unsupported == "raise":
            raise SettingsError(text, hint="Leave it out, or allow it with on_unsupported='warn' or 'allow'.")
        key = (type(self), f"{self.provider}: {names}")
        if self.on_unsupported == "warn" and key not in BaseChatModel._warned:
            BaseChatModel._warned.add(key)
            warnings.warn(f"{text} It is ignored.", UnsupportedSettingWarning, stacklevel=callers_level(self))

    # ---- what a subclass uses

    def report(self, losses: Sequence[Loss]) -> dict[str, Any]:
        """Do what `on_loss` says with what an encoder has left out; the provider's plugin does it before it sends.

        Nothing of it is kept on the model: the plugin puts what it gets into the `response_metadata` of the answer, or
        of one chunk of the stream.

        Args:
            losses: What the encoder has left out.

        Returns:
            `{"losses": [...]}` with the losses as plain data; nothing where there are none.

        Raises:
            LossError: If there are any, and `on_loss` is `raise`.
        """
        if not losses:
            return {}
        if self.on_loss == "raise":
            more = f" and {len(losses) - 1} more" if len(losses) > 1 else ""
            raise LossError(
                f"{losses[0].path}{more} cannot be sent: {losses[0].reason}.",
                losses=losses,
                hint="Take it out, or allow it with on_loss='warn' or 'allow'.",
            ).about(self.provider, self.model_id)
        if self.on_loss == "warn":
            from chatplug.messages.loss import warn_of

            warn_of(losses, stacklevel=askers_level())
        return {"losses": [loss.as_dict() for loss in losses]}

    # ---- what a subclass writes

    @abstractmethod
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult | AIMessage:
        """The answer to a conversation.

        Args:
            messages: The conversation.
            stop: Texts at which the answer ends; the text itself is part of the answer where the provider can do it.
            run_manager: Where to announce things; None where nobody listens.
            **kwargs: Settings of this one call.
        """

    @property
    @abstractmethod
    def _llm_type(self) -> str:
        """The kind of model, in one word; for logs. A class may say it plainly: `_llm_type = "acme"`."""
        # Which pydantic takes for a private attribute.
        return str((self.__pydantic_private__ or {})["_llm_type"])

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells this model from another, `model_name` first; for logs, never with a key."""
        return {}

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult | AIMessage:
        """The asynchronous twin of `_generate`; in a worker thread unless the class does better."""
        teller = run_manager.get_sync() if run_manager else None
        return await run_in_executor(None, self._generate, messages, stop, teller, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk | AIMessageChunk]:
        """The answer in pieces, as they arrive; a class that cannot do it leaves this out."""
        raise NotImplementedError

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk | AIMessageChunk]:
        """The asynchronous twin of `_stream`; steps `_stream` in a worker thread unless the class does better."""
        teller = run_manager.get_sync() if run_manager else None
        return aiter_in_executor(lambda: self._stream(messages, stop, teller, **kwargs))

    # ---- what a caller uses

    def invoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | str | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """The model's answer.

        Args:
            input: A text, a message, or a list of what messages can be made of.
            config: What is said with this one call.
            stop: Texts at which the answer ends.
            **kwargs: Settings of this one call.

        Raises:
            InvalidRequestError: If nothing can be sent.
            ProviderError: If the provider refuses, fails or cannot be reached.
        """
        call = self._open(input, config, stop, kwargs, "_generate")
        if call.has_to_stream and self._first_of("_stream") == "_stream":
            call.method = "_stream"
            for _ in self._pieces(call):
                pass
            return call.whole()
        with Asking(call) as run:
            return call.answer(self._generate(call.messages, call.stop, run.manager, **call.settings))

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | str | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """The asynchronous twin of `invoke`."""
        call = self._open(input, config, stop, kwargs, self._first_of("_agenerate"))
        if call.has_to_stream and (method := self._first_of("_astream", "_stream")) != "_generate":
            call.method = method
            async for _ in self._apieces(call):
                pass
            return call.whole()
        async with Asking(call) as run:
            return call.answer(await self._agenerate(call.messages, call.stop, run.amanager, **call.settings))

    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | str | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """The model's answer in pieces, as they arrive; they add up to what `invoke` gives.

        All pieces have the same id, and the last one says so by `chunk_position`. A model that cannot stream gives
        the whole answer as one piece. Left early, the stream closes its connection.

        Args:
            input: A text, a message, or a list of what messages can be made of.
            config: What is said with this one call.
            stop: Texts at which the answer ends.
            **kwargs: Settings of this one call.

        Raises:
            InvalidRequestError: If nothing can be sent.
            ProviderError: If the provider refuses, fails or cannot be reached; `partial` holds what had arrived.
        """
        return self._pieces(self._open(input, config, stop, kwargs, self._first_of("_stream")))

    def _pieces(self, call: ModelCall) -> Iterator[AIMessageChunk]:
        if call.method == "_stream":
            return drive(call, lambda teller: self._stream(call.messages, call.stop, teller, **call.settings))

        def whole(teller: CallbackManagerForLLMRun | None) -> Iterator[AIMessageChunk]:
            yield _in_one_piece(call, self._generate(call.messages, call.stop, teller, **call.settings))

        return drive(call, whole)

    def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | str | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """The asynchronous twin of `stream`."""
        return self._apieces(
            self._open(input, config, stop, kwargs, self._first_of("_astream", "_stream", "_agenerate"))
        )

    def _apieces(self, call: ModelCall) -> AsyncIterator[AIMessageChunk]:
        if call.method in ("_astream", "_stream"):
            return adrive(call, lambda teller: self._astream(call.messages, call.stop, teller, **call.settings))

        async def whole(teller: AsyncCallbackManagerForLLMRun | None) -> AsyncIterator[AIMessageChunk]:
            yield _in_one_piece(call, await self._agenerate(call.messages, call.stop, teller, **call.settings))

        return adrive(call, whole)

    def _open(
        self,
        value: LanguageModelInput,
        config: RunnableConfig | None,
        stop: list[str] | str | None,
        settings: dict[str, Any],
        method: str,
    ) -> ModelCall:
        """A call, with all that can be wrong about it found before anything is sent."""
        try:
            stop = self.stop if stop is None else checked_stop(stop)
            call = ModelCall(self, convert_to_messages(value), stop, resolve(config), method)
            if settings:
                call.settings, call.unsupported = self._checked_settings(settings)
            self.pass_gate(call.messages, settings)
        except InvalidRequestError as error:
            raise error.about(self.provider, self.model_id) from None
        return call

    def _checked_settings(self, settings: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The settings of a call for the model's methods, and the standard ones that they cannot honour."""
        known = self.call_settings
        if known is None:
            return settings, []
        honoured = {name: value for name, value in settings.items() if name in known}
        others = sorted(settings.keys() - known)
        for name in others:
            if name not in STANDARD_SETTINGS:
                raise unknown_call_setting(name, known, is_field=name in names_of(type(self)))
        unsupported = [name for name in others if settings[name] is not None]
        if honoured:
            unsupported += self._not_honoured(honoured)
        if unsupported:
            self._answer_for(unsupported)
        return honoured, unsupported

    @classmethod
    def _first_of(cls, *methods: str) -> str:
        """The first of these methods that the class has written; `_generate`, which it must, where it has none."""
        for name in methods:
            if getattr(cls, name) is not getattr(BaseChatModel, name):
                return name
        return "_generate"

    # ---- what a model says of itself

    @property
    def provider(self) -> str:
        """Who answers: the provider's name, or the kind of model where it was not made by `chatplug.init`."""
        origin: tuple[str, str] | None = _private(self, "_origin")
        return origin[0] if origin else self._llm_type

    @property
    def model_id(self) -> str | None:
        """What answers: the model's name, as the provider knows it; None where the class does not say."""
        origin: tuple[str, str] | None = _private(self, "_origin")
        named: str | None = origin[1] if origin else self._identifying_params.get("model_name")
        return named

    @property
    def identifying_params(self) -> dict[str, Any]:
        """What tells this model from another; for logs, never with a key."""
        return {**shown(dict(self._identifying_params)), "_type": self._llm_type}

    @property
    def unsupported_settings(self) -> list[str]:
        """Standard settings that were given and that this model cannot honour."""
        names: list[str] = _private(self, "_unsupported")
        return names

    def set_origin(self, provider: str, model: str) -> None:
        """Tell the model under which name it was asked for; the host does it, once."""
        self._origin = (provider, model)

    def remade(self, settings: Mapping[str, Any]) -> Self:
        """Another model, made anew with these settings over those of this one; what it derives from them is its own.

        Args:
            settings: The settings that are to be other ones.

        Raises:
            SettingsError: If one of them has an unknown name or a wrong value.
        """
        made = type(self)(**{**{name: getattr(self, name) for name in self.model_fields_set}, **settings})
        known = made.unsupported_settings
        known += [name for name in self.unsupported_settings if name not in known]
        if self._origin is not None:
            made.set_origin(self._origin[0], settings.get("model", self._origin[1]))
        if "profile" not in settings:
            made.take_facts_of(self)
        return made

    def get_name(self) -> str:
        """The name of this model's runs."""
        return self.name or type(self).__name__

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        fields = type(self).model_fields
        for name, value in super().__repr_args__():
            if name is None or name not in fields or value != fields[name].get_default(call_default_factory=True):
                yield name, shown(value, name or "")

    @model_serializer(mode="wrap")
    def _as_it_may_be_shown(self, dump: Callable[[Any], Any]) -> Any:
        return shown(dump(self))


def _in_one_piece(call: ModelCall, result: ChatResult | AIMessage) -> AIMessageChunk:
    message = call.answer(result)
    fields = {name: getattr(message, name) for name in AIMessage.field_names()}
    return AIMessageChunk(**fields, chunk_position="last")


def _private(model: BaseModel, name: str) -> Any:
    """A private attribute, without pydantic's `__getattr__`, which costs as much as parsing a chunk (2.14)."""
    return (model.__pydantic_private__ or {}).get(name)
