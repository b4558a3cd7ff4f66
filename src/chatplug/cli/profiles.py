"""`chatplug profiles`: what is known of models, where it comes from, and how it is kept up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from chatplug.cli.options import debug_option, json_option
from chatplug.cli.output import Output, one_line, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chatplug.profiles import ModelProfile, ProfileRegistry

__all__ = ["profiles"]

_EXAMPLES = """\b
Examples:
  chatplug profiles show openai:gpt-4.1 --provenance
  chatplug profiles list openai
  chatplug profiles refresh
  chatplug profiles check openai:gpt-4.1 groq:openai/gpt-oss-120b
"""

_url_option = click.option("--url", help="Download the catalogue from here; models.dev unless told otherwise.")
_file_option = click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the catalogue from a file."
)


@click.group(short_help="Show and refresh what is known of models.", epilog=_EXAMPLES)
def profiles() -> None:
    """Show what is known of models, and keep it up to date.

    A fact comes from the plugin, from a catalogue that was downloaded, or from your own profiles.toml; the last one
    counts most.
    """


@profiles.command(short_help="Show what is known of a model.")
@click.argument("model")
@click.option("--provenance", is_flag=True, help="Show where each fact comes from.")
@json_option
@debug_option
def show(*, model: str, provenance: bool, as_json: bool) -> None:
    """Show what is known of MODEL, written provider:model. What is not shown is unknown."""
    from chatplug.factory import split_name
    from chatplug.profiles.model_profile import FIELDS

    provider, name = split_name(model)
    known = _registry().lookup(provider, name)
    said = cast("dict[str, Any]", known.profile())
    profile = {field: said[field] for field in (*FIELDS, *said) if field in said}
    sources = {field: known.source_of(field) for field in profile}
    if as_json:
        described = {
            field: {"value": profile[field], "layer": source.layer, "source": source.where, "date": source.date}
            for field, source in sources.items()
            if source is not None
        }
        print_json(described if provenance else profile)
        return
    if not profile:
        click.echo(f"Nothing is known of {provider}:{one_line(name)}.", err=True)
        return
    rows = [
        (field, _shown(profile[field]), source.layer if source else "", one_line(str(source)))
        for field, source in sources.items()
    ]
    with Output() as output:
        if provenance:
            output.table(("Field", "Value", "Layer", "Source"), rows)
        else:
            output.table(("Field", "Value"), [row[:2] for row in rows])


@profiles.command("list", short_help="List the models that are known.")
@click.argument("provider", required=False)
@json_option
@debug_option
def list_(*, provider: str | None, as_json: bool) -> None:
    """List the models of PROVIDER, or of every installed provider, of which something is known."""
    from chatplug.profiles.refresh import known_names

    registry = _registry()
    found: list[dict[str, Any]] = []
    for name in _providers(provider):
        for model, layer in known_names(registry, name).items():
            found.append({"model": f"{name}:{model}", "known_from": layer, **registry.lookup(name, model).profile()})
    if as_json:
        print_json(found)
        return
    head = ("Model", "Known from", "Input", "Output", "$ in", "$ out", "Status")
    fields = ("max_input_tokens", "max_output_tokens", "input_price", "output_price", "status")
    rows = [
        (one_line(one["model"]), one["known_from"], *(_shown(one.get(field, "")) for field in fields)) for one in found
    ]
    with Output() as output:
        output.table(head, rows)


@profiles.command(short_help="Show where a catalogue says otherwise.")
@click.argument("provider", required=False)
@click.option("--all", "wants_all", is_flag=True, help="Show as well what the plugins do not say at all.")
@_url_option
@_file_option
@json_option
@debug_option
def diff(*, provider: str | None, wants_all: bool, url: str | None, file: Path | None, as_json: bool) -> None:
    """Show where a catalogue says otherwise than the plugins' own facts.

    It is the one that was refreshed last, unless --url or --file names another.
    """
    differences = _differences(_registry(), _providers(provider), _profiles_of(url, file))
    found = [row for row in differences if wants_all or row[2] is not None]
    if as_json:
        print_json([dict(zip(("model", "field", "plugin", "catalogue"), row, strict=True)) for row in found])
        return
    with Output() as output:
        rows = [(one_line(model), field, _shown(before), _shown(after)) for model, field, before, after in found]
        output.table(("Model", "Field", "Plugin", "Catalogue"), rows)


@profiles.command(short_help="Download the catalogue of models.")
@_url_option
@_file_option
@click.option("--force", is_flag=True, help="Take a catalogue that does not know most of what is known.")
@debug_option
def refresh(*, url: str | None, file: Path | None, force: bool) -> None:
    """Download the models.dev catalogue, and use it from now on.

    A catalogue that is damaged, or that does not know most of what is known, is refused; then what was known stays.
    """
    from datetime import UTC, datetime

    from chatplug.profiles.refresh import refresh as put

    registry = _registry()
    store = registry.store
    if store is None:
        raise click.ClickException("There is no place to keep it.")
    data, where = _catalogue(url, file)
    known: dict[str, set[str]] = {}
    for provider in _providers(None):
        facts = registry.facts(provider)
        if facts.table.entries:
            known.setdefault(facts.catalogue or provider, set()).update(facts.table.entries)
    done = put(store, data, where, datetime.now(tz=UTC).date().isoformat(), known=known, force=force)
    for fault in done.faults:
        click.echo(f"Left out: {one_line(fault)}", err=True)
    click.echo(
        f"{done.models} models of {done.providers} providers: {len(done.added)} new, {len(done.changed)} changed, "
        f"{len(done.removed)} gone. Kept in {store.path}"
    )


@profiles.command(short_help="Find facts that are wrong, and models that end.")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@_url_option
@_file_option
@click.option("--strict", is_flag=True, help="Fail as well where a catalogue says otherwise than the plugins.")
@debug_option
@click.pass_context
def check(context: click.Context, *, models: tuple[str, ...], url: str | None, file: Path | None, strict: bool) -> None:
    """Find what is wrong in files of facts, and which of MODELS, or of all that are known, end.

    It fails if there is a fault, or if one of MODELS is deprecated, retired or unknown: a step for CI.
    """
    from chatplug.factory import split_name
    from chatplug.profiles.refresh import known_names

    registry = _registry()
    providers = _providers(None)
    failed = False
    for fault in _faults(registry, providers):
        click.echo(f"Fault: {one_line(fault)}")
        failed = True
    asked = [split_name(model) for model in models]
    for provider, name in asked or [(one, model) for one in providers for model in known_names(registry, one)]:
        profile = registry.lookup(provider, name).profile()
        told = _end_of(profile) if profile else "is unknown"
        if told:
            click.echo(f"{provider}:{one_line(name)} {told}.")
            failed = failed or bool(asked)
    if url or file or strict:
        wanted = dict.fromkeys(f"{provider}:{name}" for provider, name in asked)
        for model, field, before, after in _differences(registry, providers, _profiles_of(url, file)):
            if before is not None and (not wanted or model in wanted):
                click.echo(f"{one_line(model)}: {field} is {_shown(before)}, and {_shown(after)} in the catalogue.")
                failed = failed or strict
    if failed:
        context.exit(1)
    click.echo("Nothing is wrong.")


def _registry() -> ProfileRegistry:
    from chatplug.profiles import default_registry

    return default_registry()


def _providers(provider: str | None) -> list[str]:
    from chatplug.factory import split_name
    from chatplug.plugins import default_manager

    if provider is not None:
        return [split_name("any", provider)[0]]
    return list(default_manager().providers())


def _end_of(profile: ModelProfile) -> str:
    """When and how a model ends; empty where nothing says that it does."""
    status, end, successor = profile.get("status"), profile.get("retirement_date"), profile.get("successor")
    if status not in ("deprecated", "retired") and end is None:
        return ""
    parts = [f"is {status or 'deprecated'}", f"ends on {end}" if end else "", f"see {successor}" if successor else ""]
    return one_line(", ".join(filter(None, parts)))


def _faults(registry: ProfileRegistry, providers: list[str]) -> Iterator[str]:
    for provider in providers:
        for fault in registry.facts(provider).faults:
            yield f"{provider}: {fault}"
    registry.user_tables()
    yield from registry.user_faults
    if registry.store is not None:
        registry.store.providers()
        yield from registry.store.faults


def _profiles_of(url: str | None, file: Path | None) -> Mapping[str, Mapping[str, ModelProfile]]:
    """The profiles of the catalogue that is meant, by the catalogue's names."""
    if url or file:
        from chatplug.profiles.catalogue import read_catalogue

        return read_catalogue(*_catalogue(url, file))[0]
    store = _registry().store
    if store is None or store.source is None:
        raise click.UsageError("No catalogue was downloaded yet. Run `chatplug profiles refresh`, or give --file.")
    return {provider: store.profiles(provider) for provider in store.providers()}


