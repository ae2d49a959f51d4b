"""`sent org`, `user`, `client` and `audit`, as an administrator types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sent.cli.main import main
from sent.platform.db.embedded import endpoint
from sent.platform.db.engine import Server

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command and returns its JSON lines."""
    monkeypatch.setattr(endpoint, "find", lambda: server)

    def command(*words: str, code: int = 0) -> list[dict[str, Any]]:
        assert main(words) == code, capsys.readouterr().err
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return command


def test_an_organisation_from_its_creation_to_its_trail(run: Run) -> None:
    run("user", "list", code=1)  # there is none yet
    run("org", "create", "Northwind Security", "northwind")
    assert [line["slug"] for line in run("org", "list")] == ["northwind"]
    (added,) = run("user", "add", "Ada@northwind.test", "Ada", "--role", "owner")
    assert len(added["password"]) >= 12
    run("user", "add", "vera@northwind.test", "Vera")
    run("user", "role", "vera@northwind.test", "analyst")
    run("client", "create", "Harbour Ltd", "harbour", "--note", "since 2019")
    run("user", "narrow", "vera@northwind.test", "--client", "harbour")
    people = {line["name"]: line for line in run("user", "list")}
    assert people["Vera"]["role"] == "analyst" and people["Vera"]["client_narrowed"]
    run("user", "disable", "vera@northwind.test")
    assert {line["name"]: line["state"] for line in run("user", "list")}["Vera"] == "disabled"
    run("user", "enable", "vera@northwind.test")
    assert run("user", "password", "vera@northwind.test")[0]["password"]
    run("client", "close", "harbour")
    assert [(line["code"], line["state"]) for line in run("client", "list")] == [("harbour", "closed")]
    trail = run("audit", "export", "--table", "core.client")
    assert [line["action"] for line in trail] == ["update", "insert"]
    assert trail[0]["after"]["state"] == "closed"


def test_what_cannot_be_done_says_why(run: Run) -> None:
    run("org", "create", "One", "one")
    run("org", "create", "Other", "one", code=1)
    run("org", "create", "Other", "Not A Slug", code=65)
    run("org", "create", "Two", "two")
    run("user", "list", code=1)  # which of the two?
    run("user", "add", "a@x.test", "A", "--role", "owner", "--org", "one")
    run("user", "add", "a@x.test", "A", "--org", "one", code=1)
    run("user", "add", "b@x.test", "B", "--role", "emperor", "--org", "one", code=1)
    run("user", "role", "a@x.test", "viewer", "--org", "one", code=1)
    run("user", "disable", "nobody@x.test", "--org", "one", code=1)
    run("client", "close", "none", "--org", "two", code=1)
    run("user", "list", "--org", "three", code=1)
