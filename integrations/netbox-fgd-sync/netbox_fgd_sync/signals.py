"""What happens by itself when somebody saves a link, or deletes a fabric: on pages, by the API, and in scripts."""

import logging
from functools import partial
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Model
from django.db.models.signals import post_save, pre_delete

from . import fabrics, jobs
from .client import configured
from .models import FabricLink, requester

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")


def begin() -> None:
    """Begin to listen."""
    post_save.connect(saved, sender=FabricLink, dispatch_uid="fgd-sync-link-saved")
    model = fabrics.model()
    if model:
        pre_delete.connect(deleted, sender=model, dispatch_uid="fgd-sync-fabric-deleted")


def saved(instance: FabricLink, using: str, **_: Any) -> None:
    """Have FGD Sync told what a link says, once that is committed. A branch of NetBox is for nobody else to know."""
    if using != DEFAULT_DB_ALIAS or instance.wanted() == instance.applied or not configured():
        return
    transaction.on_commit(partial(jobs.enqueue, jobs.RegisterFabricJob, instance, requester()), using=using)


def deleted(sender: type[Model], instance: Model, using: str, **_: Any) -> None:
    """Delete the link of a fabric with it. FGD Sync keeps the fabric, and Git its directory."""
    links = FabricLink.objects.using(using).filter(
        object_type=ContentType.objects.db_manager(using).get_for_model(sender), object_id=instance.pk
    )
    for link in links:
        logger.info(
            "Fabric %s is deleted, and its link with it. FGD Sync keeps fabric %s: fgd fabric delete takes it away",
            instance,
            link.fabric_id,
        )
        link.delete()
