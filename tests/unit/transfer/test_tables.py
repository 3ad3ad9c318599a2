"""Tables out of files: what is found by itself, what may be chosen, what is refused kindly."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from app.transfer.tables import UnreadableFile, find_shape, members_of, open_table, sheets_of
from app.transfer.tables.found import headings, letters

FILES = Path(__file__).parent / "files"


def read(path: Path, **chosen):
    shape = find_shape(path, **chosen)
    with open_table(path, shape) as table:
        return shape, table.columns, list(table)


def written(tmp_path: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def workbook(path: Path, rows, **sheets) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, content in {"Sheet1": rows, **sheets}.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(content):
                for place, value in enumerate(row):
                    if isinstance(value, date):
                        sheet.write_datetime(number, place, value, day)
                    elif isinstance(value, str):
                        sheet.write_string(number, place, value)
                    elif value is not None:
                        sheet.write(number, place, value)
    return path


TEXT = '客户名称,电话,备注\n杭州一厂,13800138000,"有\n换行"\n宁波二厂,,好\n'


@pytest.mark.parametrize(
    ("encoding", "found", "is_certain"),
    [
        ("utf-8", "utf-8", True),
        ("utf-8-sig", "utf-8-sig", True),
        ("utf-16", "utf-16", True),
        ("utf-16-le", "utf-16-le", False),
        ("utf-16-be", "utf-16-be", False),
        ("gb18030", "gb18030", False),
    ],
)
def test_i3_encodings_are_found(tmp_path, encoding, found, is_certain):
    text = TEXT if encoding not in ("utf-16-le", "utf-16-be") else "name,phone\nAcme,1\nBig,2\n"
    shape, columns, rows = read(written(tmp_path, "a.csv", text, encoding))
    assert (shape.encoding, shape.is_certain) == (found, is_certain)
    if text is TEXT:
        assert columns == ("客户名称", "电话", "备注")
        assert [(row.number, row.values) for row in rows] == [
            (2, ("杭州一厂", "13800138000", "有\n换行")),
            (4, ("宁波二厂", None, "好")),
        ]


def test_i3_western_text_is_no_chinese_and_can_be_chosen_otherwise(tmp_path):
    path = written(tmp_path, "a.csv", "Name;Straße\nMüller;Höhe 3\nGröße;Äußere\n", "cp1252")
    shape, columns, rows = read(path)
    assert (shape.encoding, shape.delimiter, columns) == ("cp1252", ";", ("Name", "Straße"))
    assert rows[0].values == ("Müller", "Höhe 3")
    shape, _, rows = read(path, encoding="gb18030")
    assert shape.is_certain
    assert rows[0].values[0] != "Müller"


def test_i3_what_stands_around_values_is_found_or_said(tmp_path):
    text = "'Name','Note'\n'O''Hara','a, b'\n'Bolt',''\n"
    shape, columns, rows = read(written(tmp_path, "a.csv", text))
    assert (shape.quote, columns) == ("'", ("Name", "Note"))
    assert [list(row.values) for row in rows] == [["O'Hara", "a, b"], ["Bolt", None]]
    inches = 'Name,Size\n"12 inch,5\nBolt,7\n'
    with pytest.raises(UnreadableFile, match="quotation mark"):
        read(written(tmp_path, "b.csv", inches))
    _, _, rows = read(written(tmp_path, "c.csv", inches), quote="none")
    assert [list(row.values) for row in rows] == [['"12 inch', "5"], ["Bolt", "7"]]
    assert read(written(tmp_path, "d.csv", b"Name,Note\n'a,b\n"))[0].quote == '"'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_cuts_most_rows_alike(tmp_path, delimiter):
    lines = [["name", "note", "amount"], ["Acme", "a; b, c", "1"], ["Big", "x | y", "2"]]
    text = "\n".join(delimiter.join(f'"{value}"' for value in line) for line in lines)
    shape, columns, rows = read(written(tmp_path, "a.txt", text))
    assert (shape.delimiter, columns) == (delimiter, ("name", "note", "amount"))
    assert rows[0].values == ("Acme", "a; b, c", "1")


def test_titles_above_the_headings_are_passed_over(tmp_path):
    text = "客户清单 2026,,\n,,\n名称,级别,金额\n一厂,A,12\n"
    shape, columns, rows = read(written(tmp_path, "a.csv", text))
    assert (shape.header, columns) == (3, ("名称", "级别", "金额"))
    assert [row.number for row in rows] == [4]


def test_without_headings_columns_have_letters(tmp_path):
    path = written(tmp_path, "a.csv", "Acme,13800138000\nBig,13900139000\n")
    shape, columns, rows = read(path)
    assert (shape.header, columns, len(rows)) == (None, ("A", "B"), 2)
    _, columns, rows = read(path, header=1)
    assert (columns, len(rows)) == (("Acme", "13800138000"), 1)


def test_headings_that_are_empty_or_twice_can_be_told_apart():
    assert headings(["a", None, "a", " b\n c ", None]) == ("a", "(B)", "a (C)", "b c")
    assert [letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_what_stands_beyond_the_headings_is_not_lost(tmp_path):
    _, _, rows = read(written(tmp_path, "a.csv", "a,b\n1,2,3\n4\n"), header=1)
    assert (rows[0].values, rows[0].beyond) == (("1", "2"), ("3",))
    assert rows[1].values == ("4", None)


def test_i14_workbooks_keep_their_types(tmp_path):
    rows = [
        ["Name", "Phone", "Day", "Amount", "Yes"],
        ["Acme", 13800138000, date(2026, 3, 2), 12.5, True],
        [None] * 5,
        ["=HYPERLINK(1)", None, None, None, False],
    ]
    path = workbook(tmp_path / "a.xlsx", rows)
    shape, columns, found = read(path)
    assert (shape.kind, shape.sheet, columns) == ("xlsx", "Sheet1", tuple(rows[0]))
    assert found[0].values == ("Acme", 13800138000, date(2026, 3, 2), 12.5, True)
    # I14: a text stays a text.
    assert (found[1].number, found[1].values[0]) == (4, "=HYPERLINK(1)")


def test_the_sheet_with_the_table_is_taken_and_another_can_be_chosen(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", [["Read me"]], Data=[["Name", "Level"], ["Acme", "a"]], Other=[["x"]]
    )
    assert sheets_of(path) == ("Sheet1", "Data", "Other")
    assert read(path)[0].sheet == "Data"
    assert read(path, sheet="Other", header=None)[2][0].values == ("x",)
    with pytest.raises(UnreadableFile, match=r"no sheet Nope\. There are: Sheet1"):
        read(path, sheet="Nope")


def test_rows_and_columns_count_from_the_corner_of_the_sheet(tmp_path):
    rows = [[], [None, "Name", "Level"], [None, "Acme", "a"]]
    shape, columns, found = read(workbook(tmp_path / "a.xlsx", rows))
    assert (shape.header, [name for name in columns if name[0] != "("]) == (2, ["Name", "Level"])
    assert found[0].number == 3
    assert [value for value in found[0].values if value] == ["Acme", "a"]


def test_old_workbooks_are_read_whatever_they_are_called(tmp_path):
    for name in ("customers.xls", "customers.xlsx"):
        path = written(tmp_path, name, (FILES / "customers.xls").read_bytes())
        shape, columns, rows = read(path)
        assert (shape.kind, columns) == ("xls", ("客户名称", "电话", "签约日期", "金额"))
        assert rows[0].values == ("杭州测试有限公司", 13800138000, date(2026, 3, 2), 12.5)


_ODS = """<?xml version="1.0"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body><office:spreadsheet>
<table:table table:name="Data">
<table:table-row><table:table-cell office:value-type="string"><text:p>Name</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>Amount</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>Acme</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def test_open_document_sheets_are_read(tmp_path):
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", _ODS)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    shape, columns, rows = read(path)
    assert (shape.kind, columns, rows[0].values) == ("ods", ("Name", "Amount"), ("Acme", 7))


