"""What goes out of a transaction: messages and deliveries, collected and written as rows in one go.

Steps put here what they want told; the engine writes it before the commit, so a firing and its
messages stand or fall together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.notifications.outbox import NewDelivery, NewMessage
    from app.records.work import Work


@dataclass(slots=True)
class Outbox:
    """Rows on their way out."""

    messages: list[NewMessage] = field(default_factory=list)
    deliveries: list[NewDelivery] = field(default_factory=list)

    def post(self, message: NewMessage) -> None:
        """Put a message into somebody's inbox."""
        self.messages.append(message)

    def queue(self, delivery: NewDelivery) -> None:
        """Have something delivered."""
        self.deliveries.append(delivery)

    def flush(self, work: Work) -> dict[str, Any]:
        """Write the rows and wake who sends them."""
        from app.automation.waking import wake
        from app.notifications.outbox import post_messages, queue_deliveries

        messages, self.messages = self.messages, []
        deliveries, self.deliveries = self.deliveries, []
        posted = post_messages(work.connection, work.now, messages) if messages else 0
        queued = queue_deliveries(work.connection, work.now, deliveries) if deliveries else []
        if queued:
            wake(work.connection)
        return {"messages": posted, "deliveries": len(queued)}
