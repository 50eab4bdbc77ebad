//! From a path to the bytes of its text: what the name promises is checked
//! against how the file begins.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{DelimitedError, FREE_BYTES, MAX_EXPANSION};

const READ_BYTES: usize = 256 << 10;
const BOMB: &str = "expands too much";

/// How a file is packed, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    Gzip,
    Zip,
}

impl Form {
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Self::Gzip,
            Some("zip") => Self::Zip,
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "text",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
        }
    }
}

/// The name of a file or of a member in messages: `a.zip/b.csv`.
pub fn shown(path: &Path, member: Option<&str>) -> PathBuf {
    member.map_or_else(|| path.to_owned(), |member| path.join(member))
}

/// The files in a zip archive and their sizes, by name.
pub fn members(path: &Path) -> Result<Vec<(String, u64)>, DelimitedError> {
    let io = |source| DelimitedError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    check_form(&mut file, path)?;
    let failed = |error: zip::result::ZipError| archive_error(path, &error);
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(failed)?;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(failed)?;
        let name = member.name().map_err(failed)?.into_owned();
        // What the Mac's archiver adds beside each file.
        let is_note =
            name.starts_with("__MACOSX/") || name.rsplit('/').next().is_some_and(|last| last.starts_with('.'));
        if member.is_dir() || is_note {
            continue;
        }
        if member.encrypted() {
            return Err(DelimitedError::Archive { path: shown(path, Some(&name)), reason: "is encrypted".to_owned() });
        }
        found.push((name, member.size()));
    }
    found.sort();
    if entries(path).map_err(io)?.is_some_and(|entries| entries != archive.len()) {
        let reason = "holds two files of one name".to_owned();
        return Err(DelimitedError::Archive { path: path.to_owned(), reason });
    }
    Ok(found)
}

/// Entries by the archive's own count, which the reader's index does not have:
/// of two of one name it knows the last. `None` where there are too many to tell.
fn entries(path: &Path) -> io::Result<Option<usize>> {
    const END: &[u8] = b"PK\x05\x06";
    const LONGEST_END: u64 = 22 + u16::MAX as u64;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(io::SeekFrom::Start(length.saturating_sub(LONGEST_END)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let end = tail.windows(END.len()).rposition(|window| window == END);
    let count = end.and_then(|end| tail.get(end + 10..end + 12));
    Ok(count.map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])).filter(|count| *count != u16::MAX).map(usize::from))
}

/// Hands the unpacked bytes of a file, or of one member of an archive, to
/// `read`.
pub fn with_bytes<T, E: From<DelimitedError>>(
    path: &Path,
    member: Option<&str>,
    read: impl FnOnce(&mut dyn Read) -> Result<T, E>,
) -> Result<T, E> {
    let io = |source| DelimitedError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let is_empty = check_form(&mut file, path)?;
    let bytes = file.metadata().map_err(io)?.len();
    let file = BufReader::with_capacity(READ_BYTES, file);
    match (Form::of(path), member) {
        _ if is_empty => read(&mut io::empty()),
        (Form::Gzip, _) => read(&mut Guard::new(MultiGzDecoder::new(file), bytes)),
        (Form::Zip, Some(name)) => {
            let failed = |error: zip::result::ZipError| archive_error(path, &error);
            let mut archive = ZipArchive::new(file).map_err(failed)?;
            let member = archive.by_name(name).map_err(failed)?;
            let packed = member.compressed_size();
            read(&mut Guard::new(member, packed))
        }
        (Form::Zip, None) => Err(DelimitedError::Archive {
            path: path.to_owned(),
            reason: "an archive is read by its members".to_owned(),
        }
        .into()),
        (Form::Plain, _) => {
            let mut file = file;
            read(&mut file)
        }
    }
}

/// The error of reading unpacked bytes.
pub fn read_error(path: &Path, source: io::Error) -> DelimitedError {
    let path = path.to_owned();
    match source.get_ref().is_some_and(|inner| inner.to_string() == BOMB) {
        true => DelimitedError::Bomb { path },
        false => DelimitedError::Io { path, source },
    }
}

fn archive_error(path: &Path, error: &zip::result::ZipError) -> DelimitedError {
    DelimitedError::Archive { path: path.to_owned(), reason: error.to_string() }
}

/// Whether the file is empty; an error where it begins like another form than
/// its name says.
fn check_form(file: &mut File, path: &Path) -> Result<bool, DelimitedError> {
    let io = |source| DelimitedError::Io { path: path.to_owned(), source };
    let mut first = Vec::new();
    file.by_ref().take(4).read_to_end(&mut first).map_err(io)?;
    file.rewind().map_err(io)?;
    let found = match first.as_slice() {
        [] => return Ok(true),
        [0x1f, 0x8b, ..] => Form::Gzip.name(),
        [b'P', b'K', 3 | 5, ..] => Form::Zip.name(),
        b"PAR1" => "Parquet",
        [0xd0, 0xcf, 0x11, 0xe0] => "an Excel workbook",
        b"%PDF" => "PDF",
        _ => Form::Plain.name(),
    };
    let wanted = Form::of(path).name();
    if found == wanted { Ok(false) } else { Err(DelimitedError::OtherForm { path: path.to_owned(), found, wanted }) }
}

/// Ends the reading of an archive that expands beyond all measure.
struct Guard<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Guard<R> {
    fn new(inner: R, packed: u64) -> Self {
        Self { inner, left: FREE_BYTES.max(packed.saturating_mul(MAX_EXPANSION)) }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => Err(io::Error::other(BOMB)),
        }
    }
}
