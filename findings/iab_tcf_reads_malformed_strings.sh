#!/usr/bin/env bash
# iab-tcf 0.2.2 reads TC strings that are none, and doesn't use what TCF 2.3 added.
#
# A good guess: decode_v2 raises for a string that is cut off, of another version, or whose ranges
# can't be; the strictest of two restrictions is found; a vendor that wasn't disclosed isn't allowed.
# Seen: each is read without an error, and consents.
# In adcanary: a reader of our own that refuses them (pipelines/privacy/tcf.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check iab-tcf==0.2.2
"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
from base64 import urlsafe_b64encode

from iab_tcf import decode_v2


def string(restrictions, version=2):
    """Of 2026-02, purposes 1 to 24 and vendors 1 to 60; restrictions as purpose, type, range."""
    bits = f"{version:06b}{17_700_000_000:036b}{17_700_000_000:036b}{300:012b}{1:012b}{1:06b}"
    bits += f"{4:06b}{13:06b}{77:012b}{4:06b}10{0:012b}" + "1" * 24 + "0" * 25
    bits += f"{3:06b}{4:06b}{60:016b}0" + "1" * 60 + f"{0:016b}0{len(restrictions):012b}"
    for purpose, kind, first, last in restrictions:
        bits += f"{purpose:06b}{kind:02b}{1:012b}1{first:016b}{last:016b}"
    bits += "0" * (-len(bits) % 8)
    content = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return urlsafe_b64encode(content).decode().rstrip("=")


def allowed(text):
    consent = decode_v2(text)
    restriction = consent.get_restriction(42, 7)
    forbidden = restriction is not None and restriction.restriction_type in (0, 2)
    return consent.is_purpose_allowed(7) and consent.is_vendor_allowed(42) and not forbidden


whole = string([])
print("whole:", allowed(whole))
print("version 1:", allowed(string([], version=1)))
print("cut off within the vendors:", allowed(whole[:44]))
print("forbidden from vendor 60 to 5:", allowed(string([(7, 0, 60, 5)])))
print("consent required, then forbidden:", allowed(string([(7, 1, 42, 42), (7, 0, 42, 42)])))
print("forbidden, then consent required:", allowed(string([(7, 0, 42, 42), (7, 1, 42, 42)])))
print("nobody disclosed:", allowed(f"{whole}.IAAA"))
PYTHON
diff - "$folder/seen" <<'EXPECTED'
whole: True
version 1: True
cut off within the vendors: True
forbidden from vendor 60 to 5: True
consent required, then forbidden: True
forbidden, then consent required: False
nobody disclosed: True
EXPECTED
echo "As found: iab-tcf 0.2.2 reads strings that are none, and consents to a vendor nobody was shown."
