"""The small regular expressions of `matches` and `extract`."""

import re
import time

import pytest

from app.expressions.patterns import read_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("a", "xay", "a"),
        ("^a", "ba", None),
        ("a$", "ab", None),
        ("a$", "ba\n", None),
        ("a.b", "a\nb", "a\nb"),
        ("a|ab|abc", "xabcd", "abc"),
        ("a?(ab)?", "ab", "ab"),
        ("a*", "baaa", ""),
        ("a+", "baaa", "aaa"),
        ("(ab){2,3}", "abababab", "ababab"),
        ("a{0}b", "ab", "b"),
        ("a{2,}", "aaaa", "aaaa"),
        ("[a-c]+", "xxabcd", "abc"),
        ("[^a-c]+", "abxyc", "xy"),
        ("[]a]+", "x]a", "]a"),
        ("[a-]+", "x-a", "-a"),
        (r"[\d-]+", "tel 12-34", "12-34"),
        (r"\w+\.\w+", "at a.b now", "a.b"),
        (r"\S+", "  ab c", "ab"),
        (r"\D", "12a", "a"),
        ("重+点", "x重重点", "重重点"),
        ("(?:ab|c)+", "xabcab", "abcab"),
        ("", "abc", ""),
        ("x||y", "zy", ""),
        (r"\t|\n", "a\tb", "\t"),
        ("^$", "", ""),
    ],
)
def test_leftmost_and_there_longest_place_is_found(pattern, text, found):
    assert read_pattern(pattern).find(text) == found


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(a", "A `(` in the pattern `(a` is never closed."),
        ("a)", "The pattern `a)` has a `)` that closes nothing."),
        ("*a", "`*` in the pattern `*a` repeats nothing."),
        ("a**", "The pattern `a**` repeats a repetition."),
        ("a+?", "The pattern `a+?` repeats a repetition."),
        ("^*", "The pattern `^*` repeats `^`."),
        ("a{x}", "A `{` in the pattern `a{x}` holds no count like `{2,5}`."),
        ("a{3,2}", "A count in the pattern `a{3,2}` is not from 0 to 255."),
        ("a{999}", "A count in the pattern `a{999}` is not from 0 to 255."),
        ("[a", "The pattern `[a` ends too early."),
        ("[z-a]", "A range in the pattern `[z-a]` ends before it begins."),
        ("(?=a)", "`(?…` in the pattern `(?=a)` is not known here."),
        (r"(a)\1", r"`\1` in the pattern `(a)\1` is not known here."),
        (r"\bword", r"`\b` in the pattern `\bword` is not known here."),
        ("a\\", "The pattern `a\\` ends too early."),
        ("((a{50}){50})", "The pattern is too long once its repetitions are written out."),
    ],
)
def test_what_is_no_pattern_is_refused_by_a_sentence(pattern, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a*)*c", "a*a*a*a*a*a*b", "(.*)(.*)(.*)x"]
)
def test_x15_no_pattern_takes_long(pattern):
    """X15: patterns that make other engines run for ever."""
    begun = time.process_time()
    assert read_pattern(pattern).find("a" * 5_000 + "!") is None
    assert time.process_time() - begun < 2
