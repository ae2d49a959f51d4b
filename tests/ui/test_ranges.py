"""K7 14: one time range for the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from ui.conftest import Desk

from sent.platform.errors import Invalid
from sent.ui.kit.chart import LiveChart, share_crosshair
from sent.ui.kit.timerange import BUCKETS, LONGEST, TimeRange, between, parse
from sent.ui.pages.radar import RadarPage

NOW = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


def test_k7_14_ranges_are_typed_relative_and_absolute() -> None:
    assert parse("6h") == TimeRange(6 * 3600)
    assert parse("last 90 minutes") == TimeRange(5400)
    assert parse("7d").title() == "Last 7 days"
    exact = parse("2026-01-05T10:00:00Z/2026-01-05T12:00:00Z")
    ten, twelve = (datetime(2026, 1, 5, hour, tzinfo=UTC).timestamp() for hour in (10, 12))
    assert exact == between(ten, twelve)
    assert parse(str(exact)) == exact
    local = NOW.astimezone()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    start, stop = parse("yesterday", NOW).moments()
    assert (start, stop) == (midnight - timedelta(days=1), midnight)
    day = parse("2026-01-05", NOW)
    assert day.stop - day.start == 86400
    clock = parse("10:00 - 11:30", NOW)
    assert clock.stop - clock.start == 5400
    for wrong in ("", "soon", "0m", "10:00 - 9:00", "25:00 - 26:00", "999999w", "2026-13-45", "a/b", "-5h"):
        with pytest.raises(Invalid) as refused:
            parse(wrong, NOW)
        assert "6h" in refused.value.message, "the cure is named"


@given(st.integers(1, LONGEST // 60))
@settings(max_examples=200, deadline=None)
def test_k7_14_a_range_survives_its_text_and_is_cut_into_few_buckets(minutes: int) -> None:
    chosen = TimeRange(minutes * 60)
    assert parse(str(chosen)) == chosen
    start, stop = chosen.bounds(0)
    assert (stop - start) / chosen.bucket() <= BUCKETS or chosen.bucket() == 7 * 86400


def test_k7_14_t_opens_the_picker_and_what_is_typed_applies_to_the_pages_that_follow(desk: Desk) -> None:
    desk.sign_in("radar")
    desk.settle()
    QTest.keyClick(desk.window.pages["radar"], Qt.Key.Key_T)
    picker = desk.window.range_picker
    assert not picker.isHidden()
    picker.field.edit.setText("rubbish")
    QTest.keyClick(picker.field.edit, Qt.Key.Key_Return)
    assert not picker.isHidden() and picker.field.edit.property("invalid")
    picker.field.edit.setText("2026-01-05T11:30:00Z/2026-01-05T12:00:00Z")
    QTest.keyClick(picker.field.edit, Qt.Key.Key_Return)
    assert picker.isHidden()
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.settle()
    wanted = desk.radar.queries[-1]
    assert (wanted.since, wanted.until) == (
        datetime(2026, 1, 5, 11, 30, tzinfo=UTC),
        datetime(2026, 1, 5, 12, 0, tzinfo=UTC),
    )
    assert not page.queue.span.isHidden()
    page.queue.span.click()
    desk.settle()
    assert desk.radar.queries[-1].since is None, "a relative range hides no open alert"
    desk.window.show_page("settings")
    assert desk.window.top.range.isHidden()
    assert not desk.window.shell.actions.trigger("range.open")


def test_k7_14_drawing_on_a_chart_zooms_and_a_double_click_zooms_out(desk: Desk) -> None:
    desk.sign_in("radar")
    page = desk.window.pages["radar"]
    assert isinstance(page, RadarPage)
    desk.settle()
    chart, ranges = page.figures.chart, desk.window.shell.ranges
    before = ranges.value
    for share in ((0.3, 0.6), (0.2, 0.5)):
        left, right = (QPoint(round(chart.width() * part), 40) for part in share)
        QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=left)
        QTest.mouseMove(chart, right)
        QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=right)
        desk.settle()
        assert not ranges.value.relative
    first = ranges._before[-1]
    QTest.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 40))
    assert ranges.value == first
    QTest.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 40))
    assert ranges.value == before
    desk.settle()


def test_k7_14_other_windows_follow_and_the_person_finds_his_range_again(desk: Desk) -> None:
    desk.sign_in("radar")
    window = desk.window.windows.open_apart("overview")
    assert window is not None
    desk.settle()
    desk.window.shell.ranges.choose(TimeRange(86400))
    assert window.shell.ranges.value == TimeRange(86400)
    desk.window.shell.ranges.restore()
    assert desk.window.shell.ranges.value == TimeRange(86400)


def test_k7_14_charts_of_a_page_share_the_crosshair(qtbot: QtBot) -> None:
    charts = [LiveChart(name, unit="x") for name in ("one", "two")]
    share_crosshair(*charts)
    for chart in charts:
        qtbot.addWidget(chart)
        chart.resize(400, 160)
        chart.show_points([0.0, 50.0, 100.0], [1.0, 2.0, 3.0], [], 0.0, 100.0)
        chart.show()
    QTest.mouseMove(charts[0], QPoint(200, 50))
    qtbot.waitUntil(lambda: charts[0].crosshair is not None, timeout=20_000)
    assert charts[1].crosshair == charts[0].crosshair
    charts[0].leaveEvent(None)  # type: ignore[arg-type]
    assert charts[1].crosshair is None
