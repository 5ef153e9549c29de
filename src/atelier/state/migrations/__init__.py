"""Migrations of the tables, by Alembic: one file each in versions/."""
