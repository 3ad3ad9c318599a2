"""Files, images and signatures: a value is the number of a kept file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.expressions.types import TEXT, Type, many
from app.fields import converting, filters
from app.fields.base import (
    Column,
    Conversion,
    FieldLike,
    FieldType,
    Operator,
    OptionLike,
    ParseContext,
)
from app.fields.reading import check_count, read_list
from app.fields.relations import read_id
from app.fields.settings import Names, Said, Setting, Size, WholeNumber
from app.texts import Label, say

MEGABYTE = 1024 * 1024
#: Files that are taken where a field says nothing; programs and pages are not among them.
USUAL = (
    "pdf",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "ppt",
    "pptx",
    "odt",
    "ods",
    "odp",
    "rtf",
    "txt",
    "csv",
    "md",
    "eml",
    "msg",
    "zip",
    "7z",
    "rar",
    "jpg",
    "jpeg",
    "png",
    "gif",
    "webp",
    "bmp",
    "tif",
    "tiff",
    "heic",
    "mp3",
    "wav",
    "m4a",
    "amr",
    "mp4",
    "mov",
    "dwg",
    "dxf",
    "ofd",
    "wps",
    "et",
)
IMAGES = ("jpg", "jpeg", "png", "gif", "webp")
#: What a browser would run if it were ever sent as itself; no field can allow it.
NEVER = (
    "html", "htm", "xhtml", "svg", "svgz", "xml", "js", "mjs", "exe", "msi", "bat", "cmd", "com",
    "scr", "ps1", "vbs", "jar", "sh", "php", "phar", "jsp", "asp", "aspx", "hta", "lnk", "dll",
)  # fmt: skip


class FileLike(FieldType):
    """Base of what is kept as one file or several."""

    usual: ClassVar[tuple[str, ...]] = USUAL
    usual_size: ClassVar[int] = 20 * MEGABYTE

    def settings(self) -> dict[str, Setting]:
        """Return which files are taken."""
        made: dict[str, Setting] = {
            "types": Names("The endings of file names that are taken.", self.usual),
            "max_size": Size("The greatest size of one file.", self.usual_size),
        }
        if self.many:
            made["max"] = WholeNumber("The greatest number of files.", 10, least=1, most=100)
        return made

    def problems(self, settings: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
        """Give endings that no field may allow."""
        for ending in settings.get("types", ()):
            if ending in NEVER:
                yield (
                    "types",
                    Said(
                        f"`types` cannot hold `{ending}`: a browser or a computer would run it.",
                        "unsafe-file-type",
                    ),
                )

    def columns(self, field: FieldLike) -> tuple[Column, ...]:
        """Return one column with the file's number, or with several."""
        if self.many:
            list_type = ARRAY(sa.BigInteger())
            return (Column(field.name, list_type, not_null=True, default="'{}'"),)
        return (Column(field.name, sa.BigInteger()),)

    def value_type(self, field: FieldLike, options: Sequence[OptionLike] = ()) -> Type:
        """Return that it can be asked whether it is empty, and how many there are."""
        return many(TEXT) if self.many else TEXT

    def parse(self, field: FieldLike, raw: object, context: ParseContext) -> Any:
        """Return the numbers of files that were sent before; a file itself does not come here."""
        if not self.many:
            return read_id(raw, strict=context.strict)
        members = [raw] if isinstance(raw, int | Mapping) else read_list(raw, context)
        ids = (read_id(one, strict=context.strict) for one in members)
        values = list(dict.fromkeys(one for one in ids if one is not None))
        check_count(values, field.settings.get("max", 10))
        return values or None

    def to_columns(self, field: FieldLike, value: Any) -> dict[str, Any]:
        """Return the number or the list."""
        return {field.name: list(value or ()) if self.many else value}

    def from_columns(self, field: FieldLike, row: Mapping[str, Any]) -> Any:
        """Return the number or the list; None where there is none."""
        return row[field.name] or None

    def to_json(self, field: FieldLike, value: Any) -> Any:
        """Return the number or the list."""
        return list(value or ()) if self.many else value

    def display(
        self,
        field: FieldLike,
        value: Any,
        language: str,
        time_zone: str = "UTC",
        row: Mapping[str, Any] | None = None,
    ) -> str:
        """Return how many there are; whoever knows the names shows those."""
        count = len(value or ()) if self.many else int(value is not None)
        return say("{n} file(s)", "{n} 个文件", n=count).in_language(language) if count else ""

    def mask(self, field: FieldLike, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return stars where there is any."""
        empty = sa.text("'{}'::bigint[]")
        return super().mask(field, sa.func.nullif(column, empty) if self.many else column)

    def operators(self, field: FieldLike) -> tuple[Operator, ...]:
        """Return that it can be asked whether there is any."""
        return filters.FILLED

    def search_text(self, field: FieldLike, value: Any) -> str:
        """Return nothing: files are not searched."""
        return ""

    def json_schema(self, field: FieldLike) -> dict[str, Any]:
        """Return that it is a number or a list of them; with ``expand`` objects."""
        one = {"type": "integer", "minimum": 1}
        return {"type": "array", "items": one} if self.many else one

    def conversions(self, field: FieldLike, time_zone: str = "UTC") -> Mapping[str, Conversion]:
        """Return that files, images and signatures become each other, one and several."""
        ones, lists = ("file", "image", "signature"), ("files", "images")
        if not self.many:
            first = converting.conversion(converting.one_of_list, converting.has_one)
            return {**dict.fromkeys(ones, converting.same()), **dict.fromkeys(lists, first)}
        listed = converting.conversion(
            lambda column: sa.func.coalesce(
                converting.list_of_one(sa.BigInteger())(column), sa.text("'{}'::bigint[]")
            ),
            converting.always,
        )
        return {**dict.fromkeys(ones, listed), **dict.fromkeys(lists, converting.same())}


class File(FileLike):
    """One file."""

    name: ClassVar[str] = "file"
    label: ClassVar[Label] = say("File", "附件")
    help: ClassVar[str] = (
        "One file. It is sent to the files' own address first; its number is the value. Both the "
        "ending of its name and its content must be of an allowed kind."
    )
    control: ClassVar[str] = "file"
    example: ClassVar[str] = "voucher: {type: file, types: [pdf, jpg], max_size: 5 MB}"
    example_json: ClassVar[Any] = 88


class Files(FileLike):
    """Several files."""

    name: ClassVar[str] = "files"
    label: ClassVar[Label] = say("Files", "多个附件")
    help: ClassVar[str] = "Several files, as for `file`."
    many: ClassVar[bool] = True
    control: ClassVar[str] = "files"
    example: ClassVar[str] = "vouchers: {type: files, max: 5}"
    example_json: ClassVar[Any] = [88, 89]


class Image(FileLike):
    """One image."""

    name: ClassVar[str] = "image"
    label: ClassVar[Label] = say("Image", "图片")
    help: ClassVar[str] = "One image (JPEG, PNG, GIF or WebP), shown small."
    usual: ClassVar[tuple[str, ...]] = IMAGES
    usual_size: ClassVar[int] = 10 * MEGABYTE
    control: ClassVar[str] = "image"
    example: ClassVar[str] = "logo: {type: image, max_size: 2 MB}"
    example_json: ClassVar[Any] = 88


class Images(Image):
    """Several images."""

    name: ClassVar[str] = "images"
    label: ClassVar[Label] = say("Images", "多张图片")
    help: ClassVar[str] = "Several images, as for `image`."
    many: ClassVar[bool] = True
    control: ClassVar[str] = "images"
    example: ClassVar[str] = "photos: {type: images, max: 9}"
    example_json: ClassVar[Any] = [88, 89]


class Signature(FileLike):
    """A signature drawn by hand."""

    name: ClassVar[str] = "signature"
    label: ClassVar[Label] = say("Signature", "手写签名")
    help: ClassVar[str] = "A signature drawn on the screen, kept as a PNG image."
    usual: ClassVar[tuple[str, ...]] = ("png",)
    usual_size: ClassVar[int] = MEGABYTE
    control: ClassVar[str] = "signature"
    example: ClassVar[str] = "signed_by: {type: signature}"
    example_json: ClassVar[Any] = 88

    def settings(self) -> dict[str, Setting]:
        """Return none of its own."""
        return {}
