//! One run at a time holds the output folder. The lease is a lock on a file,
//! which the system takes back when its holder dies, however it dies.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::LakeError;

/// Held for as long as it lives.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

impl Lease {
    pub fn take(out: &Path) -> Result<Self, LakeError> {
        let path = out.join(".lease");
        let io = |source| LakeError::Io { path: path.clone(), source };
        std::fs::create_dir_all(out).map_err(io)?;
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                return Err(LakeError::Held { out: out.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        writeln!(file, "process {} since {}", std::process::id(), chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ"))
            .map_err(io)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().expect("folder");
        let first = Lease::take(folder.path()).expect("free");
        let refused = Lease::take(folder.path()).expect_err("held");
        assert!(matches!(refused, LakeError::Held { holder, .. } if holder.contains(&std::process::id().to_string())));
        drop(first);
        Lease::take(folder.path()).expect("free again");
    }
}
