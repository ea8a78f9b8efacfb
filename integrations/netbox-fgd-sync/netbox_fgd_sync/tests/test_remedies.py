"""What people are told to do: in NetBox, where it can be done there."""

from ..remedies import CODES, REASONS
from . import answers
from .service import refusal
from .test_pages import PageTestCase

COMMAND = "Give the bridge another token (fgd netbox setup)."
ADDRESSED = f"For who runs FGD Sync: {COMMAND}"


class RemedyTest(PageTestCase):
    """What pages say of that."""

    def setUp(self) -> None:
        """Let the user see them."""
        super().setUp()
        self.allow("view")
        self.path = f"fabrics/{self.link.fabric_id}/receipts"

    def test_what_is_to_be_done_can_be_pressed(self) -> None:
        """FGD Sync's own words name its commands."""
        for reason in REASONS:
            said = answers.receipt(problem={"reason": reason, "remedy": COMMAND})
            self.service.on("GET", self.path, {"receipts": [said]})
            self.assertNotIn("fgd netbox", self.panel("drift"), reason)
        for code in CODES:
            for words in (COMMAND, "Ask for POST /api/v1/fabrics."):
                self.service.on("GET", self.path, refusal(409, code, "No.", words))
                self.assertNotIn(words, self.panel("drift"), code)

    def test_what_only_a_command_can_do(self) -> None:
        """It is said for who has it, wherever it is said."""
        self.service.on("GET", self.path, refusal(409, "FGD_9999", "No.", COMMAND))
        self.assertIn(ADDRESSED, self.panel("drift"))
        said = answers.receipt(problem={"reason": "another", "remedy": COMMAND})
        delivery = {"problem": "It takes no token.", "remedy": COMMAND}
        self.service.on("GET", self.path, {"receipts": [said], "delivery": delivery})
        self.assertEqual(self.panel("drift").count(ADDRESSED), 2)
        finding = {"code": "FGD_9999", "message": "No.", "remedy": COMMAND}
        sync = answers.sync(self.link.fabric_id or 0, errors=[finding], warnings=[finding])
        self.service.on("GET", f"syncs/{answers.SYNC}", sync)
        self.assertEqual(self.panel("sync_detail", sync_id=answers.SYNC).count(ADDRESSED), 2)

    def test_what_the_card_says(self) -> None:
        """It keeps the same words."""
        number = self.link.fabric_id
        self.service.on("GET", f"fabrics/{number}", {"netbox": {"fabric": self.link.object_id}})
        delivery = {"problem": "It takes no token.", "remedy": COMMAND}
        self.service.on("GET", self.path, {"receipts": [], "delivery": delivery})
        self.assertIn(ADDRESSED, self.panel("status"))

    def test_other_words_stay(self) -> None:
        """Those that name no command are shown as they are, also where a code has words of its own."""
        self.service.on("GET", self.path, refusal(409, "FGD_3011", "No.", "Jo has suspended it: ask Jo."))
        self.assertIn("Jo has suspended it: ask Jo.", self.panel("drift"))
