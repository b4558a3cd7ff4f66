"""The provider `echo`: it answers with the first characters of what it is told."""

__all__: list[str] = []
