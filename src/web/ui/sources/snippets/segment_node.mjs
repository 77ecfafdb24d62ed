// npm install @segment/analytics-node
import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({
  writeKey: "__KEY__",
  host: "__ORIGIN__",
  path: "__PREFIX__/v1/batch",
});

analytics.identify({
  userId: "4711",
  traits: { firstName: "Ann", phone: "+14155550123" },
});
analytics.track({
  userId: "4711",
  event: "Order Completed",
  properties: { order_id: "A-17", total: 39.9 },
});
await analytics.closeAndFlush();
