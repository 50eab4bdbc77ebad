use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use chrono::NaiveDate;
use kwhy::generate::{Options, generate};
use tempfile::TempDir;

/// Every file of a lake with its bytes.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).expect("folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below").display().to_string();
                found.insert(name, std::fs::read(path).expect("file"));
            }
        }
    }
    found
}

fn make(seed: u64, threads: usize) -> BTreeMap<String, Vec<u8>> {
    let folder = TempDir::new().expect("folder");
    let end = NaiveDate::from_ymd_opt(2026, 3, 1).expect("date");
    let options = Options { accounts: 500, days: 4, seed, out: folder.path().join("lake"), end, threads };
    generate(&options, &|_, _| ControlFlow::Continue(())).expect("a lake");
    files(folder.path())
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads() {
    let one = make(7, 1);
    assert!(one.keys().any(|name| name.contains("load_curve/date=2026-02-28/")));
    let three = make(7, 3);
    assert_eq!(one.keys().collect::<Vec<_>>(), three.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(three[name] == *bytes, "{name} differs");
    }
    assert!(make(8, 1) != one, "another seed gave the same lake");
}
