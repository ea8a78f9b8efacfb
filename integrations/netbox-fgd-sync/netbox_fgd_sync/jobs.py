"""What NetBox's worker does by itself."""

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from core.choices import JobIntervalChoices, JobNotificationChoices, JobStatusChoices
from core.exceptions import JobFailed
from core.models import Job
from django.core.cache import cache
from django.utils import timezone
from netbox.jobs import JobRunner, system_job
from netbox.plugins import get_plugin_config
from redis.exceptions import RedisError

from . import events, feed, registration, status, syncing
from .client import UNAUTHORIZED, AwayError, FGDSyncError, NotConfiguredError, configured
from .models import FabricLink

# Both in seconds. FGD Sync takes 100 requests a second of NetBox, and people need some of them: between two fabrics is
# a pause. What is not done within a minute is done in the next.
PAUSE = 0.03
LONGEST = 50

# What is said to one link with these is said to all.
FOR_ALL = (UNAUTHORIZED, registration.TOO_MANY)

# The link that was looked at last. The next one is the first of the next minute, whatever becomes of this one.
LAST = "netbox_fgd_sync.last_link"

# How long the rows of runs that have completed are kept: there are 1,440 of them a day.
KEPT = timedelta(days=1)

# A job that waits does for whatever happens meanwhile; one that waits for longer than this may be lost.
WAITS = timedelta(minutes=5)

logger = logging.getLogger("netbox.plugins.netbox_fgd_sync")


def enqueue(runner: type[JobRunner], link: FabricLink, user: Any = None, **kwargs: Any) -> None:
    """Have the worker do something with a link, and its user told if it fails.

    A job that waits to do the same for the same user is enough: it does it with the link as it is then. Where NetBox's
    queue is away that is logged, and whoever has saved something has saved it all the same.
    """
    begun = timezone.now()
    name = kwargs.pop("name", runner.name)
    waiting = link.jobs.filter(name=name, user=user, status=JobStatusChoices.STATUS_PENDING)
    if waiting.filter(created__gte=begun - WAITS).exists():
        return
    try:
        runner.enqueue(
            instance=link,
            user=user,
            name=name,
            notifications=JobNotificationChoices.NOTIFICATION_ON_FAILURE,
            **kwargs,
        )
    except RedisError as error:
        logger.warning("The queue of NetBox is away (%s): %s waits for it", type(error).__name__, link)
        # The job has a row already, which would wait forever. Those of others are theirs.
        waiting.filter(created__gte=begun).delete()


class LinkJob(JobRunner):
    """Does something with a link, in the name of whoever wanted it."""

    def run(self, *_args: Any, **kwargs: Any) -> None:
        """Do it, unless the link is gone meanwhile. An error of FGD Sync is in the log of the job, without more."""
        link = FabricLink.objects.filter(pk=self.job.object_id).first()
        if link is None:
            self.logger.info("The link is deleted")
            return
        try:
            self.work(link, self.job.user, **kwargs)
        except FGDSyncError as error:
            self.logger.error(error.sentence)
            raise JobFailed from error

    def work(self, link: FabricLink, user: Any, **kwargs: Any) -> None:
        """Do it."""
        raise NotImplementedError


class RegisterFabricJob(LinkJob):
    """Tells FGD Sync what a link says."""

    class Meta:
        """How NetBox shows it."""

        name = "FGD Sync: register the fabric"

    def work(self, link: FabricLink, user: Any, **_kwargs: Any) -> None:
        """Do it."""
        registration.apply(link, user)
        self.logger.info(f"FGD Sync knows fabric {link.fabric_id} as the link says")


class SyncFabricJob(LinkJob):
    """Starts a sync, or a dry run."""

    class Meta:
        """How NetBox shows it."""

        name = "FGD Sync: sync the fabric"

    def work(self, link: FabricLink, user: Any, dry_run: bool = False, **_kwargs: Any) -> None:
        """Do it."""
        started = syncing.start(link, user, dry_run=dry_run)
        self.logger.info(f"{'Dry run' if dry_run else 'Sync'} {started['sync_id']} is {started['status']}")


