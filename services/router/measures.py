"""What the router counts besides what every service does."""

from prometheus_client import Gauge

answered = Gauge(
    "aiguillage_router_answered_requests", "Requests remembered as answered, in owned partitions."
)
ruleset_info = Gauge(
    "aiguillage_router_ruleset_info", "The rule set that decides, by version: 1.", ["version"]
)
ruleset_refused = Gauge(
    "aiguillage_router_ruleset_refused", "1 while the rules on disk are refused, else 0."
)
