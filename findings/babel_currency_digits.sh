#!/usr/bin/env bash
# Babel 2.18.0 gives a currency's digits as CLDR has them, which for thirteen currencies is not what
# ISO 4217 has: rounding an amount to them drops minor units that exist.
#
# A good guess: get_currency_precision("IQD") is 3, as ISO 4217's exponent of the dinar is. Seen: 0.
# In adcanary: budgets are rounded to CLDR's digits, which are never finer than ISO's, so that the
# amount can be paid under either (pipelines/money.py, docs/adr/0015).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.18.0 iso4217==1.14.20250512
"$folder/venv/bin/python" - >"$folder/seen" <<'PYTHON'
from babel.numbers import get_currency_precision
from iso4217 import Currency

for currency in sorted(Currency, key=lambda c: c.code):
    cldr, iso = get_currency_precision(currency.code), currency.exponent
    if iso is not None and cldr != iso:
        print(f"{currency.code} Babel {cldr} ISO {iso}")
PYTHON
diff - "$folder/seen" <<'EXPECTED'
AFN Babel 0 ISO 2
ALL Babel 0 ISO 2
IQD Babel 0 ISO 3
IRR Babel 0 ISO 2
KPW Babel 0 ISO 2
LAK Babel 0 ISO 2
LBP Babel 0 ISO 2
MGA Babel 0 ISO 2
MMK Babel 0 ISO 2
RSD Babel 0 ISO 2
SOS Babel 0 ISO 2
SYP Babel 0 ISO 2
YER Babel 0 ISO 2
EXPECTED
echo "As found: 13 currencies have fewer digits in Babel 2.18.0 (CLDR) than in ISO 4217."
