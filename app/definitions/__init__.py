"""YAML text becomes a frozen, checked Catalog. Knows no connection and no web."""
