"""Pages for what went wrong: a sentence, and a way on. Never a dead end, never a trace."""

from __future__ import annotations

import logging
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.errors import NotAuthenticated, TrellisError, Unavailable, text_in
from app.screens.frame import Page
from app.screens.sign_in import screens
from app.screens.visit import Visit
from app.texts import Label, say

_log = logging.getLogger(__name__)

_HEADINGS: dict[int, Label] = {
    400: say("That cannot be read", "无法读懂这个请求"),
    403: say("Not yours to do", "没有权限"),
    404: say("Nothing here", "这里什么都没有"),
    405: say("Nothing here", "这里什么都没有"),
    409: say("Somebody was faster", "有人抢先了一步"),
    413: say("Too large", "内容过大"),
    422: say("Not saved", "没有保存"),
    429: say("Too many at once", "请求过于频繁"),
    503: say("Back in a moment", "马上恢复"),
}
_SENTENCES: dict[int, Label] = {
    400: say("The address or the form is not one of ours.", "地址或表单不属于本系统。"),
    404: say(
        "There is no such page or record, or you may not see it.",
        "没有这个页面或记录，或者您无权查看。",
    ),
    405: say("This page cannot be used in that way.", "不能这样访问这个页面。"),
    413: say("What was sent is larger than can be taken.", "提交的内容超过上限。"),
}
_BROKEN = say("Something broke", "出错了")
_BROKEN_SENTENCE = say(
    "This is a bug in Trellis, not a mistake of yours. What you had saved is safe.",
    "这是 Trellis 的缺陷，不是您的操作问题。已保存的内容不受影响。",
)
_OLD_PAGE = say(
    "The page was open for too long, or from before you signed in. Go back, reload it and send "
    "the form again.",
    "页面打开时间过长，或是登录之前打开的。请返回并刷新页面后重新提交。",
)


def answer(error: Exception) -> Any:
    """Return the page for an error, in the frame if somebody is signed in."""
    if isinstance(error, NotAuthenticated):
        return _sign_in()
    status, heading, sentence, reference = _describe(error)
    if "HX-Request" in request.headers or "X-Requested-With" in request.headers:
        # A part of a page asked; the page says that it did not work.
        return Response(status=status)
    return _page(status, heading, sentence, reference)


def _sign_in() -> Any:
    if request.method not in ("GET", "HEAD") or "HX-Request" in request.headers:
        return (
            Response(status=401) if "HX-Request" in request.headers else redirect("/sign-in", 303)
        )
    path = request.full_path.rstrip("?")
    return redirect("/sign-in" if path == "/" else f"/sign-in?{urlencode({'next': path})}", 302)


def _describe(error: Exception) -> tuple[int, Label, Label | str, str]:
    if isinstance(error, CSRFError):
        return 400, _HEADINGS[400], _OLD_PAGE, ""
    if isinstance(error, TrellisError) and error.status != 500:
        heading = _HEADINGS.get(error.status, _BROKEN)
        return error.status, heading, error.message, ""  # type: ignore[return-value]
    if isinstance(error, HTTPException):
        status = error.code or 500
        sentence = _SENTENCES.get(status, _SENTENCES[400 if status < 500 else 404])
        if status < 500:
            return status, _HEADINGS.get(status, _HEADINGS[400]), sentence, ""
    reference = secrets.token_hex(4)
    _log.error("reference %s: %s %s", reference, request.method, request.path, exc_info=error)
    return 500, _BROKEN, _BROKEN_SENTENCE, reference


def _page(status: int, heading: Label, sentence: Label | str, reference: str) -> Any:
    try:
        visit = Visit(screens())
        title = heading.in_language(visit.language)
        page: Page = _frame(visit, title)
    except Exception:  # noqa: BLE001 - the database is away, or the catalog: say it without a frame.
        _log.warning("the error page has no frame", exc_info=True)
        return _plain(status, heading, sentence)
    response = visit.render(
        "error.html",
        page=page,
        heading=title,
        sentence=text_in(sentence, visit.language),
        reference=reference,
    )
    response.status_code = status
    return response


def _frame(visit: Visit, title: str) -> Page:
    try:
        return visit.page(title)
    except NotAuthenticated:
        return visit.bare_page(title)


def _plain(status: int, heading: Label, sentence: Label | str) -> Response:
    """Return the error as text: for when nothing else works."""
    best = request.accept_languages.best_match(["en", "zh"]) or "en"
    text = f"{heading.in_language(best)}\n\n{text_in(sentence, best)}\n"
    response = Response(text, status, content_type="text/plain; charset=utf-8")
    if status == Unavailable.status:
        response.headers["Retry-After"] = "2"
    return response
