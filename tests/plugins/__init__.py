"""Tests of plugins: the finder, every hook, the ones that ship."""
