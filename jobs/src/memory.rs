//! The process's own memory, as Linux counts it; unknown elsewhere.

/// Starts the count of the highest resident memory anew.
pub fn reset_peak() {
    // Where this is not allowed, the peak is that of the whole process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Highest resident memory since the last reset, in MiB.
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}
