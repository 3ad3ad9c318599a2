"""Bind exchanges with other systems: what goes out as a rule, what comes in as an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import marshmallow as ma

from app.definitions.complaints import shape_problems
from app.definitions.connections import (
    Connection,
    SyncIn,
    SyncOut,
    import_of,
    name_of,
    read_source,
    rule_of,
    taken_from,
)
from app.definitions.document import Document
from app.definitions.gather import Gathered
from app.definitions.imports import ImportSchema, bind_import
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rule_schemas import rule_schema
from app.definitions.workshop import Workshop

Written = list[tuple[Document, dict[str, Any]]]


def write_out_rules(shop: Workshop, workflows: Mapping[str, Written], gathered: Gathered) -> None:
    """Put what goes out among the rules: each is a rule that calls."""
    schema = rule_schema(shop.schemas)
    rules = gathered.others.setdefault("rule", {})
    for document, values in workflows.get("integration", []):
        for index, one in enumerate(values.get("sync", ())):
            if "out" not in one:
                continue
            name = name_of(values["integration"], one)
            if name in rules:
                message = f"There is a rule `{name}` already, and this would be another."
                hint = "Give the exchange a `name`."
                shop.problem(Code.duplicate_name, document, ("sync", index), message, hint)
                continue
            made = rule_of(document, index, values, one)
            try:
                workflows["rule"].append((made, schema.read(made.data)))
            except ma.ValidationError as error:
                shop.problems += shape_problems(made, error.messages)
            rules[name] = made


def bind_connection(
    shop: Workshop, document: Document, values: Mapping[str, Any], login: str
) -> Connection:
    """Return another system; exchanges with a problem are left out."""
    name = values["integration"]
    found: dict[str, SyncIn | SyncOut] = {}
    for index, one in enumerate(values.get("sync", ())):
        path = ("sync", index)
        called = name_of(name, one)
        made: SyncIn | SyncOut | None = None
        if "out" in one:
            made = SyncOut(
                name=called,
                integration=name,
                label=one.get("label") or label_from_name(one.get("name") or one["out"]),
                entity=one["out"],
                to=one["to"],
                off=one.get("off", False),
                place=document.place(path),
            )
        elif called in found:
            message = f"`{one['in']}` is exchanged twice under one name."
            shop.problem(Code.duplicate_name, document, path, message, "Give one a `name`.")
        else:
            made = _bind_in(shop, document, index, values, one)
        if made is not None:
            found[called] = made
    return Connection(
        name=name,
        label=values.get("label") or label_from_name(name),
        kind=values["kind"],
        url=values.get("url", ""),
        secret=values.get("secret", ""),
        shown_as=values.get("secret_as", "bearer"),
        as_=login,
        syncs=tuple(found.values()),
        place=document.place(),
    )


def _bind_in(
    shop: Workshop,
    document: Document,
    index: int,
    integration: Mapping[str, Any],
    values: Mapping[str, Any],
) -> SyncIn | None:
    made = import_of(document, index, integration, values)
    try:
        mapping = bind_import(shop, made, ImportSchema().read(made.data))
    except ma.ValidationError as error:
        shop.problems += shape_problems(made, error.messages)
        return None
    if mapping is None:
        return None
    is_api = integration["kind"] == "api"
    method, source = read_source(values["from"]) if is_api else ("", values["from"])
    every = values.get("every")
    return SyncIn(
        name=mapping.name,
        integration=integration["integration"],
        label=values.get("label") or label_from_name(values.get("name") or values["in"]),
        source=source,
        method=method,
        every=replace(every, day=values.get("day")) if every is not None else None,
        at=values.get("at"),
        mapping=mapping,
        taken=taken_from(values),
        rows=tuple(values["rows"].split(".")) if "rows" in values else (),
        next=tuple(values["next"].split(".")) if "next" in values else (),
        off=values.get("off", False),
        place=document.place(("sync", index)),
    )
