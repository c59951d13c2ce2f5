"""Text as it is compared: what counts as the same word.

Both texts are brought into Unicode's compatibility composition, lower case (case folding), without
what stands in square brackets (`[laughter]`), and without punctuation; an apostrophe inside a word
stays (`don't`), other punctuation parts words (`well-known` is two). Characters of scripts that
write no spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer, Burmese) are words of their own.
Numerals stay as they are written: `2` and `two` differ, so write texts as they are spoken.
"""

import re
import unicodedata

_BRACKETED = re.compile(r"\[[^\]]*\]")
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'"})
_LOOSE_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")
_UNSPACED = re.compile(
    r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])"
)


def normalise(text: str) -> str:
    """The words of a text, separated by single spaces."""
    text = unicodedata.normalize("NFKC", _BRACKETED.sub(" ", text)).translate(_APOSTROPHES)
    text = _LOOSE_APOSTROPHE.sub(" ", text.casefold())
    kept = [
        letter if letter == "'" or unicodedata.category(letter)[0] in "LMN" else " "
        for letter in text
    ]
    return " ".join(_UNSPACED.sub(r" \1 ", "".join(kept)).split())
