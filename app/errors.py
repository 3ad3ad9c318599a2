"""What can go wrong, as one tree.

Every error that a person should read is a `TrellisError`; any other exception is a bug in Trellis.
The messages are sentences for people: the value, the rule, what to do. This is the lowest room: it
knows no field, no database and no web. Which HTTP status belongs to an error stands here all the
same, because screens and the API must never answer differently::

    TrellisError                    general                500
    ├── ConfigurationError          configuration          500   problems in YAML files or settings
    │   └── SettingsError           settings               500   the environment, not the files
    ├── RuleFailed                  rule-failed            500   a rule could not do its part
    ├── Unavailable                 unavailable            503   database or Redis do not answer
    ├── RequestError                (what somebody asked for cannot be done)
    │   ├── NotAuthenticated        not-signed-in          401
    │   ├── Forbidden               forbidden              403
    │   ├── NotFound                not-found              404   does not exist, or may not be seen
    │   ├── Conflict                conflict               409   somebody else was faster
    │   │   └── PreconditionFailed  precondition-failed    412   the same, seen through If-Match
    │   ├── Malformed               malformed              400   the request cannot be read
    │   ├── InvalidInput            invalid-input          422   values break a rule
    │   │   └── Reject              rejected               422   a hook or a rule refuses
    │   └── TooManyRequests         too-many-requests      429
    └── PlanError                   plan                   409   a plan may not be applied as is
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

from app.texts import say


@runtime_checkable
class Localized(Protocol):
    """A text that exists in several languages, as `app.texts.Label` does."""

    def in_language(self, locale: str) -> str:
        """Return the text in *locale*, or in the nearest language there is."""


Text: TypeAlias = str | Localized
"""A sentence for people: plain, or one per language."""

FieldMessages: TypeAlias = Mapping[str, Sequence[Text]]
"""What is wrong with which field: the field's name, then sentences."""


def text_in(text: Text, locale: str) -> str:
    """Return *text* in *locale*; a plain text is the same in every language."""
    return text if isinstance(text, str) else text.in_language(locale)


class TrellisError(Exception):
    """Something a person should read."""

    code: ClassVar[str] = "general"
    status: ClassVar[int] = 500
    #: What is said when the one who raised said nothing.
    default_message: ClassVar[Text] = say("Something went wrong.", "出了点问题。")

    def __init__(self, message: Text = "", *, fields: FieldMessages | None = None) -> None:
        """Keep the sentence and, where the error concerns fields, a sentence for each of them."""
        self.message: Text = message or self.default_message
        self.fields: dict[str, list[Text]] = {
            name: list(sentences) for name, sentences in (fields or {}).items()
        }
        super().__init__(text_in(self.message, "en"))

    def as_json(self, locale: str = "en") -> dict[str, object]:
        """Return the one error shape of the API in *locale*."""
        error: dict[str, object] = {"code": self.code, "message": text_in(self.message, locale)}
        if self.fields:
            error["fields"] = {
                name: [text_in(sentence, locale) for sentence in sentences]
                for name, sentences in self.fields.items()
            }
        return {"error": error}


class ConfigurationError(TrellisError):
    """The configuration cannot be used; *problems* says why, one located problem each.

    The problems are of the type the definitions room prints (`file:line:column: …`); this room
    only carries them, and shows them with `str()`.
    """

    code = "configuration"
    default_message: ClassVar[Text] = say(
        "The configuration has problems.",
        "配置有问题。",
    )

    def __init__(self, problems: Iterable[object] = (), message: Text = "") -> None:
        """Keep the problems; without a message they are the message."""
        self.problems: tuple[object, ...] = tuple(problems)
        super().__init__(message or "\n".join(str(problem) for problem in self.problems))


class SettingsError(ConfigurationError):
    """An environment setting is unknown or has a value that cannot be used."""

    code = "settings"
    default_message: ClassVar[Text] = say(
        "The settings have problems.",
        "设置有问题。",
    )


