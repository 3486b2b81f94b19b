"""Is anything that is installed known to be vulnerable, or withdrawn by its authors?

    python .ci/audit.py VENV AUDIT_VENV

Withdrawn ("yanked") releases are known by any package index. Known vulnerabilities are not: a
mirror may have none to tell. What could not be looked up is then said, in so many words, and is no
failure; a finding of either kind is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(environment: Path, auditor: Path) -> int:
    """Print what was found; 1 if there is anything to mend."""
    pip = [environment / "bin/python", "-m", "pip", "--disable-pip-version-check"]
    _run(*pip, "check")
    pins = environment / "installed.txt"
    pins.write_text(_run(*pip, "freeze", "--quiet", "--exclude-editable"))
    withdrawn = _withdrawn(pip, pins)
    vulnerable, unknown = _vulnerable(auditor, pins)
    count = len(pins.read_text().splitlines())
    lines = [
        *(f"withdrawn by its authors: {name}" for name in withdrawn),
        *(f"known to be vulnerable: {line}" for line in vulnerable),
        f"{count} releases looked at, {len(withdrawn)} withdrawn",
        f"{count - len(unknown)} looked up for vulnerabilities, {len(vulnerable)} found",
    ]
    if unknown:
        lines.append(
            f"NOT LOOKED UP for vulnerabilities: {len(unknown)} of {count}. The package index here"
            f" cannot tell of them; ask another one. ({unknown[0]})"
        )
    print("\n".join(lines))
    return 1 if withdrawn or vulnerable else 0


def _withdrawn(pip: list[Any], pins: Path) -> list[str]:
    options = ("--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-")
    found = json.loads(_run(*pip, "install", *options, "-r", pins))["install"]
    releases = (each["metadata"] for each in found if each["is_yanked"])
    return [f"{release['name']} {release['version']}" for release in releases]


def _vulnerable(auditor: Path, pins: Path) -> tuple[list[str], list[str]]:
    """Return a line a vulnerability, and a line a release that could not be looked up."""
    options = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    # It ends with 1 if it found any, and with no document if it could not run.
    said = _run(auditor / "bin/pip-audit", *options, "-r", pins, fine=(0, 1))
    releases = json.loads(said)["dependencies"]
    lines = [
        f"{each['name']} {each['version']}: {vulnerability['id']}, mended in"
        f" {', '.join(vulnerability['fix_versions']) or 'no release yet'}"
        for each in releases
        for vulnerability in each.get("vulns", ())
    ]
    return lines, [each["skip_reason"] for each in releases if "skip_reason" in each]


def _run(*command: object, fine: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True)
    if done.returncode not in fine or not done.stdout:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
