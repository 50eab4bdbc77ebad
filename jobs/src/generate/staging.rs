//! A lake appears whole or not at all: it is made in a folder beside its place
//! and moved there at the end.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::GenerateError;

/// The folders of a lake: its tables, and what was planted in them.
const SOURCES: &str = "sources";
const TRUTH: &str = "_truth";
/// How the name of a lake that is being made begins.
const MAKING: &str = ".making.";

/// The folder in which a lake is made. What is not published is removed.
pub struct Staging {
    folder: PathBuf,
    out: PathBuf,
    /// Folders that were not there before, the innermost first.
    made: Vec<PathBuf>,
    is_published: bool,
}

impl Staging {
    /// Makes the folder, unless `out` holds something already.
    pub fn create(out: &Path) -> Result<Self, GenerateError> {
        refuse_content(out)?;
        let made = out
            .ancestors()
            .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
            .map(Path::to_owned)
            .collect();
        let folder = out.join(format!("{MAKING}{}", std::process::id()));
        let staging = Self { folder, out: out.to_owned(), made, is_published: false };
        // What a killed process of the same number left behind is dead.
        match fs::remove_dir_all(&staging.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(GenerateError::io(&staging.folder)(error));
            }
            _ => {}
        }
        for part in [SOURCES, TRUTH] {
            let folder = staging.folder.join(part);
            fs::create_dir_all(&folder).map_err(GenerateError::io(&folder))?;
        }
        Ok(staging)
    }

    /// Where the tables are written.
    pub fn sources(&self) -> PathBuf {
        self.folder.join(SOURCES)
    }

    /// Where it is written down what was planted.
    pub fn truth(&self) -> PathBuf {
        self.folder.join(TRUTH)
    }

    /// Moves the lake to its place: the tables last, for a lake without them is
    /// none.
    pub fn publish(mut self) -> Result<(), GenerateError> {
        refuse_content(&self.out)?;
        let truth = self.out.join(TRUTH);
        fs::rename(self.truth(), &truth).map_err(GenerateError::io(&truth))?;
        let sources = self.out.join(SOURCES);
        if let Err(error) = fs::rename(self.sources(), &sources) {
            let _ = fs::remove_dir_all(&truth);
            return Err(GenerateError::io(&sources)(error));
        }
        self.is_published = true;
        // Empty now; if it stays, it is in nobody's way.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.is_published {
            return;
        }
        // The error that brought us here tells more than one from cleaning up.
        let _ = fs::remove_dir_all(&self.folder);
        for folder in &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A lake takes an empty folder: what else lies there might be of another lake.
fn refuse_content(out: &Path) -> Result<(), GenerateError> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(GenerateError::io(out)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(GenerateError::io(out))?;
        let name = entry.file_name();
        let is_empty = || fs::read_dir(entry.path()).is_ok_and(|mut entries| entries.next().is_none());
        // A lake that is being made, or was when its process was killed.
        let is_making = name.to_string_lossy().starts_with(MAKING);
        let is_place = name == SOURCES && is_empty();
        if !is_making && !is_place {
            return Err(GenerateError::NotEmpty { path: out.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_published_leaves_no_trace() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let out = root.path().join("one/two");
        let staging = Staging::create(&out).expect("a free place");
        fs::write(staging.sources().join("file"), "content").expect("a writable folder");
        drop(staging);
        assert!(!root.path().join("one").exists());
    }

    #[test]
    fn an_empty_place_is_taken_and_a_full_one_refused() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join("sources")).expect("a writable folder");
        let staging = Staging::create(root.path()).expect("an empty place");
        fs::write(staging.sources().join("file"), "content").expect("a writable folder");
        staging.publish().expect("an empty place");
        assert!(root.path().join("sources/file").exists() && root.path().join("_truth").exists());
        assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 2);
        let refused = Staging::create(root.path()).err();
        assert!(matches!(refused, Some(GenerateError::NotEmpty { .. })));
        let other = tempfile::tempdir().expect("a temporary folder");
        fs::write(other.path().join("notes.txt"), "mine").expect("a writable folder");
        let refused = Staging::create(other.path()).err();
        assert!(matches!(refused, Some(GenerateError::NotEmpty { .. })));
    }
}