@system_job(interval=JobIntervalChoices.INTERVAL_MINUTELY)
class RefreshFabricsJob(JobRunner):
    """Runs event rules that are owed, registers what waits for it, and learns how all fabrics are."""

    class Meta:
        """How NetBox shows it."""

        name = "FGD Sync: register and refresh fabrics"

    def run(self, *_args: Any, **_kwargs: Any) -> None:
        """Do it. It ends when FGD Sync is away."""
        self.forget()
        for number in events.owing():
            events.run_rules(number)
        if not (configured() and FabricLink.objects.exists()):
            return
        try:
            self.look()
        except FGDSyncError as error:
            self.logger.error(error.sentence)

    def forget(self) -> None:
        """Delete the rows of old runs that have completed."""
        done = Job.objects.filter(name=self.name, object_id=None, status=JobStatusChoices.STATUS_COMPLETED)
        done.filter(completed__lt=timezone.now() - KEPT).delete()

    def look(self) -> None:
        """Look at all links, those first whose turn it is."""
        end = time.monotonic() + LONGEST
        told = dict(FabricLink.objects.values_list("pk", "applied"))
        known = self.known()
        for number in turns(told):
            cache.set(LAST, number, None)
            # Each as it is now: somebody may have changed it while others were looked at.
            if link := FabricLink.objects.filter(pk=number).first():
                self.keep(link, told[number], known)
            if time.monotonic() > end:
                self.logger.warning("There are too many fabrics for a minute: the others are next")
                return
            time.sleep(PAUSE)

    def known(self) -> dict[int, dict[str, Any]]:
        """Return what FGD Sync says of all fabrics. Where it does not, it is asked for each."""
        try:
            return status.fabrics()
        except FGDSyncError as error:
            if concerns_all(error):
                raise
            self.logger.warning(error.sentence)
            return {}

    def keep(self, link: FabricLink, told: dict[str, Any], known: dict[int, dict[str, Any]]) -> None:
        """Do it for one. What concerns all is raised.

        `known` is how fabrics were, and `told` what FGD Sync had been told of this one until then.
        """
        try:
            if registration.waits(link):
                self.tell(link)
            if link.applied:
                # One that has changed since then is asked for anew.
                status.refresh(link, known.get(link.fabric_id) if link.applied == told else None)
        except FGDSyncError as error:
            if concerns_all(error):
                raise
            self.logger.warning(f"{link}: {error.sentence}")
        except Exception as error:
            # One fabric that nobody has thought of keeps no other.
            logger.exception("Fabric link %s could not be looked at", link.pk)
            self.logger.error(f"{link}: {type(error).__name__}. The log of NetBox's worker says more.")

    def tell(self, link: FabricLink) -> None:
        """Tell FGD Sync what a link says. That it can't be told keeps nobody from seeing how its fabric is."""
        try:
            registration.apply(link, wait=False)
        except FGDSyncError as error:
            if concerns_all(error) or not link.applied:
                raise
            self.logger.warning(f"{link}: {error.sentence}")


def concerns_all(error: FGDSyncError) -> bool:
    """Report whether FGD Sync would say the same of all fabrics."""
    return isinstance(error, AwayError | NotConfiguredError) or error.status in FOR_ALL


def turns(links: Iterable[int]) -> list[int]:
    """Return links in the order in which it is their turn, by number: those behind the last one first."""
    last = cache.get(LAST, 0)
    return sorted(links, key=lambda number: (number <= last, number))


@system_job(interval=JobIntervalChoices.INTERVAL_DAILY)
class PruneChangesJob(JobRunner):
    """Deletes changes that are kept no longer."""

    class Meta:
        """How NetBox shows it."""

        name = "FGD Sync: prune changes"

    def run(self, *_args: Any, **_kwargs: Any) -> None:
        """Do it."""
        days = get_plugin_config("netbox_fgd_sync", "retention_days")
        self.logger.info(feed.told(feed.prune(feed.clock() - timedelta(days=days))))
