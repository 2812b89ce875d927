"""One order for versions of every scheme, with an explicit "not comparable".

    scheme     whose rules              order      compare, sort_key, upstream       interval   between two bounds
    firmware   our grammar for vendors' strings; the other modules follow somebody else's rules, each named after its owner
    ranges     from an advisory's words to intervals: vers: URIs, npm's ranges, vendors' free text

Nothing here guesses: what has no order compares as None, and a range that is not understood raises NotParsedError with the reason.
"""

from plumbline.versions.constraints import NotParsedError
from plumbline.versions.interval import Interval, contains, within
from plumbline.versions.key import Key
from plumbline.versions.order import compare, sort_key, upstream
from plumbline.versions.ranges import parse_range, scheme_of_range
from plumbline.versions.scheme import Scheme, scheme_for

__all__ = [
    "Interval",
    "Key",
    "NotParsedError",
    "Scheme",
    "compare",
    "contains",
    "parse_range",
    "scheme_for",
    "scheme_of_range",
    "sort_key",
    "upstream",
    "within",
]
