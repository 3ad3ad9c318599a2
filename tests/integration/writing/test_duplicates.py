"""The same thing twice: refused, warned about, and never told to who may not know."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import Forbidden, InvalidInput


def client(world, name="Acme", who="sam", **values):
    return world.records.create(world.who(who), "client", {"name": name, **values})


def phone(number):
    return [{"number": number}]


def test_the_same_number_is_refused_and_the_record_named(corner):
    client(corner, "Acme", phones=phone("13800138000"))
    with pytest.raises(InvalidInput) as error:
        client(corner, "Other", phones=phone("+86 138 0013 8000"))
    assert {name: [str(s) for s in said] for name, said in error.value.fields.items()} == {
        "phones": ["Client “Acme” has the same Phones."]
    }


def test_a5_who_may_not_see_it_is_not_told_which(corner):
    client(corner, "Secret client", who="tom", phones=phone("13800138000"))
    with pytest.raises(InvalidInput) as error:
        client(corner, "Other", phones=phone("13800138000"))
    assert [str(s) for s in error.value.fields["phones"]] == [
        "A record you may not see has the same Phones."
    ]
    client(corner, "Secret mail", who="tom", mail="a@x.example")
    assert client(corner, "Another", mail="a@x.example").warnings == ()


def test_case_width_and_blanks_do_not_count(corner):
    client(corner, tax_no="ab123")
    with pytest.raises(InvalidInput) as error:
        client(corner, "Other", tax_no=" ＡＢ123 ")
    assert set(error.value.fields) == {"tax_no"}


def test_other_entities_are_asked_as_well(corner):
    values = {"name": "Lead Li", "mobile": "13800138000"}
    corner.records.create(corner.who("sam"), "prospect", values)
    with pytest.raises(InvalidInput) as error:
        client(corner, "Acme", phones=phone("13800138000"))
    assert [str(s) for s in error.value.fields["phones"]] == [
        "Prospect “Lead Li” has the same Phones."
    ]
    client(corner, "Acme", phones=phone("13900139000"))
    values = {"name": "Lead Wu", "mobile": "13900139000"}
    written = corner.records.create(corner.who("sam"), "prospect", values)
    assert [str(s) for s in written.warnings] == ["Client “Acme” has the same Mobile."]


def test_similar_names_warn(corner):
    client(corner, "上海信远科技有限公司")
    client(corner, "Northwind Trading Company")
    written = client(corner, "上海信远科技有限公司北京")
    assert [str(s) for s in written.warnings] == [
        "Client “上海信远科技有限公司” has a similar Name."
    ]
    assert client(corner, "Northwind Traders Company").warnings != ()
    assert client(corner, "Something else").warnings == ()


def test_a_record_is_no_duplicate_of_itself_nor_of_what_is_in_the_bin(corner):
    first = client(corner, "Acme", phones=phone("13800138000"))
    corner.records.update(
        corner.who("sam"),
        "client",
        first.id,
        {"phones": [{"number": "13800138000"}, {"number": "13900139000"}]},
    )
    corner.records.delete(corner.who("mia"), "client", first.id)
    assert client(corner, "Acme", phones=phone("13800138000")).warnings == ()


def test_only_what_a_save_changes_is_asked(corner):
    client(corner, mail="a@x.example")
    second = client(corner, "Other", mail="a@x.example")
    assert [str(s) for s in second.warnings] == ["Client “Acme” has the same Mail."]
    written = corner.records.update(corner.who("sam"), "client", second.id, {"tax_no": "7"})
    assert written.warnings == ()


def test_two_who_save_the_same_number_at_once_are_not_both_let_through(corner):
    def create(name):
        try:
            return client(corner, name, phones=phone("13800138000")).id
        except InvalidInput:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [number for number in pool.map(create, ["Ab", "Cd", "Ef", "Gh"]) if number]
    assert len(made) == 1


def test_a_form_asks_while_it_is_typed(corner):
    first = client(corner, "Acme", phones=phone("13800138000"), mail="a@x.example")
    client(corner, "Hidden", who="tom", tax_no="55", mail="b@x.example")
    sam = corner.who("sam")
    values = {"phones": phone("13800138000"), "mail": "a@x.example", "name": "Acme", "tax_no": "55"}
    found = corner.records.find_duplicates(sam, "client", values)
    assert [(each.field, each.id, each.title, each.refuses) for each in found] == [
        ("phones", first.id, "Acme", True),
        ("tax_no", None, None, True),
        ("mail", first.id, "Acme", False),
        ("name", first.id, "Acme", False),
    ]
    assert corner.records.find_duplicates(sam, "client", values, first.id) == [found[1]]
    assert corner.records.find_duplicates(sam, "client", {"mail": "b@x.example"}) == []
    assert corner.records.find_duplicates(sam, "client", {"phones": "?", "nothing": 1}) == []
    with pytest.raises(Forbidden):
        corner.records.find_duplicates(corner.who("aud"), "client", values)
