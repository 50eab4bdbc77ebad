//! kwhy turns a power utility's Parquet lake into customer tags and segments.
//!
//! Rooms, and what each may touch: [`cli`] parses and prints; [`run`] carries
//! a job from lake to release; [`plan`] works out units without touching
//! anything; [`lake`] alone lists folders and commits; [`engine`] alone builds
//! sessions and runs plans; [`state`] holds the values that these three share;
//! [`project`] reads `sql/`, `schemas/` and `jobs/`; `delimited` reads text, and
//! [`generate`] makes lakes, and neither knows any of the others; [`segment`] fits
//! models, numbers in and SQL out.

#![forbid(unsafe_code)]

pub mod cli;
mod delimited;
pub mod engine;
pub mod error;
pub mod generate;
pub mod lake;
mod memory;
pub mod plan;
pub mod project;
pub mod run;
pub mod segment;
pub mod state;
pub mod tags;
