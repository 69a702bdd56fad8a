"""What the router counts besides what every service does."""

from prometheus_client import Gauge

answered = Gauge(
    "aiguillage_router_answered_requests", "Requests remembered as answered, in owned partitions."
)
