"""What FGD Sync says of a fabric, for tests of pages."""

from typing import Any

from ..models import FabricLink
from .service import Service

# A text that does something in a page which does not escape it.
HOSTILE = "<script>alert(1)</script>'\"&"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;&#x27;&quot;&amp;"

SYNC = "5f8a2f7e-3b59-4f6e-9f0a-0d9f6f0c2a11"
CONFLICT = "vpc.default.vpc-1"
FILE = "unmanaged/broken.yaml"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEB = "https://git.example.com/fabrics/commit/0123456"
STARTED = {
    "success": True,
    "sync_id": SYNC,
    "status": "started",
    "status_url": f"/api/v1/syncs/{SYNC}",
    "websocket_url": f"/api/v1/syncs/{SYNC}/events",
    "message": "The sync has started.",
}

DIFF = f"--- a/managed/vpcs/one.yaml\n+++ b/managed/vpcs/one.yaml\n@@ -1 +1 @@\n-vlan: 1\n+vlan: {HOSTILE}\n"


def finding(**said: Any) -> dict[str, Any]:
    """Return an error or a warning of a sync."""
    usual = {
        "code": "FGD_1001",
        "name": "INVALID_YAML",
        "message": f"It is no YAML: {HOSTILE}",
        "file": f"raw/{HOSTILE}.yaml",
        "line": 3,
        "column": 7,
        "remedy": "Mend the file.",
    }
    return {**usual, **said}


def sync(number: int, **said: Any) -> dict[str, Any]:
    """Return a sync."""
    usual = {
        "sync_id": SYNC,
        "fabric_id": number,
        "state": "completed",
        "trigger": "manual",
        "requested_by": HOSTILE,
        "accepted_at": "2026-11-30T10:00:00Z",
        "started_at": "2026-11-30T10:00:01Z",
        "completed_at": "2026-11-30T10:00:03.500000001Z",
        "errors": [finding()],
        "warnings": [finding(message="A warning.", line=0)],
        "result": {
            "commit_sha": COMMIT,
            "commit_url": WEB,
            "resources_total": 47,
            "counts": {"creates": 2, "quarantines": 1},
            "pull_request": {"number": 7, "url": "javascript:alert(1)", "state": "open"},
        },
    }
    return {**usual, **said}


def running(number: int) -> dict[str, Any]:
    """Return a sync that has not ended."""
    progress = {
        "current_stage": "file_ingestion",
        "files_processed": 3,
        "total_files": 12,
        "percent_complete": 25,
        "current_file": f"raw/{HOSTILE}.yaml",
    }
    return sync(number, state="processing", completed_at=None, errors=[], warnings=[], result=None, progress=progress)


def quarantined(**said: Any) -> dict[str, Any]:
    """Return a file in quarantine."""
    usual = {
        "path": FILE,
        "size": 20,
        "reason": finding(line=2),
        "origin": f"raw/{HOSTILE}.yaml",
        "quarantined_at": "2026-11-30T10:00:00Z",
        "changed": True,
        "content": f"a: 1\nb: {HOSTILE}\n",
        "web_url": "https://git.example.com/fabrics/blob/main/unmanaged/broken.yaml#L2",
    }
    return {**usual, **said}


def conflict(**said: Any) -> dict[str, Any]:
    """Return a conflict."""
    usual = {
        "conflict_id": CONFLICT,
        "state": "open",
        "version": "v-1",
        "kind": "VPC",
        "namespace": "default",
        "name": HOSTILE,
        "path": "managed/vpcs/one.yaml",
        "record_id": 1,
        "opened_at": "2026-11-30T10:00:00Z",
        "paths_total": 2,
        "paths": [
            {"path": "spec.vlan", "reason": "both_changed", "base": 1, "git": 2, "netbox": {"a": HOSTILE}},
            {"path": f"spec.{HOSTILE}", "reason": "one_removed", "base": None, "git": [1, "x"]},
        ],
        "git": {"commit": COMMIT, "name": HOSTILE, "subject": HOSTILE},
        "netbox": {"user": HOSTILE, "changed_at": "2026-11-30T10:00:00Z"},
        "web_url": "https://git.example.com/fabrics/blob/main/one.yaml",
    }
    return {**usual, **said}


