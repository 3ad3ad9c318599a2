"""Names that have a meaning of their own, and names made into texts."""

from __future__ import annotations

import keyword

from app.texts import Label

#: Every record has these; see ``built_in``.
BUILT_IN_FIELDS = (
    "id", "owner", "owner_department", "owner_since", "previous_owner", "pool",
    "created_at", "created_by", "updated_at", "updated_by", "deleted_at", "deleted_by",
    "version", "tags", "team",
)  # fmt: skip

_EXPRESSION_WORDS = (
    "record",
    "old",
    "new",
    "each",
    "input",
    "me",
    "my",
    "app",
    "origin",
    "empty",
    "approval",
)
#: Columns PostgreSQL keeps in every table.
_SYSTEM_COLUMNS = ("tableoid", "xmin", "xmax", "cmin", "cmax", "ctid")

_WORD = "it is a word of the expression language."
_COLUMN = "PostgreSQL keeps a column of that name in every table."

_OF_ALL_FIELDS = {
    **dict.fromkeys(_EXPRESSION_WORDS, _WORD),
    **dict.fromkeys((word for word in keyword.kwlist if word.islower()), _WORD),
    **dict.fromkeys(_SYSTEM_COLUMNS, _COLUMN),
}
RESERVED_FIELDS = {
    **_OF_ALL_FIELDS,
    **dict.fromkeys(BUILT_IN_FIELDS, "every record has it already."),
    **dict.fromkeys(
        ("attachments", "comments", "followers", "stars"), "every record has them already."
    ),
}
RESERVED_LINE_FIELDS = {
    **_OF_ALL_FIELDS,
    **dict.fromkeys(("id", "position", "version"), "every row has it already."),
    "parent": "in lines it is the record around them.",
}
RESERVED_ROLES = dict.fromkeys(
    ("fields", "inherit", "else"), "the word has a meaning of its own in `access`."
)
RESERVED_OPTIONS = dict.fromkeys(("by", "else"), "the word has a meaning of its own in tables.")
RESERVED_ENTITIES = {
    **dict.fromkeys(_EXPRESSION_WORDS, _WORD),
    **dict.fromkeys((word for word in keyword.kwlist if word.islower()), _WORD),
    **dict.fromkeys(
        (
            "search",
            "meta",
            "security",
            "file",
            "files",
            "openapi",
            "menu",
            "approvals",
            "absences",
            "audit",
            "personal",
            "duplicates",
            "calendar",
            "rights",
            "dashboards",
            "targets",
            "handovers",
            "imports",
            "exports",
            "changes",
            "inbox",
            "integrations",
            "automation",
        ),
        "an address of the API has that name.",
    ),
}
BUILT_IN_ENTITIES = ("user", "department")


def label_from_name(name: str) -> Label:
    """Return what people read when nothing else was written: ``signed_on`` is "Signed on"."""
    words = name.rsplit(".", 1)[-1].replace("_", " ").replace("-", " ").strip()
    return Label({"en": words[:1].upper() + words[1:]})
