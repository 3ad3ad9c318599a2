"""Reading what people and programs give: text, numbers, switches and days, from JSON or as written.

JSON is read strictly: the right kind of value or a sentence. What comes from a form or a file is
text and read as people write it: full or half width, with thousands separators, in Chinese or
English. Everything here raises `FieldError` and nothing else.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from app.fields.base import FieldError, ParseContext
from app.fields.normal import BLANKS, is_blank
from app.texts import Label, say

#: So many digits before the point a number may have at most, and so many signs its text.
MOST_DIGITS = 15
_LONGEST_NUMBER = 60
#: An API gives whole numbers as JSON numbers, which most programs keep exact up to here only.
MOST_WHOLE = 9_007_199_254_740_991

#: Room for any number a formula can make; Python's own limit is 28 digits.
WIDE = Context(prec=1000)

_NOT_STORED = re.compile("[\0\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?\Z", re.ASCII)
_YES = frozenset(
    ["yes", "y", "true", "t", "1", "on", "✓", "√", "✔", "是", "对", "真", "有", "是的"]
)
_NO = frozenset(["no", "n", "false", "f", "0", "off", "×", "✗", "否", "不", "假", "无", "不是"])

_KINDS: tuple[tuple[type | tuple[type, ...], Label], ...] = (
    (bool, say("yes or no", "是/否")),
    (str, say("a text", "文本")),
    ((int, float, Decimal), say("a number", "数字")),
    (Mapping, say("an object", "对象")),
    ((list, tuple), say("a list", "列表")),
)


def kind_of(raw: object) -> Label:
    """Return in words what sort of JSON value it is."""
    for kinds, words in _KINDS:
        if isinstance(raw, kinds):
            return words
    return say("something else", "其他内容")


def wrong_kind(raw: object, en: str, zh: str) -> FieldError:
    """Return the error for a JSON value of the wrong kind; *en* and *zh* say what it must be."""
    return FieldError(
        say(
            "This is {kind}; give {what}.",
            "这里是{kind}；请填写{what}。",
            kind=kind_of(raw),
            what=say(en, zh),
        ),
        "wrong-kind",
    )


def shown(text: str) -> str:
    """Return a value short enough to be quoted in a sentence, without signs that do harm there."""
    one_line = " ".join(text.split())
    short = one_line if len(one_line) <= 40 else one_line[:39] + "…"
    # Half characters would break the JSON of the answer, control characters the log.
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in short)


def check_characters(text: str) -> str:
    """Refuse what no database keeps: the null character and halves of a character.

    Raises:
        FieldError: with the place of the first of them.
    """
    if text.isascii() and "\0" not in text:
        return text
    bad = _NOT_STORED.search(text)
    if bad is None:
        return text
    raise FieldError(
        say(
            "Character {position} cannot be stored (U+{code:04X}). Remove it.",
            "第 {position} 个字符（U+{code:04X}）无法保存，请删除。",
            position=bad.start() + 1,
            code=ord(bad[0]),
        ),
        "bad-character",
    )


def read_text(raw: object, *, strict: bool) -> str | None:
    """Return the text as it was given, or None where nobody would see anything of it."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        if strict or isinstance(raw, Mapping | list | tuple):
            raise wrong_kind(raw, "a text", "文本")
        raw = str(raw)
    check_characters(raw)
    return None if is_blank(raw) else raw


def is_nothing(raw: object) -> bool:
    """Return whether nothing was given, or a text of which nobody would see anything."""
    return raw is None or (isinstance(raw, str) and is_blank(raw))


def read_line(raw: object, *, strict: bool) -> str | None:
    """Return a text for values that have a form of their own: half width, without outer blanks."""
    text = read_text(raw, strict=strict)
    return None if text is None else half_width(text).strip(BLANKS)


