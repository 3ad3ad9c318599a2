"""Pools, embedded servers, tables from a Catalog, live shape, diff, plan, apply, state."""
