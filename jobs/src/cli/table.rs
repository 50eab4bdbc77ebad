//! Plain tables for terminals and logs.

use std::fmt::Write;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{CellAlignment, Table, presets};

use crate::error::Error;

/// The longest bar, in marks.
const BAR_WIDTH: usize = 40;

/// A table of texts; columns named in `right` are numbers.
pub fn plain(header: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Rows of a query.
pub fn batches(batches: &[RecordBatch]) -> Result<String, Error> {
    let Some(first) = batches.first() else { return Ok(String::new()) };
    let schema = first.schema();
    let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let right: Vec<usize> = (0..header.len()).filter(|column| schema.field(*column).data_type().is_numeric()).collect();
    // A cell that is NULL is blank; within a list or a struct it says so.
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|error| Error::Query(Box::new(error.into())))?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns()).map(|(column, array)| match array.is_null(row) {
                true => String::new(),
                false => column.value(row).to_string(),
            });
            rows.push(cells.collect());
        }
    }
    Ok(plain(&header, &rows, &right))
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `name  value`, the names as wide as the widest.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let row = |(name, value): &(&str, String)| format!(" {name:width$}  {value}\n");
    rows.iter().filter(|(_, value)| !value.is_empty()).map(row).collect()
}

/// Labels with a bar each, as long as their count says.
pub fn chart(bars: &[(String, u64)]) -> String {
    let widest = bars.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for (label, count) in bars {
        // One mark at least for what is there at all.
        let marks = (*count as usize * BAR_WIDTH).div_ceil(most as usize);
        let bar = "#".repeat(marks);
        let _ = writeln!(text, " {label:>widest$}  {bar:BAR_WIDTH$}  {}", thousands(*count));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands() {
        assert_eq!([0, 999, 1000, 1_234_567].map(super::thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
