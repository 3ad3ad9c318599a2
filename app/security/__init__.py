"""Signing in: who sends a request, accounts and passwords, sessions, tokens, throttle, headers.

Beside the factory and the web rooms the only room that knows Flask-AppBuilder. What a person may do
once known is decided in ``access``.
"""
