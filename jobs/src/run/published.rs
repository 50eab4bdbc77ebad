//! The current release of an output folder, for who looks at it.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;

use super::{Release, last_release, release_table};
use crate::engine::relation::Relation;
use crate::engine::{Engine, Target};
use crate::error::Error;
use crate::lake::{LakeError, Output};
use crate::state::Snapshot;

const MEMORY_BYTES: usize = 2 << 30;

pub struct Published {
    pub engine: Engine,
    pub out: Output,
    pub release: Release,
}

impl Published {
    /// The release of the folder, asked on the target.
    pub async fn open(path: &Path, target: Target) -> Result<Self, Error> {
        if !path.is_dir() {
            return Err(LakeError::NoLake { path: path.to_owned() }.into());
        }
        let engine = Engine::open(target, MEMORY_BYTES, None).await?;
        let out = Output::open(path)?;
        let release = last_release(&engine, &out).await?;
        let release = release.ok_or_else(|| Error::NothingPublished { out: out.root.clone() })?;
        Ok(Self { engine, out, release })
    }

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
