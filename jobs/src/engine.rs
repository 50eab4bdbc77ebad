//! Where plans run: in this process or on a Ballista cluster. The only room
//! that builds a session.

pub mod align;
pub mod check;
pub mod check_exec;
mod cluster;
mod codec;
pub mod expression;
mod failpoint;
mod keep;
mod origin;
pub mod quarantine;
pub mod relation;
pub mod service;
pub mod session;
mod sort;
mod text_scan;
mod unique;
pub mod unit;
pub mod write;
pub mod write_file;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use ballista_core::extension::SessionConfigExt;
use datafusion::common::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt;

pub use failpoint::build_id;

use crate::state::WrittenFile;
use check_exec::CheckReport;
use cluster::Cluster;
use relation::Relation;
use write_file::DataFile;

/// How often a unit is run again after an executor was lost.
const ATTEMPTS: usize = 4;
/// How a full disk reads, whoever reports it.
const DISK_FULL: &str = "No space left on device";
/// How a broken connection reads in a message of the cluster.
const TRANSPORT: [&str; 5] =
    ["transport error", "fetch partition error", "FetchFailed", "GrpcConnectionError", "Connection refused"];
/// What an ad-hoc query is called in messages.
const QUERY: &str = "the query";
/// How long a run waits for an executor to come back.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{0}")]
    Plan(#[from] DataFusionError),
    #[error("no scheduler at {address}: {reason}")]
    NoScheduler { address: String, reason: String },
    #[error("the scheduler at {address} has no executors")]
    NoExecutors { address: String },
    #[error("executor {executor} is of another build: {theirs}, this is {ours}")]
    OtherBuild { executor: String, theirs: String, ours: String },
    #[error("an executor was lost while {unit} ran")]
    ExecutorLost { unit: String },
    #[error("{unit}: {message}")]
    Remote { unit: String, message: String },
    #[error("{unit}: out of memory or disk: {message}")]
    Limit { unit: String, message: String },
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("cluster: {0}")]
    Ballista(#[from] ballista_core::error::BallistaError),
    #[error("{unit}: not a single stage: {node}")]
    ManyStages { unit: String, node: String },
}

impl EngineError {
    /// Errors of executors arrive as text; what they were is read off it.
    fn remote(unit: &str, message: String) -> Self {
        if message.contains("Resources exhausted") || message.contains(DISK_FULL) {
            return Self::Limit { unit: unit.to_owned(), message };
        }
        if message.contains(codec::OTHER_BUILD) {
            return Self::OtherBuild { executor: "an executor".to_owned(), theirs: message, ours: build_id() };
        }
        // The scheduler learns of a death only after a while; those who talk to
        // the dead learn at once.
        if TRANSPORT.iter().any(|sign| message.contains(sign)) {
            tracing::warn!(unit, message, "a connection between executors broke");
            return Self::ExecutorLost { unit: unit.to_owned() };
        }
        Self::Remote { unit: unit.to_owned(), message }
    }

    fn local(unit: &str, error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => {
                Self::Limit { unit: unit.to_owned(), message: message.clone() }
            }
            _ if error.to_string().contains(DISK_FULL) => {
                Self::Limit { unit: unit.to_owned(), message: error.to_string() }
            }
            DataFusionError::Execution(message) => Self::Remote { unit: unit.to_owned(), message: message.clone() },
            _ => Self::Remote { unit: unit.to_owned(), message: error.to_string() },
        }
    }
}

/// Where units run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Local,
    /// `HOST:PORT` of a scheduler.
    Cluster(String),
}

/// Plans models and runs units.
#[derive(Clone)]
pub struct Engine {
    state: SessionState,
    cluster: Option<Cluster>,
    target: Target,
    /// Units that run side by side.
    pub parallel: usize,
}

impl Engine {
    pub async fn open(target: Target, memory_bytes: usize, parallel: Option<usize>) -> Result<Self, EngineError> {
        // Units keep their joins: see `unit`.
        let config = session::config().with_target_partitions(1).with_ballista_broadcast_join_threshold_bytes(0);
        let state = session::state(config, session::runtime(memory_bytes)?, None)?;
        let (cluster, cores) = match &target {
            // One more than cores: while one waits for the disk, another works.
            Target::Local => (None, std::thread::available_parallelism().map_or(1, |cores| cores.get()) + 1),
            Target::Cluster(address) => {
                let cluster = Cluster::connect(address, state.config()).await?;
                let vcores: u32 = cluster.executors().await?.iter().map(|executor| executor.vcores).sum();
                (Some(cluster), vcores.max(1) as usize)
            }
        };
        Ok(Self { state, cluster, target, parallel: parallel.unwrap_or(cores).max(1) })
    }

