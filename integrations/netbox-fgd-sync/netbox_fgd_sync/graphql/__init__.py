"""Links of fabrics in NetBox's GraphQL API."""

from .schema import schema

__all__ = ("schema",)
