//! The cluster as the driver sees it: who is there, one job per unit, and no
//! result from a job during which an executor was lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use ballista_core::client::BallistaClient;
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, ExecuteQueryParams, GetJobStatusParams, KeyValuePair, PartitionLocation,
    execute_query_params::Query, execute_query_result, job_status::Status,
};
use ballista_core::utils::create_grpc_client_endpoint;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::Channel;

use super::EngineError;
use super::codec::PhysicalCodec;
use super::failpoint::build_id;
use super::session::MAX_MESSAGE_BYTES;

/// How often a running job is asked for, at first and later.
const POLL_FIRST: Duration = Duration::from_millis(5);
const POLL_LATER: Duration = Duration::from_millis(50);
const WATCH: Duration = Duration::from_secs(1);
/// Calls are answered at once; a plan with many files takes a moment.
const SILENCE: Duration = Duration::from_secs(60);
/// A unit's report is a few rows.
const FETCH: Duration = Duration::from_secs(60);
/// A job that the scheduler does not know for so long, it never will.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// An executor that the scheduler believes to be alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executor {
    /// `<build>-<uuid>`: a restarted executor is another one.
    pub id: String,
    pub vcores: u32,
}

impl Executor {
    fn build(&self) -> &str {
        self.id.split('-').next().unwrap_or_default()
    }
}

/// A connection to a scheduler.
#[derive(Clone)]
pub struct Cluster {
    address: String,
    session: String,
    settings: Vec<KeyValuePair>,
    scheduler: SchedulerGrpcClient<Channel>,
}

impl Cluster {
    /// Connects to `HOST:PORT`. Fails where there is no scheduler, no executor
    /// or one of another build.
    pub async fn connect(address: &str, config: &SessionConfig) -> Result<Self, EngineError> {
        let unreachable = |reason: String| EngineError::NoScheduler { address: address.to_owned(), reason };
        let endpoint = create_grpc_client_endpoint(format!("http://{address}"), None)
            .map_err(|error| unreachable(error.to_string()))?;
        let channel = endpoint.connect().await.map_err(|error| unreachable(root_cause(&error)))?;
        let scheduler = SchedulerGrpcClient::new(channel)
            .max_encoding_message_size(MAX_MESSAGE_BYTES)
            .max_decoding_message_size(MAX_MESSAGE_BYTES);
        let settings = config
            .options()
            .entries()
            .into_iter()
            .map(|entry| KeyValuePair { key: entry.key, value: entry.value })
            .collect();
        let cluster =
            Self { address: address.to_owned(), session: uuid::Uuid::new_v4().to_string(), settings, scheduler };
        let executors = cluster.executors().await?;
        if executors.is_empty() {
            return Err(EngineError::NoExecutors { address: address.to_owned() });
        }
        if let Some(other) = executors.iter().find(|executor| executor.build() != build_id()) {
            return Err(EngineError::OtherBuild {
                executor: other.id.clone(),
                theirs: other.build().to_owned(),
                ours: build_id(),
            });
        }
        Ok(cluster)
    }

    /// The executors that are alive now.
    pub async fn executors(&self) -> Result<Vec<Executor>, EngineError> {
        let lost = |reason: String| EngineError::NoScheduler { address: self.address.clone(), reason };
        let body = tokio::time::timeout(Duration::from_secs(5), get(&self.address, "/executors"))
            .await
            .map_err(|_| lost("no answer within 5 s".to_owned()))?
            .map_err(|error| lost(error.to_string()))?;
        serde_json::from_str(&body).map_err(|error| lost(format!("not a scheduler of kwhy: {error}")))
    }

    /// Waits for an executor, because one may be on its way up again.
    pub async fn wait_for_executor(&self, patience: Duration) -> Result<(), EngineError> {
        let start = Instant::now();
        while self.executors().await?.is_empty() {
            if start.elapsed() > patience {
                return Err(EngineError::NoExecutors { address: self.address.clone() });
            }
            tokio::time::sleep(WATCH).await;
        }
        Ok(())
    }

