"""What an attempt to send something ends with when it fails."""

from __future__ import annotations

from app.texts import Label


class SendFailed(Exception):
    """It was not sent, or nobody knows that it was.

    Attributes:
        is_final: another attempt would fail the same way.
        is_waiting: nothing was attempted, since something is not set up.
        retry_after: seconds after which the other side wants to be asked again.
        answer: the beginning of what the other side said, for administrators.
    """

    def __init__(
        self,
        sentence: Label,
        *,
        is_final: bool = False,
        is_waiting: bool = False,
        retry_after: int | None = None,
        answer: str = "",
    ) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.is_final = is_final
        self.is_waiting = is_waiting
        self.retry_after = retry_after
        self.answer = answer
