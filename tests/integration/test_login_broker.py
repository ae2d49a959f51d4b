"""The login broker over its socket, on a real database: set-up, login, second factor, minting, renewal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pyotp
import pytest

from sent.platform.auth import directory
from sent.platform.auth.broker import Broker
from sent.platform.auth.client import BrokerClient, Credential, LoginResult
from sent.platform.auth.passwords import Passwords
from sent.platform.db.engine import Server
from sent.platform.errors import Conflict, Denied, Invalid, SentError, Unavailable
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import Secret

PASSWORD = Secret("correct horse battery")
EMAIL = "ada@northwind.test"


@pytest.fixture
async def client(server: Server, tmp_path: Path) -> AsyncIterator[BrokerClient]:
    """Return a client of a running broker on an empty installation."""
    socket = tmp_path / "b" / "broker.sock"
    task = spawn(Broker(server, passwords=Passwords(memory_kib=64, passes=1)).serve(socket), name="broker")
    while not socket.exists():
        await asyncio.sleep(0.01)
    yield BrokerClient(socket, timeout=10)
    await cancel(task)
    assert not socket.exists()


@pytest.fixture
async def owner(client: BrokerClient) -> BrokerClient:
    """Return the client after the first-run set-up."""
    await client.setup("Northwind Security", "northwind", "Ada", EMAIL, PASSWORD)
    return client


async def enter(client: BrokerClient, code: str | None = None, password: Secret = PASSWORD) -> Credential:
    """Log in and choose the only membership."""
    result = await client.login(EMAIL, password, code)
    assert result.ticket is not None
    return await client.mint(result.ticket, result.memberships[0].id)


def connect(credential: Credential) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the database with a minted credential."""
    server = Server(credential.host, credential.port, credential.dbname)
    return psycopg.connect(
        **server.parameters(),
        user=credential.role,
        password=credential.password.reveal(),
        autocommit=True,
    )


async def test_an_empty_installation_is_set_up_once(client: BrokerClient) -> None:
    assert not (await client.status()).initialised
    await client.setup("Northwind Security", "northwind", "Ada", EMAIL, PASSWORD)
    assert (await client.status()).initialised
    with pytest.raises(Conflict) as refused:
        await client.setup("Other", "other", "Eve", "eve@other.test", PASSWORD)
    assert refused.value.code == "setup.done"


async def test_the_socket_is_for_its_owner_only(client: BrokerClient, tmp_path: Path) -> None:
    assert stat.S_IMODE(os.stat(tmp_path / "b").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(tmp_path / "b" / "broker.sock").st_mode) == 0o600


async def test_a_minted_login_is_the_membership(owner: BrokerClient) -> None:
    credential = await enter(owner)
    assert credential.role.startswith("m_")
    assert "org:admin" in credential.permissions
    assert credential.organization_name == "Northwind Security"
    with connect(credential) as connection:
        row = connection.execute("select organization_id, person_name, role_key from sec.me()").fetchone()
    assert row == (credential.organization_id, "Ada", "owner")
    assert PASSWORD.reveal() not in repr(credential) and credential.password.reveal() not in repr(credential)


async def test_every_wrong_login_reads_the_same(owner: BrokerClient) -> None:
    for email in (EMAIL, "nobody@northwind.test", "EVE@x", "'; drop table core.person --"):
        with pytest.raises(Denied) as refused:
            await owner.login(email, Secret("not the password"))
        assert (refused.value.code, refused.value.message) == (
            "auth.failed",
            "address, password or code is not right",
        )


async def test_a_login_of_nobody_costs_the_same_work(server: Server) -> None:
    passwords = Passwords(memory_kib=32 * 1024, passes=2)
    stored = await passwords.hash(PASSWORD)
    await passwords.verify(None, PASSWORD)

    async def median(hash_: str | None) -> float:
        times = []
        for _ in range(7):
            began = time.perf_counter()
            await passwords.verify(hash_, Secret("something wrong"))
            times.append(time.perf_counter() - began)
        return sorted(times)[3]

    known, unknown = await median(stored), await median(None)
    passwords.close()
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize("email", [EMAIL, "nobody@northwind.test"])
async def test_guessing_is_throttled_whether_or_not_the_person_exists(
    owner: BrokerClient, email: str
) -> None:
    for _ in range(5):
        with pytest.raises(Denied):
            await owner.login(email, Secret("guess guess guess"))
    with pytest.raises(Unavailable) as refused:
        await owner.login(email, PASSWORD)
    assert refused.value.code == "auth.throttled"
    wait = refused.value.data["retry_after"]
    assert isinstance(wait, int) and 25 <= wait <= 30


async def test_parallel_guesses_gain_nothing(owner: BrokerClient) -> None:
    async def guess() -> str:
        with pytest.raises(SentError) as refused:
            await owner.login(EMAIL, Secret("guess guess guess"))
        return refused.value.code

    codes = await asyncio.gather(*(guess() for _ in range(20)))
    assert codes.count("auth.failed") == 5
    assert codes.count("auth.throttled") == 15


