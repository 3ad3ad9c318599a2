"""Every definition checked by itself, against its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma

from app.definitions.app_file import AppSchema
from app.definitions.approvals import ApprovalSchema
from app.definitions.complaints import check_name, shape_problems
from app.definitions.config_tests import TestSchema
from app.definitions.dashboards import DashboardSchema, TargetSchema
from app.definitions.document import Document
from app.definitions.field_schemas import FieldSchemas
from app.definitions.gather import Gathered
from app.definitions.imports import ImportSchema
from app.definitions.integrations import IntegrationSchema
from app.definitions.lifecycles import LifecycleSchema, WrittenLifecycle
from app.definitions.pools import PoolSchema, QuotaSchema
from app.definitions.problems import Problem
from app.definitions.reuse import Memory
from app.definitions.rule_schemas import rule_schema
from app.definitions.schemas import OptionListsSchema, RolesSchema, entity_schema
from app.definitions.shape import Definition
from app.definitions.templates import read_template

#: Kinds of definitions that are read alike and bound later, beside the lifecycles.
WORKFLOWS: Mapping[str, Callable[[FieldSchemas], Definition]] = {
    "rule": rule_schema,
    "approval": lambda _: ApprovalSchema(),
    "pool": lambda _: PoolSchema(),
    "quota": lambda _: QuotaSchema(),
    "test": lambda _: TestSchema(),
    "import": lambda _: ImportSchema(),
    "integration": lambda _: IntegrationSchema(),
    "dashboard": lambda _: DashboardSchema(),
    "target": lambda _: TargetSchema(),
}


class Shapes:
    """The checked values of all definitions; what did not change is the very same object."""

    def __init__(self, schemas: FieldSchemas, gathered: Gathered, memory: Memory) -> None:
        """Check all of them; *memory* holds those of the time before."""
        self.problems: list[Problem] = []
        self._memory = memory
        singles = gathered.singles
        self.app = self._read(AppSchema(), singles.get("app"))
        self.roles = self._read(RolesSchema(), singles.get("roles")).get("roles", {})
        self.options = self._read(OptionListsSchema(), singles.get("options")).get("options", {})
        schema = entity_schema(schemas)
        self.entities = {
            name: values
            for name, document in gathered.entities.items()
            if (values := self._read(schema, document, f"The entity `{name}`"))
        }
        for name, document in gathered.entities.items():
            self._check_entity_name(name, document)
        lifecycle = LifecycleSchema()
        self.lifecycles = [
            WrittenLifecycle(document, values)
            for document in gathered.others.get("lifecycle", {}).values()
            if (values := self._read(lifecycle, document))
        ]
        #: by kind, in the order of files and places
        self.workflows = {
            kind: self._read_all(make(schemas), gathered.others.get(kind, {}))
            for kind, make in WORKFLOWS.items()
        }
        self.templates = []
        for file, text in gathered.templates.items():
            template, problems = read_template(file, text)
            self.problems += problems
            if template is not None:
                self.templates.append(template)

    def _read_all(
        self, schema: Definition, documents: Mapping[str, Document]
    ) -> list[tuple[Document, dict[str, Any]]]:
        return [
            (document, values)
            for document in documents.values()
            if (values := self._read(schema, document))
        ]

    def _read(
        self, schema: Definition, document: Document | None, what: str = ""
    ) -> dict[str, Any]:
        if document is None:
            return {}
        known = self._memory.find_values(document)
        if known is not None:
            return known
        try:
            values = schema.read(document.data, what)
        except ma.ValidationError as error:
            self.problems += shape_problems(document, error.messages)
            return {}
        except Exception as error:
            error.add_note(document.file)
            raise
        self._memory.keep_values(document, values)
        return values

    def _check_entity_name(self, name: str, document: Document) -> None:
        try:
            check_name(name, "an entity")
        except ma.ValidationError as error:
            self.problems += shape_problems(document, {"entity": error.messages})
