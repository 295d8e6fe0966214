"""The public names, and where each of them lives."""

from eventbus.metrics._aggregator import Aggregator as Aggregator
from eventbus.metrics._data import Exemplar as Exemplar
from eventbus.metrics._data import HistogramPoint as HistogramPoint
from eventbus.metrics._data import MetricData as MetricData
from eventbus.metrics._data import NumberPoint as NumberPoint
from eventbus.metrics._data import Temporality as Temporality
from eventbus.metrics._declaration import Aggregation as Aggregation
from eventbus.metrics._declaration import Counter as Counter
from eventbus.metrics._declaration import Gauge as Gauge
from eventbus.metrics._declaration import Histogram as Histogram
from eventbus.metrics._declaration import Metrics as Metrics
from eventbus.metrics._declaration import ObservableGauge as ObservableGauge
from eventbus.metrics._deltas import Deltas as Deltas
from eventbus.metrics._labels import sanitized as sanitized
from eventbus.metrics._own import from_measurements as from_measurements
from eventbus.metrics._plan import MetricPlan as MetricPlan
from eventbus.metrics._plan import plans_of as plans_of
from eventbus.metrics._reader import MetricReader as MetricReader
from eventbus.metrics._timer import Timer as Timer
from eventbus.metrics._timer import timed as timed
from eventbus.metrics._units import BOUNDS_BYTES as BOUNDS_BYTES
from eventbus.metrics._units import BOUNDS_MILLISECONDS as BOUNDS_MILLISECONDS
from eventbus.metrics._units import BOUNDS_RATIO as BOUNDS_RATIO
from eventbus.metrics._units import BOUNDS_SECONDS as BOUNDS_SECONDS
from eventbus.metrics._units import BOUNDS_TOKENS as BOUNDS_TOKENS
