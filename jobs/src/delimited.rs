//! Delimited text as utilities deliver it: plain, gzipped or zipped, in any
//! encoding, as records that are numbered and keep their text.
//!
//! The readers of the usual libraries mend what they can: a quote that is not
//! closed swallows the rows below it, bytes of another encoding become question
//! marks, and what a row was like before is gone. Here every row comes out: as
//! fields, or as it came with what is wrong with it; and what no row can be told
//! from (another encoding, a line without end) is an error with its line.

mod open;
mod records;

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use open::{Form, members};
pub use records::{Fault, Record, Records};

/// Most bytes of one record.
pub const MAX_RECORD_BYTES: usize = 16 << 20;
/// A compressed file that is larger than this many times its size is no
/// delivery: measured readings shrink by 5 to 30.
pub const MAX_EXPANSION: u64 = 200;
/// Small files may shrink by more.
pub const FREE_BYTES: u64 = 64 << 20;

/// How files of delimited text are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dialect {
    pub delimiter: u8,
    /// A label of the WHATWG encoding standard, such as `utf-8` or `gb18030`.
    pub encoding: String,
    /// The columns' names, where the first line of a file does not say them.
    pub header: Option<Vec<String>>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', encoding: "utf-8".to_owned(), header: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DelimitedError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: is {found}, not {wanted}", path.display())]
    OtherForm { path: PathBuf, found: &'static str, wanted: &'static str },
    #[error("{}: line {line} is not {encoding}: byte 0x{byte:02x}", path.display())]
    Encoding { path: PathBuf, line: u64, encoding: String, byte: u8 },
    #[error("{}: line {line} is longer than {} MiB", path.display(), MAX_RECORD_BYTES >> 20)]
    Long { path: PathBuf, line: u64 },
    #[error("{}: line {line}: a quote of the header is not closed, or not at the end of its field", path.display())]
    Header { path: PathBuf, line: u64 },
    #[error("{}: no header line", path.display())]
    NoHeader { path: PathBuf },
    #[error("{}: expands to more than {MAX_EXPANSION} times its size", path.display())]
    Bomb { path: PathBuf },
    #[error("{}: {reason}", path.display())]
    Archive { path: PathBuf, reason: String },
}

impl DelimitedError {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OtherForm { .. } => "a file is read as its name says: .gz, .zip, else plain text; rename it",
            Self::Encoding { .. } => "`encoding` of the contract says how its text is written, such as \"gb18030\"",
            Self::Long { .. } => "is the file delimited text, and is its `delimiter` right?",
            Self::Header { .. } => "deliver it again; `header` of the contract can name the columns",
            Self::NoHeader { .. } => "deliver it again, or move it away; `header` of the contract can name the columns",
            Self::Bomb { .. } => "no delivery shrinks so much; if this one does, unpack it first",
            Self::Io { .. } | Self::Archive { .. } => "the file is damaged or not what its name says; deliver it again",
        }
    }
}

