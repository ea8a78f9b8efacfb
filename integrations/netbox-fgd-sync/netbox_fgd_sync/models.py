"""The table of the feed."""

from django.db import models
from utilities.querysets import RestrictedQuerySet


class Action(models.TextChoices):
    """What was done to a record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    # Not a change: the last of those that are kept no longer. Whoever has read less than this has missed some.
    PRUNED = "pruned"


class ChangeRecord(models.Model):
    """A change of a record, written in the transaction that makes it.

    It is no model of NetBox's: it has no change log, no events, and is in no branch. It names what it is about by words
    and numbers and refers to nothing, so that it outlives that.
    """

    id = models.BigAutoField(primary_key=True)
    txid = models.BigIntegerField(help_text="Number of the transaction")
    # Numbers of transactions begin anew in another cluster, such as one that a dump was restored in.
    cluster = models.BigIntegerField(help_text="Identifier of the cluster of PostgreSQL")
    time = models.DateTimeField()
    action = models.CharField(max_length=10, choices=Action)
    object_type = models.CharField(max_length=100, help_text="Such as netbox_hedgehog.switch")
    object_id = models.BigIntegerField()
    fabric_id = models.BigIntegerField()
    kind = models.CharField(max_length=100)
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=253, blank=True)
    content = models.JSONField(help_text="After the change; before it, of what was deleted")
    user_name = models.CharField(max_length=150, blank=True)
    user_email = models.CharField(max_length=254, blank=True)
    request_id = models.UUIDField(null=True, blank=True, help_text="None of a change without a request")
    branch = models.CharField(max_length=100, blank=True, help_text="Empty for the main one")

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        """In the order in which they are read."""

        ordering = ("txid", "id")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("txid", "id"), name="fgd_change_order"),
            models.Index(fields=("object_type", "object_id", "id"), name="fgd_change_object"),
            models.Index(fields=("time",), name="fgd_change_time"),
        )

    def __str__(self) -> str:
        """Return what was done to what."""
        return f"{self.kind} {self.namespace}/{self.name} {self.action}"
