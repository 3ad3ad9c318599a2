"""Lists: which rows, which values, in which order."""


def names(world, who, **asked):
    page = world.records.query(world.who(who), "company", fields="name", **asked)
    return [row["name"] for row in page]


def test_a_list_holds_the_rows_of_the_scope(world):
    assert names(world, "sam") == ["Sam Steel", "信远科技有限公司"]
