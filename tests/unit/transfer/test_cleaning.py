"""Values of files, cleaned before their fields read them."""

import pytest

from app.transfer.cleaning import Cleaning


@pytest.mark.parametrize(
    ("steps", "before", "after"),
    [
        (["trim"], "\u3000 Acme\u200b ", "Acme"),
        (["trim", "collapse"], " Acme \n  Corp ", "Acme Corp"),
        (["half_width"], "ＡＢ１２", "AB12"),
        (["full_width"], "AB1", "ＡＢ１"),
        (["lower"], "A@B.C", "a@b.c"),
        (["digits"], "No. １２-3", "123"),
        (["phone"], "（0571）8888-6666 转 12", "057188886666"),
        (["phone"], "+86 138 0013 8000", "+8613800138000"),
        (["money"], "¥ 1,200.50 元", "1,200.50"),
        (["money"], "(300)", "-300"),
        (["money"], "3.5万", "35000"),
        (["money"], "1.2 亿", "120000000"),
        (["money"], "CN¥ 1.200.000", "1200000"),
        (["number"], "1.200,50", "1200.50"),
        (["number"], "1200,5", "1200.5"),
        (["number"], "1,200", "1,200"),
        (["number"], "1.200", "1.200"),
        (["number"], "-", "-"),
        (["blank"], "N/A", None),
        (["date"], "45359.5", "2024-03-08 12:00:00"),
        (["date"], "8-Mar-24", "2024-03-08"),
        (["date"], "Mar 8, 2024", "2024-03-08"),
        (["date"], "31/12/1999 10:00", "1999-12-31 10:00"),
        (["date"], "01/02/2026", "01/02/2026"),
        (["day_first"], "01/02/26", "2026-02-01"),
        (["month_first"], "01.02.2026", "2026-01-02"),
        (["date"], "2026年3月2日", "2026-03-02"),
        (["date"], "2026/3/2 09:30", "2026-03-02 09:30"),
        (["date"], "tomorrow", "tomorrow"),
    ],
)
def test_steps_run_in_order(steps, before, after):
    assert Cleaning(steps=tuple(steps)).clean(before, {}) == after


def test_values_are_cut_joined_mapped_and_stood_in_for():
    assert Cleaning(split="/").clean("a / b / c", {}) == "a"
    assert Cleaning(split="/", take=-1).clean("a / b / c", {}) == "c"
    assert Cleaning(split="/", take=4).clean("a / b", {}) is None
    assert Cleaning(split=";", take=0, map={"a": "x"}).clean("a; b;", {}) == ["x", "b"]
    joined = Cleaning(join=("last",), between=", ")
    assert joined.clean("Ann", {"last": " Lee "}) == "Ann, Lee"
    assert joined.clean(None, {"last": "Lee"}) == "Lee"
    levels = Cleaning(map={"重点": "a", "普通": "b"}, otherwise="c")
    assert [levels.clean(value, {}) for value in ("重点", " 普通", "?", None)] == [
        "a", "b", "c", None,
    ]  # fmt: skip
    assert Cleaning(default="none").clean("  ", {}) == "none"
    assert Cleaning(steps=("upper",)).clean(12.5, {}) == 12.5
