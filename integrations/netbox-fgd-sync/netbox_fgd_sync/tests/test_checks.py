"""What `netbox check` and `netbox fgd_check` say."""

import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.http import http_date
from django_rq.queues import get_connection
from netbox.constants import RQ_QUEUE_DEFAULT
from rq import Worker

from .. import checks, recording
from ..models import FabricLink
from .base import TOKEN, TestCase, link, registered
from .service import Answer, refusal

TOKEN_ID = {"token_id": "t-1"}


def caller(**fields: Any) -> dict[str, Any]:
    """Return who FGD Sync says that we are."""
    return {"name": "netbox", "method": "token", "grants": [{"role": "admin", "all_fabrics": True}], **fields}


class ChecksTest(TestCase):
    """Each thing that can be wrong."""

    def ids(self, messages: checks.Messages) -> list[str]:
        """Return which messages these are."""
        return [message.id.partition(".")[2] for message in messages]

    def runs(self) -> None:
        """Have NetBox know of a worker."""
        name = f"test-{time.time_ns()}"
        there = Worker([RQ_QUEUE_DEFAULT], name=name, connection=get_connection(RQ_QUEUE_DEFAULT))
        there.register_birth()
        self.addCleanup(there.register_death)

    def said(self) -> tuple[str, bool]:
        """Run `fgd_check`, and return what it says and whether it has failed."""
        out = io.StringIO()
        try:
            call_command("fgd_check", stdout=out)
        except CommandError:
            return out.getvalue(), True
        return out.getvalue(), False

    def test_nothing_is_wrong(self) -> None:
        """There is no word of it, and the command says what it has looked at."""
        self.runs()
        self.service.on("GET", "caller", caller())
        registered()
        self.assertEqual(self.ids(checks.hedgehog() + checks.deployed()), [])
        text, failed = self.said()
        self.assertFalse(failed, text)
        self.assertEqual(text.count("✔ ok:"), 11)
        self.assertIn("- note: Lists of all kinds have an order", text)
        self.assertNotIn(TOKEN, text)

    def test_a_token_that_ends_soon(self) -> None:
        """Two weeks before, and it keeps no other check."""
        self.runs()
        registered()
        now = timezone.now()
        for days, ids in ((13, ["W011"]), (15, [])):
            end = (now + timedelta(days=days)).isoformat()
            self.service.on("GET", "caller", caller(expires_at=end, **TOKEN_ID))
            self.assertEqual(self.ids(checks.deployed()), ids, days)
        self.service.on("GET", "caller", caller(expires_at=now.isoformat(), **TOKEN_ID))
        (message,) = checks.deployed()
        self.assertIn("fgd token rotate t-1", message.hint)

    def test_a_kind_that_is_not_known(self) -> None:
        """It is not recorded."""
        known = recording.KINDS
        self.addCleanup(setattr, recording, "KINDS", known)
        recording.KINDS = (*known, "Unheard")
        self.assertEqual(self.ids(checks.hedgehog()), ["W002"])

    def test_settings(self) -> None:
        """Each that is not right is named, without what it is."""
        wrong = {
            "url": "https://somebody:secret@fgd.example.com",
            "token_ref": "a-secret",
            "ca_file": "/not/there",
            "netbox_url": "https://netbox.example.com/?token=secret",
            "fabric_model": "netbox_hedgehog.Unheard",
            "hnp_compat": "on",
            "retention_days": 0,
        }
        self.configure(**wrong)
        messages = checks.hedgehog()
        self.assertEqual(self.ids(messages), ["W004"] * len(wrong))
        self.assertEqual(checks.deployed(), [])
        text, failed = self.said()
        self.assertTrue(failed)
        self.assertNotIn("secret", text)
        for name in wrong:
            self.assertIn(f"The setting {name} ", text)

    def test_addresses(self) -> None:
        """What may be a secret in one is none of its business, and what can't be read is no address."""
        for address, right in (
            ("https://fgd.example.com", True),
            ("http://[::1]:8080/below", True),
            ("https://fgd.example.com/?token=secret", False),
            ("https://fgd.example.com/#secret", False),
            ("https://fgd.example.com/somebody:secret@", False),
            ("https://[fgd.example.com", False),
            ("https://fgd.example.com:port", False),
        ):
            self.assertEqual(checks.is_address(address), right, address)

    def test_no_worker(self) -> None:
        """Nobody does what is queued."""
        self.service.on("GET", "caller", caller())
        registered()
        self.assertEqual(self.ids(checks.deployed()), ["W005"])

    def test_nobody_was_told(self) -> None:
        """Without an address there is nothing to ask, and nothing has failed."""
        self.runs()
        self.configure(url="")
        self.assertEqual(self.ids(checks.deployed()), ["I002"])
        text, failed = self.said()
        self.assertFalse(failed)
        self.assertEqual(text.count("- skipped:"), 4)

    def test_the_service(self) -> None:
        """It is away, refuses the token, or lets it do too little."""
        self.runs()
        registered()
        for answer, expected in (
            (refusal(401, "FGD_1058", "The token is not known.", "Make another."), ["W006"]),
            (Answer(caller(grants=[{"role": "viewer"}])), ["W007"]),
            (Answer(caller(grants=[{"role": "operator"}])), ["W007"]),
            (Answer(caller(method="none", grants=[])), []),
            (Answer(caller(grants=None)), ["W007"]),
            (Answer(caller(grants=[None, {}, {"role": ["admin"]}])), ["W007"]),
        ):
            self.service.on("GET", "caller", answer)
            self.assertEqual(self.ids(checks.deployed()), expected)
        self.service.refuse()
        self.assertEqual(self.ids(checks.deployed()), ["W006"])
        cache.clear()

    def test_no_token(self) -> None:
        """A token that is not where it is said to be is told of, with how to make one."""
        self.runs()
        self.configure(token_ref=f"file:{Path(os.devnull)}")
        (message,) = checks.deployed()
        self.assertEqual(self.ids([message]), ["W006"])
        self.assertIn("fgd token create", message.hint)

    def test_the_clocks(self) -> None:
        """Half a minute is the most."""
        self.runs()
        registered()
        self.service.on("GET", "caller", caller())
        handler: Any = self.service._server.RequestHandlerClass
        for seconds, expected in ((20, []), (60, ["W008"]), (-60, ["W008"])):
            now = http_date(time.time() + seconds)
            handler.date_time_string = lambda _self, said=now: said
            self.assertEqual(self.ids(checks.deployed()), expected, seconds)

    def test_links(self) -> None:
        """Fabrics that FGD Sync does not know yet are named."""
        self.runs()
        self.service.on("GET", "caller", caller())
        self.assertEqual(self.ids(checks.deployed()), ["I003"])
        waiting = link()
        (message,) = checks.deployed()
        self.assertEqual(self.ids([message]), ["W009"])
        self.assertIn(str(waiting), message.msg)

    def test_links_of_a_plugin_that_is_gone(self) -> None:
        """They are told of by number, as nothing else is known of their fabrics, and others by name."""
        self.runs()
        self.service.on("GET", "caller", caller())
        gone = ContentType.objects.create(app_label="netbox_gone", model="fabric")
        FabricLink.objects.create(object_type=gone, object_id=4711)
        waiting = link()
        messages = checks.deployed()
        self.assertEqual(self.ids(messages), ["W010", "W009"])
        self.assertIn("netbox_gone 4711", messages[0].msg)
        self.assertIn(f"1 of the links says: {waiting}.", messages[1].msg)