/// Opens a file, or one member of a zip archive, and hands its records to
/// `read`.
pub fn read<T, E: From<DelimitedError>>(
    path: &Path,
    member: Option<&str>,
    dialect: &Dialect,
    read: impl FnOnce(&mut Records<'_>) -> Result<T, E>,
) -> Result<T, E> {
    open::with_bytes(path, member, |bytes: &mut dyn Read| {
        let mut records = Records::new(bytes, &open::shown(path, member), dialect)?;
        read(&mut records)
    })
}

/// The first bytes of an unpacked file, as they are.
pub fn head(path: &Path, member: Option<&str>, bytes: usize) -> Result<Vec<u8>, DelimitedError> {
    open::with_bytes(path, member, |reader| {
        let mut head = Vec::new();
        reader.take(bytes as u64).read_to_end(&mut head).map_err(|error| open::read_error(path, error))?;
        Ok(head)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    type Rows = Vec<Result<Vec<String>, (Fault, String)>>;

    /// Everything that comes out of a text: header, rows or what is wrong.
    fn rows_of(path: &Path, member: Option<&str>, dialect: &Dialect) -> Result<(Vec<String>, Rows), DelimitedError> {
        read(path, member, dialect, |records| {
            let header = records.header().to_vec();
            let mut rows = Vec::new();
            while let Some(record) = records.next()? {
                rows.push(match record.fault() {
                    None => Ok(record.fields().map(|field| field.into_owned()).collect()),
                    Some(fault) => Err((fault, record.raw().to_owned())),
                });
            }
            Ok((header, rows))
        })
    }

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("file");
        (folder, path)
    }

    fn parse(text: &str) -> Rows {
        let (_folder, path) = file("t.csv", text.as_bytes());
        rows_of(&path, None, &Dialect::default()).expect("readable").1
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("gzip");
        encoder.finish().expect("gzip")
    }

    #[test]
    fn quotes_blank_lines_and_line_ends() {
        let rows = parse("a,b\r\n1,\"x, \"\"y\"\"\"\r\n\r\n2,\"two\nlines\"\n3,5\" pipe");
        let expected = [["1", "x, \"y\""], ["2", "two\nlines"], ["3", "5\" pipe"]];
        assert_eq!(rows, expected.map(|row| Ok(row.map(str::to_owned).to_vec())));
    }

    #[test]
    fn a_row_that_is_none_comes_out_as_it_came_and_harms_no_other() {
        let rows = parse("a,b\n1\n2,\"open\n3,x\n4,\"y\"z\n5,6,7\n8,9\n");
        let fault = |fault, text: &str| Err((fault, text.to_owned()));
        assert_eq!(
            rows,
            [
                fault(Fault::Fields, "1"),
                fault(Fault::Quote, "2,\"open"),
                Ok(vec!["3".into(), "x".into()]),
                fault(Fault::Quote, "4,\"y\"z"),
                fault(Fault::Fields, "5,6,7"),
                Ok(vec!["8".into(), "9".into()]),
            ]
        );
    }

    /// Of an open quote and one that happens to close it lines below.
    #[test]
    fn lines_that_an_open_quote_ties_together_come_out_one_by_one() {
        let rows = parse("a,b\n1,\"1\n2,\",5\"\n3,4\n");
        let broken = Err((Fault::Quote, "1,\"1".to_owned()));
        let row = |a: &str, b: &str| Ok(vec![a.to_owned(), b.to_owned()]);
        assert_eq!(rows, [broken, row("2", ",5"), row("3", "4")]);
    }

    #[test]
    fn a_header_that_is_none_is_an_error() {
        for text in ["a,\"b\n1,2\n", "a,\"b\"c\n1,2\n"] {
            let (_folder, path) = file("t.csv", text.as_bytes());
            assert!(matches!(rows_of(&path, None, &Dialect::default()), Err(DelimitedError::Header { line: 1, .. })));
        }
    }

    #[test]
    fn every_encoding_that_has_a_name() {
        let (text, _, _) = encoding_rs::GB18030.encode("户号,诉求|内容\n一,停电|频繁\n");
        let (_folder, path) = file("t.csv", &text);
        let dialect = Dialect { encoding: "gb18030".into(), ..Dialect::default() };
        let (header, rows) = rows_of(&path, None, &dialect).expect("readable");
        assert_eq!(header, ["户号", "诉求|内容"]);
        assert_eq!(rows, [Ok(vec!["一".to_owned(), "停电|频繁".to_owned()])]);
        let wrong = rows_of(&path, None, &Dialect::default()).expect_err("not UTF-8").to_string();
        assert!(wrong.ends_with("line 1 is not utf-8: byte 0xbb"), "{wrong}");
    }

    #[test]
    fn mixed_encodings_are_an_error_with_its_line() {
        let mut text = b"a\n\xe4\xb8\x80\n".to_vec();
        text.extend([0xb5, 0xe7, b'\n']);
        let (_folder, path) = file("t.csv", &text);
        let wrong = rows_of(&path, None, &Dialect::default()).expect_err("mixed").to_string();
        assert!(wrong.ends_with("t.csv: line 3 is not utf-8: byte 0xb5"), "{wrong}");
        // A character that the end of the file cuts off is none.
        let (_folder, path) = file("t.csv", b"a\n\xe4\xb8");
        assert!(matches!(rows_of(&path, None, &Dialect::default()), Err(DelimitedError::Encoding { line: 2, .. })));
    }

    #[test]
    fn names_and_contents_must_agree() {
        let text = b"a\n1\n";
        let (_folder, path) = file("t.csv.gz", &gzip(text));
        assert_eq!(rows_of(&path, None, &Dialect::default()).expect("gzip").1, [Ok(vec!["1".to_owned()])]);
        for (name, bytes, says) in [
            ("t.csv", gzip(text), "is gzip, not text"),
            ("t.csv.gz", text.to_vec(), "is text, not gzip"),
            ("t.csv", b"PAR1....".to_vec(), "is Parquet, not text"),
            ("t.csv", b"PK\x03\x04....".to_vec(), "is zip, not text"),
            ("t.csv", Vec::new(), "no header line"),
            ("t.csv.gz", Vec::new(), "no header line"),
        ] {
            let (_folder, path) = file(name, &bytes);
            let wrong = rows_of(&path, None, &Dialect::default()).expect_err(says).to_string();
            assert!(wrong.contains(says), "{wrong}");
        }
    }

    #[test]
    fn a_truncated_archive_is_an_error() {
        let text = (0..5_000).map(|row| format!("{row},{}\n", row * 7919 % 1009)).collect::<String>();
        let bytes = gzip(format!("a,b\n{text}").as_bytes());
        let (_folder, path) = file("t.csv.gz", &bytes[..bytes.len() - 100]);
        assert!(matches!(rows_of(&path, None, &Dialect::default()), Err(DelimitedError::Io { .. })));
    }

    #[test]
    fn members_of_an_archive_are_files_of_their_own() {
        let mut bytes = Vec::new();
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
        let options = zip::write::SimpleFileOptions::default();
        for (name, text) in [("b/two.csv", "a\n2\n"), ("one.csv", "a\n1\n")] {
            archive.start_file(name, options).expect("member");
            archive.write_all(text.as_bytes()).expect("member");
        }
        archive.add_directory("b", options).expect("folder");
        archive.finish().expect("archive");
        let (_folder, path) = file("t.zip", &bytes);
        let found = members(&path).expect("members");
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b/two.csv", "one.csv"]);
        let (_, rows) = rows_of(&path, Some("one.csv"), &Dialect::default()).expect("readable");
        assert_eq!(rows, [Ok(vec!["1".to_owned()])]);
    }

    #[test]
    fn a_line_without_end_and_a_bomb_are_refused_in_bounded_memory() {
        let line = vec![b'x'; MAX_RECORD_BYTES + 2_000_000];
        let (_folder, path) = file("t.csv", &line);
        let wrong = rows_of(&path, None, &Dialect::default()).expect_err("long").to_string();
        assert!(wrong.ends_with("line 1 is longer than 16 MiB"), "{wrong}");
        let mut text = b"a\n".to_vec();
        let line = [&[b'0'; 999], b"\n".as_slice()].concat();
        text.extend(line.repeat(FREE_BYTES as usize / 1000 + 1));
        let (_folder, path) = file("t.csv.gz", &gzip(&text));
        assert!(matches!(rows_of(&path, None, &Dialect::default()), Err(DelimitedError::Bomb { .. })));
    }

    proptest! {
        /// What a writer of the usual library writes is read as it was.
        #[test]
        fn what_was_written_is_read(
            rows in prop::collection::vec(prop::collection::vec("[a-z \",;\n\r\u{4e00}-\u{4e10}]{0,6}", 3), 0..30),
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).expect("header");
            for row in &rows {
                writer.write_record(row).expect("row");
            }
            let bytes = writer.into_inner().expect("text");
            let (_folder, path) = file("t.csv", &bytes);
            let dialect = Dialect { delimiter: b';', ..Dialect::default() };
            let (_, found) = rows_of(&path, None, &dialect).expect("readable");
            prop_assert_eq!(found, rows.into_iter().map(Ok).collect::<Rows>());
        }

        /// No text is lost: what came out, line by line, is what went in.
        #[test]
        fn no_line_is_lost(text in "[a\",\n]{0,200}") {
            let whole = format!("x,y\n{text}");
            let (_folder, path) = file("t.csv", whole.as_bytes());
            let mut found = String::new();
            read(&path, None, &Dialect::default(), |records| {
                while let Some(record) = records.next()? {
                    found.push_str(record.raw());
                    found.push('\n');
                }
                Ok::<_, DelimitedError>(())
            }).expect("readable");
            let kept = |text: &str| text.chars().filter(|c| *c != '\n').collect::<String>();
            prop_assert_eq!(kept(&found), kept(&text));
        }
    }
}
