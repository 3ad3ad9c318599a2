"""Trellis: a CRM that companies shape by writing configuration."""
