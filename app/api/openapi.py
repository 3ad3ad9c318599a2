"""The API of the live catalog as OpenAPI 3.1, as one person may use it.

What a record looks like stands in ``openapi_schemas``, what can be asked in ``openapi_paths``; here
both become one document. Nothing in it is more than the asker may know.
"""

from __future__ import annotations

from typing import Any

from app.access.policy import Policy
from app.api.openapi_approvals import approval_paths, approval_schemas, record_paths
from app.api.openapi_attachments import attachment_paths, attachment_schemas
from app.api.openapi_audit import audit_paths, audit_schemas
from app.api.openapi_automation import (
    automation_paths,
    automation_record_paths,
    automation_schemas,
)
from app.api.openapi_calendar import calendar_paths, calendar_schemas
from app.api.openapi_changes import bulk_paths, change_paths, change_schemas
from app.api.openapi_dashboards import dashboard_paths, dashboard_schemas
from app.api.openapi_duplicate_pairs import duplicate_paths, duplicate_schemas
from app.api.openapi_exchange import exchange_paths, exchange_schemas
from app.api.openapi_export_runs import export_run_paths, export_run_schemas
from app.api.openapi_imports import import_paths, import_schemas
from app.api.openapi_inbox import inbox_paths, inbox_schemas
from app.api.openapi_moves import move_paths, move_schemas
from app.api.openapi_paths import entity_paths, general_paths, responses
from app.api.openapi_personal import personal_paths, personal_schemas
from app.api.openapi_pools import pool_paths, pool_schemas
from app.api.openapi_schemas import common_schemas, record_schemas
from app.api.openapi_staff import staff_paths, staff_schemas
from app.api.openapi_timeline import timeline_paths, timeline_schemas
from app.api.openapi_views import view_paths, view_schemas
from app.definitions.catalog import Catalog
from app.records.doings import RIGHTS
from app.records.personal_fields import answers_for_persons

_ABOUT = """The API of this installation, made from its configuration.

Send `Authorization: Bearer …` with a token of `POST /api/v1/security/login` or an API key of your
account page. Every error has the same shape: `{"error": {"code", "message", "fields"}}`; sentences
are in the language of `Accept-Language` (`en` or `zh`)."""


def describe_api(catalog: Catalog, policy: Policy, language: str) -> dict[str, Any]:
    """Return the OpenAPI document of everything *policy* may do."""
    entities = [
        entity
        for entity in catalog.entities.values()
        if entity.lines_of is None and policy.may("read", entity.name)
    ]
    paths: dict[str, Any] = general_paths([entity.name for entity in entities])
    paths |= inbox_paths() | staff_paths() | import_paths() | export_run_paths()
    paths |= dashboard_paths()
    schemas: dict[str, Any] = common_schemas() | move_schemas() | inbox_schemas()
    schemas |= staff_schemas() | import_schemas() | export_run_schemas() | dashboard_schemas()
    paths |= change_paths() | duplicate_paths()
    schemas |= attachment_schemas() | change_schemas() | view_schemas()
    schemas |= duplicate_schemas()
    schemas |= automation_schemas() | timeline_schemas()
    if policy.is_admin:
        paths |= automation_paths() | audit_paths() | exchange_paths()
        schemas |= audit_schemas() | exchange_schemas()
    if answers_for_persons(policy):
        paths |= personal_paths()
        schemas |= personal_schemas()
    if any("approval" in entity.fields for entity in entities):
        schemas |= approval_schemas()
        paths |= approval_paths()
    if any(catalog.automation.pools_of(entity.name) for entity in entities):
        schemas |= pool_schemas()
    paths |= calendar_paths()
    schemas |= calendar_schemas()
    for entity in entities:
        schemas |= record_schemas(catalog, entity, policy, language)
        paths |= entity_paths(entity, policy, language)
        paths |= move_paths(entity, language)
        if any(policy.may(right, entity.name) for right in RIGHTS):
            paths |= bulk_paths(entity, language)
        paths |= attachment_paths(entity, policy, language)
        paths |= pool_paths(catalog, entity, language)
        paths |= record_paths(entity, language)
        paths |= view_paths(entity, policy, language)
        paths |= automation_record_paths(entity, language)
        paths |= timeline_paths(entity, language)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": catalog.app.name,
            "version": catalog.fingerprint[:12],
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "tags": [{"name": entity.label.in_language(language)} for entity in entities],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of POST /api/v1/security/login, or an API key.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "trellis",
                    "description": "A signed-in browser; writes also need X-CSRFToken.",
                },
            },
            "schemas": schemas,
            "responses": responses(),
        },
    }
