"""The client, and with it the FGD Sync of the tests."""

import time
from threading import BoundedSemaphore
from unittest import mock

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from users.models import User

from .. import transport
from ..client import AwayError, FGDSyncError, NotConfiguredError, SlowError, client, configured, part
from .base import TOKEN, TestCase
from .service import Answer, refusal


class ClientTest(TestCase):
    """What is asked, and what becomes of the answers."""

    def test_asks_in_the_name_of_somebody(self) -> None:
        """The token, the name, the e-mail address, the query and the body arrive."""
        self.service.on("GET", "fabrics", {"fabrics": []}).on("POST", "fabrics/1/syncs", {"sync_id": "s"})
        self.assertEqual(client().get("fabrics", {"limit": 1, "none": None}), {"fabrics": []})
        jose = User(username=" Jos\u00e9\n ", email="jose@example.com")
        self.assertEqual(client(jose).post("fabrics/1/syncs", {"a": 1})["sync_id"], "s")
        first, second = self.service.asked
        self.assertEqual(first.query, {"limit": "1"})
        self.assertEqual(first.headers["authorization"], f"Bearer {TOKEN}")
        self.assertNotIn("x-requested-by", first.headers)
        self.assertEqual(second.headers["x-requested-by"].encode("latin-1").decode(), "José")
        self.assertEqual(second.headers["x-requested-by-email"], "jose@example.com")
        self.assertEqual(second.body, {"a": 1})

    def test_what_is_not_known_of_somebody_is_not_said(self) -> None:
        """Not everybody has an address, and nobody has neither name nor address."""
        self.service.on("GET", "x", {})
        client(User(username="jane")).get("x")
        client(AnonymousUser()).get("x")
        said = [{name for name in asked.headers if name.startswith("x-")} for asked in self.service.asked]
        self.assertEqual(said, [{"x-requested-by"}, set()])

    def test_a_refusal_keeps_its_words(self) -> None:
        """Code, message, remedy and status are those of FGD Sync."""
        self.service.on("PATCH", "fabrics/1", refusal(409, "FGD_3008", "It is taken.", "Take another."))
        with self.assertRaises(FGDSyncError) as caught:
            client().patch("fabrics/1", {})
        error = caught.exception
        self.assertEqual(
            (error.status, error.code, error.message, error.remedy), (409, "FGD_3008", "It is taken.", "Take another.")
        )

    def test_an_error_without_words_has_some(self) -> None:
        """An error that is no object, as a proxy would give it, says its status."""
        self.service.on("GET", "x", Answer({"error": "bad gateway"}, 502))
        with self.assertRaisesMessage(FGDSyncError, "status 502"):
            client().get("x")

    def test_something_else_answers(self) -> None:
        """Neither a page nor a redirect is taken for an answer, and the token follows no redirect."""
        self.service.speak_html()
        with self.assertRaisesMessage(FGDSyncError, "something else"):
            client().get("x")
        self.service.mend()
        self.service.redirect(self.service.url + "/elsewhere")
        with self.assertRaisesMessage(FGDSyncError, "something else"):
            client().get("x")
        self.assertEqual([asked.path for asked in self.service.asked], ["x", "x"])

    def test_away_is_remembered(self) -> None:
        """Who asks after a refused connection is told so without another; now and then one looks whether it is back."""
        self.service.on("GET", "x", {})
        self.service.refuse()
        with self.assertRaises(AwayError):
            client().get("x")
        self.service.mend()
        with self.assertRaises(AwayError):
            client().get("x")
        self.assertEqual(self.service.asked, [])
        cache.delete(transport.PROBE_KEY)  # ten seconds later
        client().get("x")
        client().get("x")
        self.assertEqual(len(self.service.asked), 2)

    def test_no_answer(self) -> None:
        """What is not answered was slow, and may have been done; after three questions it is taken to be away."""
        self.service.on("GET", "x", {})
        self.service.hang()
        with mock.patch.multiple(transport, READ_TIMEOUT=0.1, WRITE_TIMEOUT=0.1):
            for _ in range(4):  # one that is slow says nothing of others
                with self.assertRaises(SlowError):
                    client().get("x")
            for path in ("y", "z"):
                with self.assertRaises(SlowError):
                    client().post(path)
            with self.assertRaises(AwayError):
                client().get("x")
        self.service.mend()
        self.assertEqual(len(self.service.asked), 6)
        cache.delete(transport.PROBE_KEY)
        client().get("x")
        client().get("x")

    def test_a_panel_waits_once(self) -> None:
        """After a question without an answer, panels wait for others a moment, and others do as before."""
        self.service.on("GET", "x", {})
        long = time.monotonic() + 1000
        self.assertEqual(transport.patience(long), transport.READ_TIMEOUT)
        self.service.hang()
        with mock.patch.object(transport, "READ_TIMEOUT", 0.1), self.assertRaises(SlowError):
            client().get("x")
        self.assertEqual(transport.patience(long), transport.DOUBT_TIMEOUT)
        self.assertEqual(transport.patience(None), transport.READ_TIMEOUT)
        with mock.patch.object(transport, "DOUBT_TIMEOUT", 0.1):
            for path in ("y", "z"):  # they were not waited for, and say nothing of the service
                with self.assertRaises(SlowError):
                    client(within=10).get(path)
        self.assertIsNone(cache.get(transport.AWAY_KEY))
        self.service.mend()
        client().get("x")
        self.assertEqual(transport.patience(long), transport.READ_TIMEOUT)

    def test_a_panel_that_has_waited(self) -> None:
        """It asks for nothing more."""
        self.service.on("GET", "x", {})
        with self.assertRaisesMessage(SlowError, "has not answered"):
            client(within=0).get("x")
        self.assertEqual(self.service.asked, [])

    def test_a_connection_that_breaks(self) -> None:
        """What was asked for may have been done; who asks after that is told that nobody is there."""
        self.service.hang_up()
        with self.assertRaises(SlowError) as caught:
            client().post("x")
        self.assertIn("may have been done", caught.exception.remedy)
        with self.assertRaises(AwayError):
            client().post("x")
        self.assertEqual(len(self.service.asked), 1)

    def test_few_wait(self) -> None:
        """Of one process a few wait for an answer, and others are told so."""
        with (
            mock.patch.object(transport, "LONGEST_QUEUE", 0.01),
            mock.patch.object(transport, "waiting", BoundedSemaphore(1)),
        ):
            transport.waiting.acquire()
            with self.assertRaisesMessage(SlowError, "Too many"):
                client().get("x")
        self.assertEqual(self.service.asked, [])

    def test_an_answer_without_an_end(self) -> None:
        """An answer is not read for ever."""
        self.service.on("GET", "x", {"a": "b" * 100})
        with (
            mock.patch.object(transport, "LONGEST_ANSWER", 64),
            self.assertRaisesMessage(FGDSyncError, "MiB"),
        ):
            client().get("x")

    def test_an_answer_that_is_cut_off(self) -> None:
        """An answer that ends before its end is an error of that one alone."""
        self.service.on("GET", "x", Answer({"a": 1}, headers={"Content-Length": "1000"}))
        with mock.patch.object(transport, "READ_TIMEOUT", 0.2), self.assertRaises(FGDSyncError) as caught:
            client().get("x")
        self.assertNotIsInstance(caught.exception, AwayError | NotConfiguredError)
        self.assertIsNone(cache.get(transport.AWAY_KEY))

    def test_mistakes_of_the_setup_are_told_to_nobody_else(self) -> None:
        """Who set something up wrongly is told so; the service is not taken to be away."""
        self.configure(ca_file="/not/there")
        with self.assertRaisesMessage(NotConfiguredError, "ca_file"):
            client()
        for address in ("https://user:secret@example.com", "http://", "https://[::1", None):
            self.configure(url=address)
            with self.assertRaises(NotConfiguredError) as caught:
                client()
            self.assertNotIn("secret", caught.exception.message + caught.exception.remedy)
        self.configure(token_ref="fgd_token_in_the_wrong_place")  # noqa: S106  # by mistake
        with self.assertRaises(NotConfiguredError) as caught:
            client()
        self.assertNotIn("wrong_place", caught.exception.message)
        self.assertIsNone(cache.get(transport.AWAY_KEY))

    def test_no_address_and_no_token(self) -> None:
        """What the configuration lacks is said."""
        self.configure(token_ref="env:NOT_THERE")  # noqa: S106  # a reference
        with self.assertRaisesMessage(NotConfiguredError, "env:NOT_THERE"):
            client()
        self.configure(token_ref="file:/not/there")  # noqa: S106  # a reference
        with self.assertRaisesMessage(NotConfiguredError, "file:/not/there"):
            client()
        self.configure(url="ftp://example.com")
        with self.assertRaisesMessage(NotConfiguredError, "address"):
            client()
        self.configure(url="")
        self.assertFalse(configured())
        with self.assertRaises(NotConfiguredError):
            client()

    def test_a_part_of_a_path_is_quoted(self) -> None:
        """A slash in a name does not end it."""
        self.assertEqual(part("a/b c"), "a%2Fb%20c")
