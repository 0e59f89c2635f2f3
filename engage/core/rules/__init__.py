"""Alerts now: rules over scored samples and camera states, with the words of Prometheus' Alertmanager. Pure.

A rule is *pending* while its condition holds, *firing* once that has lasted for its hold time, and *resolved* after
the condition has been clear for a while. Alerts of many students at once are *grouped* into one of the class; a lost
camera *inhibits* what else would be said of that student. Time is the samples' time of capture.
"""

from engage.core.rules.session import SessionRules
from engage.core.rules.settings import AlertSettings, RuleName, RuleSettings, alert_settings, differences
from engage.core.rules.words import headline, why

__all__ = [
    "AlertSettings",
    "RuleName",
    "RuleSettings",
    "SessionRules",
    "alert_settings",
    "differences",
    "headline",
    "why",
]
