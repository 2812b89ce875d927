"""What a right audit of the lab must say: every row of its ledger, derived from the switches and from what the lab knows of itself.

Independent of the collectors and of the checks' SQL: one module for each kind of place (services, captures, images, edge, hub, rig) says
what there is to be seen and which attempts come to nothing, `rules` says of each check what is bad, `decision` makes verdicts of both.

Rules: nothing here reads a bundle, a table's rows or a check's query; of a check only its id is known, and which provisions it names.
"""

from plumbline.lab.truth.comparison import Difference as Difference
from plumbline.lab.truth.comparison import compare as compare
from plumbline.lab.truth.comparison import differences as differences
from plumbline.lab.truth.decision import truth as truth
from plumbline.lab.truth.world import Expected as Expected
from plumbline.lab.truth.world import Key as Key
