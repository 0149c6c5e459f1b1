"""The names of missile defence, for finding sentences that name it."""

from __future__ import annotations

import re

_NAMES = r"""
missile[- ]defen[cs]\w* | missile[- ](?:shield|umbrella) | anti-?\s?ballistic | anti-?\s?missile | counter-?missile
| \b(?:BMD|NMD|TMD|ABMs?|SDI|SDIO|BMDO|MDA|GMD|GBIs?|EPAA|GPALS|IAMD|MEADS|ESSI|SBIs?|ALTBMD|BMDS|KAMD)\b
| \b(?:THAAD|PAC-?[23]|L-?SAM|SAMP/T|IRIS-T|NASAMS|S-[345]00|A-135|SM-[36])\b
| star[- ]wars | strategic\ defen[cs]e | space[- ]based\ (?:defen[cs]e|interceptor) | \bintercept\w*
| \bpatriots?\b | \baegis\b | standard\ missile | iron\ (?:dome|beam) | david['’]s\ sling | golden\ dome
| \barrow(?:[- ]?[23]|\ (?:system|batter\w+|missile|interceptor|programme|program))
| fort\ greely | deveselu | redzikowo | k[uü]recik | fylingdales | menwith | third\ (?:site|positioning)
| brilliant\ (?:pebbles|eyes) | \bsafeguard\ (?:system|site|abm|complex) | nike[- ](?:zeus|x)\b
| sky\ ?shield | \b(?:shield|dome)s?\b | \bradars?\b | phased,?\ adaptive | air\ and\ missile | air[- ]defen[cs]e
| \bdefensive\ systems? | defen[cs]es?\ against\ (?:\w+\ ){0,5}(?:missiles?|rockets?|warheads?)
| glide\ phase | boost[- ]phase | midcourse | kill\ vehicle | hit-to-kill
| weapons\ (?:in|into|from)\ (?:outer\ )?space | space\ weapons?
"""
_PATTERN = re.compile(_NAMES, flags=re.IGNORECASE | re.VERBOSE)


def names_missile_defence(text: str) -> bool:
    """Return whether a text holds one of the names of missile defence, its systems, sites or programmes."""
    return _PATTERN.search(text) is not None
