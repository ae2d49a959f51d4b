"""Frames of syslog over TCP, however the stream is cut into reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.decoding.syslog import MAX_MESSAGE
from sent.engines.radar.receiving.framing import Framer


def framed(*pieces: bytes) -> list[bytes]:
    framer = Framer()
    found = [message for piece in pieces for message in framer.feed(piece)]
    return found + list(framer.finish())


def test_octet_counting() -> None:
    assert framed(b"5 <1>ab7 <1>cd\nf") == [b"<1>ab", b"<1>cd\nf"]


def test_lines_end_with_line_feed_or_nul() -> None:
    assert framed(b"<1>one\n<1>two\r\n<1>three\x00") == [b"<1>one", b"<1>two", b"<1>three"]


def test_both_framings_in_one_stream() -> None:
    assert framed(b"<1>line\n6 <1>oct<1>line again\n") == [b"<1>line", b"<1>oct", b"<1>line again"]


def test_a_line_that_begins_with_digits_is_no_count() -> None:
    assert framed(b"2026 was a year\n12 monkeys\n") == [b"2026 was a year", b"12 monkeys"]


def test_a_last_line_without_end_counts_when_the_connection_closes() -> None:
    assert framed(b"<1>whole\n<1>last") == [b"<1>whole", b"<1>last"]


def test_a_counted_message_that_never_came_whole_is_not_passed_on() -> None:
    assert framed(b"50 <1>only a part") == []


def test_64_kilobytes_pass_and_longer_messages_are_cut_and_counted() -> None:
    body = b"<1>" + b"x" * (MAX_MESSAGE - 3)
    assert framed(b"%d %s" % (len(body), body)) == [body]
    framer = Framer()
    stream = b"%d %sMORE" % (len(body) + 4, body) + b"5 <1>ab"
    assert list(framer.feed(stream)) == [body, b"<1>ab"]
    assert framer.cut == 1
    framer = Framer()
    assert list(framer.feed(body + b"MORE\n<1>next\n")) == [body, b"<1>next"]
    assert framer.cut == 1


def test_an_endless_line_does_not_fill_the_memory() -> None:
    framer = Framer()
    messages = [m for _ in range(100) for m in framer.feed(b"y" * 20_000)]
    assert [len(message) for message in messages] == [MAX_MESSAGE]
    assert list(framer.feed(b"\n<1>after\n")) == [b"<1>after"]


_BODY = st.binary(max_size=40).map(lambda body: b"<1>" + body.replace(b"\n", b"").replace(b"\x00", b""))


@given(st.lists(st.tuples(st.booleans(), _BODY), max_size=8), st.data())
def test_the_cut_into_reads_does_not_matter(messages: list[tuple[bool, bytes]], data: st.DataObject) -> None:
    stream = b"".join(b"%d %s" % (len(body), body) if counted else body + b"\n" for counted, body in messages)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    expected = [body if counted else body.rstrip(b"\r") for counted, body in messages]
    assert framed(*pieces) == expected
