"""Azure is asked by deployment, at an address and with a version of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import chatplug
from chatplug.plugins import default_manager
from plugins.openai_compat.tests.asked import HTTP, KEY, body_of

pytestmark = pytest.mark.usefixtures("no_variables")


@pytest.mark.parametrize(
    ("base_url", "version", "url"),
    [
        ("https://r.openai.azure.com", None, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.openai.azure.com/",
            "2024-10-21",
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21",
        ),
        ("https://r.openai.azure.com/openai/v1/", None, "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.services.ai.azure.com/models",
            "2024-05-01-preview",
            "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
    ],
)
def test_azure_is_asked_by_deployment_with_a_dated_version_and_by_its_newer_address_without(
    monkeypatch: pytest.MonkeyPatch, base_url: str, version: str | None, url: str
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", base_url)
    if version:
        monkeypatch.setenv("OPENAI_API_VERSION", version)

    model: Any = chatplug.init("azure_openai:my gpt", api_key=KEY)

    assert model.common.url == url
    assert model.common.headers["api-key"] == KEY
    assert "authorization" not in model.common.headers


@pytest.mark.parametrize(
    ("version", "name"),
    [("2024-08-01-preview", "max_tokens"), ("2024-10-21", "max_completion_tokens"), (None, "max_completion_tokens")],
)
def test_a_dated_version_of_azure_that_does_not_know_a_name_gets_the_older_one(
    canned: Callable[[bytes], Any], version: str | None, name: str
) -> None:
    body = body_of(canned(HTTP), "azure_openai", max_tokens=7, api_version=version)

    assert {field: body[field] for field in body if field.startswith("max_")} == {name: 7}


def test_a_token_may_take_the_place_of_azures_key() -> None:
    model: Any = chatplug.init(
        "azure_openai:m", base_url="https://r.azure.com", api_key="", extra_headers={"Authorization": "Bearer token-1"}
    )

    assert model.common.headers["authorization"] == "Bearer token-1"
    assert "api-key" not in model.common.headers
    assert "token-1" not in repr(model)


def test_another_deployment_may_be_asked_with_one_call(canned: Callable[[bytes], Any]) -> None:
    server = canned(HTTP)
    model = chatplug.init(
        "azure_openai:one", base_url=server.base_url.removesuffix("/v1"), api_key=KEY, api_version="2024-10-21"
    )

    model.invoke("Hello", model="two")

    assert server.requests[0].startswith(b"POST /openai/deployments/two/chat/completions?api-version=2024-10-21 ")


@pytest.mark.parametrize("version", ["2024-10-21", None])
def test_a_deployment_may_have_another_name_than_its_model(canned: Callable[[bytes], Any], version: str | None) -> None:
    server = canned(HTTP)
    model: Any = chatplug.init(
        "azure_openai:gpt-4o-mini",
        azure_deployment="ours in May",
        base_url=server.base_url.removesuffix("/v1"),
        api_key=KEY,
        api_version=version,
    )

    model.invoke("Hello")

    [request] = server.requests
    path = b"/openai/deployments/ours%20in%20May/chat/completions" if version else b"/openai/v1/chat/completions"
    assert request.startswith(b"POST " + path)
    assert json.loads(request.partition(b"\r\n\r\n")[2])["model"] == "ours in May"
    assert (model.model_id, model.profile["name"]) == ("gpt-4o-mini", "GPT-4o mini")


def test_azure_lists_its_models_beside_the_deployments(canned: Callable[[bytes], Any]) -> None:
    body = b'{"data":[{"id":"gpt-b"},{"id":"gpt-a"}]}'
    server = canned(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    settings = {"base_url": server.base_url.removesuffix("/v1"), "api_key": KEY, "api_version": "2024-10-21"}

    names = default_manager().list_models("azure_openai", settings)

    assert names == ["gpt-a", "gpt-b"]
    assert server.requests[0].startswith(b"GET /openai/models?api-version=2024-10-21 ")
