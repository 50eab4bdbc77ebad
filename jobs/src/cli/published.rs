//! What commands that look at a release have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::Args;

use super::absolute;
use crate::engine::relation::Relation;
use crate::engine::{Engine, Target};
use crate::error::Error;
use crate::lake::{LakeError, Output};
use crate::run::{Release, default_out, last_release, release_table};
use crate::state::Snapshot;

const MEMORY_BYTES: usize = 2 << 30;

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

/// The current release of an output folder.
pub struct Published {
    pub engine: Engine,
    pub out: Output,
    pub release: Release,
}

impl PublishedArgs {
    pub fn is_named(&self) -> bool {
        self.lake.is_some() || self.out.is_some()
    }

    pub async fn open(&self) -> Result<Published, Error> {
        let path = match (&self.out, &self.lake) {
            (Some(out), _) => absolute(out)?,
            (None, Some(lake)) => default_out(&absolute(lake)?),
            (None, None) => {
                return Err(Error::Usage {
                    message: "no lake is named, and no output folder".into(),
                    hint: "name one: --lake DIR, or --out DIR".into(),
                });
            }
        };
        if !path.is_dir() {
            return Err(LakeError::NoLake { path }.into());
        }
        let engine = Engine::open(Target::Local, MEMORY_BYTES, None).await?;
        let out = Output::open(&path)?;
        let release = last_release(&engine, &out).await?;
        let release = release.ok_or_else(|| Error::NothingPublished { out: out.root.clone() })?;
        Ok(Published { engine, out, release })
    }
}

impl Published {
    /// A table of the release.
    pub async fn table(&self, name: &str) -> Result<Option<Snapshot>, Error> {
        release_table(&self.out, &self.release, name).await
    }

    /// A table that the release must have.
    pub async fn need(&self, name: &str) -> Result<Snapshot, Error> {
        self.table(name).await?.ok_or_else(|| Error::Usage {
            message: format!("the release in {} has no table `{name}`", self.out.root.display()),
            hint: "build it: kwhy run daily --lake LAKE".into(),
        })
    }

    /// Asks tables of the release.
    pub async fn query(&self, tables: &BTreeMap<&str, &Snapshot>, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let relations = tables.iter().map(|(name, table)| Relation::of_table(name, table)).collect();
        Ok(self.engine.query(relations, sql).await?)
    }
}
