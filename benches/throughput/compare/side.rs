//! One of the two compared programs, with its environment.

use std::fs;
use std::path::Path;

use tokio::runtime::Handle;

use crate::environment::Environment;
use crate::fake_twilio::FakeTwilio;
use crate::postgres_cluster::Cluster;
use crate::product_process::Setup;
use crate::send::Sent;
use crate::{Options, Outcome};

/// A running program with its own database and its own fake Twilio.
pub(super) struct Side {
    pub(super) bench: Environment,
    /// The messages of the last turn, until callbacks report on them.
    pub(super) sent: Option<Sent>,
}

impl Side {
    /// Sets up a program in its directory; the program itself migrates the database.
    pub(super) async fn open(
        options: &Options,
        program: &Path,
        directory: &Path,
        fake: &Handle,
        load: Handle,
    ) -> Outcome<Self> {
        fs::create_dir_all(directory.join("carillon"))?;
        let fake = FakeTwilio::start(fake).await?;
        let cluster = Cluster::start(directory).await?;
        let (contacts, concurrency) = (options.messages, options.concurrency);
        let setup = Setup::new(program, directory, cluster.url(), fake.address, concurrency)?;
        setup.run(&["migrate"])?;
        let bench = Environment::start(&setup, cluster, fake, load, contacts, concurrency).await?;
        Ok(Self { bench, sent: None })
    }
}
