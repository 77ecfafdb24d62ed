// go get github.com/segmentio/analytics-go/v3
client, err := analytics.NewWithConfig("__KEY__", analytics.Config{
	Endpoint: "__URL__",
})
if err != nil {
	log.Fatal(err)
}
defer client.Close()

client.Enqueue(analytics.Identify{
	UserId: "4711",
	Traits: analytics.NewTraits().SetFirstName("Ann").SetPhone("+14155550123"),
})
client.Enqueue(analytics.Track{
	UserId:     "4711",
	Event:      "Order Completed",
	Properties: analytics.NewProperties().Set("order_id", "A-17"),
})
