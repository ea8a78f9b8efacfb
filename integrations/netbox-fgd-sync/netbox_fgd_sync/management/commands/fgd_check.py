"""Says whether all is right between NetBox, HNP and FGD Sync."""

from typing import Any

from django.core import checks as django
from django.core.management.base import BaseCommand, CommandError

from ... import checks


class Command(BaseCommand):
    """`netbox fgd_check`."""

    help = "Look whether all is right between NetBox, the Hedgehog NetBox Plugin and FGD Sync"
    requires_system_checks: tuple[str, ...] = ()  # it is for finding out what is wrong

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print each check with what it says, and end with 1 where one has failed."""
        # Without settings that are right nothing can be asked.
        service = checks.DEPLOYED if not checks.configured() else checks.DEPLOYED[:1]
        failed = 0
        for check, said in checks.look(*checks.ALWAYS, *checks.KNOWN, *service):
            wrong = [message for message in said or () if message.level >= django.WARNING]
            failed += bool(wrong)
            self.stdout.write(f"{sign(said, bool(wrong))} {check.title}")
            for message in said or ():
                self.stdout.write(f"    {message.msg}\n    → {message.hint}")
        if failed:
            raise CommandError(f"{failed} {'checks have' if failed > 1 else 'check has'} failed.")


def sign(said: checks.Messages | None, wrong: bool) -> str:
    """Return how a check went, as one character and a word."""
    if said is None:
        return "- skipped:"
    if wrong:
        return "✗ failed:"
    return "- note:" if said else "✔ ok:"
