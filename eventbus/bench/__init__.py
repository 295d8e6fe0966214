"""What eventbus costs on this machine, as ratios measured in one run."""

from eventbus.bench._contest import Contender as Contender
from eventbus.bench._contest import ContestError as ContestError
from eventbus.bench._contest import Effort as Effort
from eventbus.bench._contest import Measured as Measured
from eventbus.bench._contest import Part as Part
from eventbus.bench._contest import Sample as Sample
from eventbus.bench._figures import Bound as Bound
from eventbus.bench._figures import Figure as Figure
from eventbus.bench._figures import Row as Row
from eventbus.bench._results import ROUNDS as ROUNDS
from eventbus.bench._results import PartResult as PartResult
from eventbus.bench._results import Results as Results
from eventbus.bench._results import as_json as as_json
from eventbus.bench._results import from_json as from_json
from eventbus.bench._results import measure as measure
from eventbus.bench._suite import PARTS as PARTS
