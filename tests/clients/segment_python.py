"""Sends calls with segment-analytics-python. Reads one JSON object from standard input (README.md),
prints the failures, and exits with 1 if there are any."""

import json
import sys
from datetime import datetime, timedelta

import segment.analytics.client
import segment.analytics.request

NAMES = {
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "previousId": "previous_id",
    "groupId": "group_id",
    "messageId": "message_id",
}


def shift_clock(seconds):
    """Makes the client's clock run ahead of the machine's, or behind it."""

    class ShiftedDatetime(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + timedelta(seconds=seconds)

    segment.analytics.client.datetime = ShiftedDatetime
    segment.analytics.request.datetime = ShiftedDatetime


def main():
    given = json.load(sys.stdin)
    if given["clock_offset_seconds"]:
        shift_clock(given["clock_offset_seconds"])
    failures = []
    client = segment.analytics.client.Client(
        given["write_key"],
        host=given["url"],
        gzip=given["gzip"],
        max_retries=given["retries"],
        on_error=lambda error, batch: failures.extend([repr(error)] * len(batch)),
    )
    for call in given["calls"]:
        fields = {NAMES.get(name, name): value for name, value in call.items() if name != "type"}
        if "timestamp" in fields:
            fields["timestamp"] = datetime.fromisoformat(fields["timestamp"])
        getattr(client, call["type"])(**fields)
    client.flush()
    client.join()
    print(json.dumps({"failures": failures}))
    sys.exit(1 if failures else 0)


main()
