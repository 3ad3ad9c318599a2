"""Signing in: who sends this request, accounts and passwords, sessions, tokens, throttling, headers.

Beside the factory and the web rooms the only room that knows Flask-AppBuilder. What a person may do
once known is decided in ``access``.
"""
