"""A server process that hosts the engines of one or more services."""
