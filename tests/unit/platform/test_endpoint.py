"""A database URL is read as libpq reads it, and strangers' networks are not trusted."""

from __future__ import annotations

import pytest

from sent.platform.db.embedded.endpoint import parse_url, url_credentials
from sent.platform.errors import Invalid


def test_a_server_elsewhere_is_spoken_to_with_full_verification() -> None:
    server = parse_url("postgresql://sent_app:x@db.example.org/sent")
    assert (server.host, server.port, server.sslmode) == ("db.example.org", 5432, "verify-full")
    assert server.sslrootcert == "system"


def test_a_local_server_may_speak_plainly() -> None:
    assert parse_url("postgresql://u@localhost:5433/x").sslmode == "prefer"
    assert parse_url("postgresql:///sent?host=/run/pg").host == "/run/pg"


def test_credentials_are_unquoted() -> None:
    assert url_credentials("postgresql://a%40b:p%2Fw@h/db") == ("a@b", "p/w")


@pytest.mark.parametrize("url", ["mysql://h/db", "postgresql:///db", "h:5432"])
def test_a_wrong_url_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(Invalid, match="SENT_DATABASE_URL"):
        parse_url(url)