class RuleFailed(TrellisError):
    """A rule of the configuration could not do its part, so nothing was written.

    It is the rule that has to be mended, not what somebody typed.
    """

    code = "rule-failed"
    default_message: ClassVar[Text] = say(
        "An automatic rule could not do its part, so nothing was saved.",
        "一条自动规则未能完成，因此什么都没有保存。",
    )

    def __init__(
        self, message: Text = "", *, rule: str = "", step: str = "", firing: object = None
    ) -> None:
        """Keep which rule and step it was, and what is known of the firing."""
        self.rule = rule
        self.step = step
        self.firing = firing
        super().__init__(message)


class Unavailable(TrellisError):
    """The database or Redis does not answer; the same request may work in a moment."""

    code = "unavailable"
    status = 503
    default_message: ClassVar[Text] = say(
        "The service is not available at the moment. Try again in a few seconds.",
        "服务暂时不可用，请几秒钟后再试。",
    )

    def __init__(self, message: Text = "", *, retry_after: int = 2) -> None:
        """Keep after how many seconds it is worth trying again."""
        self.retry_after = retry_after
        super().__init__(message)


class RequestError(TrellisError):
    """What somebody asked for cannot be done."""

    code = "malformed"
    status = 400
    default_message: ClassVar[Text] = say(
        "The request cannot be done.",
        "无法完成这个请求。",
    )


class NotAuthenticated(RequestError):
    """Nobody is signed in, or the credentials are wrong."""

    code = "not-signed-in"
    status = 401
    default_message: ClassVar[Text] = say(
        "Sign in first.",
        "请先登录。",
    )


class Forbidden(RequestError):
    """The principal may see the thing, but not do this to it."""

    code = "forbidden"
    status = 403
    default_message: ClassVar[Text] = say(
        "You may not do this.",
        "您没有这样做的权限。",
    )


class NotFound(RequestError):
    """The thing does not exist, or the principal may not know that it does."""

    code = "not-found"
    status = 404
    default_message: ClassVar[Text] = say(
        "There is no such record, or you may not see it.",
        "没有这条记录，或者您无权查看。",
    )


class Conflict(RequestError):
    """The record was changed by somebody else, or the value is taken; *fields* says which."""

    code = "conflict"
    status = 409
    default_message: ClassVar[Text] = say(
        "Somebody else changed this record in the meantime.",
        "这条记录刚刚被别人修改过。",
    )


class PreconditionFailed(Conflict):
    """The version in `If-Match` is not the record's version any more."""

    code = "precondition-failed"
    status = 412


class Malformed(RequestError):
    """The request cannot be read: broken JSON, an unknown parameter, a bad filter."""

    code = "malformed"
    status = 400
    default_message: ClassVar[Text] = say(
        "The request cannot be read.",
        "无法读懂这个请求。",
    )


class InvalidInput(RequestError):
    """Values break a rule; *fields* holds sentences for each field."""

    code = "invalid-input"
    status = 422
    default_message: ClassVar[Text] = say(
        "Some values cannot be saved.",
        "有些内容无法保存。",
    )

    def __init__(self, fields: FieldMessages | None = None, message: Text = "") -> None:
        """Take the fields first, since they are nearly always the point."""
        super().__init__(message, fields=fields)


class Reject(InvalidInput):
    """A hook or a rule refuses the write with a sentence for the user.

    ``raise Reject("A customer of this region needs a tax number.", field="tax_number")``
    """

    code = "rejected"

    def __init__(self, message: Text, field: str | None = None) -> None:
        """Place the sentence beside *field*, or above the form without one."""
        super().__init__({field: [message]} if field else None, message)


class TooManyRequests(RequestError):
    """The caller asks too often."""

    code = "too-many-requests"
    status = 429
    default_message: ClassVar[Text] = say(
        "Too many attempts. Wait a minute and try again.",
        "尝试次数太多，请一分钟后再试。",
    )

    def __init__(self, message: Text = "", *, retry_after: int = 60) -> None:
        """Keep after how many seconds it is worth trying again."""
        self.retry_after = retry_after
        super().__init__(message)


class PlanError(TrellisError):
    """A plan may not be applied as it stands: it loses data, is outdated, or breaks a rule."""

    code = "plan"
    status = 409
    default_message: ClassVar[Text] = say(
        "The plan cannot be applied.",
        "这个计划无法执行。",
    )
