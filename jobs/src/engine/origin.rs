//! Where a row of a source came from: columns that a scan adds for the check
//! above it, so that a row that is set aside can be named and shown as it came.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

/// Position of the file among those of the unit.
pub const FILE: &str = "_kwhy_file";
/// Number of the row in its file, from 1. Scans of Parquet leave it out: their
/// rows come in the order of the file and are counted.
pub const ROW: &str = "_kwhy_row";
/// What is wrong with a record of text that could not be cut into fields.
pub const FAULT: &str = "_kwhy_fault";
/// A record of text as it came. Rows of Parquet are read again where they are
/// needed.
pub const RAW: &str = "_kwhy_raw";

/// The column that every scan adds.
pub fn file_field() -> FieldRef {
    Arc::new(Field::new(FILE, DataType::Int32, true))
}

/// The columns that a scan of text adds behind that one.
pub fn text_fields() -> [FieldRef; 3] {
    let field = |name: &str, kind| Arc::new(Field::new(name, kind, true));
    [field(ROW, DataType::Int64), field(FAULT, DataType::Int32), field(RAW, DataType::Utf8)]
}
