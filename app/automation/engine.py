"""The engine: fires rules and runs their steps.

Events fire inside the transaction of the write (``events``), buttons and hooks in one of their own;
what is due later is a row in ``trellis.task``, which a worker hands to `Engine.run_tasks`.
"""

from __future__ import annotations

from collections.abc import Sequence


class Engine:
    """Runs what is due, each batch in one transaction."""

    def run_task(self, task_id: int, token: int) -> None:
        """Run one task; see `run_tasks`."""
        self.run_tasks([task_id], token)

    def run_tasks(self, ids: Sequence[int], token: int) -> None:
        """Run the tasks that are still held under *token*; others, and those gone, are passed over.

        Whoever hands tasks out sets ``leased_until`` and ``token`` and counts ``attempts`` up.
        Every effect, the ledger and the deletion of the tasks are one transaction. When one of
        them fails, the others are run all the same and the failure is noted: it is due again
        after a pause, and put aside with its problem after the third attempt.
        """
        raise NotImplementedError