def _differences(
    registry: ProfileRegistry, providers: list[str], catalogue: Mapping[str, Mapping[str, ModelProfile]]
) -> Iterator[tuple[str, str, object, object]]:
    """Where a catalogue says otherwise than the plugins: the model, the field, and the two facts."""
    from chatplug.profiles.refresh import changes

    for provider in providers:
        facts = registry.facts(provider)
        for name, profile in catalogue.get(facts.catalogue or provider, {}).items():
            entry = facts.table.find(name)
            if entry is not None and entry.name == name:
                for change in changes(entry.profile, profile):
                    yield f"{provider}:{name}", change.field, change.before, change.after


def _catalogue(url: str | None, file: Path | None) -> tuple[bytes, str]:
    """A catalogue's text, and where it is from."""
    if url and file:
        raise click.UsageError("Give --url or --file, not both.")
    if file is not None:
        try:
            return file.read_bytes(), str(file)
        except OSError as error:
            raise click.ClickException(f"{file} cannot be read: {error.strerror}.") from error
    from chatplug.cli.download import download
    from chatplug.profiles.refresh import URL

    return download(url or URL), url or URL


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in cast("list[object]", value)) or "none"
    if isinstance(value, dict):
        return " ".join(f"{key}={_shown(item)}" for key, item in cast("dict[str, object]", value).items())
    return one_line(str(value))
