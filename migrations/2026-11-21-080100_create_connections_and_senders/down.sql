DROP TABLE rejected_webhooks, senders, connections;