async def test_throttling_one_address_leaves_others_alone(owner: BrokerClient) -> None:
    for _ in range(5):
        with pytest.raises(Denied):
            await owner.login("nobody@northwind.test", Secret("guess guess guess"))
    assert (await owner.login(EMAIL, PASSWORD)).status == "ok"


async def second_factor(client: BrokerClient) -> tuple[pyotp.TOTP, tuple[str, ...], Credential]:
    """Switch the second factor on; return the generator, the recovery codes, the credential."""
    credential = await enter(client)
    totp = pyotp.parse_uri(await client.totp_begin(credential.session, PASSWORD))
    assert isinstance(totp, pyotp.TOTP)
    codes = await client.totp_confirm(credential.session, totp.at(time.time() - 30))
    return totp, codes, credential


async def test_a_second_factor_is_asked_for_and_counts_once(owner: BrokerClient) -> None:
    totp, _, _ = await second_factor(owner)
    asked: LoginResult = await owner.login(EMAIL, PASSWORD)
    assert (asked.status, asked.ticket, asked.memberships) == ("second_factor", None, ())
    code = totp.now()
    assert (await owner.login(EMAIL, PASSWORD, code)).status == "ok"
    with pytest.raises(Denied) as refused:
        await owner.login(EMAIL, PASSWORD, code)
    assert refused.value.code == "auth.failed"


async def test_one_code_used_twice_at_once_lets_one_in(owner: BrokerClient) -> None:
    totp, _, _ = await second_factor(owner)
    code = totp.now()
    results = await asyncio.gather(
        *(owner.login(EMAIL, PASSWORD, code) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(result, LoginResult) for result in results) == 1


async def test_a_recovery_code_counts_once_however_it_is_typed(owner: BrokerClient) -> None:
    _, codes, _ = await second_factor(owner)
    assert len(set(codes)) == 10
    assert (await owner.login(EMAIL, PASSWORD, codes[0].lower().replace("-", " "))).status == "ok"
    with pytest.raises(Denied):
        await owner.login(EMAIL, PASSWORD, codes[0])
    assert (await owner.login(EMAIL, PASSWORD, codes[1])).status == "ok"


async def test_an_unconfirmed_second_factor_does_not_count(owner: BrokerClient) -> None:
    credential = await enter(owner)
    await owner.totp_begin(credential.session, PASSWORD)
    with pytest.raises(Invalid):
        await owner.totp_confirm(credential.session, "000000")
    assert (await owner.login(EMAIL, PASSWORD)).status == "ok"


async def test_a_second_factor_begins_and_is_replaced_with_a_login_only(owner: BrokerClient) -> None:
    """A console that was left open is not enough to put one's own device in."""
    credential = await enter(owner)
    with pytest.raises(Denied) as refused:
        await owner.totp_begin(credential.session, Secret("not the password"))
    assert refused.value.code == "auth.failed"
    totp, codes, credential = await second_factor(owner)
    with pytest.raises(Invalid) as asked:
        await owner.totp_begin(credential.session, PASSWORD)
    assert asked.value.code == "auth.code"
    for _ in range(5):
        with pytest.raises(Denied):
            await owner.totp_begin(credential.session, PASSWORD, "000000")
    with pytest.raises(Unavailable):
        await owner.totp_begin(credential.session, PASSWORD, codes[0])
    assert (await owner.login(EMAIL, PASSWORD, totp.now())).status == "ok"


async def test_a_second_factor_is_replaced_with_its_code(owner: BrokerClient) -> None:
    totp, codes, credential = await second_factor(owner)
    assert "otpauth://" in await owner.totp_begin(credential.session, PASSWORD, totp.now())
    assert "otpauth://" in await owner.totp_begin(credential.session, PASSWORD, codes[0])


async def test_no_spelling_of_an_address_escapes_the_throttle(owner: BrokerClient) -> None:
    """What looks the person up counts as the person; what does not is nobody."""
    spellings = [
        EMAIL.upper(),
        EMAIL.replace("n", "\uff2e"),
        EMAIL.replace("t", "\u1d57"),
        f" {EMAIL} ",
        EMAIL.replace("a", "\uff41"),
    ]
    for spelling in spellings:
        with pytest.raises(Denied):
            await owner.login(spelling, Secret("guess guess guess"))
    with pytest.raises(Unavailable):
        await owner.login(EMAIL, PASSWORD)


async def test_letters_of_disputed_case_are_nobody(owner: BrokerClient, org_a: object) -> None:
    """U+0130 is i to some programs and not to others: it finds no one, so a guess gains nothing."""
    await directory.invite_person(org_a.ctx, "iris@alpha.test", "Iris", "viewer", password=PASSWORD)
    assert (await owner.login("IRIS@alpha.test", PASSWORD)).status == "ok"
    for letter in ("\u0130", "I\u0307", "i\u0307"):
        with pytest.raises(Denied):
            await owner.login(f"{letter}ris@alpha.test", PASSWORD)
    with pytest.raises(Invalid):
        await directory.invite_person(org_a.ctx, "\u0130ris@alpha.test", "Iris", "viewer")


async def test_the_second_factor_is_sealed_in_the_database(owner: BrokerClient, system_login: object) -> None:
    totp, _, credential = await second_factor(owner)
    rows = await system_login(f"select totp_secret from auth.credential where id = '{credential.person_id}'")
    assert totp.secret.encode() not in bytes(rows[0][0])


@pytest.fixture
def system_login(server: Server, cluster: object) -> object:
    """Return a function that asks as the superuser."""

    async def ask(query: str) -> list[tuple[object, ...]]:
        with cluster.connect(server.dbname) as connection:
            return connection.execute(query).fetchall()

    return ask


async def test_guessing_codes_is_throttled_though_the_password_is_right(owner: BrokerClient) -> None:
    await second_factor(owner)
    for _ in range(5):
        assert (await owner.login(EMAIL, PASSWORD)).status == "second_factor"
        with pytest.raises(Denied):
            await owner.login(EMAIL, PASSWORD, "000000")
    with pytest.raises(Unavailable) as refused:
        await owner.login(EMAIL, PASSWORD, "000000")
    assert refused.value.code == "auth.throttled"


async def test_a_ticket_counts_once_and_for_its_person_only(owner: BrokerClient, org_b: object) -> None:
    result = await owner.login(EMAIL, PASSWORD)
    assert result.ticket is not None
    with pytest.raises(Denied):
        await owner.mint(result.ticket, org_b.membership)
    await owner.mint(result.ticket, result.memberships[0].id)
    with pytest.raises(Denied) as refused:
        await owner.mint(result.ticket, result.memberships[0].id)
    assert refused.value.code == "auth.expired"


async def test_two_consoles_of_one_membership_share_the_login(owner: BrokerClient) -> None:
    first = await enter(owner)
    second = await enter(owner)
    renewed = await owner.renew(first.session)
    assert first.password == second.password == renewed.password
    assert renewed.valid_until >= second.valid_until
    await owner.logout(first.session)
    with connect(second) as connection:
        assert connection.execute("select count(*) from core.organization").fetchone() == (1,)


async def test_logging_out_ends_open_connections_sight(owner: BrokerClient) -> None:
    credential = await enter(owner)
    with connect(credential) as connection:
        assert connection.execute("select count(*) from core.organization").fetchone() == (1,)
        await owner.logout(credential.session)
        assert connection.execute("select count(*) from core.organization").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError):
        connect(credential)
    with pytest.raises(Denied) as refused:
        await owner.renew(credential.session)
    assert refused.value.code == "auth.expired"
    assert (await enter(owner)).password != credential.password


