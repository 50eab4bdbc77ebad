//! What can go wrong while a lake is made.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use chrono::NaiveDate;
use parquet::errors::ParquetError;

/// Most accounts that an account number has room for.
pub const MOST_ACCOUNTS: u64 = 1_000_000_000;

/// Why no lake was made. Nothing of it is left behind.
#[derive(thiserror::Error, Debug)]
pub enum GenerateError {
    /// A lake without accounts was asked for.
    #[error("a lake needs at least one account")]
    NoAccounts,
    /// More accounts were asked for than can be numbered.
    #[error("{accounts} accounts are more than the {most} that can be numbered", most = MOST_ACCOUNTS)]
    TooManyAccounts { accounts: u64 },
    /// A lake without days was asked for.
    #[error("a lake needs at least one day")]
    NoDays,
    /// A lake without months was asked for.
    #[error("a lake needs at least one month of bills")]
    NoMonths,
    /// The dates of the lake leave the range in which calendars make sense.
    #[error("a lake of {days} days and {months} months that ends on {end} leaves the years 1900 to 2200")]
    DatesOutOfRange { end: NaiveDate, days: u32, months: u32 },
    /// There is something already.
    #[error("{} is not empty", .path.display())]
    NotEmpty { path: PathBuf },
    /// The lake maker itself broke.
    #[error("the lake maker broke: {message}")]
    Broken { message: String },
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
    /// A folder or file could not be made, read or moved.
    #[error("cannot write {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A Parquet file could not be written.
    #[error("cannot write {}: {source}", .path.display())]
    Parquet { path: PathBuf, source: ParquetError },
}

impl GenerateError {
    /// What a process ends with: 2 wrong usage, 4 no room on the disk, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoAccounts
            | Self::TooManyAccounts { .. }
            | Self::NoDays
            | Self::NoMonths
            | Self::DatesOutOfRange { .. }
            | Self::NotEmpty { .. } => 2,
            Self::Io { source, .. } if is_full(source) => 4,
            Self::Parquet { source: ParquetError::External(inner), .. }
                if inner.downcast_ref::<io::Error>().is_some_and(is_full) =>
            {
                4
            }
            Self::Io { .. } | Self::Parquet { .. } | Self::Broken { .. } | Self::Stopped => 1,
        }
    }

    /// What one can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotEmpty { .. } => "give --out a new folder: what lies here may be of another lake",
            Self::NoAccounts | Self::TooManyAccounts { .. } => "--accounts 10000 makes a lake in seconds",
            Self::NoDays | Self::NoMonths => "--days 90 --months 24 are the defaults",
            Self::DatesOutOfRange { .. } => "choose another --end, or fewer --days or --months",
            Self::Broken { .. } => "please report it",
            _ if self.exit_code() == 4 => {
                "there is no room; nothing is left behind: choose another --out, or fewer --accounts or --days"
            }
            _ => return None,
        })
    }

    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn parquet(path: &Path) -> impl FnOnce(ParquetError) -> Self {
        move |source| Self::Parquet { path: path.to_owned(), source }
    }

    pub(super) fn arrow(path: &Path) -> impl FnOnce(ArrowError) -> Self {
        move |source| Self::Parquet { path: path.to_owned(), source: source.into() }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_limit() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let path = Path::new("part");
        assert_eq!(GenerateError::io(path)(full()).exit_code(), 4);
        assert_eq!(GenerateError::parquet(path)(full().into()).exit_code(), 4);
        assert_eq!(GenerateError::parquet(path)(ParquetError::General("broken".to_owned())).exit_code(), 1);
        assert_eq!(GenerateError::NoDays.exit_code(), 2);
    }
}
