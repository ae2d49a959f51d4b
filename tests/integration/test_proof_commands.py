"""`sent keys`, `sent audit` and `sent person`, as an administrator types them."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sent.cli.main import main
from sent.platform.audit.sealer import Sealer
from sent.platform.config.secrets import role_password
from sent.platform.crypto.vault import Vault
from sent.platform.db.embedded import endpoint
from sent.platform.db.engine import Database, Server, fixed

Run = Callable[..., list[Any]]


@pytest.fixture
def run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs a command and returns its lines, parsed where they are JSON."""
    monkeypatch.setattr(endpoint, "find", lambda: server)
    for name in ("root", "audit-key"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(secrets.token_hex(32))
    monkeypatch.setenv("SENT_ROOT_KEY", f"file:{tmp_path / 'root'}")
    monkeypatch.setenv("SENT_AUDIT_KEY", f"file:{tmp_path / 'audit-key'}")
    monkeypatch.setenv("SENT_VAULT", str(tmp_path / "vault"))
    monkeypatch.setenv("SENT_AUDIT_ANCHOR", str(tmp_path / "anchors.jsonl"))

    def command(*words: str, code: int = 0) -> list[Any]:
        found = main(words)
        out, err = capsys.readouterr()
        assert found == code, err
        return [json.loads(line) if line.startswith("{") else line for line in out.splitlines()]

    return command


@pytest.fixture
def seal(server: Server) -> Callable[[], None]:
    """Return a function that seals everything, as the core service does."""

    async def work() -> None:
        password = fixed(role_password("sent_system"))
        async with Database(server, "sent_system", password, trusted=True, name="test") as db:
            sealer = Sealer(db)
            while await sealer.turn():
                pass
            await sealer.turn()

    return lambda: asyncio.run(work())


def test_keys_from_the_recovery_sheet_to_their_end(
    run: Run, seal: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("org", "create", "Northwind", "northwind")
    run("user", "add", "ada@northwind.test", "Ada", "--role", "owner")
    seal()
    (sheet,) = run("keys", "recovery")
    run("keys", "recovery", code=1)
    first, *keys = run("keys", "status")
    assert {key["purpose"] for key in keys} == {"organization", "personal"}
    assert all(key["root"] == first["root"] for key in keys if key["purpose"] == "organization")
    fresh = run("keys", "rotate-root")[-1]["root"]
    assert fresh != first["root"]
    (line,) = run("keys", "rotate-organization")
    assert line["org"] == "platform"
    (line,) = run("keys", "rotate-data", "--destroy-old")
    assert line["still_used"] == [] and line["resealed"] > 0 and line["destroyed"] == line["unused"]
    states = {key["key"]: key["state"] for key in run("keys", "status")[1:]}
    assert sorted(states.values()) == ["active", "active", "destroyed", "destroyed"]

    class Typed:
        @staticmethod
        def isatty() -> bool:
            return False

        @staticmethod
        def read(_most: int) -> str:
            return str(sheet["recovery_key"]).lower()

    monkeypatch.setattr("sys.stdin", Typed)
    (tmp_path / "root").write_text(secrets.token_hex(32))
    run("keys", "rotate-data", code=65)  # names the root that is needed
    run("keys", "recover", code=1)  # another root is there
    assert run("keys", "recover", "--replace")[0]["root"] == fresh
    assert run("keys", "rotate-data")[0]["still_used"] == []
    run("keys", "destroy", "--org", "northwind", code=65)
    run("keys", "destroy", "--org", "northwind", "--confirm", "northwind")
    assert len(Vault().all_destroyed()) == 1


def test_a_trail_is_verified_exported_and_cleared_of_a_person(
    run: Run, seal: Callable[[], None], tmp_path: Path
) -> None:
    run("org", "create", "Northwind", "northwind")
    run("user", "add", "ada@northwind.test", "Ada", "--role", "owner")
    run("user", "add", "vera@northwind.test", "Vera Maiden")
    run("client", "create", "Harbour Ltd", "harbour")
    seal()
    lines = run("audit", "verify", "--json")
    assert [line["org"] for line in lines] == ["platform", "northwind"]
    assert all(line["ok"] and line["anchors"] == 1 for line in lines)
    file = tmp_path / "trail.jsonl"
    (counts,) = run("audit", "export", "--org", "northwind", "--out", str(file))
    (checked,) = run("audit", "verify", "--file", str(file), "--json")
    assert checked["ok"] and checked["entries"] == counts["entries"] > 0
    file.write_text(file.read_text().replace("Harbour Ltd", "Harbour Inc"))
    (sentence,) = run("audit", "verify", "--file", str(file), code=1)
    assert "edited" in sentence and "core.client" in sentence
    run("audit", "verify", "--anchors", str(tmp_path / "none"), code=1)
    run("person", "erase", "vera@northwind.test", code=65)
    run("person", "erase", "nobody@northwind.test", "--confirm", "nobody@northwind.test", code=1)
    run("person", "erase", "ada@northwind.test", "--confirm", "ada@northwind.test", code=1)  # the last owner
    (report,) = run("person", "erase", "vera@northwind.test", "--confirm", "vera@northwind.test")
    assert report["memberships_ended"] == 1 and report["personal_values_removed"] > 0
    assert run("person", "erase", "--again") == []
    seal()
    assert all(line["ok"] for line in run("audit", "verify", "--json"))
    former = json.loads(json.dumps(run("audit", "rotate-key")))[0]["key"]
    run("client", "close", "harbour")
    seal()
    assert all(line["ok"] for line in run("audit", "verify", "--json")) and former
