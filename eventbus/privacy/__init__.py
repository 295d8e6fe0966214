"""What does not leave: content that nobody asked for, and secrets.

:class:`eventbus.Privacy`, :class:`eventbus.KnownSecrets` and :class:`eventbus.Content`
are here. Sinks that make spans ask :func:`is_traced` and :func:`traces_content`.
"""

from eventbus.privacy._content import Content as Content
from eventbus.privacy._known import KnownSecrets as KnownSecrets
from eventbus.privacy._privacy import Privacy as Privacy
from eventbus.privacy._tracing import TRACE_SENSITIVE as TRACE_SENSITIVE
from eventbus.privacy._tracing import TRACING_DISABLED as TRACING_DISABLED
from eventbus.privacy._tracing import is_traced as is_traced
from eventbus.privacy._tracing import traces_content as traces_content