def test_records_as_lines_of_json(tmp_path):
    text = '{"name": "Acme", "address": {"city": "Bonn"}, "tags": ["a"]}\n\n{"name": "", "no": 3}\n'
    shape, columns, rows = read(written(tmp_path, "a.jsonl", text))
    assert (shape.kind, columns) == ("jsonl", ("name", "address.city", "tags", "no"))
    assert [(row.number, row.values) for row in rows] == [
        (1, ("Acme", "Bonn", ["a"], None)),
        (3, (None, None, None, 3)),
    ]
    with pytest.raises(UnreadableFile, match="Line 2 is no record"):
        read(written(tmp_path, "b.jsonl", '{"a": 1}\n[1]\n'))


def test_a_zipped_file_is_read_and_of_several_another_can_be_chosen(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/客户.csv", "name,level\nAcme,a\n")
        archive.writestr("__MACOSX/._x.csv", "junk")
    shape, columns, _ = read(path)
    assert (shape.member, columns) == ("export/客户.csv", ("name", "level"))
    workbook(tmp_path / "b.xlsx", [["Name", "Level"], ["Big", "b"]])
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(tmp_path / "b.xlsx", "b.xlsx")
    assert members_of(path) == ("b.xlsx", "export/客户.csv")
    assert read(path)[0].member == "b.xlsx"
    assert read(path, member="export/客户.csv")[2][0].values == ("Acme", "a")
    with pytest.raises(UnreadableFile, match=r"no file x\.csv in the archive"):
        read(path, member="x.csv")


def test_i8_bombs_are_refused_before_they_are_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (60 * 1024 * 1024))
    with pytest.raises(UnreadableFile, match="too large once unpacked"):
        read(path)
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.csv", "")
    with pytest.raises(UnreadableFile, match="too large once unpacked"):
        read(path)


def test_i9_entities_of_a_workbook_are_never_resolved(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    source = workbook(tmp_path / "a.xlsx", [["Name", "Level"], ["Acme", "a"]])
    evil = tmp_path / "evil.xlsx"
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(evil, "w") as new:
        for part in old.namelist():
            content = old.read(part).decode()
            if part == "xl/sharedStrings.xml":
                content = content.replace("<sst", f"{entity}<sst", 1).replace("Acme", "&e;")
            new.writestr(part, content)
    try:
        _, columns, rows = read(evil)
    except UnreadableFile:
        return
    assert "the secret" not in str((columns, rows))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "The file is empty"),
        ("a.csv", b"%PDF-1.7 \x00\x01", "This is no table"),
        ("a.xlsx", b"PK\x03\x04broken", "damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0broken", "damaged"),
        ("a.zip", b"PK\x05\x06" + b"\x00" * 18, "holds no table"),
        ("a.csv", b'name,note\nAcme,"never closed\nBig,x\n', "From line 2 on"),
        ("a.csv", b"a,b\n" + b"x," * 1500 + b"\n", "more than 1000 columns"),
    ],
)
def test_i11_what_cannot_be_read_says_why(tmp_path, name, content, sentence):
    path = written(tmp_path, name, content)
    with pytest.raises(UnreadableFile, match=sentence):
        read(path)


def test_a_letter_outside_of_the_encoding_names_the_line(tmp_path):
    path = written(tmp_path, "a.csv", b"name\n" + b"x\n" * 3 + b"\xff\xfe\xfd\n")
    with pytest.raises(UnreadableFile, match="that are not in the encoding utf-8"):
        read(path, encoding="utf-8", header=1)
