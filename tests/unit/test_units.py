"""Units of services: an installation that updates itself is started by its starter and may be written."""

from __future__ import annotations

from sent.platform.units import unit


def test_a_program_that_does_not_update_itself_speaks_alone_and_writes_nothing() -> None:
    text = unit("jobs", "Jobs", ["/usr/lib/sent/sent"])
    assert "NotifyAccess=main\n" in text
    assert "ReadWritePaths" not in text


def test_an_installation_is_started_by_its_starter_and_may_be_written() -> None:
    text = unit("jobs", "Jobs", ["/opt/my sent/sent"], "/opt/my sent")
    assert 'ExecStart="/opt/my sent/sent" --mode=worker --service=jobs\n' in text
    assert "NotifyAccess=all\n" in text
    assert 'ReadWritePaths="/opt/my sent"\n' in text
