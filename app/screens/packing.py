"""Pages as answers, compressed for browsers that take that.

An address may hold an attacker's words and the page a secret, whose letters compressing both would
tell by the length. But the cookie of a session goes along only with what the browser's own user
opens (``SameSite=Lax``), so nobody else can have pages made and measure them.
"""

from __future__ import annotations

import gzip

from flask import Response, request

#: Smaller answers fit into one packet as they are.
_SMALL = 1_400
#: More effort makes a page a few percent smaller, and takes longer than sending these.
_EFFORT = 3


def html_answer(html: str) -> Response:
    """Return a page; nothing that shows records is kept by anybody."""
    content = html.encode("utf-8")
    response = Response(content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    if len(content) > _SMALL:
        response.headers["Vary"] = "Accept-Encoding"
        if request.accept_encodings["gzip"]:
            content = gzip.compress(content, _EFFORT, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
    response.set_data(content)
    return response
