"""What an e-mail address looks like in a text, in any spelling that a mail program would read."""

from __future__ import annotations

import re

# signs that nobody sees, which a copied address may hold
_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_LOCAL = r"[^\s@＠﹫\"'<>()\[\]{},;:/?&=#\\]"
_QUOTED = r"\\?\"(?:[^\"\\\n]|\\[^\n]){1,64}?\\?\""
# also as people write it for machines not to read: (at), [dot]
_AT = rf"(?:[{_UNSEEN}]*[@＠﹫][{_UNSEEN}]*|\s?[\[({{]\s?(?:@|(?i:at))\s?[\])}}]\s?)"
_DOT = r"(?:[.．。｡]|\s?[\[({]\s?(?:\.|(?i:dot|punkt))\s?[\])}]\s?)"
# any letter, with what is combined with it
_LABEL = r"[^\x00-,./:-@\[-`{-\x9f\s＠﹫．。｡“”„«»‹›’…]"
EMAIL = re.compile(
    rf"(?:{_QUOTED}|(?<!{_LOCAL})(?<!\w'){_LOCAL}+(?:(?<=\w)'{_LOCAL}+)*){_AT}"
    # not a picture for fine screens (logo@2x.png)
    r"(?!\dx\.)"
    rf"(?:\[[0-9A-Fa-fIPv.:]{{3,45}}\]"
    rf"|{_LABEL}+(?:{_DOT}{_LABEL}+)*{_DOT}[{_UNSEEN}]*[^\W\d_]{_LABEL}+)"
)
# what a text with an address holds, encoded or not; the same in Python and RE2
SIGNS = r"[@＠﹫%]|&#|&[A-Za-z]{2,31};|\\[ux]|[\[({] ?[aA][tT] ?[\])}]"
