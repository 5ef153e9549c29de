"""Which of Tesseract's languages a caller means: ISO 639 tags, and Tesseract's own names for its data."""

from __future__ import annotations

from collections.abc import Sequence

from atelier.media.naming import shorter_tags, unknown

MOST_UNASKED = 3
"""Languages that a text is read in where none is named: each takes its time."""

_PAIRS = """
af:afr am:amh ar:ara as:asm az:aze az-cyrl:aze_cyrl be:bel bg:bul bn:ben bo:bod br:bre bs:bos ca:cat co:cos
cs:ces cy:cym da:dan de:deu dv:div dz:dzo el:ell en:eng eo:epo es:spa et:est eu:eus fa:fas fi:fin fil:fil
fo:fao fr:fra fy:fry ga:gle gd:gla gl:glg gu:guj he:heb hi:hin hr:hrv ht:hat hu:hun hy:hye id:ind is:isl
it:ita iu:iku ja:jpn jv:jav ka:kat kk:kaz km:khm kn:kan ko:kor ku:kmr ky:kir la:lat lb:ltz lo:lao lt:lit
lv:lav mi:mri mk:mkd ml:mal mn:mon mr:mar ms:msa mt:mlt my:mya nb:nor ne:nep nl:nld nn:nor no:nor oc:oci
or:ori pa:pan pl:pol ps:pus pt:por qu:que ro:ron ru:rus sa:san sd:snd si:sin sk:slk sl:slv sq:sqi sr:srp
sr-latn:srp_latn su:sun sv:swe sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tl:fil to:ton tr:tur tt:tat ug:uig
uk:ukr ur:urd uz:uzb uz-cyrl:uzb_cyrl vi:vie yi:yid yo:yor zh:chi_sim zh-hans:chi_sim zh-hant:chi_tra
zh-tw:chi_tra zh-hk:chi_tra
"""
CODES: dict[str, str] = dict(pair.split(":") for pair in _PAIRS.split())
"""Tag → the name of Tesseract's data."""


class Languages:
    """installed: names of Tesseract's data."""

    def __init__(self, installed: Sequence[str]) -> None:
        self._installed = {name.lower(): name for name in sorted(installed)}

    @property
    def names(self) -> tuple[str, ...]:
        """What a request may name, by ISO 639 where that has a word."""
        tags = {code: tag for tag, code in reversed(CODES.items())}
        return tuple(sorted(tags.get(name, name) for name in self._installed.values()))

    @property
    def usual(self) -> str:
        """What a text is read in where a request does not say: all that are here if they are few, else English."""
        names = list(self._installed.values())
        if len(names) <= MOST_UNASKED:
            return "+".join(names)
        return "eng" if "eng" in names else names[0]

    def choose(self, asked: str | None) -> tuple[str, str | None]:
        """As Tesseract takes them, and a warning. asked: tags, joined by `+`. Raises InvalidRequest, naming it."""
        if asked is not None:
            return "+".join(dict.fromkeys(self._of_tag(tag) for tag in asked.split("+"))), None
        few = len(self._installed) <= MOST_UNASKED
        warning = f"language: none was named, so the text was read as {self._tag(self.usual)}; name the text's own"
        return self.usual, None if few else warning

    def _of_tag(self, tag: str) -> str:
        for shorter in shorter_tags(tag):
            name = self._installed.get(CODES.get(shorter, shorter.replace("-", "_")))
            if name is not None:
                return name
        raise unknown("language", tag, self.names)

    @staticmethod
    def _tag(name: str) -> str:
        return next((tag for tag, code in CODES.items() if code == name), name)
