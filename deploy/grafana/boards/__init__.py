"""The dashboards of Atelier, one module for each."""
