"""What every service counts; names and labels hold no personal data and few values."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

messages = Counter(
    "aiguillage_messages", "Kafka records by what became of them.", ["topic", "outcome"]
)
message_seconds = Histogram(
    "aiguillage_message_seconds", "Time to handle one record.", ["topic"], buckets=_SECONDS
)
consumer_lag = Gauge(
    "aiguillage_consumer_lag_records", "Records not yet handled.", ["topic", "partition"]
)
published = Counter("aiguillage_published", "Records sent, by outcome.", ["topic", "outcome"])
hanging_transactions = Counter(
    "aiguillage_hanging_transactions",
    "Transactions that Kafka left open and we completed.",
    ["topic"],
)
dead_letters = Counter("aiguillage_dead_letters", "Records parked.", ["topic", "reason"])
http_requests = Counter(
    "aiguillage_http_requests", "HTTP requests answered.", ["method", "route", "status"]
)
http_seconds = Histogram(
    "aiguillage_http_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS
)
ready = Gauge("aiguillage_ready", "1 while all that the service needs is there.")
