"""`chatplug run`: ask a model, once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from chatplug.cli.options import debug_option, json_option, settings_option
from chatplug.cli.output import Output, reconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatplug.language_models import BaseChatModel
    from chatplug.messages import BaseMessage, UsageMetadata

__all__ = ["run"]

_EXAMPLES = """\b
Examples:
  chatplug run echo:n3 "Meow!"
  chatplug run openai_compat:tiny "Hello" -o base_url=http://localhost:8080/v1
  git diff | chatplug run openai_compat:gpt-4.1 --system "Review this change." -
"""


@click.command(short_help="Ask a model and print its answer as it arrives.", epilog=_EXAMPLES)
@click.argument("model")
@click.argument("prompt", required=False)
@settings_option
@click.option("--system", metavar="TEXT", help="What the model is told before the prompt.")
@click.option("--no-stream", is_flag=True, help="Ask for the answer in one piece.")
@json_option
@click.option("-u", "--usage", is_flag=True, help="Print the number of tokens to standard error.")
@debug_option
def run(  # noqa: PLR0913  # click gives each option as an argument
    *,
    model: str,
    prompt: str | None,
    settings: dict[str, Any],
    system: str | None,
    no_stream: bool,
    as_json: bool,
    usage: bool,
) -> None:
    """Ask MODEL, written provider:model, and print its answer as it arrives.

    Without PROMPT, or when it is "-", the prompt is read from standard input. A prompt that begins with "-" goes
    behind "--". With --json the whole message is printed as one JSON object when it is there.
    """
    # Python has no standard input where that was closed from the start.
    stdin: TextIO | None = sys.stdin
    if stdin is None and prompt in (None, "-"):
        raise click.UsageError("There is no prompt: standard input is closed. Write the prompt behind MODEL.")
    if prompt is None and sys.stdin.isatty():
        raise click.UsageError('There is no prompt. Write it behind MODEL, or pipe it in; "-" reads the terminal.')
    import chatplug
    from chatplug.messages import HumanMessage, SystemMessage

    # The model comes first: nobody types a prompt for a model that is not there.
    chat = chatplug.init(model, **settings)
    text = _standard_input() if prompt is None or prompt == "-" else prompt
    messages = [*([SystemMessage(system)] if system else []), HumanMessage(text)]
    with Output() as output:
        if as_json or no_stream:
            message = chat.invoke(messages)
            output.write(message.model_dump_json() if as_json else message.text)
            tokens = message.usage_metadata
        else:
            tokens = _stream(chat, messages, output)
    if usage:
        click.echo(_told(tokens), err=True)


def _stream(chat: BaseChatModel, messages: Sequence[BaseMessage], output: Output) -> UsageMetadata | None:
    """Write the answer as it arrives; gives what it took."""
    from chatplug.messages import add_usage

    tokens: UsageMetadata | None = None
    for chunk in chat.stream(messages):
        output.write(chunk.text)
        if chunk.usage_metadata is not None:
            tokens = add_usage(tokens, chunk.usage_metadata)
    return tokens


def _standard_input() -> str:
    """What is piped in, without the newlines at its end.

    Raises:
        click.UsageError: If it is empty or no text.
    """
    # In some locales Python reads bytes that are no text into characters that cannot be sent.
    stdin = reconfigured(sys.stdin, errors="strict")
    try:
        text = stdin.read().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"Standard input is no {error.encoding} text.") from error
    if not text:
        raise click.UsageError("There is no prompt: standard input is empty.")
    return text


def _told(tokens: UsageMetadata | None) -> str:
    if tokens is None:
        return "Tokens: the provider did not say."
    return f"Tokens: {tokens['input_tokens']} in, {tokens['output_tokens']} out, {tokens['total_tokens']} in all."
