// npm install @rudderstack/rudder-sdk-node
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const client = new RudderAnalytics("__KEY__", { dataPlaneUrl: "__URL__" });

client.identify({
  userId: "4711",
  traits: { firstName: "Ann", phone: "+14155550123" },
});
client.track({
  userId: "4711",
  event: "Order Completed",
  properties: { order_id: "A-17", total: 39.9 },
});
client.flush();
