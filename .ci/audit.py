"""Known vulnerabilities of what is locked, by pip-audit; says so where its database isn't there.

pip-audit 2.10 says "No known vulnerabilities" and ends with 0 also where it could ask about no
package at all, as behind a mirror of the index that has no database: what it could ask is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCKS = ("requirements.lock", "infra/docker/worker-requirements.lock")


def audit(lock: str) -> tuple[str, bool]:
    """A sentence about a lock file, and whether something in it is known to be vulnerable."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
            *("-r", lock, "--progress-spinner", "off", "--format", "json"),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except ValueError:
        return f"{lock}: not audited, the database can't be reached: {ended.stderr[-300:]}", False
    asked = [p for p in packages if "skip_reason" not in p]
    vulnerable = [
        f"{p['name']} {p['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or '–'}"
        for p in asked
        for v in p["vulns"]
    ]
    if vulnerable:
        return "\n  ".join([f"{lock}: {len(vulnerable)} known vulnerabilities", *vulnerable]), True
    if not asked:
        return f"{lock}: not audited, the database knows none of its packages (a mirror?)", False
    return f"{lock}: {len(asked)} of {len(packages)} packages, no known vulnerability", False


if __name__ == "__main__":
    results = [audit(lock) for lock in LOCKS if Path(lock).exists()]
    print("\n".join(sentence for sentence, _ in results))
    raise SystemExit(any(bad for _, bad in results))
