from __future__ import annotations

import re

from app.screens.wording import read_wordings
from tests.unit.screens.sentences import sentences

SINGULAR, PLURAL = sentences()
CHINESE = read_wordings()["zh"]


def test_every_sentence_is_said_in_chinese():
    assert sorted(SINGULAR - CHINESE.singular.keys()) == []
    assert sorted(one for one, _ in PLURAL if one not in CHINESE.plural) == []


def test_no_translation_is_of_a_sentence_nobody_says():
    assert sorted(CHINESE.singular.keys() - SINGULAR) == []
    assert sorted(CHINESE.plural.keys() - {one for one, _ in PLURAL}) == []


def test_a_translation_fills_in_the_same_values():
    for sentence, said in CHINESE.singular.items():
        places = re.findall(r"%\((\w+)\)s", sentence)
        assert sorted(re.findall(r"%\((\w+)\)s", said)) == sorted(places), sentence


def test_counts_take_the_form_of_their_language():
    english = read_wordings()["en"]
    one, many = "%(number)s problem", "%(number)s problems"
    assert english.count(one, many, 1) == "1 problem"
    assert english.count(one, many, 3) == "3 problems"
    assert CHINESE.count(one, many, 1) == "1 个问题"
