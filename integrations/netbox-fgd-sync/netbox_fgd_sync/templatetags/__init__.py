"""Filters of the plugin's templates."""
