//! STOP texts, and how many requests Twilio had got when each was answered: no later request may be
//! to its number. [`Stops`] sends and checks them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use twilio_simulator::{SERVICE_NUMBER_1, Simulator};

use super::TestApp;

/// The handsets that have texted STOP to a number of the service.
#[derive(Default)]
pub(crate) struct Stops {
    /// By handset, how many requests Twilio had got when its STOP was answered with 200.
    answered: BTreeMap<String, usize>,
    in_flight: JoinSet<(String, usize)>,
}

impl Stops {
    /// Texts STOP from each handset, one after the other, and waits for the responses.
    pub(crate) async fn text(&mut self, app: &TestApp, handsets: &[String]) {
        for handset in handsets {
            self.answered.extend([text(app.simulator.clone(), handset.clone()).await]);
        }
    }

    /// Texts STOP from all handsets at once; [`Stops::wait_for_answers`] waits for those that are
    /// still unanswered after 300 ms.
    pub(crate) async fn begin(&mut self, app: &TestApp, handsets: &[String]) {
        for handset in handsets {
            self.in_flight.spawn(text(app.simulator.clone(), handset.clone()));
        }
        let _ = tokio::time::timeout(Duration::from_millis(300), self.wait_for_answers()).await;
    }

    /// Waits until all STOP texts are answered.
    pub(crate) async fn wait_for_answers(&mut self) {
        while let Some(answered) = self.in_flight.join_next().await {
            self.answered.extend([answered.unwrap()]);
        }
    }

    /// Checks that nothing was sent after a STOP was answered, and that each handset is suppressed
    /// once.
    pub(crate) async fn assert_silenced(&self, app: &TestApp) {
        self.assert_no_late_requests(app);
        self.assert_suppressed(app, &Self::default()).await;
    }

    /// Checks in the log of the simulator that no request followed an answered STOP.
    ///
    /// A request that was in flight at the STOP may arrive afterwards; [`TestApp::watch_claims`]
    /// covers that case.
    pub(crate) fn assert_no_late_requests(&self, app: &TestApp) {
        let requests = app.simulator.requests();
        for (handset, before) in &self.answered {
            let late: Vec<_> =
                requests[*before..].iter().filter(|request| *request.to == **handset).collect();
            assert!(late.is_empty(), "sent to {handset} after its STOP was answered: {late:?}");
        }
    }

    /// Checks that the handsets of both sets are suppressed once each, and no others.
    pub(crate) async fn assert_suppressed(&self, app: &TestApp, others: &Self) {
        let active = "SELECT phone AS text FROM suppressions WHERE reason = 'stop'
                         AND lifted_at IS NULL ORDER BY phone";
        let mut stopped: Vec<&String> =
            self.answered.keys().chain(others.answered.keys()).collect();
        stopped.sort();
        assert_eq!(
            app.texts(active).await.iter().collect::<Vec<_>>(),
            stopped,
            "each handset that stopped is suppressed once, and no other is"
        );
    }
}

/// Texts STOP; a webhook that did not answer with 200 is called again, as Twilio does.
async fn text(simulator: Simulator, handset: String) -> (String, usize) {
    let mut reply = simulator.reply(&handset, SERVICE_NUMBER_1, "STOP").await.unwrap();
    while reply.webhook_status != Some(200) {
        assert!(matches!(reply.webhook_status, None | Some(503)), "{}", reply.webhook);
        reply = simulator.redeliver(&reply.sid).await.unwrap();
    }
    (handset, simulator.requests().len())
}
