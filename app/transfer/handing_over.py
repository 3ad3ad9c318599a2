"""An import that nobody looks at first: rows and a plan, handed over to be run."""

from __future__ import annotations

from typing import IO, Any

from app.access.policy import Policy
from app.definitions.catalog import Catalog
from app.errors import Forbidden
from app.records.statements import json_text
from app.texts import say
from app.transfer import statements
from app.transfer.permitted import check_permitted
from app.transfer.plans import Plan, check_plan
from app.transfer.uploads import Uploads


def hand_over(
    pools: Any,
    uploads: Uploads,
    catalog: Catalog,
    policy: Policy,
    user_id: int | None,
    plan: Plan,
    stream: IO[bytes],
    name: str,
) -> int:
    """Keep rows with what is to become of them, to be taken up by a worker; return the import.

    Args:
        policy: of whoever brings them, *user_id*; None is the system.

    Raises:
        Forbidden: who brings them may not import such records.
        InvalidInput: the plan names what is not there, or what may not be written.
    """
    if not policy.may("import", plan.entity):
        entity = catalog.entities[plan.entity].label
        raise Forbidden(
            say("Records of {entity} may not be imported.", "无权导入{entity}。", entity=entity)
        )
    checked = check_plan(catalog, plan)
    check_permitted(catalog, policy, checked)
    values = {
        "entity": plan.entity,
        "user": user_id,
        "name": name,
        "sha256": uploads.take(stream),
        "plan": json_text(checked.as_json()),
    }
    with pools.write.connection() as connection:
        row = statements.insert.run(connection, values).fetchone()
        assert row is not None
        moved = {"run": int(row[0]), "from_": ["draft"], "to": "waiting", "problem": None}
        statements.move.run(connection, moved)
    return int(row[0])
