"""Headers every answer carries, so that a browser does not do what nobody meant."""

from __future__ import annotations

from flask import Flask, Response

#: Nothing inline, nothing from elsewhere. ``blob:`` shows pictures before they are uploaded.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_BEHIND_TLS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


def add_headers(app: Flask, *, behind_tls: bool) -> None:
    """Make the app send them."""
    ours = {**_HEADERS, **(_BEHIND_TLS if behind_tls else {})}
    names = {name.lower(): name for name in ours}

    @app.after_request
    def headers(response: Response) -> Response:
        # In one pass: a test for each of them costs more than reading a record does.
        there = {name.lower() for name, _ in response.headers}
        if there.isdisjoint(names):
            response.headers.extend(ours)
        else:
            response.headers.extend({n: ours[n] for low, n in names.items() if low not in there})
        return response