    /// Runs one single-stage plan and returns its rows, or an error when an
    /// executor was lost meanwhile, whatever the scheduler says.
    pub async fn run(&self, name: &str, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>, EngineError> {
        let before = self.ids().await?;
        if before.is_empty() {
            return Err(EngineError::ExecutorLost { unit: name.to_owned() });
        }
        let job = self.submit(name, plan).await?;
        let locations = self.finish(name, &job, &before).await?;
        let mut batches = Vec::new();
        for location in locations {
            // Who cannot hand over a result is lost, whatever the scheduler knows.
            let fetched = tokio::time::timeout(FETCH, fetch(location)).await;
            let fetched = fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", FETCH.as_secs())));
            batches.extend(fetched.map_err(|reason| {
                tracing::warn!(unit = name, reason, "a result could not be fetched");
                EngineError::ExecutorLost { unit: name.to_owned() }
            })?);
        }
        if before.is_subset(&self.ids().await?) {
            Ok(batches)
        } else {
            Err(EngineError::ExecutorLost { unit: name.to_owned() })
        }
    }

    /// Who is there, by name.
    pub async fn ids(&self) -> Result<BTreeSet<String>, EngineError> {
        Ok(self.executors().await?.into_iter().map(|executor| executor.id).collect())
    }

    async fn submit(&self, name: &str, plan: Arc<dyn ExecutionPlan>) -> Result<String, EngineError> {
        let remote = |message: String| EngineError::Remote { unit: name.to_owned(), message };
        let node = PhysicalPlanNode::try_from_physical_plan(plan, &PhysicalCodec::default())?;
        let mut bytes = Vec::new();
        node.try_encode(&mut bytes)?;
        let mut request = tonic::Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(bytes)),
            settings: self.settings.clone(),
            session_id: self.session.clone(),
            operation_id: uuid::Uuid::new_v4().to_string(),
        });
        ballista_core::version::insert_version_header(request.metadata_mut());
        let response = self.answer(self.scheduler.clone().execute_query(request)).await?;
        match response.into_inner().result {
            Some(execute_query_result::Result::Success(success)) => Ok(success.job_id),
            Some(execute_query_result::Result::Failure(failure)) => Err(remote(format!("{failure:?}"))),
            None => Err(remote("the scheduler gave no answer".to_owned())),
        }
    }

    /// Waits for the job; cancels it as soon as an executor is missing.
    async fn finish(
        &self,
        name: &str,
        job: &str,
        before: &BTreeSet<String>,
    ) -> Result<Vec<PartitionLocation>, EngineError> {
        let mut scheduler = self.scheduler.clone();
        let (start, mut watched) = (Instant::now(), Instant::now());
        loop {
            let request = GetJobStatusParams { job_id: job.to_owned() };
            let answer = self.answer(scheduler.get_job_status(request)).await?;
            match answer.into_inner().status.and_then(|status| status.status) {
                Some(Status::Successful(done)) => return Ok(done.partition_location),
                Some(Status::Failed(failed)) => {
                    let lost = !before.is_subset(&self.ids().await?);
                    return Err(if lost {
                        EngineError::ExecutorLost { unit: name.to_owned() }
                    } else {
                        EngineError::remote(name, failed.error)
                    });
                }
                // A scheduler that was restarted knows nothing of it.
                None if start.elapsed() > FORGOTTEN => return Err(EngineError::ExecutorLost { unit: name.to_owned() }),
                _ => {}
            }
            if watched.elapsed() > WATCH {
                watched = Instant::now();
                if !before.is_subset(&self.ids().await?) {
                    self.cancel(job).await;
                    return Err(EngineError::ExecutorLost { unit: name.to_owned() });
                }
            }
            tokio::time::sleep(if start.elapsed() < WATCH { POLL_FIRST } else { POLL_LATER }).await;
        }
    }

    async fn cancel(&self, job: &str) {
        let request = CancelJobParams { job_id: job.to_owned() };
        if let Err(error) = self.answer(self.scheduler.clone().cancel_job(request)).await {
            tracing::warn!(job, message = error.to_string(), "could not cancel");
        }
    }

    /// What the scheduler answers; one that is silent for long is none.
    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Result<tonic::Response<T>, EngineError> {
        let lost = |reason: String| EngineError::NoScheduler { address: self.address.clone(), reason };
        let answer = tokio::time::timeout(SILENCE, call).await;
        let answer = answer.map_err(|_| lost(format!("no answer within {} s", SILENCE.as_secs())))?;
        answer.map_err(|status| lost(status.message().to_owned()))
    }
}

/// Reads one partition of a finished job from the executor that holds it.
async fn fetch(location: PartitionLocation) -> Result<Vec<RecordBatch>, String> {
    let layout = location.layout();
    let executor = location.executor_meta.ok_or("a result without an executor")?;
    let partition = location.partition_id.ok_or("a result without a partition")?;
    let mut client =
        BallistaClient::try_new(&executor.host, executor.port as u16, MAX_MESSAGE_BYTES, false, None, 1, 100, 0, 0)
            .await
            .map_err(|error| error.to_string())?;
    let stream = client
        .fetch_partition(&executor.id, &partition.into(), location.file_id, layout, true)
        .await
        .map_err(|error| error.to_string())?;
    stream.try_collect().await.map_err(|error| error.to_string())
}

/// The body of a small HTTP answer.
async fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => Err(std::io::Error::other("unexpected answer")),
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Ad-hoc SQL plans on the scheduler, through Ballista's own planner.
pub fn query_planner(
    address: &str,
    config: &SessionConfig,
) -> Arc<dyn datafusion::execution::context::QueryPlanner + Send + Sync> {
    Arc::new(
        ballista_core::planner::BallistaQueryPlanner::<datafusion_proto::protobuf::LogicalPlanNode>::with_extension(
            format!("http://{address}"),
            config.ballista_config(),
            Arc::new(super::codec::LogicalCodec::default()),
        ),
    )
}
