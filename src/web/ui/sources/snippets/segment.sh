curl '__URL__/v1/batch' \
  -u '__KEY__:' \
  -H 'Content-Type: application/json' \
  -d '{
  "batch": [
    {
      "type": "identify",
      "userId": "4711",
      "traits": { "firstName": "Ann", "phone": "+14155550123" }
    },
    {
      "type": "track",
      "userId": "4711",
      "event": "Order Completed",
      "messageId": "order-A-17",
      "properties": { "order_id": "A-17", "total": 39.9 }
    }
  ]
}'