def receipt(**said: Any) -> dict[str, Any]:
    """Return a record that is not what Git says."""
    usual = {
        "kind": "Switch",
        "namespace": "default",
        "name": HOSTILE,
        "path": "managed/switches/one.yaml",
        "state": "held",
        "record_id": 12,
        "unproven_since": "2026-11-30T10:00:00Z",
        "conflict_id": CONFLICT,
        "problem": {
            "reason": "changed_in_netbox",
            "message": f"Somebody changed it: {HOSTILE}",
            "remedy": "Decide who is right.",
            "fields": [{"field": "spec", "messages": [f"NetBox says {HOSTILE}"]}],
            "user": HOSTILE,
            "changed_at": "2026-11-30T10:00:00Z",
            "differing": ["spec.ports[0].speed"],
            "differing_total": 4,
        },
    }
    return {**usual, **said}


def commit(**said: Any) -> dict[str, Any]:
    """Return a commit."""
    usual = {
        "commit_sha": COMMIT,
        "author_name": HOSTILE,
        "authored_at": "2026-11-30T10:00:00+02:00",
        "subject": HOSTILE,
        "origin": "netbox",
        "sync_id": SYNC,
        "requested_by": "alice",
        "files_updated": 1,
    }
    return {**usual, **said}


def plan(number: int) -> dict[str, Any]:  # noqa: ARG001
    """Return the plan of a sync."""
    return {
        "plan": {
            "creates": 2,
            "actions": [
                {"action": "create", "kind": "VPC", "namespace": "default", "name": HOSTILE, "to": "managed/a"}
            ],
            "orphans": [{"kind": "VPC", "name": "a", "field": "spec.x", "missing_kind": "Switch", "missing_name": "b"}],
        },
        "total": 1,
        "next_page_token": "more&more",
    }


def tell(service: Service, link: FabricLink) -> None:
    """Tell an FGD Sync all of a fabric."""
    number = link.fabric_id or 0
    fabric = f"fabrics/{number}"
    delivery = {"held": 1, "proven": 46, "compared_at": "2026-11-30T10:00:00Z", "problem": "NetBox is away."}
    service.on("GET", fabric, {"fabric_id": number, "name": "one", "options": {}})
    service.on("GET", f"{fabric}/syncs", {"syncs": [sync(number), running(number)], "total": 60})
    service.on("GET", f"syncs/{SYNC}", sync(number))
    service.on("GET", f"syncs/{SYNC}/plan", plan(number))
    service.on("GET", f"syncs/{SYNC}/diff", {"diff": DIFF, "total": 5})
    service.on("GET", f"{fabric}/quarantine", {"files": [quarantined()], "total": 1, "commit_sha": COMMIT})
    service.on("GET", f"{fabric}/quarantine/{FILE}", quarantined())
    service.on("GET", f"{fabric}/conflicts", {"conflicts": [conflict()], "total": 1})
    service.on("GET", f"{fabric}/conflicts/{CONFLICT}", conflict())
    service.on("GET", f"{fabric}/receipts", {"receipts": [receipt()], "total": 1, "delivery": delivery})
    service.on("GET", f"{fabric}/commits", {"commits": [commit()], "truncated": True})
    service.on("POST", f"{fabric}/syncs", STARTED)
    service.on("POST", f"syncs/{SYNC}:cancel", sync(number, state="cancelled"))
    service.on("POST", f"{fabric}/quarantine:retry", STARTED)
    service.on("POST", f"{fabric}/quarantine:release", STARTED)
    resolved = {"conflict": conflict(state="resolved"), "diff": DIFF, "record_fields": ["spec.vlan", "."]}
    service.on("POST", f"{fabric}/conflicts/{CONFLICT}:resolve", resolved)
