DROP TABLE queued_sends, throttles;
