//! `kwhy cluster scheduler` and `kwhy cluster executor`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_core::serde::protobuf::{ExecutorHeartbeat, executor_status};
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::{BallistaCluster, ClusterState};
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::create_scheduler;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};

use super::cluster::Executor;
use super::codec::{LogicalCodec, PhysicalCodec};
use super::failpoint::build_id;
use super::{EngineError, session};

const HEARTBEAT_SECONDS: u64 = 3;
/// An executor that was silent for so long is lost.
const EXECUTOR_TIMEOUT_SECONDS: u64 = 15;
const EXPIRY_SECONDS: u64 = 2;

/// Runs a scheduler until the process is stopped.
pub async fn scheduler(bind: SocketAddr, memory_bytes: usize) -> Result<(), EngineError> {
    // Small jobs wait for acknowledgements otherwise: 44 ms instead of 7.
    let socket = if bind.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
    let listener = socket.and_then(|socket| {
        socket.set_nodelay(true)?;
        socket.set_reuseaddr(true)?;
        socket.bind(bind)?;
        socket.listen(1024)
    });
    let listener = listener.map_err(|source| EngineError::Bind { address: bind, source })?;
    let runtime = session::runtime(memory_bytes)?;
    let config = SchedulerConfig {
        bind_host: bind.ip().to_string(),
        bind_port: bind.port(),
        external_host: bind.ip().to_string(),
        override_config_producer: Some(Arc::new(session::config)),
        override_session_builder: Some(Arc::new(move |config| session::state(config, Arc::clone(&runtime), None))),
        override_logical_codec: Some(Arc::new(LogicalCodec::default())),
        override_physical_codec: Some(Arc::new(PhysicalCodec::default())),
        task_distribution: TaskDistributionPolicy::RoundRobin,
        executor_timeout_seconds: EXECUTOR_TIMEOUT_SECONDS,
        expire_dead_executor_interval_seconds: EXPIRY_SECONDS,
        no_executors_grace_period_seconds: EXECUTOR_TIMEOUT_SECONDS,
        grpc_server_max_decoding_message_size: session::MAX_MESSAGE_BYTES as u32,
        grpc_server_max_encoding_message_size: session::MAX_MESSAGE_BYTES as u32,
        grpc_client_max_message_size: session::MAX_MESSAGE_BYTES as u32,
        finished_job_data_clean_up_interval_seconds: 60,
        finished_job_state_clean_up_interval_seconds: 600,
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await?;
    let members = cluster.cluster_state();
    let server = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config)).await?;
    let grpc = SchedulerGrpcServer::new(server)
        .max_decoding_message_size(session::MAX_MESSAGE_BYTES)
        .max_encoding_message_size(session::MAX_MESSAGE_BYTES);
    let mut routes = tonic::service::RoutesBuilder::default();
    routes.add_service(grpc);
    let own = axum::Router::new()
        .route("/executors", get(executors))
        .route("/readyz", get(readyz))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(members);
    let router = routes.routes().into_axum_router().merge(own);
    tracing::info!(%bind, build = build_id(), "scheduler is listening");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await.map_err(|source| EngineError::Bind { address: bind, source })
}

type Members = State<Arc<dyn ClusterState>>;

async fn executors(State(members): Members) -> Json<Vec<Executor>> {
    Json(alive(&*members).await)
}

async fn readyz(State(members): Members) -> (StatusCode, String) {
    let count = alive(&*members).await.len();
    let status = if count > 0 { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{count} executors\n"))
}

async fn alive(members: &dyn ClusterState) -> Vec<Executor> {
    let heartbeats = members.executor_heartbeats();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|age| age.as_secs()).unwrap_or_default();
    let is_alive = |beat: &ExecutorHeartbeat| {
        let active = beat.status.as_ref().and_then(|status| status.status.as_ref());
        matches!(active, Some(executor_status::Status::Active(_))) && beat.timestamp + EXECUTOR_TIMEOUT_SECONDS >= now
    };
    let mut executors = Vec::new();
    for metadata in members.registered_executor_metadata().await {
        if heartbeats.get(&metadata.id).is_some_and(is_alive) {
            executors.push(Executor { vcores: metadata.specification.vcores, id: metadata.id });
        }
    }
    executors.sort_by(|a, b| a.id.cmp(&b.id));
    executors
}

/// What an executor is started with.
pub struct ExecutorOptions {
    pub scheduler: SocketAddr,
    /// Results are served here, and tasks are received on the next port.
    pub bind: SocketAddr,
    pub vcores: usize,
    pub memory_bytes: u64,
    pub work_dir: Option<PathBuf>,
}

/// Runs an executor until the process is stopped.
pub async fn executor(options: ExecutorOptions) -> Result<(), EngineError> {
    let bind = options.bind;
    let grpc_port = bind
        .port()
        .checked_add(1)
        .ok_or(EngineError::Bind { address: bind, source: std::io::Error::other("the port above it is needed too") })?;
    for port in [bind.port(), grpc_port] {
        let address = SocketAddr::new(bind.ip(), port);
        std::net::TcpListener::bind(address).map_err(|source| EngineError::Bind { address, source })?;
    }
    let registry = session::state(session::config(), session::runtime(64 << 20)?, None)?;
    // Shuffle files of executors are scratch: a folder of their own, gone when they stop.
    let scratch = tempfile::Builder::new()
        .prefix("kwhy-executor-")
        .tempdir()
        .map_err(|source| EngineError::Io { what: "scratch folder".to_owned(), source })?;
    let work_dir = options.work_dir.unwrap_or_else(|| scratch.path().to_owned());
    let config = ExecutorProcessConfig {
        executor_id: format!("{}-{}", build_id(), uuid::Uuid::new_v4().simple()),
        bind_host: bind.ip().to_string(),
        external_host: Some(bind.ip().to_string()),
        port: bind.port(),
        grpc_port,
        scheduler_host: options.scheduler.ip().to_string(),
        scheduler_port: options.scheduler.port(),
        scheduler_connect_timeout_seconds: 20,
        vcores: options.vcores,
        memory_pool_size: Some(options.memory_bytes),
        work_dir: Some(work_dir.display().to_string()),
        grpc_max_decoding_message_size: session::MAX_MESSAGE_BYTES as u32,
        grpc_max_encoding_message_size: session::MAX_MESSAGE_BYTES as u32,
        executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
        override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(&registry))),
        override_config_producer: Some(Arc::new(session::config)),
        override_logical_codec: Some(Arc::new(LogicalCodec::default())),
        override_physical_codec: Some(Arc::new(PhysicalCodec::default())),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config))
        .await
        .map_err(|error| EngineError::NoScheduler { address: options.scheduler.to_string(), reason: error.to_string() })
}
