//! Handing over: jobs that are due at once go from the transaction that makes them straight to the
//! worker of the same process.
//!
//! They are rows of the queue like all others, leased to the worker from the first moment: when the
//! process dies, the others take them over. Without a worker here, or when it is busy, they wait in
//! the queue for whoever asks first.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::queue::Receiver;
use crate::queue::backend::Batch;
use crate::queue::lease::Leased;
use crate::queue::leases::{Leases, Taking};
use crate::types::id::WorkerId;

/// Where the processes' makers of jobs find its worker, while there is one; cheap to clone.
#[derive(Clone, Default)]
pub struct Handover(Arc<Mutex<Option<Desk>>>);

/// What a worker takes jobs with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) worker: WorkerId,
    /// The jobs that it may have at the same time.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) leases: Leases,
    /// What it performs.
    pub(crate) batches: mpsc::Sender<Batch>,
    /// The most jobs in a batch.
    pub(crate) largest_batch: usize,
}

/// Places of a worker for jobs of a transaction that has not committed yet; given back when it is
/// dropped.
pub struct HandoverOffer {
    desk: Desk,
    places: OwnedSemaphorePermit,
    taking: Taking,
}

impl Handover {
    /// Lets a worker take jobs.
    pub(crate) fn open(&self, desk: Desk) {
        *self.0.lock() = Some(desk);
    }

    /// Ends that, for the worker that opened it.
    pub(crate) fn close(&self, worker: WorkerId) {
        self.0.lock().take_if(|desk| desk.worker == worker);
    }

    /// Places for up to `most` jobs, if the worker has any; to be asked for before the transaction
    /// begins.
    pub async fn offer(&self, most: usize) -> Option<HandoverOffer> {
        let desk = self.0.lock().clone()?;
        let free = desk.places.available_permits().min(most);
        let places = Arc::clone(&desk.places)
            .try_acquire_many_owned(u32::try_from(free).ok()?)
            .ok()
            .filter(|places| places.num_permits() > 0)?;
        let taking = desk.leases.taking().await;
        Some(HandoverOffer { desk, places, taking })
    }
}

impl HandoverOffer {
    /// Who gets the jobs of a transaction: the worker, as far as it has places, where there is an
    /// offer; otherwise anyone.
    #[must_use]
    pub fn receiver(offer: Option<&Self>) -> Receiver {
        offer.map_or(Receiver::Anyone, |offer| Receiver::Worker {
            id: offer.desk.worker,
            most: offer.places.num_permits(),
        })
    }

    /// Hands over what [`enqueue_for`](super::enqueue_for) gave to the receiver, after the commit.
    /// What the worker cannot take any more, because it is ending, goes back to the queue with the
    /// next look at its leases, or when it signs off.
    pub fn hand_over(self, jobs: &[Leased]) {
        let Self { desk, mut places, taking } = self;
        taking.hold(jobs);
        for jobs in jobs.chunks(desk.largest_batch) {
            let permits = places.split(jobs.len());
            let taken = permits.is_some_and(|permits| {
                desk.batches.try_send(Batch { jobs: jobs.to_vec(), permits }).is_ok()
            });
            if !taken {
                desk.leases.release(jobs);
            }
        }
    }
}

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handover")
    }
}