    /// A session to plan models in: one partition, relations as slots.
    pub fn planning(&self) -> Result<SessionContext, EngineError> {
        let config = session::config().with_target_partitions(1);
        let state = session::state(config, Arc::clone(self.state.runtime_env()), None)?;
        Ok(SessionContext::new_with_state(state))
    }

    /// Runs a small query of the driver's own, in this process.
    pub async fn query(&self, relations: Vec<Relation>, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
        let context = self.planning()?;
        for relation in relations {
            context.register_table(relation.name.clone(), Arc::new(relation))?;
        }
        Ok(context.sql(sql).await?.collect().await?)
    }

    /// Writes a small table of the driver's own as one data file.
    pub async fn write(&self, folder: &str, unit: &str, batch: &RecordBatch) -> Result<WrittenFile, EngineError> {
        let mut file = DataFile::create(&self.state.task_ctx(), folder, unit, &[], batch.schema(), &[])?;
        file.write(batch).await?;
        let file = file.finish().await?;
        write_file::sync(std::slice::from_ref(&file)).await?;
        Ok(file)
    }

    /// A session for ad-hoc SQL, which may use every core or the cluster.
    pub fn analyst(&self) -> Result<SessionContext, EngineError> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let config = session::config().with_target_partitions(cores);
        let planner = match &self.target {
            Target::Local => None,
            Target::Cluster(address) => Some(cluster::query_planner(address, &config)),
        };
        let state = session::state(config, Arc::clone(self.state.runtime_env()), planner)?;
        Ok(SessionContext::new_with_state(state))
    }

    /// Rows of an ad-hoc query; on a cluster not from one during which an
    /// executor was lost, because such a query may shuffle.
    pub async fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>, EngineError> {
        let Some(cluster) = &self.cluster else {
            return frame.collect().await.map_err(|error| EngineError::local(QUERY, error));
        };
        let mut attempt = 1;
        loop {
            let before = cluster.ids().await?;
            let rows = frame.clone().collect().await;
            if before.is_subset(&cluster.ids().await?) {
                return rows.map_err(|error| EngineError::remote(QUERY, error.to_string()));
            }
            if attempt == ATTEMPTS {
                return Err(EngineError::ExecutorLost { unit: QUERY.to_owned() });
            }
            tracing::warn!(attempt, "an executor was lost; the query runs again");
            cluster.wait_for_executor(PATIENCE).await?;
            attempt += 1;
        }
    }

    /// Reads a checked source to its end in this process, and gives what its
    /// check has seen.
    pub async fn drain(&self, unit: &str, plan: Arc<dyn ExecutionPlan>) -> Result<CheckReport, EngineError> {
        let failed = |error| EngineError::local(unit, error);
        let mut rows = plan.execute(0, self.state.task_ctx()).map_err(failed)?;
        while rows.try_next().await.map_err(failed)?.is_some() {}
        Ok(write::checks(&plan).into_iter().next().unwrap_or_default())
    }

    /// Runs one unit, again where an executor was lost on the way.
    pub async fn run(&self, unit: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>, EngineError> {
        let Some(cluster) = &self.cluster else {
            let stream = plan.execute(0, self.state.task_ctx()).map_err(|error| EngineError::local(unit, error))?;
            let batches = stream.try_collect().await.map_err(|error| EngineError::local(unit, error))?;
            trace_times(unit, &plan);
            return Ok(batches);
        };
        let mut attempt = 1;
        loop {
            match cluster.run(unit, Arc::clone(&plan)).await {
                Err(EngineError::ExecutorLost { .. }) if attempt < ATTEMPTS => {
                    tracing::warn!(unit, attempt, "an executor was lost; its unit runs again");
                    cluster.wait_for_executor(PATIENCE).await?;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }
}

/// With KWHY_LOG=kwhy=debug: where the time of a unit went, node by node.
fn trace_times(unit: &str, plan: &Arc<dyn ExecutionPlan>) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for metric in plan.metrics().iter().flat_map(|metrics| metrics.iter()) {
        let value = metric.value();
        if let MetricValue::ElapsedCompute(time) | MetricValue::Time { time, .. } = value
            && time.value() > 0
        {
            tracing::debug!(unit, node = plan.name(), metric = value.name(), ms = time.value() / 1_000_000);
        }
    }
    plan.children().into_iter().for_each(|child| trace_times(unit, child));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_executor_says_keeps_its_kind() {
        let kind = |message: &str| EngineError::remote("u", message.to_owned());
        assert!(matches!(kind("Resources exhausted: pool"), EngineError::Limit { .. }));
        assert!(matches!(kind(&format!("it {} x", codec::OTHER_BUILD)), EngineError::OtherBuild { .. }));
        assert!(matches!(kind("Shuffle fetch partition error from Executor a"), EngineError::ExecutorLost { .. }));
        assert!(matches!(kind("contract of `bills` broken: energy_wh"), EngineError::Remote { .. }));
    }
}
