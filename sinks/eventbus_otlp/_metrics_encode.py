"""How collected metrics become a request of OTLP.

https://opentelemetry.io/docs/specs/otel/metrics/data-model/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from eventbus import LabelNaming, Naming
from eventbus._record import Attributes, AttributeValue
from eventbus.metrics import MetricData
from eventbus_otlp._merged_series import merged
from eventbus_otlp._metrics_form import MetricWriter, Point
from eventbus_otlp._metrics_json import JsonMetrics
from eventbus_otlp._metrics_protobuf import ProtobufMetrics
from eventbus_otlp._names import OWN_NAMES, change_of, outside
from eventbus_otlp._plain_value import Plain, PlainForm
from eventbus_otlp._remembered import Remembered
from eventbus_otlp._resources import Resources
from eventbus_otlp._scope import Scope
from eventbus_otlp._signal import Form

_OWN_LABELS: Final = LabelNaming()
_REMEMBERED: Final = 65_536  # series whose labels are kept as they are written


class MetricsEncoder:
    """Makes requests of metrics. Use one per thread.

    A whole number is sent as one where 64 bits hold it. Exemplars without a valid id
    of a trace say none.

    Args:
        form: Of the requests.
        resource: Of the service; metrics of relayed events keep their own.
        names: What labels are called outside, and which of them are of another type.
        schema_url: Whose names these are; empty says nothing.
    """

    def __init__(
        self,
        form: Form,
        *,
        resource: Mapping[str, AttributeValue],
        names: Naming = OWN_NAMES,
        schema_url: str = "",
    ) -> None:
        """Write the resource, once and for all."""
        scope = Scope(schema_url=schema_url)
        self._writer: Final[MetricWriter] = (
            JsonMetrics(scope) if form == "json" else ProtobufMetrics(scope)
        )
        self._names: Final = names
        self._labels_of: Final[dict[str, LabelNaming]] = {}
        self._resources: Final = Resources(
            self._writer.resource, resource, None, names.resource
        )
        # Any: the labels themselves are kept, so that no other has their id.
        self._written: Final = Remembered[tuple[int, str, int], tuple[Any, bytes]](
            _REMEMBERED
        )

    def encode(self, collected: Sequence[MetricData]) -> bytes:
        """Return one ``ExportMetricsServiceRequest``; ``b""``: there is no point."""
        present = [data for data in collected if data.points]
        if not present:
            return b""
        rows = list(map(self._metric, present))
        resources = [data.resource for data in present]
        return self._writer.request(self._resources.sorted(rows, resources))

    def _metric(self, data: MetricData) -> bytes:
        texts = [_text(text) for text in (data.name, data.description, data.unit)]
        naming = self._naming(data.name)
        labels = [self._labels(data.kind, point, naming) for point in data.points]
        if naming == _OWN_LABELS:
            return self._writer.metric(data, texts, labels)
        points, distinct = merged(data.points, labels)
        return self._writer.metric(replace(data, points=points), texts, distinct)

    def _naming(self, metric: str) -> LabelNaming:
        naming = self._labels_of.get(metric)
        if naming is None:
            naming = self._labels_of[metric] = self._names.labels_of(metric)
        return naming

    def _labels(self, kind: str, point: Point, naming: LabelNaming) -> bytes:
        """Return the labels of *point* as they are written; a series keeps them."""
        attributes = point.attributes
        key = id(attributes), "histogram" if kind == "histogram" else "", id(naming)
        known = self._written.get(key)
        if known is not None:
            return known[1]
        written = self._writer.labels(kind, _plain(attributes, naming))
        is_kept = kind != "gauge"  # those of a gauge that is asked are new each time
        if is_kept and type(attributes) is Attributes:  # nobody can change it
            self._written.remember(key, (attributes, written))
        return written


def _plain(
    attributes: Mapping[str, AttributeValue], naming: LabelNaming
) -> dict[str, Plain]:
    plain: dict[str, Plain] = dict(naming.added)
    for name, value in attributes.items():
        if name in naming.left_out:
            continue
        own = PlainForm().of(value, f"$.{name}")
        change = change_of(naming, name)
        made = own if change is None else change.one(own)
        for called in outside(naming.renamed, name):
            plain[_text(called)] = made
    return plain


def _text(text: str) -> str:
    """Return *text*, with U+FFFD for what cannot be written."""
    return str(PlainForm().of(text, "$"))


def halves(
    collected: Sequence[MetricData],
) -> tuple[list[MetricData], list[MetricData]] | None:
    """Return *collected* in two parts of as many points; ``None``: it has but one.

    For a far side to which all of it is too large.
    """
    total = sum(len(data.points) for data in collected)
    if total < 2:
        return None
    room = total // 2
    first: list[MetricData] = []
    rest: list[MetricData] = []
    for data in collected:
        own = data.points[:room]
        room -= len(own)
        for part, points in ((first, own), (rest, data.points[len(own) :])):
            if points:
                part.append(replace(data, points=points))
    return first, rest
