//! What commands that look at a release have in common.

use std::path::PathBuf;

use clap::Args;

use super::absolute;
use crate::engine::Target;
use crate::error::Error;
use crate::run::{Published, default_out};

/// Whose release is looked at.
#[derive(Args, Debug)]
pub struct PublishedArgs {
    /// Folder with sources/<table>/…, whose output folder is looked at
    #[arg(long, value_name = "DIR")]
    lake: Option<PathBuf>,

    /// Output folder of the runs [default: <lake>/kwhy]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl PublishedArgs {
    /// The output folder, where one is named.
    pub fn folder(&self) -> Result<Option<PathBuf>, Error> {
        Ok(match (&self.out, &self.lake) {
            (Some(out), _) => Some(absolute(out)?),
            (None, Some(lake)) => Some(default_out(&absolute(lake)?)),
            (None, None) => None,
        })
    }

    pub async fn open(&self) -> Result<Published, Error> {
        let is_file =
            |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "csv" || extension == "parquet");
        if let Some(file) = self.out.as_ref().filter(is_file).filter(|path| !path.is_dir()) {
            return Err(Error::Usage {
                message: format!("--out names the output folder of the runs, and {} looks like a file", file.display()),
                hint: "commands that write a file take it as --to FILE".into(),
            });
        }
        let folder = self.folder()?.ok_or_else(|| Error::Usage {
            message: "no lake is named, and no output folder".into(),
            hint: "name one: --lake DIR, or --out DIR".into(),
        })?;
        Published::open(&folder, Target::Local).await
    }
}
