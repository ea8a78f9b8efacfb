"""Links of fabrics, and the table of the feed."""

import re
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from netbox.context import current_request
from netbox.models import PrimaryModel
from netbox.models.features import JobsMixin
from utilities.exceptions import AbortRequest
from utilities.querysets import RestrictedQuerySet

from .choices import DirectionChoices, StateChoices, WinnerChoices
from .record_field import RecordField

# What is known of a fabric. It is written with update() alone.
KNOWN = ("fabric_id", "applied", "state", "sync_id", "commit_sha", "error", "counts", "seen_at", "owed_events")

# What FGD Sync can be told anew, and not to be without.
KEPT = ("repository_url", "gitops_directory", "credentials_ref")

# The number that a link asks for, and who asks for it. Neither is written without the other.
REQUESTED = ("requested_fabric_id", "requested_by")

# As FGD Sync's API has it.
CREDENTIALS_REF = re.compile(r"(env|file):[A-Za-z0-9_][A-Za-z0-9_.-]*")

# URLs in which there is no place for a secret. An @ behind a colon would end a password that has a slash in it.
HOST = r"(?!.*:.*@)(\[[0-9a-f:.]+\]|[^][/@:?#%\s]+)"
USER = r"([^/@:?#\s]+@)?"
REPOSITORY_URLS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"https?://{HOST}(:\d+)?(/[^?#\s]*)?",
        rf"ssh://{USER}{HOST}(:\d+)?(/[^?#\s]*)?",
        rf"(?!(https?|ssh):){USER}{HOST}:(?!//)[^@?#\s]+",
    )
)


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
            models.Index(fields=("fabric_id", "-id"), name="fgd_change_fabric"),
        )

    def __str__(self) -> str:
        """Return what was done to what."""
        return f"{self.kind} {self.namespace}/{self.name} {self.action}"


