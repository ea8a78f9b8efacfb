"""Says what to do about what FGD Sync says, as it is done in NetBox.

FGD Sync's own words may name its commands and its API, which somebody who is in NetBox need not have.
"""

import re
from collections.abc import Mapping
from typing import Any

COMMAND = re.compile(r"\bfgd [a-z]|/api/v1/")

# By the code of an error.
CODES = {
    "FGD_1050": "Put a token that FGD Sync takes at the place that token_ref of netbox_fgd_sync names.",
    "FGD_1070": "Edit the file itself, in Git: FGD Sync writes none anew in which there is more than values.",
    "FGD_1071": "See in the list of conflicts which there are.",
    "FGD_1072": "Look at the conflict again: it says something else now, or is settled.",
    "FGD_3006": "Delete the link of the fabric and add it anew, which registers the fabric.",
    "FGD_3011": "Resume it when its syncs are wanted again: by Enabled in its link, or by who has suspended it.",
    "FGD_3018": "Delete the link of the fabric and add it anew, which tells FGD Sync of its record.",
    "FGD_3020": "See on the tab Quarantine why each is there, mend them, and press Sync.",
    "FGD_3030": "Press Dry run, and look at what it says. Who runs FGD Sync then lets syncs of the fabric publish.",
}

# By the reason why a record is not delivered.
REASONS = {
    "refused": "Change the file, or what NetBox demands; then press Sync above.",
    "forbidden": "Give the user of FGD Sync in NetBox the permission to write it. It is tried again by itself.",
    "changed_in_netbox": "Bring the change into the file and press Sync above, or undo it at the record.",
    "deleted_in_netbox": (
        "Delete the file, too, and press Sync above. Who runs FGD Sync can have the record made again instead."
    ),
    "plugin_defect": (
        "Set hnp_compat of netbox_fgd_sync to auto, which gives HNP the pages that it lacks. It is tried again by "
        "itself."
    ),
    "mass_deletion": (
        "Bring the files back and press Sync above. Where they are meant to go, who runs FGD Sync confirms it."
    ),
    "keeps_changing": (
        "Find what changes it in NetBox: a script, an event rule, or another fabric that is linked to it. Who runs FGD "
        "Sync has it delivered again then."
    ),
    "conflict": "Press Settle the conflict.",
    "refused_by_git": "Correct the record, or press Settle the conflict where there is one.",
    "auto_sync_off": "Switch auto_sync on at the record, so that the change goes to Git, or undo it there.",
    "storm": (
        "Find what changes it so often: a script, or an event rule. When that is meant or over, who runs FGD Sync lets "
        "it go on."
    ),
}


def remedy(said: Mapping[str, Any]) -> str:
    """Return what to do about an error, a finding or a problem. What only a command can do, is for who has it."""
    theirs = str(said.get("remedy") or "")
    if not COMMAND.search(theirs):
        return theirs
    return CODES.get(str(said.get("code"))) or f"For who runs FGD Sync: {theirs}"


def of_record(problem: Mapping[str, Any]) -> str:
    """Return what to do about a record that is not delivered."""
    return REASONS.get(str(problem.get("reason"))) or remedy(problem)
