"""The provider `openai_compat`: any server that speaks OpenAI's chat completions."""

__all__: list[str] = []
