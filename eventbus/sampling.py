"""Which records an attachment takes, so that what it takes still tells the truth.

::

    bus.attach(sink, name="audit", sampler=AnyOf(keep_severity("error"), Ratio(0.1)))

A sampler answers 0, sampled out, or how many records the one in hand stands for; the
bus multiplies that into the record's weight, so that sums of weights restore counts.

=====================  ===================================  ==========================
sampler                keeps                                a kept record weighs
=====================  ===================================  ==========================
:class:`Ratio`         a share, by key or by luck           1 / ratio
:class:`RateLimit`     so many a second, with bursts        1 + what was left out
:class:`First`         the first of every period            1 + what was left out
:class:`Adaptive`      about so many a second               1 / the ratio in force
:class:`KeepIf`        what a predicate says                1
:class:`ByName`        what the sampler for the name says   as that sampler says
:class:`AnyOf`         rules first, one sampler after them  1, or as the sampler says
=====================  ===================================  ==========================
"""

from eventbus._sampler import Sampler as Sampler
from eventbus._sampler import for_attachment as for_attachment
from eventbus._sampling_rate import Adaptive as Adaptive
from eventbus._sampling_rate import First as First
from eventbus._sampling_rate import RateLimit as RateLimit
from eventbus._sampling_ratio import Ratio as Ratio
from eventbus._sampling_rules import AnyOf as AnyOf
from eventbus._sampling_rules import ByName as ByName
from eventbus._sampling_rules import KeepIf as KeepIf
from eventbus._sampling_rules import keep_names as keep_names
from eventbus._sampling_rules import keep_severity as keep_severity
from eventbus._sampling_settings import SamplerSettings as SamplerSettings
from eventbus._sampling_settings import sampler_from_config as sampler_from_config

__all__ = [
    "Adaptive",
    "AnyOf",
    "ByName",
    "First",
    "KeepIf",
    "RateLimit",
    "Ratio",
    "Sampler",
    "SamplerSettings",
    "for_attachment",
    "keep_names",
    "keep_severity",
    "sampler_from_config",
]
