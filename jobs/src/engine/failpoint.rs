//! Faults that tests ask for through the environment. Each is a file that the
//! test lays down and that exactly one process consumes, so that a test can
//! assert that its fault really happened.

use std::path::PathBuf;
use std::time::Duration;

/// Folder with fault files: `<table>` holds the write of one unit of a table.
const FAULTS: &str = "KWHY_TEST_FAULTS";
/// Makes this process claim to be of another build.
const BUILD: &str = "KWHY_TEST_BUILD_ID";

/// Where a fault file for `table` is found, consumes it, leaves `held.<pid>`
/// in its place and waits to be killed.
pub async fn hold(table: &str) {
    let Some(folder) = std::env::var_os(FAULTS).map(PathBuf::from) else { return };
    let held = folder.join(format!("held.{}", std::process::id()));
    if std::fs::rename(folder.join(table), held).is_ok() {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
}

/// The identity of this build: a hash of all sources and of the lock file.
pub fn build_id() -> String {
    std::env::var(BUILD).unwrap_or_else(|_| env!("KWHY_BUILD_ID").to_owned())
}
