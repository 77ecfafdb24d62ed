//! People who text STOP, and how many requests Twilio had got when each was answered: none to that
//! number may come later.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use twilio_simulator::{SERVICE_NUMBER_1, Simulator};

use super::TestApp;

/// Who has texted STOP to a number of the service.
#[derive(Default)]
pub(crate) struct Stops {
    /// How many requests to send Twilio had got when the STOP had been answered with 200.
    answered: BTreeMap<String, usize>,
    under_way: JoinSet<(String, usize)>,
}

impl Stops {
    /// Texts STOP from each of these, one after the other, and waits for the answers.
    pub(crate) async fn text(&mut self, app: &TestApp, handsets: &[String]) {
        for handset in handsets {
            self.answered.extend([text(app.simulator.clone(), handset.clone()).await]);
        }
    }

    /// Texts STOP from each of these at once; whoever is held up is waited for by
    /// [`Stops::gather`].
    pub(crate) async fn begin(&mut self, app: &TestApp, handsets: &[String]) {
        for handset in handsets {
            self.under_way.spawn(text(app.simulator.clone(), handset.clone()));
        }
        let _ = tokio::time::timeout(Duration::from_millis(300), self.gather()).await;
    }

    /// Waits until all have been answered.
    pub(crate) async fn gather(&mut self) {
        while let Some(answered) = self.under_way.join_next().await {
            self.answered.extend([answered.unwrap()]);
        }
    }

    /// Proves that nothing was sent after a STOP had been answered, and that each is silenced once.
    pub(crate) async fn prove(&self, app: &TestApp) {
        self.prove_requests(app);
        self.prove_silence(app, &Self::default()).await;
    }

    /// Proves by Twilio's own log that nothing was asked for after a STOP had been answered.
    /// Whoever stops while a request is on its way may see it arrive afterwards: of these
    /// [`TestApp::watch_claims`] tells more.
    pub(crate) fn prove_requests(&self, app: &TestApp) {
        let requests = app.simulator.requests();
        for (handset, before) in &self.answered {
            let late: Vec<_> =
                requests[*before..].iter().filter(|request| *request.to == **handset).collect();
            assert!(late.is_empty(), "sent to {handset} after its STOP was answered: {late:?}");
        }
    }

    /// Proves that each of these and of others is silenced once, and nobody else is.
    pub(crate) async fn prove_silence(&self, app: &TestApp, others: &Self) {
        let active = "SELECT phone AS text FROM suppressions WHERE reason = 'stop'
                         AND lifted_at IS NULL ORDER BY phone";
        let mut stopped: Vec<&String> =
            self.answered.keys().chain(others.answered.keys()).collect();
        stopped.sort();
        assert_eq!(
            app.texts(active).await.iter().collect::<Vec<_>>(),
            stopped,
            "whoever stopped is silenced, once, and nobody else"
        );
    }
}

/// Texts STOP; a hook that did not answer with 200 is called again, as Twilio does.
async fn text(simulator: Simulator, handset: String) -> (String, usize) {
    let mut reply = simulator.reply(&handset, SERVICE_NUMBER_1, "STOP").await.unwrap();
    while reply.webhook_status != Some(200) {
        assert!(matches!(reply.webhook_status, None | Some(503)), "{}", reply.webhook);
        reply = simulator.redeliver(&reply.sid).await.unwrap();
    }
    (handset, simulator.requests().len())
}
