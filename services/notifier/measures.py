"""What the notifier counts; labels are templates and outcomes, nothing about people."""

from prometheus_client import Counter, Gauge, Histogram

outcomes = Counter(
    "aiguillage_deliveries", "Attempts to deliver, by what became of them.", ["template", "outcome"]
)
seconds = Histogram(
    "aiguillage_delivery_seconds",
    "From the plan to the relay's acceptance.",
    ["role"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
oldest = Gauge(
    "aiguillage_delivery_oldest_pending_seconds", "Age of the oldest delivery not settled."
)
ledger = Gauge("aiguillage_delivery_ledger", "Deliveries in the ledger by state.", ["state"])
channel_away = Gauge(
    "aiguillage_delivery_channel_away", "1 while its other side cannot be reached.", ["channel"]
)
capped = Counter(
    "aiguillage_deliveries_capped", "Deliveries put off by the cap per recipient.", ["role"]
)
