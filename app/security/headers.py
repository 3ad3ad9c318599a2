"""Headers every answer carries, so that a browser does not do what nobody meant."""

from __future__ import annotations

from flask import Flask, Response

#: Nothing inline, nothing from elsewhere. ``blob:`` shows pictures before they are uploaded.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def add_headers(app: Flask, *, behind_tls: bool) -> None:
    """Make the app send them."""

    @app.after_request
    def headers(response: Response) -> Response:
        known = response.headers
        known.setdefault("Content-Security-Policy", POLICY)
        known.setdefault("X-Content-Type-Options", "nosniff")
        known.setdefault("Referrer-Policy", "same-origin")
        known.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        known.setdefault("X-Frame-Options", "DENY")
        known.setdefault("Cache-Control", "no-store")
        if behind_tls:
            known.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        return response
