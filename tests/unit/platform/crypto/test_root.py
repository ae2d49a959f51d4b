"""The root key's places: each is read as it says, and says what is wrong with it."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from sent.platform.crypto.root import KeyringPlace, Roots, chosen_place, parse, root_id
from sent.platform.errors import Denied, Invalid, NotFound, SentError, Unavailable

ONE, TWO = bytes(range(32)), bytes(range(1, 33))


def test_keys_are_read_as_hex_and_base64_the_current_one_first() -> None:
    text = f"{ONE.hex()}\n\n{base64.b64encode(TWO).decode()}\n"
    assert parse(text, "x") == [ONE, TWO]


@pytest.mark.parametrize("text", ["", "\n", "zz", ONE.hex()[:-2], ONE.hex() + "\nnonsense"])
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text, "file:/x")
    assert "file:/x" in refused.value.message and "nonsense" not in refused.value.message


def test_a_file_is_read_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "root"
    path.touch(mode=0o600)
    path.write_text(ONE.hex())
    roots = Roots(chosen_place(f"file:{path}"))
    assert roots.current() == ONE
    roots.store([TWO, ONE])
    assert roots.all() == [TWO, ONE] and path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with pytest.raises(Denied):
        roots.current()


def test_a_file_that_is_missing_is_not_made_where_an_administrator_named_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Roots(chosen_place(f"file:{tmp_path / 'none'}")).current()


def test_the_default_file_is_made_once() -> None:
    assert Roots().current() == Roots().current()


def test_a_wrong_root_names_the_one_that_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "root"
    path.touch(mode=0o600)
    path.write_text(ONE.hex())
    with pytest.raises(Invalid) as refused:
        Roots(chosen_place(f"file:{path}")).find(root_id(TWO))
    assert root_id(TWO) in refused.value.message and root_id(ONE) in refused.value.message
    assert TWO.hex() not in refused.value.message and ONE.hex() not in refused.value.message


def test_a_credential_comes_from_systemds_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = chosen_place("credential:sent-root")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(Unavailable, match="LoadCredential"):
        place.read()
    (tmp_path / "sent-root").write_text(ONE.hex())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert Roots(place).current() == ONE
    with pytest.raises(Invalid, match="not written"):
        place.write("x")


def test_a_command_is_run_without_a_shell() -> None:
    code = f"import sys; print('{ONE.hex()}' if sys.argv[1] == '$HOME; x' else '')"
    place = chosen_place(f'command:{sys.executable} -c "{code}" "$HOME; x"')
    assert Roots(place).current() == ONE


@pytest.mark.parametrize(
    "code", ["raise SystemExit(3)", "print('x' * 100000)", "print()", "import time; time.sleep(60)"]
)
def test_a_command_that_fails_floods_or_hangs_is_an_error(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sent.platform.crypto.root.COMMAND_TIMEOUT_S", 1.0)
    with pytest.raises(SentError):
        Roots(chosen_place(f'command:{sys.executable} -c "{code}"')).current()


@pytest.mark.parametrize(
    "choice", ["x", "file:", "file", "credential:", "credential:a/b", "command:", "vault:x", "command:'"]
)
def test_a_choice_that_means_nothing_is_refused(choice: str) -> None:
    with pytest.raises(Invalid, match="SENT_ROOT_KEY"):
        chosen_place(choice)


def test_a_server_without_a_desktop_is_told_what_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends import fail

    monkeypatch.setattr(keyring, "get_password", fail.Keyring().get_password)
    with pytest.raises(Unavailable, match="file:PATH"):
        chosen_place("keyring:").read()


def test_a_keyring_keeps_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda service, user: kept.get((service, user)))
    monkeypatch.setattr(
        keyring, "set_password", lambda service, user, text: kept.__setitem__((service, user), text)
    )
    roots = Roots(KeyringPlace("root", make=True))
    first = roots.current()
    assert roots.current() == first
    roots.store([ONE])
    assert kept == {("sent", "root"): ONE.hex()}


def test_the_keyring_is_not_imported_by_whoever_does_not_use_it() -> None:
    import subprocess

    code = (
        "import sys, sent.workers.db, sent.workers.core; from sent.platform.crypto.root import Roots;"
        " Roots().current(); assert 'keyring' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
