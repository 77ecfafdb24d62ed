DROP TABLE message_views;