class FabricLink(JobsMixin, PrimaryModel):
    """A fabric of HNP, and its directory in a repository, which FGD Sync keeps alike.

    What people say is in the fields above the line; what is known of the fabric is below it. That is written past the
    change log, as a copy of what FGD Sync says, so that pages have something to show while it is away.
    """

    object_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", verbose_name="type of the fabric's record"
    )
    object_id = models.PositiveBigIntegerField(verbose_name="number of the fabric's record")
    record = RecordField("object_type", "object_id")
    repository_url = models.CharField(
        max_length=500, blank=True, verbose_name="repository", help_text="Without a user, a password or a token"
    )
    branch = models.CharField(max_length=255, default="main")
    gitops_directory = models.CharField(
        max_length=500, blank=True, verbose_name="directory", help_text="Of the fabric, in the repository"
    )
    credentials_ref = models.CharField(
        max_length=200,
        blank=True,
        verbose_name="credentials",
        help_text="Where FGD Sync finds them, such as file:git or env:NAME. They are never in NetBox",
    )
    direction = models.CharField(max_length=20, choices=DirectionChoices, default=DirectionChoices.BOTH)
    conflict_winner = models.CharField(
        max_length=20, choices=WinnerChoices, default=WinnerChoices.HOLD, verbose_name="who wins a conflict"
    )
    enabled = models.BooleanField(default=True, help_text="While it is not, no sync changes the repository")

    requested_fabric_id = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=(MinValueValidator(1),),
        verbose_name="number for FGD Sync",
        help_text="Of a fabric that it knows, or of a new one; the number of the record where this is empty",
    )
    # Whoever saves the link later does not ask for it: what they may do gives nobody a fabric.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="who asked for the number",
    )
    # ---
    # The number of the record's fabric, as registration has made sure of: whatever is asked of FGD Sync is asked of it.
    fabric_id = models.PositiveIntegerField(
        null=True, blank=True, unique=True, editable=False, verbose_name="number in FGD Sync"
    )
    applied = models.JSONField(default=dict, editable=False)  # what FGD Sync was told last and has taken
    state = models.CharField(
        max_length=20, choices=StateChoices, default=StateChoices.UNREGISTERED, editable=False, verbose_name="status"
    )
    sync_id = models.CharField(max_length=64, blank=True, editable=False, verbose_name="last sync")
    commit_sha = models.CharField(max_length=64, blank=True, editable=False, verbose_name="commit")
    error = models.TextField(blank=True, editable=False)
    counts = models.JSONField(default=dict, editable=False)  # of records and files, by what is the matter with them
    seen_at = models.DateTimeField(null=True, blank=True, editable=False, verbose_name="seen")
    owed_events = models.JSONField(default=list, editable=False)  # types of events whose rules did not run yet

    clone_fields = ("repository_url", "branch", "credentials_ref", "direction", "conflict_winner")

    class Meta:
        """One link a fabric."""

        ordering = ("object_type", "object_id")
        verbose_name = "fabric link"
        constraints = (
            models.UniqueConstraint(fields=("object_type", "object_id"), name="netbox_fgd_sync_fabriclink_record"),
        )
        permissions = (
            ("sync", "Start and cancel syncs and dry runs"),
            ("resolve", "Settle conflicts"),
            ("release", "Retry and release what is in quarantine"),
            ("adopt", "Link fabrics that FGD Sync has for another record, or for none"),
            ("act_as", "Change records in the name of the author of a commit"),
        )

    def __str__(self) -> str:
        """Return what the fabric is called."""
        return str(self.record) if self.record else f"fabric {self.object_id}"

    def get_absolute_url(self) -> str:
        """Return the address of the link's page."""
        return reverse("plugins:netbox_fgd_sync:fabriclink", args=[self.pk])

    def get_state_color(self) -> str:
        """Return the colour of the status."""
        return StateChoices.colors.get(self.state)

    def get_direction_color(self) -> str:
        """Return the colour of the direction."""
        return DirectionChoices.colors.get(self.direction)

    def get_conflict_winner_color(self) -> str:
        """Return the colour of who wins."""
        return WinnerChoices.colors.get(self.conflict_winner)

    def wanted(self) -> dict[str, Any]:
        """Return what FGD Sync is to be told of the fabric, as a body of its API."""
        return {
            "repository_url": self.repository_url,
            "branch": self.branch,
            "gitops_directory": self.gitops_directory,
            "credentials_ref": self.credentials_ref,
            "direction": self.direction,
            "conflict_winner": self.conflict_winner,
            "enabled": self.enabled,
        }

    def save(self, **kwargs: Any) -> None:
        """Write what people say. What is known may be newer in the database than it is here, and stays."""
        if self._state.adding or kwargs.get("force_insert"):
            self.requested_by = requester() or self.requested_by
        else:
            named = kwargs.get("update_fields")
            written = self._said() if named is None else set(named)
            kwargs["update_fields"] = self._asked(written, kwargs.get("using"))
        try:
            super().save(**kwargs)
        except self.NotUpdated:
            raise AbortRequest("The link was deleted meanwhile. Add it anew, if it is still wanted.") from None

    def _said(self) -> set[str]:
        """Return the fields that people have said something in."""
        left_out = {self._meta.pk.name, *KNOWN, *self.get_deferred_fields()}
        return {field.name for field in self._meta.concrete_fields if not {field.name, field.attname} & left_out}

    def _asked(self, written: set[str], using: str | None) -> set[str]:
        """Return the fields that are written, with whoever asks for the number where it is another one."""
        if not written & set(REQUESTED):
            return written
        asked = FabricLink.objects.using(using or self._state.db).filter(pk=self.pk)
        number, user = asked.values_list("requested_fabric_id", "requested_by").first() or (None, None)
        if self.requested_fabric_id == number:
            self.requested_by_id = user
            return written - set(REQUESTED)
        self.requested_by = requester()
        return written | set(REQUESTED)

    def clean(self) -> None:
        """Refuse what FGD Sync could do nothing with, and what it was told otherwise for good."""
        if self.object_type_id and self.object_type.model_class() is None:  # where NetBox's own rules would fail
            raise ValidationError(f"The plugin {self.object_type.app_label} of its record is not installed.")
        stored = None if self._state.adding else FabricLink.objects.filter(pk=self.pk).first()
        wrong = self._incomplete() | self._secret() | (self._moved(stored) | self._emptied(stored) if stored else {})
        if wrong:
            raise ValidationError(wrong)
        super().clean()
        if self.record is None:
            raise ValidationError({"object_id": "There is no such fabric."})

    def _incomplete(self) -> dict[str, str]:
        return {
            name: "A fabric that FGD Sync does not know yet needs it."
            for name in ("repository_url", "gitops_directory")
            if not (self.applied or self.requested_fabric_id or getattr(self, name))
        }

    def _secret(self) -> dict[str, str]:
        """Return what is wrong with fields that a secret may have got into. It is not repeated."""
        wrong = {}
        url = self.repository_url
        # What FGD Sync has said itself has no secret in it.
        if url not in ("", self.applied.get("repository_url")) and not is_repository(url):
            wrong["repository_url"] = (
                "It is not https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH. No password, token or query "
                "belongs here: say in credentials where FGD Sync finds them."
            )
        if self.credentials_ref and not CREDENTIALS_REF.fullmatch(self.credentials_ref):
            wrong["credentials_ref"] = "It is neither env:NAME nor file:NAME. No secret belongs here."
        return wrong

    def _moved(self, stored: "FabricLink") -> dict[str, str]:
        """Return that a link is to become one of another fabric: FGD Sync would go on with the first."""
        moved = {
            "object_type": self.object_type_id != stored.object_type_id,
            "object_id": self.object_id != stored.object_id,
            "requested_fabric_id": stored.applied and self.requested_fabric_id != stored.requested_fabric_id,
        }
        return {name: "A link stays that of its fabric: delete it, and make another." for name in moved if moved[name]}

    def _emptied(self, stored: "FabricLink") -> dict[str, str]:
        return {
            name: "FGD Sync has it, and would keep it: give another instead."
            for name in KEPT
            if stored.applied.get(name) and not getattr(self, name)
        }


def is_repository(url: str) -> bool:
    """Report whether this is the URL of a repository, with no credentials in it. A user of SSH is none."""
    return any(form.fullmatch(url) for form in REPOSITORY_URLS)


def requester() -> Any:
    """Return the user of the request that this is part of, and None where there is none."""
    user = getattr(current_request.get(), "user", None)
    return user if user is not None and user.is_authenticated else None
