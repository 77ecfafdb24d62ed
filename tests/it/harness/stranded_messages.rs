//! Checks that each pending message has a job, a place in a queue, or a disabled sender, connection
//! or automation that holds it back.

use super::TestApp;

/// SQL: the message is in the queue of a sender that is disabled or has exactly one release job.
const IS_QUEUED: &str = "EXISTS (
    SELECT FROM queued_sends q JOIN throttles t ON t.sender_id = q.sender_id
    WHERE q.message_id = m.id AND q.sender_id = m.sender_id AND q.released_at IS NULL
      AND (s.disabled_at IS NOT NULL OR s.stopped_at IS NOT NULL OR c.disabled_at IS NOT NULL OR c.stopped_at IS NOT NULL
        OR (t.releasing
            AND (SELECT count(*) FROM jobs j WHERE j.kind = 'release' AND j.subject = q.sender_id AND j.failed_at IS NULL) = 1)))";

impl TestApp {
    /// Checks that each pending message will be woken and that the counters of the queues are
    /// right; both hold between any two commits.
    pub(crate) async fn assert_no_message_is_stranded(&self) {
        let stranded = self
            .texts(&format!(
                "SELECT m.id::text AS text FROM messages m
                 JOIN senders s ON s.id = m.sender_id JOIN connections c ON c.id = m.connection_id
                 LEFT JOIN automations a ON a.id = m.automation_id
                 WHERE m.status = 'pending'
                   AND NOT EXISTS (SELECT FROM jobs j WHERE j.kind = 'send' AND j.subject = m.id
                       AND j.failed_at IS NULL)
                   AND NOT {IS_QUEUED}
                   AND NOT (s.disabled_at IS NOT NULL OR s.stopped_at IS NOT NULL
                       OR c.disabled_at IS NOT NULL OR c.stopped_at IS NOT NULL
                        OR coalesce(a.status <> 'active', false))"
            ))
            .await;
        assert!(stranded.is_empty(), "nothing will wake these pending messages: {stranded:?}");
        let wrong = self
            .texts(
                "SELECT t.sender_id || ': ' || waiting_messages || ' counted, ' ||
                    count(q.message_id) || ' queued' AS text
                 FROM throttles t LEFT JOIN queued_sends q ON q.sender_id = t.sender_id
                     AND q.released_at IS NULL
                 GROUP BY t.sender_id HAVING t.waiting_messages <> count(q.message_id)
                     OR t.waiting_parts <> coalesce(sum(q.parts), 0)",
            )
            .await;
        assert!(wrong.is_empty(), "queues are counted wrong: {wrong:?}");
    }
}