async def test_a_new_password_ends_the_other_sessions(owner: BrokerClient) -> None:
    kept, other = await enter(owner), await enter(owner)
    new = Secret("an entirely new phrase")
    with pytest.raises(Denied):
        await owner.change_password(kept.session, Secret("wrong wrong wrong"), new)
    with pytest.raises(Invalid):
        await owner.change_password(kept.session, PASSWORD, Secret("short"))
    await owner.change_password(kept.session, PASSWORD, new)
    await owner.renew(kept.session)
    with pytest.raises(Denied):
        await owner.renew(other.session)
    with pytest.raises(Denied):
        await enter(owner)
    assert (await enter(owner, password=new)).person_name == "Ada"


NONSENSE = (
    b"\n",
    b"null\n",
    b"[]\n",
    b'{"call": "login"}\n',
    b'{"call": ["login"]}\n',
    b'{"call": "_pool"}\n',
    b'{"call": "login", "email": 5, "password": {}}\n',
    b"\xff\xfe\n",
    b'{"call": "mint", "ticket": "x", "membership_id": "y"}\n',
)


async def test_nonsense_is_answered_and_the_broker_lives(owner: BrokerClient, tmp_path: Path) -> None:
    for line in NONSENSE:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "b" / "broker.sock"))
        writer.write(line)
        answer = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        assert b'"error"' in answer and b"Traceback" not in answer, line
    assert (await owner.status()).initialised


async def test_brackets_without_end_are_an_invalid_request(
    server: Server, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = Broker(server, passwords=Passwords(memory_kib=64, passes=1))
    for line in (b"[" * 100_000, b'{"call":' * 7_000):
        answer = await broker.handle(line + b"\n")
        assert (answer["error"]["kind"], answer["error"]["code"]) == ("Invalid", "broker.request")
    assert "broker.failed" not in caplog.text + "".join(capsys.readouterr())


async def test_an_endless_line_is_dropped(owner: BrokerClient, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "b" / "broker.sock"))
    writer.write(b"x" * 200_000)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert (await owner.status()).initialised
