"""What is told of tools that are offered for installation."""

from __future__ import annotations

from typing import Annotated, Literal

from eventbus import Label
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._turn_ids import OfTurn

PluginType = Literal["connector", "plugin", "other"]
PluginAnswer = Literal["accept", "decline", "cancel", "other"]


class PluginOffer(OfTurn, gc=False):
    """What is offered; a base of events.

    Args:
        tool_type: What kind of thing; what is not in the set is ``"other"``.
        tool_id: Its id.
        tool_name: Its name.
    """

    tool_type: Annotated[PluginType, Label]
    tool_id: str
    tool_name: str


class PluginInstallElicitationSent(
    PluginOffer,
    tag="agent.plugin_install_elicitation_sent",
    metrics=SESSION_METRICS,
    gc=False,
):
    """A person was asked whether a tool is to be installed."""


class PluginInstallSuggestion(
    PluginOffer,
    tag="agent.plugin_install_suggestion",
    metrics=SESSION_METRICS,
    gc=False,
):
    """A person answered whether a tool is to be installed.

    Args:
        response_action: The answer; what is not in the set is ``"other"``.
        user_confirmed: The person agreed.
        completed: It is installed.
    """

    response_action: Annotated[PluginAnswer, Label]
    user_confirmed: bool
    completed: Annotated[bool, Label]
