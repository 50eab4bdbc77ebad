//! `kwhy cluster`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Subcommand;

use crate::engine::service::{ExecutorOptions, executor, scheduler};
use crate::error::Error;

/// Start the processes of a Ballista cluster.
///
/// One scheduler and any number of executors, all of the same binary, which
/// see the lake and the output folder under the same paths. Nothing is
/// authenticated or encrypted yet: listen on loopback or a private network.
#[derive(Subcommand, Debug)]
pub enum Cluster {
    /// Take jobs and hand their units to executors
    Scheduler {
        /// Where clients and executors find it
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
        bind: SocketAddr,
    },
    /// Run units
    Executor {
        /// The scheduler to work for
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
        scheduler: SocketAddr,

        /// Where results are served; tasks are received on the next port
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50051")]
        bind: SocketAddr,

        /// Units at a time [default: the number of cores]
        #[arg(long, value_name = "N", default_value_t = 0)]
        vcores: usize,

        /// Memory of all units together
        #[arg(long, value_name = "MIB", default_value_t = 2048)]
        memory_mib: u64,

        /// Folder for scratch files [default: a temporary one]
        #[arg(long, value_name = "DIR")]
        work_dir: Option<PathBuf>,
    },
}

impl Cluster {
    pub async fn run(self) -> Result<(), Error> {
        match self {
            Self::Scheduler { bind } => scheduler(bind, 256 << 20).await?,
            Self::Executor { scheduler, bind, vcores, memory_mib, work_dir } => {
                let vcores = if vcores == 0 { super::generate::cores() } else { vcores };
                executor(ExecutorOptions { scheduler, bind, vcores, memory_bytes: memory_mib << 20, work_dir }).await?;
            }
        }
        Ok(())
    }
}
