"""Tests of a configuration (`tests/*.yaml`), run on a throw-away database with a frozen clock.

Everything is real: records are written through the one door, rules fire in the engine, what is due
is claimed and run as a scheduler and a worker would. Only the clock is the test's. What happens
outside (e-mail, calls) stays a row that a test may count; nothing is sent.
"""
