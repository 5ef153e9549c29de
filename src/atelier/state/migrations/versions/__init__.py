"""What changed in the tables, oldest first."""