def read_words(raw: object, *, strict: bool) -> str | None:
    """Return a text without outer blanks, its signs as they were given."""
    text = read_text(raw, strict=strict)
    return None if text is None else text.strip(BLANKS)


def half_width(text: str) -> str:
    """Return *text* with full-width signs (１２３，：) made ordinary ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def read_number(
    raw: object, *, strict: bool, signs: str = "", digits: int = MOST_DIGITS
) -> Decimal | None:
    """Return an exact, finite number; *signs* are those that may stand around it, such as ``¥``.

    Raises:
        FieldError: it is no number, not finite, or has more than so many *digits* before the point.
    """
    if isinstance(raw, bool | Mapping | list | tuple):
        raise wrong_kind(raw, "a number", "数字")
    if raw is None:
        return None
    if isinstance(raw, int | float | Decimal):
        # A JSON number arrives as a float; its shortest text is what was written.
        return _bounded(Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw), digits)
    line = read_line(raw, strict=strict)
    if line is None:
        return None
    text = line
    if not strict:
        for sign in signs.split():
            text = text.removeprefix(sign).removesuffix(sign)
        text = text.replace("\u2212", "-").replace(" ", "").replace("'", "").replace("_", "")
        text = text.replace("、", ",")
        if text.startswith("(") and text.endswith(")"):
            text = "-" + text[1:-1]  # how accountants write a negative amount
        if _GROUPED.match(text):
            text = text.replace(",", "")
    if len(text) > _LONGEST_NUMBER or not _NUMBER.match(text):
        raise FieldError(
            say(
                "“{value}” is not a number. Write it like 1234.56.",
                "“{value}”不是数字，请写成 1234.56 这样。",
                value=shown(line),
            ),
            "not-a-number",
        )
    return _bounded(Decimal(text), digits)


def _bounded(number: Decimal, digits: int) -> Decimal:
    if not number.is_finite():
        raise FieldError(
            say("This is not a finite number.", "这不是一个有限的数字。"), "not-a-number"
        )
    if number and number.adjusted() >= digits:
        raise FieldError(
            say(
                "The number has more than {most} digits before the point.",
                "数字的整数部分超过 {most} 位。",
                most=digits,
            ),
            "out-of-range",
        )
    # There is no negative nothing: -0 is 0.
    return number or abs(number)


def to_places(number: Decimal, places: int, *, pad: bool) -> Decimal:
    """Return *number* with at most *places* decimals, or exactly so many if *pad*.

    Raises:
        FieldError: it has more; nothing is rounded behind anybody's back.
    """
    if number and number.adjusted() < -places - 40:
        raise _too_fine(places)
    try:
        rounded = number.quantize(Decimal(1).scaleb(-places), context=WIDE)
    except InvalidOperation:
        raise _too_fine(places) from None
    if rounded != number:
        raise _too_fine(places)
    return rounded if pad else plain_number(rounded)


def _too_fine(places: int) -> FieldError:
    if places == 0:
        return FieldError(
            say("Give a whole number, without decimals.", "请填写整数，不带小数。"), "too-fine"
        )
    return FieldError(
        say(
            "At most {places} decimals are kept here; round it first.",
            "这里最多保留 {places} 位小数，请先四舍五入。",
            places=places,
        ),
        "too-fine",
    )


def plain_number(number: Decimal) -> Decimal:
    """Return *number* without zeros behind the point, never with an exponent."""
    reduced = number.normalize(WIDE)
    exponent = reduced.as_tuple().exponent
    has_exponent = isinstance(exponent, int) and exponent > 0
    return reduced.quantize(Decimal(1), context=WIDE) if has_exponent else reduced


def check_range(number: Any, least: Any, most: Any) -> None:
    """Refuse what lies outside the bounds; a bound of None is none.

    Raises:
        FieldError: naming the real bounds.
    """
    if least is not None and most is not None and not least <= number <= most:
        raise FieldError(
            say(
                "{value} is outside {least} to {most}.",
                "{value} 不在 {least} 到 {most} 之间。",
                value=_plain(number),
                least=_plain(least),
                most=_plain(most),
            ),
            "out-of-range",
        )
    if least is not None and number < least:
        raise FieldError(
            say("It must be at least {least}.", "不能小于 {least}。", least=_plain(least)),
            "out-of-range",
        )
    if most is not None and number > most:
        raise FieldError(
            say("It must be at most {most}.", "不能大于 {most}。", most=_plain(most)),
            "out-of-range",
        )


def _plain(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def check_length(text: str, least: int | None, most: int | None) -> None:
    """Refuse a text that is too short or too long, in characters.

    Raises:
        FieldError: with the length it has and the one it may have.
    """
    length = len(text)
    if most is not None and length > most:
        raise FieldError(
            say(
                "The text has {length}; at most {most} are allowed.",
                "文本有 {length}，最多 {most} 个字。",
                length=_characters(length),
                most=most,
            ),
            "too-long",
        )
    if least is not None and length < least:
        raise FieldError(
            say(
                "The text has {length}; at least {least} are needed.",
                "文本只有 {length}，至少要 {least} 个字。",
                length=_characters(length),
                least=least,
            ),
            "too-short",
        )


def _characters(number: int) -> Label:
    english = "{number} character" if number == 1 else "{number} characters"
    return say(english, "{number} 个字", number=number)


def read_switch(raw: object, *, strict: bool) -> bool | None:
    """Return yes or no; None where nothing was given."""
    if isinstance(raw, bool) or raw is None:
        return raw
    if not strict and not isinstance(raw, Mapping | list | tuple):
        word = (read_line(raw, strict=False) or "").casefold()
        if not word:
            return None
        if word in _YES or word in _NO:
            return word in _YES
        raise FieldError(
            say(
                "“{value}” is neither yes nor no.",
                "“{value}”既不是“是”也不是“否”。",
                value=shown(word),
            ),
            "not-a-switch",
        )
    raise wrong_kind(raw, "true or false", "true 或 false")


def read_list(raw: object, context: ParseContext, separators: str = ",;\n") -> list[Any]:
    """Return the members of a list; as text they stand between commas, semicolons or lines."""
    if raw is None:
        return []
    if isinstance(raw, list | tuple):
        return [one for one in raw if one is not None and one != ""]
    if isinstance(raw, str):
        if context.strict and not is_blank(raw):
            raise wrong_kind(raw, "a list", "列表")
        check_characters(raw)
        text = raw.replace("、", ",").replace("，", ",").replace("；", ";")
        for separator in separators[1:]:
            text = text.replace(separator, separators[0])
        parts = text.split(separators[0])
        return [part.strip(BLANKS) for part in parts if not is_blank(part)]
    if context.strict or isinstance(raw, Mapping):
        raise wrong_kind(raw, "a list", "列表")
    return [raw]


def check_count(values: Sequence[object], most: int) -> None:
    """Refuse a list that is too long.

    Raises:
        FieldError: with both numbers.
    """
    if len(values) > most:
        raise FieldError(
            say(
                "These are {count}; at most {most} are allowed.",
                "共有 {count} 项，最多 {most} 项。",
                count=len(values),
                most=most,
            ),
            "too-many",
        )


def suggestion(word: str, legal: Sequence[str]) -> Label:
    """Return the end of a sentence about an unknown word: the nearest one, or what there is."""
    close = difflib.get_close_matches(word, legal, n=1, cutoff=0.6)
    if close:
        return say(" Did you mean “{word}”?", "您是不是要填“{word}”？", word=close[0])
    if not legal:
        return say("", "")
    listed = ", ".join(list(legal)[:8])
    if len(legal) > 8:
        return say(" There is: {listed} …", "可选：{listed} 等。", listed=listed)
    return say(" There is: {listed}.", "可选：{listed}。", listed=listed)
