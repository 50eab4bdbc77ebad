//! Two facts about the build, fixed at compile time: the project files that
//! travel inside the binary, and the identity of the build.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = manifest.parent().map(Path::to_owned).unwrap_or_default();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());

    let mut files = Vec::new();
    for folder in ["sql", "schemas"] {
        collect(&root.join(folder), &mut files)?;
    }
    files.extend(
        list(&manifest)?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "toml") && !path.ends_with("Cargo.toml")),
    );
    files.sort();
    let mut table = String::from("pub const FILES: &[(&str, &str)] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).display();
        let _ = writeln!(table, "    ({:?}, include_str!({:?})),", name.to_string(), file.display().to_string());
    }
    table.push_str("];\n");
    fs::write(out.join("embedded.rs"), table)?;

    let mut sources = Vec::new();
    collect(&manifest.join("src"), &mut sources)?;
    collect(&root.join("udfs/src"), &mut sources)?;
    sources.push(root.join("Cargo.lock"));
    sources.sort();
    // The hasher's keys are fixed: the same sources give the same id anywhere.
    let mut hasher = DefaultHasher::new();
    for source in &sources {
        source.strip_prefix(&root).unwrap_or(source).display().to_string().hash(&mut hasher);
        fs::read(source)?.hash(&mut hasher);
    }
    println!("cargo::rustc-env=KWHY_BUILD_ID={:016x}", hasher.finish());
    for watched in ["sql", "schemas", "jobs", "udfs/src", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    Ok(())
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in list(folder)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
