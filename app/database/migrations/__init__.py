"""Alembic's migrations of schema ``trellis``; ``app.database.migrate`` runs them."""
