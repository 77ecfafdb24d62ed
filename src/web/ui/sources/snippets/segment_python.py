# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = "__KEY__"
analytics.host = "__URL__"

analytics.identify("4711", {"firstName": "Ann", "phone": "+14155550123"})
analytics.track("4711", "Order Completed", {"order_id": "A-17", "total": 39.9})
analytics.flush()
