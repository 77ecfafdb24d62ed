//! The environment that all rows share.

use tokio::runtime::Handle;

use crate::Outcome;
use crate::fake_twilio::FakeTwilio;
use crate::postgres_cluster::Cluster;
use crate::process_usage::Processes;
use crate::product_process::{Product, Setup};
use crate::world::World;

/// The running environment of a measurement.
pub(crate) struct Environment {
    pub(crate) cluster: Cluster,
    pub(crate) product: Product,
    pub(crate) fake: FakeTwilio,
    pub(crate) world: World,
    /// The runtime of the load tool's thread.
    pub(crate) load: Handle,
}

impl Environment {
    /// Starts the program on its migrated database and prepares `contacts` contacts.
    pub(crate) async fn start(
        setup: &Setup,
        cluster: Cluster,
        fake: FakeTwilio,
        load: Handle,
        contacts: usize,
        concurrency: usize,
    ) -> Outcome<Self> {
        let (product, _) = setup.serve().await?;
        let key = setup.run(&["api-key", "create", "--name", "bench", "--role", "admin"])?;
        let world = World::prepare(product.address, key, &cluster, contacts, concurrency).await?;
        Ok(Self { cluster, product, fake, world, load })
    }

    pub(crate) async fn stop(self) -> Outcome<()> {
        self.product.stop().await?;
        self.cluster.stop().await;
        Ok(())
    }

    pub(crate) fn processes(&self) -> Processes {
        Processes { serve: self.product.process(), postmaster: self.cluster.postmaster }
    }
}
