"""What was typed in for targets that a plan takes away: it stays, and nobody sees it any more."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.database.outlook import Outlook
from app.database.target_tables import target_value
from app.definitions.catalog import Catalog
from app.texts import say


def outlook_of_targets(pools: Any, catalog: Catalog) -> list[Outlook]:
    """Return for each target that has amounts and is not in *catalog* how many they are."""
    count = sa.func.count()
    known = sa.select(target_value.c.target, count).group_by(target_value.c.target)
    with pools.engine.connect() as connection:
        if connection.scalar(sa.select(sa.func.to_regclass("trellis.target_value"))) is None:
            # Installed by a version that knew none, and not migrated yet.
            return []
        rows = connection.execute(known.order_by(target_value.c.target)).all()
    kept = {name for target in catalog.targets.values() for name in target.names}
    return [_told(name, amounts) for name, amounts in rows if name not in kept]


def _told(name: str, amounts: int) -> Outlook:
    words = say(
        "removed. {amounts} amounts that were typed in stay, and are shown again when a target of "
        "this name comes back.",
        "已移除。已录入的 {amounts} 个数值会保留，同名目标恢复后将重新显示。",
        amounts=amounts,
    )
    data = {"target": name, "amounts": amounts}
    return Outlook(f"target {name}", words, data={"targets": [data]})
